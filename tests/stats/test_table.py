import json
import logging

import gevent
import pytest
from gevent import GreenletExit

from gregaria.engine.recorder import Entry
from gregaria.errors import GeneratorError
from gregaria.events import RequestEvent
from gregaria.settings import settings
from gregaria.stats.table import RequestStats

SECOND = 1_000_000


@pytest.fixture
def stats() -> RequestStats:
    return RequestStats()


def test_an_error_of_the_generator_that_is_fired_is_told_and_in_no_other_figure(stats: RequestStats) -> None:
    event, told = RequestEvent(), []
    event.stats = stats
    event.add_listener(lambda exception, **_: told.append(exception))
    error = GeneratorError("no local port is left")
    with event.measure("LINE", "greeting"):
        raise error
    assert told == [error]
    assert (stats.num_generator_errors, stats.num_requests, stats.num_failures, len(stats.errors)) == (1, 0, 0, 0)
    assert [(group.name, group.error) for group in stats.generator_errors.values()] == [("greeting", str(error))]


def test_a_measured_block_that_the_end_of_the_test_cuts_short_is_no_success(stats: RequestStats) -> None:
    event, told = RequestEvent(), []
    event.stats = stats
    event.add_listener(lambda **fields: told.append(fields))
    with pytest.raises(GreenletExit), event.measure("LINE", "greeting"):
        raise GreenletExit
    assert not told
    assert (stats.interrupted, stats.num_requests, stats.num_failures) == (1, 0, 0)
    assert stats.get("greeting", "LINE").native.num_interrupted == 1


def test_a_timeout_around_a_measured_block_is_its_failure_and_goes_on_to_whoever_set_it(stats: RequestStats) -> None:
    event = RequestEvent()
    event.stats = stats
    timeout = gevent.Timeout()
    with pytest.raises(gevent.Timeout) as raised, event.measure("LINE", "greeting"):
        raise timeout
    assert raised.value is timeout
    assert (stats.num_requests, stats.num_failures) == (1, 1)


def test_requests_are_counted_by_name_and_in_total(stats: RequestStats) -> None:
    stats.log_request("GET", "/a", 10, 5)
    stats.log_request("GET", "/a", 20, 5)
    stats.log_request("POST", "/a", None, 5)
    stats.log_error("POST", "/a", ValueError("no"))
    assert {key: entry.num_requests for key, entry in stats.entries.items()} == {("/a", "GET"): 2, ("/a", "POST"): 1}
    assert (stats.num_requests, stats.num_none_requests, stats.num_failures) == (3, 1, 1)
    assert (stats.total.name, stats.total.method, stats.total.avg_response_time) == ("Aggregated", "", 15)
    assert stats.last_request_timestamp == stats.total.last_request_timestamp
    assert stats.start_time == stats.total.start_time


def test_the_request_event_counts_here(stats: RequestStats) -> None:
    event = RequestEvent()
    event.stats = stats
    event.fire(request_type="WS", name="x", response_time=5, response_length=3, exception=None)
    event.fire(request_type="WS", name="x", response_time=5, response_length=3, exception=KeyError("no"))
    assert (stats.num_requests, stats.num_failures, stats.total.total_content_length) == (2, 1, 6)
    assert [error.error for error in stats.errors.values()] == ["KeyError('no')"]


def test_names_and_lengths_need_not_be_of_the_exact_type(stats: RequestStats) -> None:
    stats.log_request("GET", 5, 1.5, "17")  # type: ignore[arg-type]
    stats.log_error("GET", 5, "no")  # type: ignore[arg-type]
    entry = stats.get("5", "GET")
    assert (entry.num_requests, entry.num_failures, entry.total_content_length) == (1, 1, 17)


def test_what_the_engine_counts_is_seen_and_its_failures_are_grouped(stats: RequestStats) -> None:
    for number in range(5):
        stats.recorder.record("GET", "/a", 1000, 5, error=f"no item {number + 10000}")
    assert stats.get("/a", "GET").num_failures == 5
    assert [(error.error, error.occurrences) for error in stats.errors.values()] == [("no item <number>", 5)]


def test_the_checks_of_a_quitting_listener_work(stats: RequestStats) -> None:
    for number in range(200):
        failed = "no" if number % 20 == 0 else None
        stats.recorder.record("GET", "/", 600_000, 1, error=failed, now_us=stats.started_us + number * 20_000)
    total = stats.total
    assert total.fail_ratio > 0.01
    assert total.get_response_time_percentile(0.95) > 500
    assert total.get_response_time_percentile(0.99) < 1000
    assert 45 < total.current_rps < 55


def test_an_entry_is_made_by_asking_for_it(stats: RequestStats) -> None:
    assert ("/a", "GET") not in stats.entries
    assert stats.entries.get(("/a", "GET")) is None
    entry = stats.entries["/a", "GET"]
    assert stats.get("/a", "GET") is entry
    assert (list(stats.entries), len(stats.entries)) == ([("/a", "GET")], 1)
    stats.log_request("GET", "/a", 1, 1)
    assert entry.num_requests == 1


