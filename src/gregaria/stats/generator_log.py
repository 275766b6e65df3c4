"""Keeps what the generator observes about itself, in bounded memory however long the test lasts."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import takewhile

from gregaria.settings import settings
from gregaria.stats.generator import Cause, Generator, HoldUp, LateSecond, Load, Second, Verdict, judge
from gregaria.stats.generator_increment import GeneratorIncrement, Looks

__all__ = ["GeneratorLog", "Mark"]

Key = tuple[str, str, str]

#: kinds of causes that are counted apart, and late seconds that are kept by name
_MOST_CAUSES = 50
_MOST_LATE_SECONDS = 3600
#: the latest seconds, kept whole for whoever writes them down one by one
_RECENT_SECONDS = 300
#: share of the seconds' busy moments that one piece of code must have taken to be named
_NAMED_SHARE = 0.2


@dataclass(slots=True)
class Mark:
    """Until where a log has been told."""

    #: how often it had been cleared
    clearing: int = -1
    second: Second | None = None
    late: dict[int, int] = field(default_factory=dict)
    causes: dict[Key, Cause] = field(default_factory=dict)
    loads: dict[Key, tuple[str, int]] = field(default_factory=dict)
    num_looks: int = 0
    num_late_calls: int = 0
    longest_delay_us: int = 0


class GeneratorLog:
    """Keeps what was observed, in bounded memory: late seconds are kept when others are thinned out."""

    def __init__(self) -> None:
        #: monotonic moments of the loop's last turn (0: nobody watches) and of the end of the last hold-up
        self.turned_us = 0
        self.late_until_us = 0
        self._clearings = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything, for a new test."""
        self._clearings += 1
        self._seconds: list[Second] = []
        self._recent: deque[Second] = deque(maxlen=_RECENT_SECONDS)
        self._stretch = 1
        self._late: dict[int, int] = {}
        self._num_late = 0
        self._causes: dict[Key, Cause] = {}
        self._loads: dict[Key, tuple[str, int]] = {}
        #: the workers that told of a cause or a load
        self._workers: dict[Key, set[str]] = {}
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

    @property
    def num_late_seconds(self) -> int:
        """Seconds until now in which the loop was late by more than the limit."""
        return self._num_late

    @property
    def last_second(self) -> Second | None:
        """The latest second that was told; None before the first."""
        return self._recent[-1] if self._recent else None

    @property
    def causes(self) -> list[Cause]:
        """Who has held up the loop until now, in the order of the first times."""
        return list(self._causes.values())

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
        return self._add_cause(Cause(what, 1, duration_us, duration_us))

    def _add_cause(self, cause: Cause) -> Cause:
        what = cause.what
        if what.key not in self._causes and len(self._causes) >= _MOST_CAUSES:
            what = HoldUp("unknown", "other code")
        known = self._causes.get(what.key) or Cause(what, 0, 0, 0)
        grown = self._causes[what.key] = replace(
            known,
            count=known.count + cause.count,
            total_us=known.total_us + cause.total_us,
            longest_us=max(known.longest_us, cause.longest_us),
        )
        return grown

    def add_look(self, what: HoldUp | None) -> None:
        """A busy process was looked at, and was running that code; None for what is Gregaria's own work."""
        self._num_looks += 1
        if what is not None:
            self._add_looks(Looks(what.key, what.who, 1))

    def _add_looks(self, looks: Looks) -> bool:
        if looks.key not in self._loads and len(self._loads) >= _MOST_CAUSES:
            return False
        who, count = self._loads.get(looks.key, (looks.who, 0))
        self._loads[looks.key] = (who, count + looks.count)
        return True

    def add_second(self, second: Second) -> None:
        """Keep a second; all of them count, and when there are too many every second one that is not late goes."""
        self.seconds_watched += 1
        self._note(second)
        self._num_busy += _is_busy(second)
        self._recent.append(second)
        self._keep(second)

    def _note(self, second: Second) -> None:
        self._longest_cpu_percent = max(self._longest_cpu_percent, second.cpu_percent)
        self.add_delay(second.delay_us)

    def _keep(self, second: Second) -> None:
        if second.number % self._stretch and not second.is_late:
            return
        # at its end, unless it comes from a worker
        insort(self._seconds, second, key=_epoch_s)
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
        causes = sorted(self._named_causes(), key=lambda cause: -cause.total_us)
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

    # -- between a worker and the master -------------------------------------------------------------------------------

    def since(self, mark: Mark) -> tuple[GeneratorIncrement, Mark]:
        """What came to the log since a mark was made, and a mark for the next time; from any thread of the system.

        Of seconds, the latest 300 are told at most.
        """
        if mark.clearing != self._clearings:
            mark = Mark(self._clearings)
        recent, late, causes, loads = list(self._recent), dict(self._late), dict(self._causes), dict(self._loads)
        new = Mark(
            mark.clearing,
            recent[-1] if recent else mark.second,
            late,
            causes,
            loads,
            self._num_looks,
            self._num_late_calls,
            self._longest_delay_us,
        )
        seconds = [*takewhile(lambda second: second is not mark.second, reversed(recent))]
        increment = GeneratorIncrement(
            tuple(reversed(seconds)),
            tuple(LateSecond(second, late[second]) for second in sorted(late) if late[second] != mark.late.get(second)),
            tuple(
                _grown(cause, mark.causes.get(key)) for key, cause in causes.items() if cause != mark.causes.get(key)
            ),
            tuple(
                Looks(key, who, looks - mark.loads.get(key, (who, 0))[1])
                for key, (who, looks) in loads.items()
                if looks != mark.loads.get(key, (who, 0))[1]
            ),
            new.num_looks - mark.num_looks,
            new.num_late_calls - mark.num_late_calls,
            new.longest_delay_us if new.longest_delay_us > mark.longest_delay_us else 0,
        )
        return increment, new

    def add(self, increment: GeneratorIncrement, worker: str) -> None:
        """Add what a worker has observed. A second of several workers counts once, with the worst of all of them."""
        for second in increment.seconds:
            self._add_second_of_worker(second)
        for late in increment.late_seconds:
            self.add_late(late.epoch_s, late.epoch_s, late.delay_us)
        for cause in increment.causes:
            self._workers.setdefault(self._add_cause(cause).what.key, set()).add(worker)
        for looks in increment.looks:
            if self._add_looks(looks):
                self._workers.setdefault(looks.key, set()).add(worker)
        self._num_looks += increment.num_looks
        self._num_late_calls += increment.num_late_calls
        self.add_delay(increment.longest_delay_us)

    def _add_second_of_worker(self, second: Second) -> None:
        recent = self._recent
        place = len(recent)
        while place and recent[place - 1].epoch_s > second.epoch_s:
            place -= 1
        known = recent[place - 1] if place else None
        if known is not None and known.epoch_s == second.epoch_s:
            worst = recent[place - 1] = known.worst_of(second)
            self._note(worst)
            self._num_busy += _is_busy(worst) - _is_busy(known)
            kept_at = bisect_left(self._seconds, second.epoch_s, key=_epoch_s)
            if kept_at < len(self._seconds) and self._seconds[kept_at] is known:
                self._seconds[kept_at] = worst
            else:
                self._keep(worst)
        elif place == len(recent):
            self.add_second(replace(second, number=self.seconds_watched + 1))
        elif place or len(recent) < _RECENT_SECONDS:
            # A second that no other worker had, and of which the telling took longer than of those after it.
            if len(recent) == _RECENT_SECONDS:
                recent.popleft()
                place -= 1
            newest = [recent.pop() for _ in range(len(recent) - place)]
            self.add_second(replace(second, number=self.seconds_watched + 1))
            recent.extend(reversed(newest))
        else:
            # Too long ago to know whether it has been counted.
            self._note(second)

    def _thin_out(self) -> None:
        self._stretch *= 2
        kept = [second for second in self._seconds if second.is_late or second.number % self._stretch == 0]
        # a run that is late all the time is thinned out like any other: the late seconds have a list of their own
        self._seconds = kept if len(kept) <= settings.max_history_points * 3 // 4 else kept[1::2]

    def _named_causes(self) -> Iterable[Cause]:
        for key, cause in self._causes.items():
            name = self._of_workers(key, cause.what.name)
            yield replace(cause, what=replace(cause.what, name=name)) if name != cause.what.name else cause

    def _named_loads(self) -> Iterable[Load]:
        for key, (who, looks) in sorted(self._loads.items(), key=lambda each: -each[1][1]):
            if looks >= _NAMED_SHARE * self._num_looks:
                yield Load(self._of_workers(key, who), looks / self._num_looks)

    def _of_workers(self, key: Key, name: str) -> str:
        """The name, and on which worker, or on how many."""
        workers = self._workers.get(key, ())
        if not workers:
            return name
        return f"{next(iter(workers))}: {name}" if len(workers) == 1 else f"{len(workers):,} workers: {name}"


def _epoch_s(second: Second) -> int:
    return second.epoch_s


def _is_busy(second: Second) -> bool:
    return second.cpu_percent >= settings.cpu_warning_threshold


def _grown(cause: Cause, before: Cause | None) -> Cause:
    """What came to a cause; its longest hold-up is that of all the time."""
    if before is None:
        return cause
    return replace(cause, count=cause.count - before.count, total_us=cause.total_us - before.total_us)
