"""Whether two runs differ: changes with confidence intervals from blocks of time, and one verdict.

A run is cut into batches of equal length, and each figure is the mean of the middle half of the batches' figures: a few
seconds in which something else kept target or generator busy do not count. How much the batches differ tells how far
that may be off (Yuen's form of Student's t, Welch's for two runs). What happens in one batch has to do with the one
before, which makes them look surer than they are: the variance grows by as much as neighbours are alike, and of three
lengths of batches the one with the widest interval counts.
"""

import functools
import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gregaria.report.measured import FEWEST_PARTS, TOTAL, Key, MeasuredRun, Piece, Told, Whole, batches
from gregaria.report.student import quantile

__all__ = [
    "CANNOT_TELL",
    "FASTER",
    "FEWER_FAILURES",
    "METRICS",
    "MORE_FAILURES",
    "NO_DIFFERENCE",
    "SLOWER",
    "Change",
    "ComparedRow",
    "Comparison",
    "Limit",
    "beyond",
    "compare",
]

SLOWER, FASTER = "slower", "faster"
MORE_FAILURES, FEWER_FAILURES = "more failures", "fewer failures"
NO_DIFFERENCE, CANNOT_TELL = "no difference", "cannot tell"

#: what is compared; a percentile is a fraction
METRICS = ("rate", "failures", "p50", "p95", "p99")
_FRACTIONS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
#: what the verdict is made of
_JUDGED = ("failures", "p50", "p95")

