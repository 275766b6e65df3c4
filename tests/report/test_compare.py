"""The verdict on two runs: what differs is found, what does not is left in peace, and doubt is told as such."""

import json
import re
from typing import Any

import pytest

from gregaria.report.compare import (
    CANNOT_TELL,
    FASTER,
    MORE_FAILURES,
    NO_DIFFERENCE,
    SLOWER,
    Comparison,
    Limit,
    beyond,
    compare,
)
from gregaria.report.comparison import comparison_document, comparison_lines
from gregaria.report.measured import TOTAL, MeasuredRun, Part, Piece, Told, Whole, run_of_document
from tests.report.runs import run_document


def compared(first: dict[str, Any], second: dict[str, Any], **more: Any) -> Comparison:
    return compare(run_of_document(first, "a"), run_of_document(second, "b"), **more)


def test_equal_runs_do_not_differ_and_the_margin_is_told() -> None:
    found = compared(run_document(1), run_document(2))
    assert found.verdict == NO_DIFFERENCE
    assert found.sentence.startswith("There is no difference beyond ")
    for row in (*found.rows, found.total):
        for change in row.changes.values():
            assert change.low is not None
            assert change.change is not None
            assert change.high is not None
            assert change.low <= change.change <= change.high
            assert change.matters == 0


@pytest.mark.parametrize(("factor", "verdict"), [(1.1, SLOWER), (1 / 1.1, FASTER)])
def test_ten_per_cent_are_found_and_told(factor: float, verdict: str) -> None:
    found = compared(run_document(1), run_document(2, factor=factor))
    assert found.verdict == verdict
    for row in (*found.rows, found.total):
        change = row.changes["p50"]
        assert change.change == pytest.approx(factor - 1, abs=0.02)
        assert change.direction == change.matters == (1 if factor > 1 else -1)
    assert f"B is {verdict}: p" in found.sentence


def test_what_is_certain_but_small_does_not_matter() -> None:
    found = compared(run_document(1), run_document(2, factor=1.05), least_effect=0.15)
    assert found.total.changes["p50"].direction == 1
    assert found.total.changes["p50"].matters == 0
    assert found.verdict == NO_DIFFERENCE


def test_one_slow_name_among_many_is_found_though_the_total_hides_it() -> None:
    names = tuple(f"/{number}" for number in range(50))
    found = compared(
        run_document(1, per_second=1000, names=names), run_document(2, per_second=1000, names=names, slow="/7")
    )
    assert found.verdict == SLOWER
    assert "GET /7" in found.sentence
    assert [row.name for row in found.rows if row.changes["p50"].matters] == ["/7"]
    assert found.total.changes["p50"].matters == 0


def test_more_failures_are_the_verdict_even_if_all_is_faster() -> None:
    found = compared(run_document(1), run_document(2, factor=0.7, failing=0.05))
    assert found.verdict == MORE_FAILURES
    assert re.match(r"B is worse, it has more failures: failures of GET /[ab] \+\d\.\d points \(\+", found.sentence)
    assert found.total.changes["failures"].change == pytest.approx(0.05, abs=0.02)


def test_a_failure_or_two_are_no_difference() -> None:
    found = compared(run_document(1), run_document(2, failing=0.0005))
    assert found.verdict == NO_DIFFERENCE


@pytest.mark.parametrize("options", [{"seconds": 7}, {"per_second": 1}])
def test_too_short_and_too_few_are_not_judged(options: dict[str, Any]) -> None:
    found = compared(run_document(1, **options), run_document(2, factor=1.5, **options))
    assert found.verdict == CANNOT_TELL
    assert "Compare longer runs" in found.sentence


def test_what_is_lacking_is_told() -> None:
    found = compared(run_document(1, seconds=7), run_document(2))
    assert found.sentence == (
        "Cannot tell: of the 5 blocks of time with all users that it takes to know how far the figures may be off, "
        "A has 3. Compare longer runs."
    )
    nothing = run_document(1, per_second=0)
    assert compared(run_document(1), nothing).sentence == "Cannot tell: B has no requests."
    assert compared(nothing, nothing).sentence == "Cannot tell: A and B have no requests."


def test_one_run_twice_is_noticed() -> None:
    told = run_document(1)
    found = compared(told, told)
    assert found.verdict == NO_DIFFERENCE
    assert found.notes == ("A and B have the same figures to the last one: they seem to be the same run.",)


def test_intervals_that_reach_beyond_all_numbers_can_be_told() -> None:
    # A target that answers at once or after a minute, few blocks, and so many names that hardly anything is certain.
    keys = [TOTAL, *(("GET", f"/{number}") for number in range(300))]
    pieces = [Piece(1000, 0, 1000, Told({0.5: time_us, 0.95: time_us})) for time_us in (100.0, 6e7)]
    wholes = dict.fromkeys(keys, Whole(5000, 0, 100.0, Told({})))

    def told(answers: tuple[int, ...]) -> MeasuredRun:
        parts = [Part(n * 10.0, 10.0, dict.fromkeys(keys, pieces[each])) for n, each in enumerate(answers)]
        return MeasuredRun("x", parts, wholes, 5)

    found = compare(told((0, 0, 0, 0, 0)), told((0, 0, 1, 1, 1)))
    assert found.verdict == CANNOT_TELL
    assert json.dumps(comparison_document(found), allow_nan=False)
    assert ">+999)" in "\n".join(comparison_lines(found))


