"""What the generator found out about itself: its seconds, who held it up, whether to trust the figures."""

from dataclasses import dataclass

__all__ = ["Cause", "Generator", "HoldUp", "LateSecond", "Load", "Second", "Verdict", "judge"]

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

    def worst_of(self, other: "Second") -> "Second":
        """The same second of two processes as one: of each figure the higher one."""
        crowded = max(self, other, key=lambda each: -1 if each.descriptors is None else each.descriptors)
        starved = [each.starved_us for each in (self, other) if each.starved_us is not None]
        return Second(
            number=self.number,
            epoch_s=self.epoch_s,
            delay_us=max(self.delay_us, other.delay_us),
            cpu_percent=max(self.cpu_percent, other.cpu_percent),
            core_percent=max(self.core_percent, other.core_percent),
            machine_percent=max(self.machine_percent, other.machine_percent),
            starved_us=max(starved, default=None),
            memory_bytes=max(self.memory_bytes, other.memory_bytes),
            collections=max(self.collections, other.collections),
            collecting_us=max(self.collecting_us, other.collecting_us),
            longest_collection_us=max(self.longest_collection_us, other.longest_collection_us),
            descriptors=crowded.descriptors,
            descriptor_limit=crowded.descriptor_limit,
            is_late=self.is_late or other.is_late,
        )


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


def is_saturated(found: Generator | None, num_generator_errors: int) -> bool:
    """Whether the generator was the bottleneck: ``--fail-if-saturated`` and metrics mean the same by it.

    It had to leave out requests, its response times are not to be trusted, or its rate is what it could do itself.

    Args:
        found: its account; None if nobody has watched.
        num_generator_errors: requests that it could not make.
    """
    return bool(num_generator_errors) or (found is not None and (not found.verdict.is_trusted or _is_busy(found)))


def judge(found: Generator, num_requests: int) -> Verdict:
    """Say whether the percentiles can be trusted, and if not, what spoilt them and what to do."""
    watched = max(found.seconds_watched, found.num_late_seconds)
    is_busy = _is_busy(found)
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


def _is_busy(found: Generator) -> bool:
    """Whether the process used nearly a whole core for most of the test."""
    return found.num_busy_seconds * 2 > max(found.seconds_watched, found.num_late_seconds)


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
