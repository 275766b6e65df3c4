"""A clock that jumps, so that minutes of waiting are tested in no time."""

import heapq
from collections.abc import Callable
from itertools import count


class JumpingClock:
    """Seconds that pass only when told to.

    Calling it gives the time, so it stands in for ``time.perf_counter``.
    """

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s
        self._order = count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        """Let time pass without anything due in it."""
        self.now_s += seconds

    def call_at(self, moment_s: float, action: Callable[[], None]) -> None:
        """Have ``run_until`` call ``action`` at a moment."""
        heapq.heappush(self._due, (moment_s, next(self._order), action))

    def run_until(self, end_s: float) -> None:
        """Jump from one action that is due to the next, in order of time, up to ``end_s``."""
        while self._due and self._due[0][0] <= end_s:
            moment_s, _, action = heapq.heappop(self._due)
            self.now_s = max(self.now_s, moment_s)
            action()
        self.now_s = end_s
