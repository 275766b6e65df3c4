"""The roles of a distributed run. There are none yet, but locustfiles ask ``isinstance(runner, MasterRunner)``."""

from typing import Any, NoReturn

from gregaria.errors import CommandError, ExitCode
from gregaria.runner.runner import Runner


def not_available(what: str, instead: str = "run the test in one process") -> NoReturn:
    """Refuse something that belongs to later work, and say what to do instead.

    Raises:
        CommandError: always.
    """
    raise CommandError(f"{what} not available yet: {instead}", ExitCode.NOT_AVAILABLE)


class DistributedRunner(Runner):
    """A runner that is one of several."""

    def __init__(self, *_: Any, **__: Any) -> None:
        not_available("Distributed runs are")


class MasterRunner(DistributedRunner):
    """Coordinates workers; runs no users itself."""


class WorkerRunner(DistributedRunner):
    """Runs the users that a master asks for."""


class WorkerNode:
    """A worker, as its master sees it."""

    def __init__(self, *_: Any, **__: Any) -> None:
        not_available("Distributed runs are")