def test_resetting_keeps_the_rows_and_clearing_drops_them(stats: RequestStats) -> None:
    stats.log_request("GET", "/a", 1, 1)
    stats.log_error("GET", "/a", "no")
    stats.record_history(1)
    entry, total = stats.get("/a", "GET"), stats.total
    stats.reset_all()
    assert (stats.get("/a", "GET") is entry, entry.num_requests, stats.num_requests) == (True, 0, 0)
    assert (len(stats.errors), len(stats.history)) == (0, 0)
    stats.log_request("GET", "/a", 1, 1)
    stats.log_error("GET", "/a", "no")
    assert [error.occurrences for error in stats.errors.values()] == [1]
    stats.clear_all()
    assert (len(stats.entries), len(stats.errors), stats.num_requests) == (0, 0, 0)
    assert stats.total is total
    assert stats.get("/a", "GET") is not entry


def test_beyond_the_limit_of_names_there_is_one_row_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings.max_names = 4
    stats = RequestStats()
    with caplog.at_level(logging.WARNING, logger="gregaria.stats"):
        for number in range(50):
            stats.log_request("GET", f"/item/{number}", 1, 1)
            stats.log_error("GET", f"/item/{number}", "no")
    assert len(stats.entries) == 5
    assert stats.entries["(other)", ""].num_requests == 46
    assert stats.entries["/item/30", "GET"].name == "(other)"
    assert stats.num_requests == 50
    assert sum(error.occurrences for error in stats.errors.values()) == 50
    (warning,) = caplog.messages
    assert 'name="/item/[id]"' in warning
    assert "GET /item/4" in warning
    settings.max_names = 100
    stats.clear_all()
    for number in range(50):
        stats.log_request("GET", f"/item/{number}", 1, 1)
    assert len(stats.entries) == 50


def test_interrupted_requests_are_told_apart(stats: RequestStats) -> None:
    stats.recorder.interrupted(stats.recorder.entry("GET", "/slow"))
    assert (stats.interrupted, stats.num_requests) == (1, 0)


def test_serialising_resets_nothing_and_is_plain_json(stats: RequestStats) -> None:
    stats.log_request("GET", "/a", 12.5, 1)
    stats.log_error("GET", "/a", ValueError("no"))
    assert stats.entries["/unused", "GET"].num_requests == 0
    first = json.dumps([stats.serialize_stats(), stats.serialize_errors()])
    assert json.dumps([stats.serialize_stats(), stats.serialize_errors()]) == first
    assert [row["name"] for row in stats.serialize_stats()] == ["/a"]


def test_reports_of_other_processes_are_added(stats: RequestStats) -> None:
    others = [RequestStats(), RequestStats()]
    for number, other in enumerate(others):
        other.log_request("GET", "/a", 10 * (number + 1), 5)
        other.log_request("GET", f"/{number}", 5, 5)
        other.log_error("GET", "/a", f"no item {number + 10000}")
        stats.merge_report(other.serialize_stats(), other.serialize_errors())
    assert {key[0]: entry.num_requests for key, entry in stats.entries.items()} == {"/a": 2, "/0": 1, "/1": 1}
    assert (stats.num_requests, stats.num_failures, stats.total.max_response_time) == (4, 1 + 1, 20)
    assert [error.occurrences for error in stats.errors.values()] == [2]
    with pytest.raises(KeyError):
        stats.merge_report([{"name": "/a"}], {})


def test_the_history_tells_the_current_percentiles(stats: RequestStats) -> None:
    settings.history_stats_interval_s = 5
    for second in range(30):
        stats.recorder.record("GET", "/", 1000 * (second + 1), 1, now_us=stats.started_us + second * SECOND)
    assert stats.record_history(7)
    assert not stats.record_history(7)
    assert stats.record_history(8, force=True)
    first, last = stats.history
    assert (first.user_count, last.user_count, first.num_requests) == (7, 8, 30)
    assert first.current_percentiles_us[0.5] == pytest.approx(25_000, rel=0.05)
    assert first.current_percentiles_us[1.0] == pytest.approx(30_000, rel=0.01)
    assert first.avg_us == 15_500
    assert first.current_rps == pytest.approx(1, rel=0.15)


def test_a_history_without_requests_has_no_percentiles(stats: RequestStats) -> None:
    stats.record_history(0)
    assert stats.history[0].current_percentiles_us == {}


def test_rows_of_another_engine_can_be_merged(stats: RequestStats) -> None:
    entry = Entry("GET", "/a")
    entry.add_request(5000, 1)
    stats.recorder.merge(entry)
    assert stats.total.max_response_time == 5
