"""Ctrl-C and termination: the first ends the run in order, the second at once; both get their reports."""

import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

import gevent
from gevent.monkey import get_original

logger = logging.getLogger("gregaria.cli.signals")

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_start_native_thread = get_original("_thread", "start_new_thread")
_sleep_natively = get_original("time", "sleep")


class Signals:
    """Turns signals into the end of the run.

    Python's own handlers, not the event loop's: they also run while a task that never waits keeps the loop busy.

    Args:
        first: called in the event loop at the first signal, with its name.
        second: called at every further one, in whatever greenlet is running.

    Attributes:
        first_s: the monotonic moment of the first one; 0 before it.
    """

    def __init__(self, first: Callable[[str], object], second: Callable[[], object]) -> None:
        self._first = first
        self._second = second
        self._taken: list[int] = []
        self._count = 0
        self.first_s = 0.0

    def start(self) -> None:
        """Take the signals over.

        A hang-up that ``nohup`` has turned off stays off. An interrupt does not, though shells turn it off for what
        they start in the background: who sends one to a load test by its number means it.
        """
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue
            signal.signal(number, self._handle)
            self._taken.append(number)

    def stop(self) -> None:
        """The run is over and the process about to end: one more signal must not spoil its exit code."""
        for number in self._taken:
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._count += 1
        if self._count == 1:
            self.first_s = time.monotonic()
            gevent.get_hub().loop.run_callback_threadsafe(self._first, signal.Signals(number).name)
        else:
            self._second()


class Watchdog:
    """Ends a process that can no longer end itself, because a task holds it and never waits.

    It is a thread of the system's, as greenlets would not run either.
    """

    def __init__(self) -> None:
        self._is_off = False

    def arm(self, seconds: float, bark: Callable[[], object]) -> None:
        """Call ``bark`` in a thread after so many seconds, unless it was turned off by then."""

        def wait_and_bark() -> None:
            _sleep_natively(seconds)
            if not self._is_off:
                bark()

        _start_native_thread(wait_and_bark, ())

    def off(self) -> None:
        """Never bark."""
        self._is_off = True


def terminate_self() -> None:
    """Send this process the signal to end."""
    os.kill(os.getpid(), signal.SIGTERM)