#: how many batches a run is cut into, and where there are not enough blocks or requests for any of these
_COUNTS, _FEW = (12, 20, 30), (8, FEWEST_PARTS)
#: share of the batches that is left out at either end
_TRIMMED = 0.25
#: correlation of neighbours that is thought possible
_MOST_ALIKE = 0.7
#: what lies beyond a percentile, in each batch, at least; and requests for a rate
_FEWEST_BEYOND = 5
#: of all verdicts on runs that are equal, the share that may be wrong; the total and the names have half of it each
_FALSE_ALARMS = 0.05
#: share of requests by which failures must differ to matter
_LEAST_FAILURES = 0.001
#: intervals that reach further say nothing
_WIDEST = 0.15
#: of a logarithm: beyond it there are no numbers
_FURTHEST = 700.0


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of two runs: requests per second, a share (0..1) of failures, or milliseconds."""

    a: float | None
    b: float | None
    #: relative to ``a``; of failures the difference of the shares; None where it is not known
    change: float | None
    #: 95 % interval of the change
    low: float | None
    high: float | None
    #: 1 or -1 if it is certain, many comparisons considered, that it has risen or fallen at all; else 0
    direction: int
    #: the same beyond the least effect that matters
    matters: int


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One name, or all."""

    method: str
    name: str
    #: by METRICS
    changes: dict[str, Change]

    @property
    def label(self) -> str:
        """As ``GET /path``."""
        return f"{self.method} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs beside each other."""

    a: MeasuredRun
    b: MeasuredRun
    least_effect: float
    verdict: str
    #: the verdict in words
    sentence: str
    #: those that got worse first, then those of which another change is certain, then all others by name
    rows: tuple[ComparedRow, ...]
    total: ComparedRow
    only_in_a: tuple[Key, ...]
    only_in_b: tuple[Key, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A change for the worse that is too much: of the rate a fall below ``bound``, of all else a rise above it."""

    metric: str
    bound: float

    def is_beyond(self, change: Change) -> bool:
        """Whether a change is certain, and beyond the limit."""
        if change.change is None:
            return False
        if self.metric == "rate":
            return change.direction < 0 and change.change < self.bound
        return change.direction > 0 and change.change > self.bound


def compare(
    a: MeasuredRun, b: MeasuredRun, *, least_effect: float = 0.02, wanted: Callable[[Key], bool] = lambda _: True
) -> Comparison:
    """Compare run ``b`` with run ``a``.

    Args:
        least_effect: a change of response times that is certainly smaller does not matter.
        wanted: of which names; the total is always that of all.
    """
    names_a, names_b = ({key for key in run.names if wanted(key)} for run in (a, b))
    both = sorted(names_a & names_b, key=lambda key: (key[1], key[0]))
    share = _FALSE_ALARMS / 2 / len(_JUDGED)
    total = _row(a, b, TOTAL, share, least_effect)
    rows = tuple(_row(a, b, key, share / max(len(both), 1), least_effect) for key in both)
    verdict, sentence = _judge(total, rows, least_effect)
    if verdict == CANNOT_TELL and (lacking := _lacking(a, b)):
        sentence = lacking
    return Comparison(
        a,
        b,
        least_effect,
        verdict,
        sentence,
        tuple(sorted(rows, key=_weight)),
        total,
        tuple(sorted(names_a - names_b)),
        tuple(sorted(names_b - names_a)),
        tuple(dict.fromkeys((*a.notes, *b.notes, *_notes_on(a, b)))),
    )


def beyond(comparison: Comparison, limits: Iterable[Limit]) -> list[tuple[Limit, ComparedRow]]:
    """Every row that is certainly beyond one of the limits."""
    return [
        (limit, row)
        for limit in limits
        for row in (*comparison.rows, comparison.total)
        if limit.is_beyond(row.changes[limit.metric])
    ]


# -- one figure --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A figure (its logarithm, unless it is a share) and how far it may be off."""

    value: float
    variance: float
    freedom: float


@dataclass(frozen=True, slots=True)
class _Side:
    """One name in one run: as a whole, and in batches of several lengths."""

    whole: Piece | None
    length_s: float
    known: Whole | None
    cuts: dict[int, list[tuple[float, Piece]]]

    @classmethod
    def of(cls, run: MeasuredRun, key: Key, counts: Sequence[int]) -> "_Side":
        whole = batches(run.parts, key, 1) if any(key in part.pieces for part in run.parts) else []
        length_s, piece = whole[0] if whole else (0.0, None)
        cuts = {count: batches(run.parts, key, count) for count in counts}
        return cls(piece, length_s, run.wholes.get(key), {n: cut for n, cut in cuts.items() if len(cut) == n})

    def figure(self, metric: str) -> float | None:
        """The figure of all that is compared."""
        if self.whole is not None:
            return _figure(metric, self.length_s, self.whole)
        if self.known is None:
            return None
        if metric == "rate":
            return self.known.requests_per_s
        return _figure(metric, 1.0, Piece(self.known.requests, self.known.failures, 0, self.known.times))

    def estimate(self, metric: str, count: int) -> _Estimate | None:
        """What so many batches tell; None if there are too few requests in them."""
        if count not in self.cuts or self.whole is None:
            return None
        values = []
        for length_s, piece in self.cuts[count]:
            value = _figure(metric, length_s, piece)
            if value is None or not _is_enough(metric, piece):
                return None
            values.append(value)
        if metric == "failures":
            return _of_shares(values, self.whole)
        return _of_middle([math.log(value) for value in values])

    def rounding(self, metric: str) -> float:
        """By how much of its value a percentile may be off that was told in whole steps."""
        time_ms = self.figure(metric)
        if metric not in _FRACTIONS or self.whole is None or not isinstance(self.whole.times, Told) or not time_ms:
            return 0.0
        # Locust keeps two significant digits, and whole milliseconds below 100.
        step_ms = 10.0 ** max(math.floor(math.log10(time_ms)) - 1, 0)
        return step_ms / 2 / time_ms


def _of_middle(values: Sequence[float]) -> _Estimate:
    """The mean of the middle half; those further out count as its ends for the variance."""
    count = len(values)
    left_out = int(count * _TRIMMED)
    kept = count - 2 * left_out
    ranked = sorted(values)
    low, high = ranked[left_out], ranked[count - left_out - 1]
    drawn_in = [min(max(value, low), high) for value in values]
    variance = (count - 1) * statistics.variance(drawn_in) / (kept * (kept - 1))
    middle = statistics.fmean(ranked[left_out : count - left_out])
    return _Estimate(middle, variance * _growth(drawn_in), kept - 1)


def _of_shares(values: Sequence[float], whole: Piece) -> _Estimate:
    """The share of all requests: failures are rare, and none of them is left out."""
    count = len(values)
    # All or none of the few that there are is no certainty.
    likely = (whole.failures + 0.5) / (whole.requests + 1)
    least = likely * (1 - likely) / whole.requests
    variance = statistics.variance(values) / count * _growth(values)
    return _Estimate(whole.failures / whole.requests, max(variance, least), count - 1)


def _growth(values: Sequence[float]) -> float:
    """By how much the variance of a mean grows as each value has to do with the one before."""
    mean = statistics.fmean(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    if not squares:
        return 1.0
    products = math.fsum((one - mean) * (other - mean) for one, other in itertools.pairwise(values))
    alike = min(max(products / squares, 0.0), _MOST_ALIKE)
    return (1 + alike) / (1 - alike)


def _figure(metric: str, length_s: float, piece: Piece) -> float | None:
    if metric == "rate":
        return piece.requests / length_s if piece.requests and length_s else None
    if metric == "failures":
        return piece.failures / piece.requests if piece.requests else None
    time_us = piece.times.percentile_us(_FRACTIONS[metric])
    # What takes less than a microsecond takes one.
    return None if time_us is None else max(time_us, 1.0) / 1000


def _is_enough(metric: str, piece: Piece) -> bool:
    if metric in _FRACTIONS:
        fraction = _FRACTIONS[metric]
        return piece.timed * min(fraction, 1 - fraction) >= _FEWEST_BEYOND
    return piece.requests >= _FEWEST_BEYOND


def _row(a: MeasuredRun, b: MeasuredRun, key: Key, share: float, least_effect: float) -> ComparedRow:
    counts = [count for count in (*_COUNTS, *_FEW) if count <= min(len(a.parts), len(b.parts))]
    sides = _Side.of(a, key, counts), _Side.of(b, key, counts)
    changes = {
        metric: _change(*sides, metric, share, _LEAST_FAILURES if metric == "failures" else least_effect)
        for metric in METRICS
    }
    return ComparedRow(*key, changes)


def _change(a: _Side, b: _Side, metric: str, share: float, least: float) -> Change:
    """Compare a figure.

    Args:
        share: how often two equal runs may seem to differ.
        least: the change that matters.
    """
    is_share = metric == "failures"
    tried = _estimates(a, b, metric)
    if not tried:
        return _change_of_wholes(a.figure(metric), b.figure(metric), is_share)
    # The least certain of the answers, strictly taken.
    one, other = max(tried, key=lambda pair: _half_width(pair[0], pair[1], share))
    rounding = a.rounding(metric) + b.rounding(metric)
    usual = _half_width(one, other, 0.05) + rounding
    strict = _half_width(one, other, share) + rounding
    middle = other.value - one.value

    def told(value: float) -> float:
        return value if is_share else math.expm1(min(value, _FURTHEST))

    low, high = told(middle - strict), told(middle + strict)
    return Change(
        one.value if is_share else math.exp(one.value),
        other.value if is_share else math.exp(other.value),
        told(middle),
        told(middle - usual),
        told(middle + usual),
        direction=(low > 0) - (high < 0),
        # Of a relative change, the same step down and up is not the same share.
        matters=(low > least) - (high < (-least if is_share else 1 / (1 + least) - 1)),
    )


def _estimates(a: _Side, b: _Side, metric: str) -> list[tuple[_Estimate, _Estimate]]:
    """What shorter and longer batches say of both runs; of those there are few of, the most that there are."""
    found: list[tuple[_Estimate, _Estimate]] = []
    for count in (*_COUNTS, *_FEW):
        if count in _FEW and found:
            break
        one, other = a.estimate(metric, count), b.estimate(metric, count)
        if one is not None and other is not None:
            found.append((one, other))
    return found


def _change_of_wholes(a: float | None, b: float | None, is_share: bool) -> Change:
    """Without intervals."""
    if a is None or b is None or (not is_share and not a * b):
        return Change(a, b, None, None, None, 0, 0)
    return Change(a, b, b - a if is_share else b / a - 1, None, None, 0, 0)


def _half_width(a: _Estimate, b: _Estimate, share: float) -> float:
    """Half of the interval of the difference, which is left in so many cases."""
    variance = a.variance + b.variance
    # Welch's: two runs need not vary equally.
    squares = a.variance**2 / a.freedom + b.variance**2 / b.freedom
    freedom = variance**2 / squares if squares else a.freedom + b.freedom
    return _quantile(share / 2, freedom) * math.sqrt(variance)


def _quantile(share: float, freedom: float) -> float:
    # Less than there is is on the safe side.
    return _known_quantile(share, max(math.floor(freedom * 2) / 2, 1.0))


_known_quantile = functools.lru_cache(maxsize=4096)(quantile)


# -- the verdict -------------------------------------------------------------------------------------------------------


def _judge(total: ComparedRow, rows: Sequence[ComparedRow], least_effect: float) -> tuple[str, str]:
    """One word, and a sentence."""
    all_rows = (total, *rows)
    for verdict, metrics, direction in (
        (MORE_FAILURES, ("failures",), 1),
        (SLOWER, ("p50", "p95"), 1),
        (FASTER, ("p50", "p95"), -1),
        (FEWER_FAILURES, ("failures",), -1),
    ):
        found = [(row, each) for row in all_rows for each in metrics if row.changes[each].matters == direction]
        if found:
            return verdict, f"B is {_worded(verdict)}: {_told(found)}."
    intervals = [total.changes[metric] for metric in ("p50", "p95")]
    bounds = [abs(bound) for each in intervals for bound in (each.low, each.high) if bound is not None]
    if len(bounds) < 4:
        return CANNOT_TELL, (
            "Cannot tell: there are too few blocks of time, or too few requests in them, to know how far the figures "
            "may be off. Compare longer runs."
        )
    if max(bounds) > _WIDEST:
        return CANNOT_TELL, (
            f"Cannot tell: the runs vary so much in themselves that a difference of {max(bounds):.0%} could hide in "
            "them. Compare longer or quieter runs."
        )
    margin = max(*bounds, least_effect)
    return NO_DIFFERENCE, f"There is no difference beyond {margin * 100:.1f} % in the response times of all requests."


def _lacking(a: MeasuredRun, b: MeasuredRun) -> str:
    """A sentence on what would be needed of the runs; empty if nothing is lacking."""
    runs = {"A": a, "B": b}
    empty = [name for name, run in runs.items() if not run.has_requests]
    if empty:
        return f"Cannot tell: {' and '.join(empty)} {'has' if len(empty) == 1 else 'have'} no requests."
    short = {name: len(run.parts) for name, run in runs.items() if len(run.parts) < FEWEST_PARTS}
    if not short:
        return ""
    told = " and ".join(f"{name} has {count or 'none'}" for name, count in short.items())
    return (
        f"Cannot tell: of the {FEWEST_PARTS} blocks of time with all users that it takes to know how far the figures "
        f"may be off, {told}. Compare longer runs."
    )


def _weight(row: ComparedRow) -> tuple[float, float, float]:
    """Sorts more failures first, then longer times, then what else is certain, the largest changes first."""

    def largest(changes: Iterable[Change]) -> float:
        return -max((abs(change.change or 0.0) for change in changes), default=0.0)

    judged = [row.changes[metric] for metric in _FRACTIONS if metric in _JUDGED]
    return (
        largest(change for change in (row.changes["failures"],) if change.matters > 0),
        largest(change for change in judged if change.matters > 0),
        largest(change for change in row.changes.values() if change.direction),
    )


def _worded(verdict: str) -> str:
    return {MORE_FAILURES: "worse, it has more failures", FEWER_FAILURES: "better, it has fewer failures"}.get(
        verdict, verdict
    )


def _told(found: Sequence[tuple[ComparedRow, str]]) -> str:
    """The largest change, and how many others there are."""
    row, metric = max(found, key=lambda each: abs(each[0].changes[each[1]].change or 0.0))
    more = {1: "", 2: ", and another figure"}.get(len(found), f", and {len(found) - 1} more figures")
    return f"{metric} of {row.label} {_in_words(metric, row.changes[metric])}{more}"


def _in_words(metric: str, change: Change) -> str:
    assert change.change is not None
    assert change.low is not None
    assert change.high is not None
    unit = "points" if metric == "failures" else "%"
    return f"{change.change * 100:+.1f} {unit} ({change.low * 100:+.1f} to {change.high * 100:+.1f})"


def _notes_on(a: MeasuredRun, b: MeasuredRun) -> list[str]:
    notes = []
    if a.has_requests and (a.parts, a.wholes) == (b.parts, b.wholes):
        notes.append("A and B have the same figures to the last one: they seem to be the same run.")
    if a.user_count is not None and b.user_count is not None and a.user_count != b.user_count:
        notes.append(
            f"{a.label} had {a.user_count:,} users and {b.label} {b.user_count:,}: their loads are not the same."
        )
    return notes
