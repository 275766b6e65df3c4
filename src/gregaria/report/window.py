"""What a growing histogram has gained during the last seconds, for percentiles of now rather than of the whole run."""

from collections import deque
from collections.abc import Mapping

from gregaria.settings import settings

__all__ = ["GrowthWindow"]


class GrowthWindow:
    """The additions to one sparse histogram within ``settings.current_window_s``, step by step."""

    def __init__(self) -> None:
        self._before: Mapping[int, int] = {}
        self._steps: deque[tuple[float, dict[int, int]]] = deque()

    def advance(self, histogram_us: Mapping[int, int], epoch_s: float) -> dict[int, int]:
        """Take in the histogram of this moment; returns {lower edge in us: count} of what the window has gained."""
        gained = self._gained(histogram_us)
        self._before = histogram_us
        self._steps.append((epoch_s, gained))
        # half a step of tolerance: a greenlet wakes a little late
        oldest_s = epoch_s - settings.current_window_s + settings.csv_stats_interval_s / 2
        while self._steps[0][0] < oldest_s:
            self._steps.popleft()
        recent: dict[int, int] = {}
        for _, counts in self._steps:
            for edge, count in counts.items():
                recent[edge] = recent.get(edge, 0) + count
        return recent

    def _gained(self, histogram_us: Mapping[int, int]) -> dict[int, int]:
        before = self._before
        if histogram_us == before:
            return {}
        gained = {edge: count - before.get(edge, 0) for edge, count in histogram_us.items()}
        if not before.keys() <= histogram_us.keys() or min(gained.values(), default=0) < 0:
            # the statistics were reset
            self._steps.clear()
            return dict(histogram_us)
        return {edge: count for edge, count in gained.items() if count}
