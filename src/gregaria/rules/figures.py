"""The figures that rules are about: what one name, or all, did in a stretch of time."""

from collections.abc import Callable
from dataclasses import dataclass

from gregaria.engine.recorder import Entry

__all__ = ["METRICS", "NUMBER", "RATE", "SHARE", "TIME", "Dimension", "Figures", "Kind", "percentile"]

#: the powers of a time and of a number of things
Dimension = tuple[int, int]
SHARE: Dimension = (0, 0)
TIME: Dimension = (1, 0)
NUMBER: Dimension = (0, 1)
RATE: Dimension = (-1, 1)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one name, or all, did in a stretch of time."""

    #: what was counted; None of a name that nobody has requested yet
    entry: Entry | None
    length_s: float
    #: the most users that there were
    users: int
    #: seconds in which the generator was late
    late_s: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A figure that a rule may be about."""

    dimension: Dimension
    #: in seconds, things, things per second, or 0..1; None where there is no data
    value: Callable[[Figures], float | None]
    #: whether it is one of requests, which have names
    has_names: bool = True


def percentile(fraction: float) -> Kind:
    """The kind of a percentile (0..1)."""
    return _timed(lambda entry: entry.times.percentile_us(fraction))


def _timed(time_us: Callable[[Entry], float]) -> Kind:
    def value(figures: Figures) -> float | None:
        entry = figures.entry
        return time_us(entry) / 1e6 if entry is not None and entry.times.total else None

    return Kind(TIME, value)


def _counted(count: Callable[[Entry], int]) -> Kind:
    return Kind(NUMBER, lambda figures: None if figures.entry is None else float(count(figures.entry)))


def _per_second(count: Callable[[Entry], int]) -> Kind:
    def value(figures: Figures) -> float | None:
        return None if figures.entry is None or figures.length_s <= 0 else count(figures.entry) / figures.length_s

    return Kind(RATE, value)


def _fail_ratio(figures: Figures) -> float | None:
    entry = figures.entry
    if entry is None or not (entry.num_requests or entry.num_failures):
        return None
    # A failure that was logged without a request.
    return entry.num_failures / entry.num_requests if entry.num_requests else 1.0


def _late_ratio(figures: Figures) -> float | None:
    return min(figures.late_s / figures.length_s, 1.0) if figures.length_s > 0 else None


METRICS: dict[str, Kind] = {
    "median": percentile(0.5),
    "avg": _timed(lambda entry: entry.times.sum_us / entry.times.total),
    "min": _timed(lambda entry: entry.times.min_us),
    "max": _timed(lambda entry: entry.times.max_us),
    "rps": _per_second(lambda entry: entry.num_requests),
    "requests": _counted(lambda entry: entry.num_requests),
    "failures": _counted(lambda entry: entry.num_failures),
    "fail_ratio": Kind(SHARE, _fail_ratio),
    "fail_per_s": _per_second(lambda entry: entry.num_failures),
    "generator_errors": _counted(lambda entry: entry.num_generator_errors),
    "users": Kind(NUMBER, lambda figures: float(figures.users), has_names=False),
    "late_ratio": Kind(SHARE, _late_ratio, has_names=False),
}
