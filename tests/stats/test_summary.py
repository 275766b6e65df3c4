import time

import pytest

from gregaria.engine import clock
from gregaria.engine.phases import PHASES
from gregaria.errors import GeneratorError
from gregaria.settings import settings
from gregaria.stats.failures import ExceptionTable
from gregaria.stats.summary import reported_fractions, summarize
from gregaria.stats.table import RequestStats

SECOND = 1_000_000


@pytest.fixture
def stats() -> RequestStats:
    return RequestStats()


def test_a_summary_holds_everything_that_was_counted(stats: RequestStats) -> None:
    now_us = clock.now_us()
    stats.recorder.record("GET", "/b", 2000, 10, now_us=now_us)
    stats.recorder.record(
        "GET", "/b", 4000, 30, error=ValueError("item 12345"), now_us=now_us, intended_us=now_us - 9000
    )
    stats.recorder.record("POST", "/a", None, 0, now_us=now_us)
    stats.recorder.interrupted(stats.recorder.entry("GET", "/b"))
    stats.record_history(3)
    exceptions = ExceptionTable()
    exceptions.add("worker_2", "no", "Traceback")
    exceptions.add("local", "no", "Traceback")
    summary = summarize(
        stats, exceptions, user_count=3, user_classes={"Shopper": 3}, state="stopped", started=100.0, ended=130.0,
        host="http://localhost", locustfiles=["locustfile.py"], notes=["Mind the gap."], options={"users": 3},
    )  # fmt: skip
    assert [(row.name, row.method) for row in summary.requests] == [("/a", "POST"), ("/b", "GET")]
    untimed, row = summary.requests
    assert (untimed.num_none_requests, untimed.min_us, untimed.max_us, untimed.percentiles_us) == (1, None, None, {})
    assert (row.num_requests, row.num_failures, row.num_interrupted, row.fail_ratio) == (2, 1, 1, 0.5)
    assert (row.min_us, row.max_us, row.avg_us, row.median_us) == (2000, 4000, 3000, 2000)
    assert (row.avg_size_bytes, row.total_size_bytes) == (20, 40)
    assert list(row.percentiles_us) == reported_fractions()
    assert (row.percentiles_us[0.5], row.percentiles_us[1.0]) == (2000, 4000)
    assert (row.intended_percentiles_us[1.0], untimed.intended_percentiles_us) == (9000, {})
    assert sum(row.histogram_us.values()) == 2
    assert all(abs(edge_us - time_us) < 70 for edge_us, time_us in zip(row.histogram_us, (2000, 4000), strict=True))
    assert list(row.per_second.values()) == [(2, 1)]
    assert (summary.total.name, summary.total.method, summary.total.num_requests) == ("Aggregated", "", 3)
    assert (summary.user_count, summary.user_classes, summary.state) == (3, {"Shopper": 3}, "stopped")
    assert (summary.started_epoch_s, summary.ended_epoch_s, summary.duration_s) == (100.0, 130.0, 30.0)
    assert (summary.host, summary.locustfiles, summary.options) == (
        "http://localhost",
        ("locustfile.py",),
        {"users": 3},
    )
    (failure,) = summary.failures
    assert (failure.method, failure.name, failure.occurrences) == ("GET", "/b", 1)
    assert (failure.error, failure.sample) == ("ValueError('item <number>')", "ValueError('item 12345')")
    (exception,) = summary.exceptions
    assert (exception.count, exception.message, exception.nodes) == (2, "no", ("local", "worker_2"))
    assert (len(summary.history), summary.notes) == (1, ("Mind the gap.",))


def test_a_summary_does_not_change_when_counting_goes_on(stats: RequestStats) -> None:
    stats.log_request("GET", "/", 5, 1)
    stats.record_history(1)
    summary = summarize(stats, {})
    before = repr(summary)
    stats.log_request("GET", "/", 50, 1)
    stats.log_error("GET", "/", "no")
    stats.clear_all()
    assert repr(summary) == before


def test_the_last_second_is_included(stats: RequestStats) -> None:
    for number in range(250):
        stats.recorder.record("GET", "/", 1000, 1, now_us=stats.started_us + number * 10_000)
    summary = summarize(stats, {}, state="stopped")
    assert summary.total.num_requests == sum(n for n, _ in summary.total.per_second.values()) == 250
    assert summary.total.total_rps == pytest.approx(100, rel=0.01)
    assert summary.total.current_rps == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(("state", "falls"), [("running", True), ("spawning", True), ("stopped", False)])
def test_current_rates_look_back_from_now_only_while_the_test_runs(
    stats: RequestStats, state: str, falls: bool
) -> None:
    old_us = stats.started_us - 60 * SECOND
    stats.recorder.total.reset(old_us)
    for number in range(300):
        stats.recorder.record("GET", "/", 1000, 1, now_us=old_us + number * 10_000)
    summary = summarize(stats, {}, state=state)
    assert (summary.total.current_rps == 0) is falls
    assert (summary.requests[0].current_rps == 0) is falls


def test_a_test_that_has_not_begun_has_lasted_no_time(stats: RequestStats) -> None:
    summary = summarize(stats, {})
    assert (summary.duration_s, summary.requests, summary.total.total_rps) == (0.0, (), 0.0)
    assert summarize(stats, {}, started=time.time() - 5).duration_s == pytest.approx(5, abs=1)


def test_limits_that_were_reached_are_told() -> None:
    settings.max_names = settings.max_failures = 1
    stats = RequestStats()
    for name in ("/a", "/b"):
        stats.log_request("GET", name, 1, 1)
        stats.log_error("GET", name, name)
    names, failures = sorted(summarize(stats, {}).notes, key=lambda note: "failures" in note)
    assert "name=" in names
    assert "more than 1 kinds of failures" in failures


def test_generator_errors_are_told_and_are_in_no_other_figure(stats: RequestStats) -> None:
    row = stats.recorder.entry("GET", "/a")
    for port in (40_000, 40_001):
        stats.recorder.generator_error(row, GeneratorError(f"port {port} is taken; widen the range"))
    summary = summarize(stats, {})
    assert (summary.total.num_requests, summary.total.num_failures, summary.failures) == (0, 0, ())
    assert (summary.total.num_generator_errors, summary.requests[0].num_generator_errors) == (2, 2)
    (error,) = summary.generator_errors
    assert (error.error, error.sample) == (
        "port <number> is taken; widen the range",
        "port 40000 is taken; widen the range",
    )
    assert (error.method, error.name, error.occurrences) == ("GET", "/a", 2)
    (note,) = summary.notes
    assert note.startswith("2 requests were not made")
    assert stats.num_generator_errors == 2
    stats.reset_all()
    assert summarize(stats, {}).generator_errors == ()


def test_phases_and_the_exchanges_of_failures_are_there(stats: RequestStats) -> None:
    stats.recorder.entry("GET", "/a").add_phases([0, 0, 0, 5, 100, 7])
    stats.log_request("GET", "/b", 1, 1)
    measured, other = summarize(stats, {}).requests
    assert measured.phases_us is not None
    assert (list(measured.phases_us), measured.phases_us["first_byte"][0.5]) == (list(PHASES), 100)
    assert (other.phases_us, other.num_late) == (None, 0)


def test_every_percentile_that_a_report_shows_is_there() -> None:
    settings.percentiles_to_chart = [0.42]
    assert {0.42, 0.9999, 1.0, 0.6} <= set(reported_fractions())
    assert reported_fractions() == sorted(set(reported_fractions()))
