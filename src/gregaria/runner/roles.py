"""What the runners of a distributed run have in common: a name to ask for, and the answer for what is not there yet."""

from typing import NoReturn

from gregaria.errors import CommandError, ExitCode
from gregaria.runner.runner import Runner

__all__ = ["DistributedRunner", "not_available"]


def not_available(what: str, instead: str = "run the test in one process") -> NoReturn:
    """Refuse something that belongs to later work, and say what to do instead.

    Raises:
        CommandError: always.
    """
    raise CommandError(f"{what} not available yet: {instead}", ExitCode.NOT_AVAILABLE)


class DistributedRunner(Runner):
    """A runner that is one of several: a master or a worker."""
