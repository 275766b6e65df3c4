"""What the generator found out about itself: its seconds, who held it up, whether to trust the figures."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gregaria.settings import settings

__all__ = ["Cause", "Generator", "GeneratorLog", "HoldUp", "LateSecond", "Load", "Second", "Verdict"]

#: kinds of causes that are counted apart, and late seconds that are kept by name
_MOST_CAUSES = 50
_MOST_LATE_SECONDS = 3600
#: the latest seconds, kept whole for whoever writes them down one by one
_RECENT_SECONDS = 300
#: share of the seconds' busy moments that one piece of code must have taken to be named
_NAMED_SHARE = 0.2
#: share of the response times that may be wrong without moving any percentile up to the 99.99th
_HARMLESS_SHARE = 0.0001


@dataclass(frozen=True, slots=True)
class Second:
    """One second of the process's life."""

    #: counts all seconds of the test, so that a reader knows what it has not seen yet
    number: int
    #: where it begins
    epoch_s: int
    #: the most that the event loop was late by
    delay_us: int
    #: percent of one core that the process used
    cpu_percent: float
    #: percent of the machine's busiest core, and of all its cores, by whomever
    core_percent: float
    machine_percent: float
    #: how long the process could have run and the machine ran something else; None where nobody tells
    starved_us: int | None
    #: resident memory
    memory_bytes: int
    #: garbage collections, their time in all and that of the longest
    collections: int
    collecting_us: int
    longest_collection_us: int
    #: None where it cannot be told
    descriptors: int | None
    descriptor_limit: int | None
    #: whether the event loop was late by more than the limit
    is_late: bool


@dataclass(frozen=True, slots=True)
class LateSecond:
    """A second in which the event loop was late by more than the limit, and by how much at most."""

    epoch_s: int
    delay_us: int


@dataclass(frozen=True, slots=True)
class HoldUp:
    """Who or what kept the event loop from turning."""

    #: task, code, library, garbage, machine, generator or unknown
    kind: str
    #: in words: ``task Checkout.compute``
    name: str
    #: what to do about it, a sentence; may be empty
    advice: str = ""
    #: where it was seen first; empty and 0 where it is no code
    file: str = ""
    line: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one from another; a loop is seen at all of its lines."""
        return self.kind, self.name, self.file

    @property
    def who(self) -> str:
        """Name and place: ``task Checkout.compute (locustfile.py:41)``."""
        return f"{self.name} ({self.file}:{self.line})" if self.file else self.name


@dataclass(frozen=True, slots=True)
class Cause:
    """All hold-ups of one kind."""

    what: HoldUp
    count: int
    total_us: int
    longest_us: int

    @property
    def sentence(self) -> str:
        """What happened, as one sentence without a full stop."""
        longest = _ms(self.longest_us)
        if self.count == 1:
            return f"{self.what.who} held up all users for {longest}"
        how_often = f"{self.count:,} times, for {longest} at most, {_s(self.total_us)} in all"
        return f"{self.what.who} held up all users {how_often}"


@dataclass(frozen=True, slots=True)
class Load:
    """A piece of code and its share (0..1) of the moments at which a busy process was looked at."""

    who: str
    share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the percentiles are the target's, in one plain sentence."""

    is_trusted: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Generator:
    """The generator's account of itself at one moment."""

    #: from how much on the event loop counts as late
    late_limit_us: int
    seconds_watched: int
    #: in how many of them it was late; ``late_seconds`` names the first of them
    num_late_seconds: int
    longest_delay_us: int
    #: seconds in which the process used nearly a whole core, and the most it used
    num_busy_seconds: int
    longest_cpu_percent: float
    #: requests whose end was seen late, and not corrected by the kernel's stamp; None where nobody counts them
    num_late_requests: int | None
    verdict: Verdict
    late_seconds: tuple[LateSecond, ...] = ()
    #: worst first
    causes: tuple[Cause, ...] = ()
    #: what a busy process was busy with, most first
    loads: tuple[Load, ...] = ()
    #: the course of the test, thinned out when it is long
    seconds: tuple[Second, ...] = ()
    #: the latest seconds, every one of them
    recent: tuple[Second, ...] = ()

    def late_between(self, after_epoch_s: float, until_epoch_s: float) -> int:
        """The most that the loop was late by in that time, in microseconds; 0 if it was not late."""
        # newest last, and whoever asks asks for the newest
        worst = 0
        for second in reversed(self.late_seconds):
            if second.epoch_s + 1 <= after_epoch_s:
                break
            if second.epoch_s < until_epoch_s:
                worst = max(worst, second.delay_us)
        return worst


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


def judge(found: Generator, num_requests: int) -> Verdict:
    """Say whether the percentiles can be trusted, and if not, what spoilt them and what to do."""
    watched = max(found.seconds_watched, found.num_late_seconds)
    is_busy = found.num_busy_seconds * 2 > watched
    if not found.num_late_seconds:
        kept_up = f"The generator kept up, it was never late by more than {_ms(found.longest_delay_us)}"
        if is_busy:
            own = "the rate is what it could do, not what the target can"
            return Verdict(True, f"{kept_up}, but {_busy(found, watched)}: {own}.")
        return Verdict(True, f"{kept_up}: the percentiles are the target's.")
    how_late = f"the generator was late by up to {_ms(found.longest_delay_us)}"
    seconds = f"{found.num_late_seconds:,} of {watched:,} {'second' if watched == 1 else 'seconds'}"
    advice = ""
    if found.causes:
        worst = found.causes[0]
        how_late += f", {'mostly ' if len(found.causes) > 1 else ''}as {worst.sentence}"
        advice = f" {worst.what.advice}" if worst.what.advice else ""
    if is_busy:
        how_late += f"; {_busy(found, watched)}"
    late_requests = found.num_late_requests
    if not num_requests:
        return Verdict(True, f"There are no percentiles to trust; in {seconds} {how_late}.{advice}")
    if late_requests == 0:
        told = f"In {seconds} {how_late}, but the kernel's arrival stamps have corrected the response times"
        return Verdict(True, f"{told}: the percentiles are the target's.{advice}")
    if late_requests is not None and late_requests < num_requests * _HARMLESS_SHARE:
        told = f"In {seconds} {how_late}, but the kernel's arrival stamps have corrected all but {late_requests:,} of"
        return Verdict(True, f"{told} {num_requests:,} response times: the percentiles are the target's.{advice}")
    if late_requests is not None:
        noun = "response time" if late_requests == 1 else "response times"
        doubtful = f"{late_requests:,} {noun} of {num_requests:,} ({late_requests / num_requests:.2%})"
        return Verdict(False, f"Do not trust {doubtful}: in {seconds} {how_late}.{advice}")
    return Verdict(False, f"Do not trust the percentiles of {seconds}: {how_late}.{advice}")


def _busy(found: Generator, watched: int) -> str:
    how_long = f"in {found.num_busy_seconds:,} of {watched:,} seconds"
    text = f"the process used up to {found.longest_cpu_percent:.0f} % of a core {how_long}"
    if found.loads:
        text += f", {found.loads[0].share:.0%} of it in {found.loads[0].who}"
    return text


def _ms(time_us: int) -> str:
    time_ms = time_us / 1000
    return f"{time_ms:,.0f} ms" if time_ms >= 9.95 else f"{time_ms:.1f} ms"


def _s(time_us: int) -> str:
    return f"{time_us / 1e6:,.1f} s" if time_us >= 1e6 else _ms(time_us)
