"""One rule while the test runs: whether it holds, since when, and what it came to."""

import time
from collections.abc import Callable

from gregaria.errors import ExitCode
from gregaria.rules.expression import Comparison, Metric, told
from gregaria.rules.figures import NUMBER, RATE, SHARE, TIME, Dimension
from gregaria.rules.grammar import Rule
from gregaria.rules.reading import TOLERANCE_MS, Second, Sliding, Sum, View, Whole
from gregaria.stats.verdict import BROKEN, NO_DATA, NOT_JUDGED, PASSED, RuleResult

__all__ = ["BaselineFigures", "Watch"]

#: a metric in the run of ``--baseline``, in seconds, things, or 0..1; None if that does not tell it
BaselineFigures = Callable[[Metric], float | None]

_UNITS: dict[Dimension, str] = {TIME: "ms", SHARE: "ratio", NUMBER: "count", RATE: "per_s"}


class Watch:
    """Follows one rule.

    Args:
        rule: what must not be.
        source: where it was given.
        exit_code: how the command leaves when it fails.

    Attributes:
        is_holding: whether what must not be is so at the moment, or has been for as long as the rule says.
        broke_epoch_s: since when it has been broken; of a rule with a window, for good.
    """

    def __init__(self, rule: Rule, source: str, exit_code: int = ExitCode.RULES) -> None:
        self.rule = rule
        self.source = source
        self._exit_code = exit_code
        names = rule.comparison.names
        self._sum = Sum(names)
        self._window = Sliding(names, (rule.over_s or 0.0) * 1000)
        self.forget()

    def forget(self) -> None:
        """Counting begins anew."""
        self.is_holding = False
        self.broke_epoch_s: float | None = None
        self._value: float | None = None
        self._limit: float | None = None
        self._has_data = self._has_aborted = False
        self._sum = Sum(self.rule.comparison.names)
        self._window.clear()
        #: how long the conditions have held without a break, and did at most; how long it has held itself, and did
        self._asked_ms = self._longest_asked_ms = 0
        self._held_from_ms: int | None = None
        self._longest_held_ms = 0

    @property
    def is_settled(self) -> bool:
        """Whether it is broken and stays so."""
        return self._has_aborted or (self.broke_epoch_s is not None and self.rule.window_s is not None)

    @property
    def _has_had_window(self) -> bool:
        """Whether there were as many seconds as its window is long."""
        window_s = self.rule.window_s
        return window_s is not None and self._longest_asked_ms >= window_s * 1000 - TOLERANCE_MS

    def settle(self) -> None:
        """It has ended the test, whatever the last requests of that make of it."""
        self._has_aborted = True

    def add(self, second: Second, whole: Whole, baseline: BaselineFigures, epoch_s: float) -> bool:
        """A second has passed, which ended at that moment; whether it is broken now and was not before."""
        if self.is_settled or (second.is_of_the_end and self._has_had_window):
            return False
        was_holding = self.is_holding
        if all(_holds(condition, View(second.of, baseline)) for condition in self.rule.conditions):
            self._asked_ms += second.length_ms
            self._longest_asked_ms = max(self._longest_asked_ms, self._asked_ms)
            self._judge(second, whole, baseline)
        elif self.rule.window_s is not None:
            # A window is of seconds that follow each other.
            self._asked_ms, self._held_from_ms, self.is_holding = 0, None, False
            self._window.clear()
        if not self.is_holding:
            self.broke_epoch_s = None
        elif not was_holding:
            self.broke_epoch_s = epoch_s
            return True
        return False

    def _judge(self, second: Second, whole: Whole, baseline: BaselineFigures) -> None:
        rule = self.rule
        if rule.for_s is not None:
            self._judge_second(second, View(second.of, baseline), rule.for_s * 1000)
        elif rule.over_s is not None:
            self._window.add(second)
            if self._window.is_full:
                self._compare(View(self._window.of, baseline))
        elif rule.conditions:
            self._sum.add(second)
            self._compare(View(self._sum.of, baseline))
        else:
            self._compare(View(whole.of, baseline))

    def _judge_second(self, second: Second, view: View, for_ms: float) -> None:
        holds = self._compare(view)
        self.is_holding = False
        # A second without data says nothing either way.
        if holds is False:
            self._held_from_ms = None
        elif holds:
            if self._held_from_ms is None:
                self._held_from_ms = second.end_ms - second.length_ms
            held_ms = second.end_ms - self._held_from_ms
            self._longest_held_ms = max(self._longest_held_ms, held_ms)
            self.is_holding = held_ms >= for_ms - TOLERANCE_MS

    def _compare(self, view: View) -> bool | None:
        comparison = self.rule.comparison
        left, right = comparison.left(view), comparison.right(view)
        holds = comparison.holds(left, right)
        self.is_holding = bool(holds)
        if holds is not None:
            self._has_data = True
        if holds is not None or not self._has_data:
            self._value, self._limit = left, right
        return holds

    # -- what it came to -----------------------------------------------------------------------------------------------

    def result(self, whole: Whole, baseline: BaselineFigures, is_warm: bool) -> RuleResult:
        """How it stands.

        Args:
            whole: the run so far.
            baseline: the run before.
            is_warm: whether the warm-up is over.
        """
        rule, dimension = self.rule, self.rule.comparison.dimension
        if rule.window_s is None and not rule.conditions and is_warm and not self._has_aborted:
            # What has been counted since the last second belongs to it.
            self._has_data = False
            if not self._compare(View(whole.of, baseline)):
                self.broke_epoch_s = None
            elif self.broke_epoch_s is None:
                self.broke_epoch_s = time.time()
        state, sentence = self._state(whole, is_warm, baseline)
        return RuleResult(
            text=rule.text,
            source=self.source,
            state=state,
            value=_plain(self._value, dimension),
            limit=_plain(self._limit, dimension),
            unit=_UNITS.get(dimension, ""),
            broke_epoch_s=self.broke_epoch_s if state == BROKEN else None,
            sentence=sentence,
            exit_code=self._exit_code,
            is_about_failures=rule.is_about_failures,
        )

    def _state(self, whole: Whole, is_warm: bool, baseline: BaselineFigures) -> tuple[str, str]:
        rule = self.rule
        dimension = rule.comparison.dimension
        limit = f"the limit is {told(self._limit, dimension)}"
        if self.broke_epoch_s is not None:
            return BROKEN, f"{told(self._value, dimension)}{self._when(self.broke_epoch_s)}, {limit}"
        if not is_warm:
            return NO_DATA, "the test was over before its warm-up was"
        if missing := [metric for metric in rule.comparison.metrics if self._is_unknown(metric, baseline)]:
            return NO_DATA, f"the baseline does not tell {_called(missing[0])}"
        if rule.conditions and not self._longest_asked_ms:
            return NOT_JUDGED, f"{rule.conditions_text} did not hold in any second"
        window_s = rule.window_s
        if window_s is not None and not self._has_had_window:
            asked_s = self._longest_asked_ms / 1000
            if rule.conditions:
                return (
                    NOT_JUDGED,
                    f"{rule.conditions_text} held for {asked_s:.0f} s at most, the window is {window_s:g} s",
                )
            return NO_DATA, f"there were {asked_s:.0f} s to judge, the window is {window_s:g} s"
        if not self._has_data:
            return NO_DATA, _nothing_of([name for name in rule.comparison.names if name], whole)
        if rule.for_s is not None:
            return PASSED, f"it held for {self._longest_held_ms / 1000:.0f} s at most"
        return PASSED, f"{told(self._value, dimension)}, {limit}"

    def _when(self, epoch_s: float) -> str:
        rule, at = self.rule, time.strftime("%H:%M:%S", time.localtime(epoch_s))
        if rule.for_s is not None:
            return f" in the last of the {rule.for_s:g} s until {at}"
        if rule.over_s is not None:
            return f" over the {rule.over_s:g} s until {at}"
        return f" while {rule.conditions_text}" if rule.conditions else ""

    def _is_unknown(self, metric: Metric, baseline: BaselineFigures) -> bool:
        return self.rule.comparison.baseline_at is not None and baseline(metric) is None


def _holds(condition: Comparison, view: View) -> bool:
    return bool(condition.holds(condition.left(view), condition.right(view)))


def _nothing_of(names: list[str], whole: Whole) -> str:
    """That nothing was counted, of those names that nothing was counted of, and which may have been meant."""
    missing = [name for name in names if whole.of(name).entry is None]
    if not missing and whole.of(None).entry is not None:
        return "what was counted does not tell it: nothing took any time, or there is a division by 0"
    told = "nothing was counted" + (f" of {' and '.join(map(repr, missing))}" if missing else "")
    near = whole.nearest(missing[0]) if len(missing) == 1 else None
    return f"{told}; did you mean {near!r}?" if near else told


def _called(metric: Metric) -> str:
    return metric.text if metric.name is None else f"{metric.text} of {metric.name!r}"


def _plain(value: float | None, dimension: Dimension) -> float | None:
    """A value in the unit that results have."""
    return value * 1000 if value is not None and dimension == TIME else value
