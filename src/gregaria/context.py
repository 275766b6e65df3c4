"""What a user, a runner or a page may ask of the environment they are given, and the engine of who traces it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gregaria.events import Events


@dataclass(frozen=True, slots=True)
class CustomOption:
    """An option that a locustfile has added to the command; its value is the options' attribute of its name.

    Attributes:
        default, help: as declared.
        choices: the texts it may have; None for any.
        type: makes a value of a text, and raises where it cannot; None for what keeps the type of its default.
        is_list: the type is that of each of several values.
        is_secret: its value is told to nobody but the workers.
        is_required: a form insists on it.
        is_multiple: several of the choices may be chosen.
        is_shown: whether a form has it.
    """

    default: Any = None
    help: str = ""
    choices: tuple[str, ...] | None = None
    type: Callable[[str], Any] | None = None
    is_list: bool = False
    is_secret: bool = False
    is_required: bool = False
    is_multiple: bool = False
    is_shown: bool = True


class RunnerContext(Protocol):
    """The running test, as a user sees it."""

    #: leaf tasks still to run in this process, or None for no limit
    iterations_left: int | None
    #: there is a limit, and whoever ends now need not wait for more
    are_iterations_over: bool

    def take_iteration(self) -> bool:
        """Begin one of a limited number of leaf tasks; False when there is none here at the moment."""

    def wait_for_iterations(self) -> None:
        """Return when there may be some again, or none any more."""

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


class Trace(Protocol):
    """One request on its way, as a tracer sees it.

    Attributes:
        lines: bytes that are sent as further lines of the head.
        trace_id: 32 hexadecimal digits.
    """

    lines: bytes
    trace_id: str

    def end(self, status: int, error: BaseException | None, started_us: int, finished_us: int) -> None:
        """The request is over; without a status and an error it was interrupted, and moments may be 0."""


class Tracer(Protocol):
    """Who follows requests through the systems that they reach."""

    def begin(self, method: str, url: str, name: str, head: bytes, before: Any) -> Trace:
        """A request is about to be sent.

        Args:
            method, url, name: of the request.
            head: what would be sent.
            before: what this has returned for the step before in a chain of redirects, or None.
        """
