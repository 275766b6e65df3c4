"""What a user, a runner or a page may ask of the environment they are given."""

from typing import Any, Protocol

from gregaria.events import Events


class RunnerContext(Protocol):
    """The running test, as a user sees it."""

    #: leaf tasks still to run, or None for no limit; a user takes one before each task
    iterations_left: int | None

    def stop_test(self, reason: str) -> None:
        """End the whole test from anywhere, a user's own greenlet included; returns at once."""

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        """Count an exception that escaped a task."""


class UserContext(Protocol):
    """The environment, as a user sees it."""

    host: str | None
    events: Events
    catch_exceptions: bool
    parsed_options: Any
    shared_data: dict[Any, Any]
    #: a RunnerContext while a runner exists
    runner: Any
