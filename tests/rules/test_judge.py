"""Rules are judged by what was counted: in each second, over the last ones, while something holds, in the whole run."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gregaria.engine.histogram import Histogram
from gregaria.errors import ExitCode, GeneratorError, RuleError
from gregaria.rules.judge import Judge
from gregaria.stats.masking import Mask
from gregaria.stats.table import RequestStats
from gregaria.stats.verdict import RuleResult

BEGIN_S = 1_700_000_000.0


class Test:
    """A test whose seconds pass as they are told."""

    __test__ = False

    def __init__(
        self, *rules: str, warmup_s: float = 0.0, baseline: Callable[[Any], float | None] | None = None
    ) -> None:
        self.stats = RequestStats()
        self.reasons: list[str] = []
        self.started_s = BEGIN_S
        self.judge = Judge(self.stats, lambda: self.started_s, self.reasons.append)
        if baseline is not None:
            self.judge.compare_with("before.json", baseline)
        if warmup_s:
            self.judge.warm_up(warmup_s)
        self.end_s = 0.0
        self.stats.running = True
        self.stats.timeline.begin(BEGIN_S)
        for rule in rules:
            self.judge.add_rule(rule, "--fail-if")

    def second(
        self, *times_ms: float, users: int = 1, name: str = "/", method: str = "GET", failures: int = 0, late: int = 0,
        length_s: float = 1.0,
    ) -> None:  # fmt: skip
        for time_ms in times_ms:
            self.stats.log_request(method, name, time_ms, 10)
        for _ in range(failures):
            self.stats.log_error(method, name, "refused")
        self.end_s += length_s
        self.stats.timeline.tick(BEGIN_S + self.end_s, users, late)

    def results(self) -> list[RuleResult]:
        self.stats.running = False
        self.judge.end()
        assert self.judge.verdict is not None
        return list(self.judge.verdict.rules)

    def result(self) -> RuleResult:
        (result,) = self.results()
        return result

    def states(self) -> list[str]:
        return [result.state for result in self.results()]

    @property
    def marks(self) -> list[str]:
        return [mark.text for mark in self.stats.timeline.marks if mark.kind == "rule"]


def test_a_rule_without_a_window_is_judged_by_the_whole_run() -> None:
    test = Test("p50 > 50ms", "max > 500ms", "max >= 500ms", "requests != 5")
    test.second(500, 500)
    test.second(10, 10, 10)
    results = test.results()
    assert [result.state for result in results] == ["passed", "passed", "broken", "passed"]
    # The extreme is exact, as the reports' is.
    assert (results[2].value, results[2].limit, results[2].unit) == (500, 500, "ms")
    assert results[2].broke_epoch_s is not None
    assert test.marks == ["broken: max >= 500ms"]


def test_for_asks_each_second() -> None:
    broken, mended = Test("p50 > 50ms for 3s"), Test("p50 > 50ms for 3s")
    for test, times in ((broken, [10, 60, 70, 80, 10]), (mended, [60, 70, 10, 80, 90])):
        for time_ms in times:
            test.second(time_ms)
    found = broken.result()
    assert found.state == "broken"
    assert found.broke_epoch_s == BEGIN_S + 4
    assert found.value == pytest.approx(80, rel=0.01)
    at = time.strftime("%H:%M:%S", time.localtime(BEGIN_S + 4))
    assert found.sentence.endswith(f" ms in the last of the 3 s until {at}, the limit is 50 ms")
    assert broken.marks == ["broken: p50 > 50ms for 3s"]
    found = mended.result()
    assert (found.state, found.sentence) == ("passed", "it held for 2 s at most")


def test_a_second_without_data_says_nothing_either_way() -> None:
    test = Test("p50 > 50ms for 3s")
    for times in ([60], [], [60]):
        test.second(*times)
    assert test.result().state == "broken"


def test_over_takes_seconds_together() -> None:
    # In one second of three everything is slow: for the median of three that does not matter, for p90 it does.
    test = Test("p50 > 50ms over 3s", "p90 > 50ms over 3s", "p90 > 50ms over 4s", "rps > 1 over 2s")
    for time_ms in (10, 10, 90, 10, 10):
        test.second(time_ms)
    results = test.results()
    assert [result.state for result in results] == ["passed", "broken", "broken", "passed"]
    assert results[1].broke_epoch_s == BEGIN_S + 3
    assert results[2].broke_epoch_s == BEGIN_S + 4
    at = time.strftime("%H:%M:%S", time.localtime(BEGIN_S + 3))
    assert results[1].sentence.endswith(f" ms over the 3 s until {at}, the limit is 50 ms")


def percentile_ms(times_ms: list[int], fraction: float) -> float:
    """Of a histogram whose extremes are those of its buckets, as they are in a block; 0 of nothing."""
    histogram = Histogram()
    for time_ms in times_ms:
        histogram.add_us(time_ms * 1000)
    if not times_ms:
        return 0
    least, most = (histogram.value_us(Histogram.index(each * 1000)) for each in (min(times_ms), max(times_ms)))
    return Histogram.of(histogram.buckets(), least, most, histogram.sum_us).percentile_us(fraction) / 1000


@hypothesis_settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 4000), max_size=6), min_size=1, max_size=40),
    st.integers(1, 12),
    st.sampled_from([0.5, 0.9, 0.95, 0.999]),
)
def test_a_window_is_the_merged_histogram(seconds: list[list[int]], length: int, fraction: float) -> None:
    limit_ms = 2000
    test = Test(f"p{fraction * 100:.6g} of '/' > {limit_ms}ms over {length}s")
    expected = None
    for number, times in enumerate(seconds, 1):
        test.second(*times)
        times_ms = [each for second in seconds[max(number - length, 0) : number] for each in second]
        if number >= length and not expected and percentile_ms(times_ms, fraction) > limit_ms:
            expected = BEGIN_S + number
    result = test.result()
    assert (result.broke_epoch_s if result.state == "broken" else None) == expected


def test_while_judges_only_the_seconds_in_which_it_holds() -> None:
    test = Test("rps < 3 while users > 5", "rps < 2 while users > 5", "rps < 4")
    test.second(1, users=1)
    test.second(1, 1, users=6)
    test.second(1, 1, users=6)
    test.second(users=0)
    results = test.results()
    assert [result.state for result in results[:2]] == ["broken", "passed"]
    assert (results[0].value, results[0].limit, results[0].unit) == (2, 3, "per_s")


def test_what_was_never_asked_is_not_judged_and_not_broken() -> None:
    test = Test("rps < 1000 while users > 50", "rps < 1000 while users > 0 for 3s")
    for users in (1, 1, 0, 1, 1):
        test.second(1, users=users)
    results = test.results()
    assert [(result.state, result.fails) for result in results] == [("not judged", False)] * 2
    assert results[0].sentence == "users > 50 did not hold in any second"
    assert results[1].sentence == "users > 0 held for 2 s at most, the window is 3 s"


def test_a_rule_without_data_fails() -> None:
    test = Test("p95 of '/cart' > 1s", "p95 > 1h over 30s", "fail_ratio of 'GET /cart' > 1% for 2s", "rps of '/x' < 1")
    test.second(1)
    test.second(1)
    results = test.results()
    assert [(result.state, result.fails) for result in results] == [("no data", True)] * 4
    assert results[0].sentence == "nothing was counted of '/cart'"
    assert results[1].sentence == "there were 2 s to judge, the window is 30 s"


def test_a_name_that_was_misspelt_is_told_with_the_one_that_is_there() -> None:
    test = Test("p95 of 'GET /item/[id}' > 1s", "p95 of '/itm/[id]' > 1s", "p95 of 'quite another' > 1s")
    test.second(1, name="/item/[id]")
    # Looking for likeness takes its time, which a running test has not.
    assert "did you mean" not in str(test.judge.verdict)
    assert [result.sentence for result in test.results()] == [
        "nothing was counted of 'GET /item/[id}'; did you mean 'GET /item/[id]'?",
        "nothing was counted of '/itm/[id]'; did you mean '/item/[id]'?",
        "nothing was counted of 'quite another'",
    ]


def test_a_run_without_requests_keeps_no_rule_about_them() -> None:
    test = Test("p95 > 1s", "fail_ratio > 1%", "rps > 1000", "requests > 5", "users > 5")
    test.second(users=1)
    assert test.states() == ["no data"] * 4 + ["passed"]


def test_names_are_of_one_method_or_of_all() -> None:
    name = """/a b['1'] "x" """.strip()
    quoted = name.replace("'", "\\'")
    rules = [
        f"p50 of '{who}' > 50ms{over}"
        for who in (quoted, f"GET {quoted}", f"POST {quoted}")
        for over in ("", " over 2s")
    ]
    test = Test(*rules, f"requests of '{quoted}' != 6")
    for _ in range(2):
        test.second(10, 10, name=name)
        test.second(100, name=name, method="POST")
    assert test.states() == ["passed", "passed", "passed", "passed", "broken", "broken", "passed"]


def test_a_name_is_known_as_reports_tell_it() -> None:
    test = Test("p50 of '/pay?token=****' > 1ms")
    test.stats.errors.mask = Mask(["hunter22"])
    test.second(10, name="/pay?token=hunter22")
    told = test.stats.timeline.names[0][1]
    test.judge.add_rule(f"p50 of '{told}' > 2ms", "told")
    assert "hunter22" not in told
    assert test.results()[1].state == "broken"


def test_abort_ends_the_test_and_what_broke_stays_broken() -> None:
    test = Test("fail_ratio > 10% abort", "p50 > 1h abort")
    test.second(1, 1)
    assert test.reasons == []
    test.second(1, failures=1)
    assert test.reasons == ["a rule is broken: fail_ratio > 10% abort"]
    test.second(*[1] * 100)
    results = test.results()
    assert [result.state for result in results] == ["broken", "passed"]
    assert results[0].value == pytest.approx(1 / 3)


def test_abort_after_waits() -> None:
    test = Test("requests < 10 abort after 3s")
    for _ in range(2):
        test.second(1)
    assert test.reasons == []
    test.second(1)
    assert test.reasons == ["a rule is broken: requests < 10 abort after 3s"]


def test_a_baseline_stands_for_the_same_metric_of_another_run() -> None:
    before = {("p50", None): 0.010, ("p50", "/a"): 0.020}
    rules = ["p50 > 1.5 * baseline", "p50 of '/a' > 1.5 * baseline over 1s", "rps < baseline"]
    test = Test(*rules, baseline=lambda metric: before.get((metric.text, metric.name)))
    test.second(16, 16, 16, name="/a")
    results = test.results()
    assert [result.state for result in results] == ["broken", "passed", "no data"]
    assert results[0].limit == pytest.approx(15)
    assert results[2].sentence == "the baseline does not tell rps"


def test_a_rule_about_a_baseline_needs_one() -> None:
    with pytest.raises(RuleError, match="give --baseline") as raised:
        Test("p50 of 'baseline' > baseline")
    assert raised.value.at == 20


def test_what_comes_before_the_end_of_the_warm_up_is_not_judged() -> None:
    rules = ["p99 > 500ms", "p99 of '/' > 500ms", "p99 > 500ms for 2s", "requests != 2", "rps > 1 over 1s"]
    test = Test(*rules, warmup_s=3)
    for _ in range(3):
        test.second(1000, 1000)
    test.second(5)
    test.second(6)
    stretch = test.judge.after_warmup
    assert stretch is not None
    assert (stretch.total.num_requests, [row.num_requests for row in stretch.requests]) == (2, [2])
    assert stretch.total.max_us == pytest.approx(6000, rel=0.01)
    assert test.stats.num_requests == 8
    assert test.states() == ["passed"] * 5
    assert test.stats.timeline.window(BEGIN_S, BEGIN_S + 9).total.num_requests == 8  # type: ignore[union-attr]


def test_a_rule_that_comes_late_is_judged_by_all_that_came_after_the_warm_up() -> None:
    test = Test(warmup_s=1)
    for count in (5, 2, 3):
        test.second(*[1] * count)
    test.judge.add_rule("requests == 5", "fail_if()")
    assert test.result().state == "broken"


def test_a_test_within_its_warm_up_has_no_data() -> None:
    test = Test("p99 > 500ms", warmup_s=30)
    test.second(1)
    result = test.result()
    assert (result.state, result.sentence) == ("no data", "the test was over before its warm-up was")


def test_the_last_requests_are_judged_and_the_last_part_of_a_second_is_none() -> None:
    test = Test("requests == 3", "rps < 2 for 1s", "rps < 2 while users > 0")
    test.second(1, 1)
    test.stats.log_request("GET", "/", 1, 10)
    test.second(length_s=0.1)
    assert test.states() == ["broken", "passed", "passed"]


def test_every_test_is_judged_anew() -> None:
    test = Test("p50 > 50ms for 1s", "fail_ratio > 0 abort")
    test.second(60, failures=1)
    assert test.states() == ["broken", "broken"]
    test.stats.running = True
    test.stats.clear_all()
    test.stats.timeline.begin(BEGIN_S)
    test.end_s = 0.0
    test.second(10)
    assert test.states() == ["passed", "passed"]


def test_figures_that_are_cleared_after_the_test_do_not_change_how_it_was_judged() -> None:
    test = Test("p50 > 50ms", warmup_s=1)
    test.second(60)
    test.second(60)
    assert test.states() == ["broken"]
    test.stats.reset_all()
    test.stats.timeline.catch_up()
    assert test.states() == ["broken"]


def test_counting_anew_begins_anew_and_does_not_repeat_the_warm_up() -> None:
    test = Test("requests != 1", "p50 > 50ms over 2s", warmup_s=1)
    for time_ms in (1, 60, 60):
        test.second(time_ms)
    test.stats.recorder.reset()
    # What reset_all does at this moment, by a clock of this test's own: the timeline has begun at it.
    test.started_s -= 3
    test.judge.forget()
    test.second(1)
    assert test.states()[0] == "passed"


def test_what_is_too_large_for_a_number_is_no_data() -> None:
    factors = " * ".join(["999999999999999"] * 22)
    test = Test(f"users * {factors} > 1 for 1s", f"max * {factors} / {factors} > 1ms")
    test.second(10, users=9)
    assert test.states() == ["no data", "no data"]


def test_a_figure_that_cannot_be_made_of_what_was_counted_is_not_said_to_be_of_nothing() -> None:
    test = Test("max / min > 5 * failures / failures", "p95 > 5ms")
    test.second(failures=0)
    test.second(10)
    first, second = test.results()
    assert (first.state, second.state) == ("no data", "broken")
    assert "there is a division by 0" in first.sentence


def test_the_end_of_a_test_is_in_windows_only_where_there_is_none_without_it() -> None:
    rules = ["rps < 2 for 1s", "rps > 3 for 1s", "requests > 5 over 2s", "rps > 4 over 4s", "max > 5ms for 3s"]
    test = Test(*rules, "requests == 13", "rps < 1 while users > 0")
    for _ in range(3):
        test.second(1, 1)
    test.stats.timeline.mark("stop", "its run time is over")
    test.second(*[9] * 6, length_s=0.6)
    test.second(9)
    assert test.states() == ["passed", "passed", "passed", "passed", "passed", "broken", "passed"]
    short = Test("rps > 3 over 4s", "max > 5ms for 4s")
    short.second(9, 9)
    short.second(9, 9)
    short.stats.timeline.mark("stop", "its run time is over")
    short.second(*[9] * 6)
    short.second(*[9] * 6)
    assert short.states() == ["broken", "broken"]


def test_what_a_test_is_too_short_for_is_known_before() -> None:
    rules = ["p95 > 5ms", "p95 > 5ms for 30s", "p95 > 5ms over 20s"]
    test = Test(*rules, warmup_s=10)
    assert test.judge.without_data_within(40) == []
    assert test.judge.without_data_within(35) == ["p95 > 5ms for 30s needs 40 s, a whole window after the warm-up"]
    assert test.judge.without_data_within(10) == ["no rule is judged, as the warm-up takes 10 s"]
    assert Test(*rules).judge.without_data_within(29) == ["p95 > 5ms for 30s needs 30 s, a whole window"]
    assert Test(warmup_s=10).judge.without_data_within(1) == []


def test_a_rule_may_come_until_the_end_and_counts_once() -> None:
    test = Test()
    assert test.judge.verdict is None
    test.second(10)
    test.judge.add_rule("p50 > 1ms", "fail_if()")
    test.judge.add_rule("p50 > 1ms", "fail_if()")
    assert test.states() == ["broken"]
    with pytest.raises(RuleError, match="test_stop is the last moment"):
        test.judge.add_rule("p50 > 1ms", "fail_if()")


def test_a_generator_that_could_not_make_its_requests_is_saturated() -> None:
    test = Test()
    test.judge.fails_if_saturated = True
    test.second(10)
    test.stats.log_generator_error("GET", "/", GeneratorError("too many open files"))
    result = test.result()
    assert (result.state, result.exit_code) == ("broken", ExitCode.SATURATED)


def test_ten_rules_over_a_thousand_names_cost_little() -> None:
    names = [f"/item/{number}" for number in range(990)]
    rules = [f"p99.9 of 'GET {name}' > 1h over 10min" for name in names[:4]]
    rules += [f"p95 of '{name}' > 1h while users > 0" for name in names[4:6]]
    rules += ["p95 of '/itm/9' > 1h", "p95 > 1h over 1h", "p95 > 1h", "p95 of '/item/8' > 1h for 9s"]
    costs = []
    for told in ((), rules):
        test = Test(*told)
        least_s = 1.0
        for number in range(12):
            for place, name in enumerate(names):
                test.stats.log_request("GET", name, 5 + (place * number) % 90, 10)
            began_s = time.process_time()
            test.second()
            least_s = min(least_s, time.process_time() - began_s)
        costs.append(least_s)
    assert costs[1] - costs[0] < 0.005


def test_the_rules_of_a_source_are_replaced_for_the_next_test_and_those_of_others_stay() -> None:
    test = Test("p95 > 1s", "avg > 2s")
    test.judge.add_rule("max > 1s", "fail_if()")
    test.second(1500)
    before = test.results()
    with pytest.raises(RuleError):
        test.judge.replace_rules(["min > 1s", "min >> 1s"], "--fail-if")
    assert test.judge.rules == [("p95 > 1s", "--fail-if"), ("avg > 2s", "--fail-if"), ("max > 1s", "fail_if()")]
    test.judge.replace_rules(["min > 1s", "avg > 2s", "min > 1s"], "--fail-if")
    # The test that is over stays judged as it was.
    assert test.judge.verdict is not None
    assert list(test.judge.verdict.rules) == before
    test.stats.clear_all()
    test.stats.running = True
    test.stats.timeline.begin(BEGIN_S)
    test.end_s = 0
    test.second(10)
    assert [(rule.text, rule.state) for rule in test.results()] == [
        ("min > 1s", "passed"), ("avg > 2s", "passed"), ("max > 1s", "passed"),
    ]  # fmt: skip
