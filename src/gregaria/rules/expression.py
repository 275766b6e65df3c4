"""What stands between the signs of a rule: a tree, its dimensions, and its value for given figures."""

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from gregaria.errors import RuleError
from gregaria.rules.figures import NUMBER, RATE, SHARE, TIME, Dimension, Figures, Kind

__all__ = ["Baseline", "Binary", "Comparison", "Metric", "Node", "Number", "Reading", "compared", "told"]

_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
#: what a number means that has no unit and stands beside a time
_MS = 1000


@dataclass(frozen=True, slots=True)
class Number:
    """A number; its dimension is None without a unit."""

    at: int
    value: Fraction
    dimension: Dimension | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the run, of all requests unless it has a name."""

    at: int
    text: str
    kind: Kind
    #: ``GET /cart``, or ``/cart`` for all methods
    name: str | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The metric of its comparison, in another run."""

    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two values with a sign between them."""

    at: int
    sign: str
    left: "Node"
    right: "Node"


Node = Number | Metric | Baseline | Binary


class Reading(Protocol):
    """Where the figures of a stretch of time are read."""

    def of(self, name: str | None) -> Figures:
        """Those of a name, or of all."""

    def baseline(self, metric: Metric) -> float | None:
        """A metric in the run of ``--baseline``; None if that does not tell it."""


Value = Callable[[Reading], float | None]


@dataclass(frozen=True, slots=True)
class _Term:
    dimension: Dimension | None
    value: Value
    #: the number as it was written, so that 1.1 ms are exactly 1100 us
    written: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values that are compared."""

    sign: str
    left: Value
    right: Value
    dimension: Dimension
    metrics: tuple[Metric, ...]
    #: where the baseline stands in the rule; None if it does not
    baseline_at: int | None

    @property
    def names(self) -> set[str | None]:
        """Whose figures it needs; None is all requests."""
        return {metric.name for metric in self.metrics}

    def holds(self, left: float | None, right: float | None) -> bool | None:
        """Whether it holds for these values; None where one is not known."""
        return None if left is None or right is None else _COMPARISONS[self.sign](left, right)


def compared(text: str, at: int, sign: str, left: Node, right: Node) -> Comparison:
    """Check the dimensions of a comparison.

    Args:
        text: the rule, for errors.
        at: where the sign stands.

    Raises:
        RuleError: they do not fit, nothing of the run is compared, a share is compared with more than 1, or a baseline
            stands for more than one metric.
    """
    metrics = (*_metrics(left), *_metrics(right))
    baselines = (*_baselines(left), *_baselines(right))
    if not metrics:
        raise RuleError(text, at, "nothing of the run is compared here: one side needs a metric, such as p95")
    if baselines and len({(metric.text, metric.name) for metric in metrics}) > 1:
        raise RuleError(text, baselines[0].at, "baseline stands for the one metric of its comparison; here are several")
    _check_share(text, left, right)
    _check_share(text, right, left)
    one, other = _term(text, left, metrics[0]), _term(text, right, metrics[0])
    one, other = _fitted(text, at, one, other)
    assert one.dimension is not None
    return Comparison(sign, one.value, other.value, one.dimension, metrics, baselines[0].at if baselines else None)


def told(value: float | None, dimension: Dimension) -> str:
    """A value for people, with its unit."""
    if value is None:
        return "no data"
    if dimension == TIME:
        return f"{value * _MS:,.4g} ms" if abs(value) < 1 else f"{value * _MS:,.0f} ms"
    if dimension == SHARE:
        return f"{value * 100:,.4g} %"
    plain = f"{value:,.0f}" if value == round(value) or abs(value) >= 10_000 else f"{value:,.4g}"
    return f"{plain}/s" if dimension == RATE else plain


def _check_share(text: str, share: Node, limit: Node) -> None:
    """Refuse a limit of more than 1: whoever writes 5 means 5 %, and as 500 % it would let every run pass."""
    if isinstance(share, Metric) and share.kind.dimension == SHARE and isinstance(limit, Number) and limit.value > 1:
        number = float(limit.value)
        hint = f"; {number:g} percent is {number:g}%" if limit.dimension is None else ""
        raise RuleError(text, limit.at, f"{share.text} is a share, at most 1 (100%){hint}")


def _metrics(node: Node) -> Iterator[Metric]:
    if isinstance(node, Metric):
        yield node
    elif isinstance(node, Binary):
        yield from (*_metrics(node.left), *_metrics(node.right))


def _baselines(node: Node) -> Iterator[Baseline]:
    if isinstance(node, Baseline):
        yield node
    elif isinstance(node, Binary):
        yield from (*_baselines(node.left), *_baselines(node.right))


def _term(text: str, node: Node, metric: Metric) -> _Term:
    if isinstance(node, Number):
        return _Term(node.dimension, _constant(node.value), node.value)
    if isinstance(node, Metric):
        kind, name = node.kind, node.name
        return _Term(kind.dimension, lambda reading: kind.value(reading.of(name)))
    if isinstance(node, Baseline):
        return _Term(metric.kind.dimension, lambda reading: reading.baseline(metric))
    left, right = _term(text, node.left, metric), _term(text, node.right, metric)
    if node.sign in "+-":
        left, right = _fitted(text, node.at, left, right)
        return _Term(left.dimension, _computed(node.sign, left.value, right.value))
    return _Term(_product(node.sign, left, right), _computed(node.sign, left.value, right.value))


def _product(sign: str, left: _Term, right: _Term) -> Dimension | None:
    if left.dimension is None and right.dimension is None:
        return None
    one, other = left.dimension or SHARE, right.dimension or SHARE
    factor = 1 if sign == "*" else -1
    return one[0] + factor * other[0], one[1] + factor * other[1]


def _fitted(text: str, at: int, left: _Term, right: _Term) -> tuple[_Term, _Term]:
    """Both in one dimension: a number without a unit takes that of what it stands beside."""
    if left.dimension == right.dimension:
        return left, right
    if left.dimension is None and right.dimension is not None:
        return _adopted(text, at, left, right.dimension), right
    if right.dimension is None and left.dimension is not None:
        return left, _adopted(text, at, right, left.dimension)
    raise RuleError(text, at, f"{_named(left)} on the left and {_named(right)} on the right do not go together")


def _adopted(text: str, at: int, term: _Term, dimension: Dimension) -> _Term:
    if dimension == TIME and term.written is not None:
        return _Term(dimension, _constant(term.written / _MS))
    if dimension == TIME:
        return _Term(dimension, _computed("/", term.value, _constant(Fraction(_MS))))
    if dimension not in _NAMES:
        raise RuleError(text, at, f"what stands here is {_named(_Term(dimension, term.value))}: no number means that")
    return _Term(dimension, term.value)


def _constant(number: Fraction) -> Value:
    value = float(number)
    return lambda reading: value


def _computed(sign: str, left: Value, right: Value) -> Value:
    operation = _OPERATIONS[sign]

    def value(reading: Reading) -> float | None:
        one, other = left(reading), right(reading)
        if one is None or other is None or (sign == "/" and not other):
            return None
        found = operation(one, other)
        return found if math.isfinite(found) else None

    return value


_NAMES = {
    TIME: "a time",
    SHARE: "a share",
    NUMBER: "a number of things",
    RATE: "a rate per second",
    (-1, 0): "a rate per second and thing",
}


def _named(term: _Term) -> str:
    if term.dimension is None:
        return "a plain number"
    return _NAMES.get(term.dimension, "something that has no name (times of times, numbers of numbers)")
