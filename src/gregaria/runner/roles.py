"""What the runners of a distributed run have in common: a name to ask for."""

from gregaria.runner.runner import Runner

__all__ = ["DistributedRunner"]


class DistributedRunner(Runner):
    """A runner that is one of several: a master or a worker."""
