"""The course of a run: a point per interval, and never more of them than a limit however long it lasts."""

from collections.abc import Iterator

from gregaria.settings import settings
from gregaria.stats.summary import HistoryPoint

__all__ = ["History"]


class History:
    """Points in order of time. When there are too many, every second one goes and the interval doubles."""

    def __init__(self) -> None:
        self.points: list[HistoryPoint] = []
        self._stretch = 1

    @property
    def interval_s(self) -> float:
        """Seconds between two points, as things are."""
        return settings.history_stats_interval_s * self._stretch

    def add(self, point: HistoryPoint, *, force: bool = False) -> bool:
        """Append a point if the interval since the last one has passed, or by ``force``; whether it was appended."""
        if not force and not self.is_due(point.epoch_s):
            return False
        self.points.append(point)
        if len(self.points) > max(settings.max_history_points, 2):
            del self.points[1::2]
            self._stretch *= 2
        return True

    def is_due(self, epoch_s: float) -> bool:
        """Whether a point of that moment would be appended."""
        if not self.points:
            return True
        elapsed_s = epoch_s - self.points[-1].epoch_s
        # Whoever calls once per interval calls now and then a little early; a clock set back must not end the history.
        return elapsed_s < 0 or elapsed_s >= self.interval_s - settings.history_stats_interval_s / 2

    def clear(self) -> None:
        """Forget everything, and start with the settings' interval again."""
        self.points.clear()
        self._stretch = 1

    def __iter__(self) -> Iterator[HistoryPoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> HistoryPoint:
        return self.points[index]
