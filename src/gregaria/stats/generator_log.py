"""Keeps what the generator observes about itself, in bounded memory however long the test lasts."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from gregaria.settings import settings
from gregaria.stats.generator import Cause, Generator, HoldUp, LateSecond, Load, Second, Verdict, judge

__all__ = ["GeneratorLog"]

#: kinds of causes that are counted apart, and late seconds that are kept by name
_MOST_CAUSES = 50
_MOST_LATE_SECONDS = 3600
#: the latest seconds, kept whole for whoever writes them down one by one
_RECENT_SECONDS = 300
#: share of the seconds' busy moments that one piece of code must have taken to be named
_NAMED_SHARE = 0.2


class GeneratorLog:
    """Keeps what was observed, in bounded memory: late seconds are kept when others are thinned out."""

    def __init__(self) -> None:
        #: monotonic moments of the loop's last turn (0: nobody watches) and of the end of the last hold-up
        self.turned_us = 0
        self.late_until_us = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything, for a new test."""
        self._seconds: list[Second] = []
        self._recent: deque[Second] = deque(maxlen=_RECENT_SECONDS)
        self._stretch = 1
        self._late: dict[int, int] = {}
        self._num_late = 0
        self._causes: dict[tuple[str, str, str], Cause] = {}
        self._loads: dict[tuple[str, str, str], tuple[str, int]] = {}
        self._num_looks = 0
        self._num_busy = 0
        self._longest_cpu_percent = 0.0
        self._longest_delay_us = 0
        self._num_late_calls = 0
        self.seconds_watched = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been observed."""
        return not self.seconds_watched and not self._late

    def late_us(self, epoch_s: int) -> int:
        """By how much the loop was late in that second, if that was more than the limit; else 0."""
        return self._late.get(epoch_s, 0)

    def add_delay(self, delay_us: int) -> None:
        """The loop was late by that much, be it more than the limit or not."""
        self._longest_delay_us = max(self._longest_delay_us, delay_us)

    def add_late(self, start_epoch_s: float, end_epoch_s: float, delay_us: int) -> None:
        """The loop was late by more than the limit between these two moments."""
        self.add_delay(delay_us)
        first, last = int(start_epoch_s), int(end_epoch_s)
        # of hours in which the computer slept, the last is enough
        for second in range(max(first, last - _MOST_LATE_SECONDS), last + 1):
            if second not in self._late:
                self._num_late += 1
                if len(self._late) >= _MOST_LATE_SECONDS:
                    # the harmless ones go first, and never the latest, which the reports still have to mark
                    del self._late[min(list(self._late)[:-60] or self._late, key=self._late.__getitem__)]
            self._late[second] = max(self._late.get(second, 0), delay_us)

    def add_call(self, duration_us: int, now_us: int) -> None:
        """A request that the engine has not timed has ended: its time is in doubt if the loop was held up meanwhile."""
        if not self.turned_us:
            return
        if self.late_until_us >= now_us - duration_us or now_us - self.turned_us > settings.late_limit_ms * 1000:
            self._num_late_calls += 1

    def add_hold_up(self, what: HoldUp, duration_us: int) -> Cause:
        """Count a hold-up; returns all of its kind until now."""
        if what.key not in self._causes and len(self._causes) >= _MOST_CAUSES:
            what = HoldUp("unknown", "other code")
        key = what.key
        known = self._causes.get(key) or Cause(what, 0, 0, 0)
        cause = self._causes[key] = replace(
            known,
            count=known.count + 1,
            total_us=known.total_us + duration_us,
            longest_us=max(known.longest_us, duration_us),
        )
        return cause

    def add_look(self, what: HoldUp | None) -> None:
        """A busy process was looked at, and was running that code; None for what is Gregaria's own work."""
        self._num_looks += 1
        if what is not None and (what.key in self._loads or len(self._loads) < _MOST_CAUSES):
            who, looks = self._loads.get(what.key, (what.who, 0))
            self._loads[what.key] = (who, looks + 1)

    def add_second(self, second: Second) -> None:
        """Keep a second; all of them count, and when there are too many every second one that is not late goes."""
        self.seconds_watched += 1
        self._longest_cpu_percent = max(self._longest_cpu_percent, second.cpu_percent)
        self._num_busy += second.cpu_percent >= settings.cpu_warning_threshold
        self.add_delay(second.delay_us)
        self._recent.append(second)
        if second.number % self._stretch and not second.is_late:
            return
        self._seconds.append(second)
        if len(self._seconds) > max(settings.max_history_points, 2):
            self._thin_out()

    def freeze(self, num_requests: int, num_late_requests: int | None) -> Generator | None:
        """The account of this moment; None if nobody has watched.

        Args:
            num_requests: how many requests the verdict is about.
            num_late_requests: those that the engine saw late and without a stamp; None where that is not counted.
        """
        if self.is_empty:
            return None
        causes = sorted(self._causes.values(), key=lambda cause: -cause.total_us)
        found = Generator(
            late_limit_us=round(settings.late_limit_ms * 1000),
            seconds_watched=self.seconds_watched,
            num_late_seconds=self._num_late,
            longest_delay_us=self._longest_delay_us,
            num_busy_seconds=self._num_busy,
            longest_cpu_percent=self._longest_cpu_percent,
            num_late_requests=None if num_late_requests is None else num_late_requests + self._num_late_calls,
            verdict=Verdict(True, ""),
            late_seconds=tuple(LateSecond(second, self._late[second]) for second in sorted(self._late)),
            causes=tuple(causes),
            loads=tuple(self._named_loads()),
            seconds=tuple(self._seconds),
            recent=tuple(self._recent),
        )
        return replace(found, verdict=judge(found, num_requests))

    def _thin_out(self) -> None:
        self._stretch *= 2
        kept = [second for second in self._seconds if second.is_late or second.number % self._stretch == 0]
        # a run that is late all the time is thinned out like any other: the late seconds have a list of their own
        self._seconds = kept if len(kept) <= settings.max_history_points * 3 // 4 else kept[1::2]

    def _named_loads(self) -> Iterable[Load]:
        for who, looks in sorted(self._loads.values(), key=lambda each: -each[1]):
            if looks >= _NAMED_SHARE * self._num_looks:
                yield Load(who, looks / self._num_looks)