def test_runs_that_vary_wildly_in_themselves_are_not_judged() -> None:
    found = compared(run_document(5, drift=0.3), run_document(6, drift=0.3))
    assert found.verdict == CANNOT_TELL
    assert "could hide" in found.sentence


def test_whole_milliseconds_are_not_taken_for_certainty() -> None:
    def told(median_us: float) -> MeasuredRun:
        piece = Piece(1000, 0, 1000, Told({0.5: median_us, 0.95: median_us}))
        return MeasuredRun("x", [Part(n * 10.0, 10.0, {TOTAL: piece}) for n in range(10)], {}, 5)

    # 15 may be 15.4, and 16 may be 15.6.
    assert compare(told(15_000), told(16_000)).total.changes["p50"].direction == 0
    assert compare(told(15_000), told(17_000)).verdict == SLOWER


def test_false_alarms_are_rare_where_seconds_are_alike_and_ten_per_cent_are_found_all_the_same() -> None:
    pairs = [[run_document(seed + n, per_second=60, drift=0.01, factor=factor) for n, factor in
              enumerate((1.0, 1.0, 1.1))] for seed in range(0, 150, 3)]  # fmt: skip
    alarms = sum(compared(first, second).verdict not in (NO_DIFFERENCE, CANNOT_TELL) for first, second, _ in pairs)
    found = sum(compared(first, slow).verdict == SLOWER for first, _, slow in pairs)
    assert alarms <= 2
    assert found >= 48


def test_names_of_one_run_only_and_other_loads_are_told() -> None:
    found = compared(run_document(1), run_document(2, names=("/b", "/c"), users=lambda second: 20))
    assert (found.only_in_a, found.only_in_b) == ((("GET", "/a"),), (("GET", "/c"),))
    assert found.notes == ("a had 10 users and b 20: their loads are not the same.",)
    text = "\n".join(comparison_lines(found))
    assert "Only in A: GET /a\nOnly in B: GET /c\nNote: a had 10 users" in text


def test_a_filter_leaves_names_out_but_not_of_the_total() -> None:
    found = compared(run_document(1), run_document(2), wanted=lambda key: key[1] == "/b")
    assert [row.name for row in found.rows] == ["/b"]
    assert found.total == compared(run_document(1), run_document(2)).total


def test_limits_are_broken_by_what_is_certain_only() -> None:
    found = compared(run_document(1), run_document(2, factor=1.1))
    limits = [Limit("p95", 0.05), Limit("p95", 0.15), Limit("rate", -0.01), Limit("rate", 0.0)]
    assert {(limit.bound, row.name) for limit, row in beyond(found, limits)} == {
        (0.05, "/a"),
        (0.05, "/b"),
        (0.05, "Aggregated"),
    }
    same = compared(run_document(1), run_document(2))
    assert beyond(same, [Limit("p95", 0.0), Limit("p50", 0.0), Limit("failures", 0.0)]) == []


def test_totals_alone_are_compared_without_certainty() -> None:
    found = compared(run_document(1) | {"timeline": None}, run_document(2, factor=1.1) | {"timeline": None})
    change = found.total.changes["p50"]
    assert change.change == pytest.approx(0.1, abs=0.02)
    assert (change.low, change.high, found.verdict) == (None, None, CANNOT_TELL)


def test_what_got_worse_stands_first_then_what_is_certain_then_all_else_by_name() -> None:
    names = tuple(f"/{number}" for number in range(6))
    before, after = (run_document(seed, per_second=600, names=names) for seed in (1, 2))
    slower = compared(before, run_document(2, per_second=600, names=names, slow="/3"))
    assert [row.name for row in slower.rows] == ["/3", "/0", "/1", "/2", "/4", "/5"]
    faster = compared(run_document(2, per_second=600, names=names, slow="/5"), after)
    assert [row.name for row in faster.rows] == ["/5", "/0", "/1", "/2", "/3", "/4"]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_terminal_gets_what_fits_and_the_verdict_last(width: int) -> None:
    names = tuple(f"/shop/{number}/of/a/long/path/with/{'x' * 60}" for number in range(300))
    found = compared(*(run_document(seed, seconds=12, per_second=300, names=names) for seed in (1, 2)))
    lines = comparison_lines(found, width=width, height=40)
    assert max(map(len, lines)) <= width
    assert len(lines) == 39
    text = "\n".join(lines)
    assert "more names, of less weight, are in a file or a pipe" in text
    assert " ".join(text.split()).endswith(found.sentence)
    assert ("no room for the 95 % intervals" in text) == (width < 120)
    assert len(comparison_lines(found)) > 300


def test_the_table_and_the_document_tell_the_same() -> None:
    found = compared(run_document(1), run_document(2, factor=1.1))
    lines = comparison_lines(found, width=120)
    assert lines[0] == "A: a (26 s in 26 blocks, 10 users)"
    assert lines[-1] == found.sentence
    assert max(map(len, lines[:10])) <= 120
    document = comparison_document(found, beyond(found, [Limit("p50", 0.05)]))
    assert (document["schema"], document["verdict"]) == ("gregaria.comparison/1", SLOWER)
    told = document["total"]["changes"]["p50"]
    assert any(f"{told['change'] * 100:+.1f}%" in line for line in lines if "Aggregated" in line)
    assert len(document["beyond_limits"]) == 3
