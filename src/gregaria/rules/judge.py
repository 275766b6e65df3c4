"""Judges a test by its rules: told of each second as it passes, and asked for the verdict."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from gregaria.errors import ExitCode, RuleError
from gregaria.rules.expression import Metric
from gregaria.rules.grammar import Rule, parse
from gregaria.rules.reading import TOLERANCE_MS, Names, Second, Whole
from gregaria.rules.watch import BaselineFigures, Watch
from gregaria.stats.generator import is_saturated
from gregaria.stats.levels import Block
from gregaria.stats.summary import Stretch, told_name
from gregaria.stats.verdict import BROKEN, NO_DATA, PASSED, RuleResult, Verdict

__all__ = ["Judge", "read_rule"]

logger = logging.getLogger("gregaria.rules")


class Judge:
    """Follows the timeline of a test for as long as there are rules or a warm-up.

    Args:
        stats: what is measured.
        started_epoch_s: tells when the test has begun; None before.
        stop_test: ends the test, for the reason given.

    Attributes:
        fails_if_saturated: whether the verdict has to say that the generator was the bottleneck.
    """

    def __init__(
        self, stats: Any, started_epoch_s: Callable[[], float | None], stop_test: Callable[[str], None]
    ) -> None:
        self._stats = stats
        self._started_epoch_s = started_epoch_s
        self._stop_test = stop_test
        self._watches: list[Watch] = []
        self._names = Names(self._told)
        self._whole = Whole(stats, self._told)
        self._warmup_s = 0.0
        self._is_warm = True
        self._baseline_name: str | None = None
        self._baseline: BaselineFigures = _no_baseline
        self._is_over = False
        self._verdict: Verdict | None = None
        self.fails_if_saturated = False

    def add_rule(self, text: str, source: str, exit_code: int = ExitCode.RULES) -> None:
        """From now on that must not be. The same rule of the same source counts once.

        Args:
            text: a rule, see docs/rules.md.
            source: who says so, for reports.
            exit_code: how the command leaves when it fails.

        Raises:
            RuleError: it is none, needs a baseline and there is none, or the test has been judged already.
        """
        rule = self.check_rule(text)
        if self._is_over:
            raise RuleError(text, 0, "the test is over and has been judged: test_stop is the last moment for a rule")
        self._add(Watch(rule, source, exit_code))

    def check_rule(self, text: str) -> Rule:
        """What a rule says that tests can be judged by here.

        Raises:
            RuleError: it is none, or needs a baseline and there is none.
        """
        return read_rule(text, has_baseline=self._baseline_name is not None)

    def replace_rules(self, texts: Sequence[str], source: str) -> None:
        """Have these, and no others, be the rules of this source in the test that begins next.

        Raises:
            RuleError: one is none, or needs a baseline and there is none; then all are what they were.
        """
        watches = [Watch(self.check_rule(text), source) for text in texts]
        others = [watch for watch in self._watches if watch.source != source]
        self._watches = []
        for watch in [*watches, *others]:
            self._add(watch)

    def warm_up(self, seconds: float) -> None:
        """Judge only what comes after so many seconds of each test."""
        self._warmup_s, self._is_warm = seconds, False
        self._follow()

    def compare_with(self, name: str, baseline: BaselineFigures) -> None:
        """Let ``baseline`` stand for the figures of a run from before, which has that name."""
        self._baseline_name, self._baseline = name, baseline

    def without_data_within(self, test_s: float) -> list[str]:
        """What cannot be judged in a test of so many seconds, in words: it will have no data, and fail."""
        if not self._watches:
            return []
        if self._warmup_s >= test_s:
            return [f"no rule is judged, as the warm-up takes {self._warmup_s:g} s"]
        found = []
        for rule in (watch.rule for watch in self._watches):
            needed_s = self._warmup_s + (rule.window_s or 0)
            if needed_s > test_s + TOLERANCE_MS / 1000:
                after = " after the warm-up" if self._warmup_s else ""
                found.append(f"{rule.text} needs {needed_s:g} s, a whole window{after}")
        return found

    @property
    def warmup_s(self) -> float:
        """Seconds at the beginning of each test that are not judged."""
        return self._warmup_s

    @property
    def baseline_name(self) -> str | None:
        """The run that ``baseline`` stands for in rules; None without one."""
        return self._baseline_name

    @property
    def rules(self) -> list[tuple[str, str]]:
        """Text and source of each rule."""
        return [(watch.rule.text, watch.source) for watch in self._watches]

    @property
    def after_warmup(self) -> Stretch | None:
        """The figures from the end of the warm-up on; None without one, and before it is over."""
        return None if self._whole.since is None else self._whole.since.stretch()

    @property
    def verdict(self) -> Verdict | None:
        """How all rules stand: as of the last second, and when the test is over as of everything.

        None without any, and before the first test.
        """
        has_begun = self._stats.timeline.started_epoch_s is not None
        is_asked = has_begun and (self._watches or self.fails_if_saturated)
        if is_asked and not self._is_over and (self._verdict is None or not self._stats.running):
            self._stats.timeline.catch_up()
            self._verdict = self._judged()
        return self._verdict

    def end(self) -> None:
        """The test is over: it is judged by what there is, and nothing is added to it."""
        verdict = self.verdict
        self._is_over = True
        for rule in verdict.rules if verdict is not None else ():
            self._tell_end(rule)

    # -- as the timeline's follower ------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Counting begins anew."""
        if self._is_over and not self._stats.running:
            # Clearing the figures of a test that is over changes nothing about how it was judged.
            return
        self._is_over, self._verdict = False, None
        self._names.forget()
        self._whole.forget()
        for watch in self._watches:
            watch.forget()
        now_s = self._stats.timeline.started_epoch_s or 0.0
        self._is_warm = not self._warmup_s or self._test_s(now_s) >= self._warmup_s
        if self._is_warm and self._warmup_s:
            self._whole.warm_up_is_over(now_s)

    def add(self, block: Block, names: list[tuple[str, str]]) -> None:
        """A second has passed."""
        if self._is_over:
            return
        now_s = (self._stats.timeline.started_epoch_s or 0.0) + block.end_ms / 1000
        if not self._is_warm:
            self._is_warm = self._test_s(now_s) >= self._warmup_s - TOLERANCE_MS / 1000
            if self._is_warm:
                self._whole.warm_up_is_over(now_s)
            return
        self._whole.add(block, names)
        # Of the last part of a second, as a test may end with, rates would mean nothing.
        if block.end_ms - block.start_ms >= TOLERANCE_MS:
            is_of_the_end = any(mark.kind == "stop" for mark in self._stats.timeline.marks)
            second = Second(block, names, self._names, is_of_the_end)
            for watch in self._watches:
                if watch.add(second, self._whole, self._baseline, now_s):
                    self._tell_break(watch)
                self._abort(watch, now_s)
        self._verdict = self._judged()

    # ------------------------------------------------------------------------------------------------------------------

    def _add(self, watch: Watch) -> None:
        if (watch.rule.text, watch.source) not in self.rules:
            self._watches.append(watch)
            self._follow()

    def _judged(self) -> Verdict:
        results = [watch.result(self._whole, self._baseline, self._is_warm) for watch in self._watches]
        if self.fails_if_saturated and not self._stats.running:
            results.append(self._saturation())
        return Verdict(tuple(results), self._baseline_name, self._warmup_s)

    def _saturation(self) -> RuleResult:
        total = self._stats.recorder.total
        found = self._stats.generator.freeze(total.num_requests, total.num_late)
        sentence = "nobody has watched the generator" if found is None else found.verdict.sentence
        if total.num_generator_errors:
            sentence = f"{total.num_generator_errors:,} requests could not be made for a limit of its own. {sentence}"
        return RuleResult(
            text="the generator is the bottleneck",
            source="--fail-if-saturated",
            state=BROKEN if is_saturated(found, total.num_generator_errors) else NO_DATA if found is None else PASSED,
            value=None,
            limit=None,
            unit="",
            broke_epoch_s=None,
            sentence=sentence,
            exit_code=ExitCode.SATURATED,
        )

    def _abort(self, watch: Watch, now_s: float) -> None:
        rule = watch.rule
        if rule.aborts and watch.is_holding and self._test_s(now_s) >= rule.aborts_after_s:
            watch.settle()
            self._stop_test(f"a rule is broken: {rule.text}")

    def _tell_break(self, watch: Watch) -> None:
        """Tell at once what is broken for good; what is judged at the end may be mended until then."""
        if watch.is_settled:
            result = watch.result(self._whole, self._baseline, self._is_warm)
            logger.warning("Rule broken: %s (%s)", result.text, result.sentence)
            self._mark(result)

    def _tell_end(self, rule: RuleResult) -> None:
        is_new = rule.fails and self._mark(rule)
        if rule.exit_code == ExitCode.CHECKS:
            # As locust-plugins has it, whose lines people look for.
            logger.info("CHECK %s: %s (%s)", "FAILED" if rule.fails else "SUCCESSFUL", rule.text, rule.sentence)
        elif is_new:
            logger.warning("Rule broken: %s (%s)", rule.text, rule.sentence)

    def _mark(self, rule: RuleResult) -> bool:
        """Mark in the timeline that a rule is broken, if that is not marked yet; whether it was not."""
        timeline, text = self._stats.timeline, f"broken: {rule.text}"
        is_new = all(mark.kind != "rule" or mark.text != text for mark in timeline.marks)
        if is_new:
            timeline.mark("rule", text)
        return is_new

    def _test_s(self, now_s: float) -> float:
        """Seconds since the test has begun."""
        started_s = self._started_epoch_s()
        return 0.0 if started_s is None else now_s - started_s

    def _follow(self) -> None:
        followers = self._stats.timeline.followers
        if self not in followers:
            followers.append(self)

    def _told(self, name: str) -> str:
        return told_name(name, self._stats.errors.mask)


def read_rule(text: str, *, has_baseline: bool) -> Rule:
    """Read a rule that can be judged.

    Raises:
        RuleError: it is none, or needs a baseline and there is none.
    """
    rule = parse(text)
    if rule.baseline_at is not None and not has_baseline:
        raise RuleError(text, rule.baseline_at, "there is no run to compare with: give --baseline run.json")
    return rule


def _no_baseline(metric: Metric) -> float | None:
    return None
