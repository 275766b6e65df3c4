"""A cap on the requests that are started per second, and how often a test has reached it."""

import time
from typing import Protocol

import gevent
from gevent import Greenlet

from gregaria.engine.throttle import Throttle

__all__ = ["TICK_S", "CapLog", "CapWatch", "Capping", "Usage"]

#: seconds between two looks
TICK_S = 1.0
#: of what is allowed in a second, the part from which on it counts as used up
_USED_UP = 0.9


class Capping(Protocol):
    """What sees to the cap while a test runs."""

    def stop(self) -> None:
        """The test is over."""


class CapLog:
    """In how many seconds of a test as many requests were started as its cap allows.

    Args:
        max_rps: requests per second.

    Attributes:
        max_rps: as it is now; ``change`` says that it is another.
        seconds: that were looked at.
        reached: those of them in which the cap was reached, and users waited for that reason.
    """

    def __init__(self, max_rps: float) -> None:
        self.max_rps = max_rps
        self.seconds = 0
        self.reached = 0
        self._has_changed = False

    def change(self, max_rps: float) -> None:
        """The test goes on with another cap."""
        self._has_changed = self._has_changed or max_rps != self.max_rps
        self.max_rps = max_rps

    def add(self, started_per_s: float, has_waited: bool) -> None:
        """A second is over."""
        self.seconds += 1
        # With a low cap a second may have one more or less.
        if has_waited and started_per_s >= self.max_rps * _USED_UP - 1:
            self.reached += 1

    @property
    def note(self) -> str | None:
        """A sentence for the reports; None when the cap made no difference."""
        if not self.reached:
            return None
        told = f"{self.max_rps:g}, which was changed on the way," if self._has_changed else f"{self.max_rps:g}"
        return (
            f"--max-rps {told} was reached in {self.reached:,} of {self.seconds:,} s: users waited for their "
            "turn, and the target could perhaps have done more. The waits are in no response time."
        )


class CapWatch:
    """Keeps the log of a test whose users are all in this process.

    Args:
        throttle: of its requests.
        log: what to keep.
    """

    def __init__(self, throttle: Throttle, log: CapLog) -> None:
        self._throttle = throttle
        self._log = log
        self._greenlet: Greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """The test is over."""
        self._greenlet.kill(block=False)

    def _run(self) -> None:
        usage = Usage(self._throttle)
        while True:
            gevent.sleep(TICK_S)
            self._log.add(*usage.since_last())


class Usage:
    """How a throttle is used, from one look to the next."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._last = self._now()

    def _now(self) -> tuple[float, int, int]:
        return time.monotonic(), self._throttle.started, self._throttle.waited

    def since_last(self) -> tuple[float, bool]:
        """Requests per second that were started since the last look, and whether any had to wait."""
        (then_s, started, waited), self._last = self._last, self._now()
        now_s, started_now, waited_now = self._last
        per_s = (started_now - started) / max(now_s - then_s, 1e-3)
        return per_s, waited_now > waited or self._throttle.waiting > 0
