"""The one way to extend a run: hooks that fire at fixed moments, each with named arguments."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from gevent import GreenletExit, Timeout

from gregaria.errors import (
    GeneratorError,
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)

logger = logging.getLogger("gregaria.events")

Listener = Callable[..., Any]

#: exceptions a listener may raise on purpose; every other one is logged, and remembered for the exit code
FLOW = (StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)


class EventHook:
    """One moment that listeners can wait for.

    Attributes:
        listeners: what is called, in order of registration. Empty means that firing costs nothing.
        errors: how many listeners have raised since the process began, over all hooks.
    """

    errors = 0

    def __init__(self) -> None:
        self.listeners: list[Listener] = []

    def add_listener(self, listener: Listener) -> Listener:
        """Call ``listener`` at this moment from now on; returns it, so this also works as a decorator."""
        self.listeners.append(listener)
        return listener

    def remove_listener(self, listener: Listener) -> None:
        """Forget ``listener``.

        Raises:
            ValueError: it was never registered.
        """
        self.listeners.remove(listener)

    def fire(self, *, reverse: bool = False, **arguments: Any) -> None:
        """Call every listener with ``arguments``; one that raises is logged and does not stop the others."""
        self.notify(reverse=reverse, **arguments)

    def notify(self, *, reverse: bool = False, **arguments: Any) -> None:
        """What ``fire`` does, for callers that have already counted the request themselves."""
        self.call(arguments, reverse)

    def call(self, arguments: dict[str, Any], reverse: bool = False) -> None:
        """``notify``, with the arguments as a dictionary: a copy less, for those who fire at every request."""
        # A copy, as a listener may add or remove listeners.
        for listener in self.listeners[::-1] if reverse else tuple(self.listeners):
            try:
                listener(**arguments)
            except FLOW:
                raise
            except Exception:
                EventHook.errors += 1
                logger.exception("A listener of an event raised: %s", _describe(listener))


class RequestRecorder(Protocol):
    """Whoever counts what ``events.request.fire`` reports (a ``RequestStats``)."""

    def log_request(
        self, method: str, name: str, response_time: float | None, content_length: int
    ) -> None: ...

    def log_error(self, method: str, name: str, error: Any, response: Any = None) -> None: ...

    def log_generator_error(self, method: str, name: str, error: Any) -> None: ...

    def log_interrupted(self, method: str, name: str) -> None: ...

    def doubt(self, duration_us: int) -> None: ...


class HostList(Protocol):
    """Which hosts may be asked (an ``AllowedHosts``)."""

    def refusal(self, place: Any) -> str | None: ...

    def refusal_of_url(self, url: str) -> str | None: ...


class RequestEvent(EventHook):
    """Fired for every request. Firing it counts the request, then tells the listeners.

    The HTTP clients count in the engine and only ``notify``, and only when someone listens; a client of another
    protocol fires, with at least ``request_type``, ``name``, ``response_time`` (ms or None), ``response_length``
    (bytes) and ``exception`` (None is a success).

    Attributes:
        stats: where fired requests are counted; the environment puts its own there.
        allowed_hosts: the hosts that the HTTP clients may ask; None for any.
        throttle: says when their requests may start (a ``Throttle``); None for at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stats: RequestRecorder | None = None
        self.allowed_hosts: HostList | None = None
        self.throttle: Any = None

    def fire(self, *, reverse: bool = False, **arguments: Any) -> None:
        stats = self.stats
        if stats is not None:
            kind, name, error = arguments["request_type"], arguments["name"], arguments.get("exception")
            if isinstance(error, GeneratorError):
                stats.log_generator_error(kind, name, error)
            else:
                stats.log_request(kind, name, arguments.get("response_time"), arguments.get("response_length") or 0)
                if error:
                    # Not as an argument when there is none: whoever replaces log_error knows Locust's three.
                    response = arguments.get("response")
                    given = () if response is None else (response,)
                    stats.log_error(kind, name, error, *given)
        if self.listeners:
            self.notify(reverse=reverse, **arguments)

    @contextmanager
    def measure(
        self, request_type: str, name: str, response_length: int = 0, context: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Time a block and fire it as one request; yields the event's arguments, which the block may change.

        An exception in the block is the request's failure. It is not raised on, as in Locust, but for those that
        steer a user (StopUser, InterruptTaskSet, ...), and a ``gevent.Timeout`` around the block, which pass. A block
        that the end of the test cuts short is counted as interrupted, and not fired.
        """
        arguments: dict[str, Any] = {
            "request_type": request_type,
            "name": name,
            "response_length": response_length,
            "context": context or {},
            "response": None,
            "exception": None,
            "start_time": time.time(),
        }
        started = time.perf_counter()
        is_interrupted = False
        try:
            yield arguments
        except FLOW:
            raise
        except GreenletExit:
            is_interrupted = True
            raise
        except Timeout as error:
            arguments["exception"] = error
            raise
        except Exception as error:
            arguments["exception"] = error
        finally:
            if not is_interrupted:
                arguments.setdefault("response_time", (time.perf_counter() - started) * 1000)
                self.fire(**arguments)
            elif self.stats is not None:
                self.stats.log_interrupted(arguments["request_type"], arguments["name"])


#: hooks of older Locusts, with what to listen to today
RENAMED = {
    "request_success": "request",
    "request_failure": "request",
    "hatch_complete": "spawning_complete",
    "locust_start_hatching": "test_start",
    "locust_stop_hatching": "test_stop",
    "locust_error": "user_error",
    "slave_report": "worker_report",
    "slave_connect": "worker_connect",
    "master_start_hatching": "test_start",
    "master_stop_hatching": "test_stop",
}


class Events:
    """Every hook there is. docs/events.md tells when each fires and with what."""

    init_command_line_parser: EventHook
    init: EventHook
    test_start: EventHook
    spawning_complete: EventHook
    request: RequestEvent
    user_error: EventHook
    test_stopping: EventHook
    test_stop: EventHook
    reset_stats: EventHook
    quitting: EventHook
    quit: EventHook
    report_to_master: EventHook
    worker_report: EventHook
    worker_connect: EventHook
    heartbeat_sent: EventHook
    heartbeat_received: EventHook
    cpu_warning: EventHook
    usage_monitor: EventHook

    def __init__(self) -> None:
        for name, kind in Events.__annotations__.items():
            setattr(self, name, kind())

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            today = f"; listen to events.{RENAMED[name]}" if name in RENAMED else ""
            raise AttributeError(f"there is no event {name!r}{today}", name=name, obj=self)


def _describe(listener: Listener) -> str:
    name = getattr(listener, "__qualname__", repr(listener))
    code = getattr(listener, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


#: the hooks that ``from gregaria import events`` gives, and that the command hands to its environment
events = Events()


def __getattr__(name: str) -> EventHook:
    """Let ``from gregaria import events; events.init`` work although that gives this module, which bears the name."""
    if name in Events.__annotations__:
        hook: EventHook = getattr(events, name)
        return hook
    raise AttributeError(f"there is no event {name!r}; docs/events.md lists those there are")
