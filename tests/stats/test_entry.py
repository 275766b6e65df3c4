import json
import time

import pytest

from gregaria.settings import settings
from gregaria.stats.entry import StatsEntry
from gregaria.stats.table import RequestStats

SECOND = 1_000_000


@pytest.fixture
def stats() -> RequestStats:
    return RequestStats()


def test_an_entry_tells_what_locusts_entry_tells(stats: RequestStats) -> None:
    for milliseconds in (10.25, 20, 30.5, None):
        stats.log_request("GET", "/a", milliseconds, 100)
    stats.log_error("GET", "/a", ValueError("no"))
    entry = stats.entries["/a", "GET"]
    assert (entry.name, entry.method) == ("/a", "GET")
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures) == (4, 1, 1)
    assert (entry.min_response_time, entry.max_response_time, entry.total_response_time) == (10.25, 30.5, 60.75)
    assert entry.avg_response_time == 20.25
    assert (entry.total_content_length, entry.avg_content_length, entry.fail_ratio) == (400, 100, 0.25)
    assert entry.response_times == {10: 1, 20: 1, 30: 1}
    assert sum(entry.num_reqs_per_sec.values()) == 4
    assert sum(entry.num_fail_per_sec.values()) == 1
    assert entry.last_request_timestamp == pytest.approx(time.time(), abs=2)
    assert entry.start_time == pytest.approx(time.time(), abs=2)
    assert "/a" in repr(entry)


def test_an_entry_without_requests_tells_zeros(stats: RequestStats) -> None:
    entry = stats.get("/a", "GET")
    assert (entry.min_response_time, entry.max_response_time, entry.avg_response_time) == (None, 0, 0)
    assert (entry.median_response_time, entry.get_response_time_percentile(0.9), entry.avg_content_length) == (0, 0, 0)
    assert (entry.current_rps, entry.total_rps, entry.fail_ratio, entry.last_request_timestamp) == (0, 0, 0, None)
    with pytest.raises(ValueError, match="no percentiles"):
        entry.percentile()


def test_failures_without_requests_are_all_failures(stats: RequestStats) -> None:
    stats.log_error("GET", "/a", "no")
    assert stats.total.fail_ratio == 1.0


def test_percentiles_are_of_the_nearest_rank_and_finer_than_milliseconds(stats: RequestStats) -> None:
    for number in range(1, 101):
        stats.log_request("GET", "/", number / 1000, 0)
    told = [stats.total.get_response_time_percentile(p) for p in (0.01, 0.5, 0.95, 1.0)]
    assert told == [0.001, 0.05, 0.095, 0.1]
    assert stats.total.median_response_time == 0.05


def test_current_rates_are_those_of_the_last_whole_seconds_of_an_ended_run(stats: RequestStats) -> None:
    start_us = stats.started_us
    for number in range(20 * 50):
        error = "no" if number % 10 == 0 else None
        stats.recorder.record("GET", f"/{number % 2}", 900, 1, error=error, now_us=start_us + number * SECOND // 50)
    assert stats.total.current_rps == pytest.approx(50, rel=0.02)
    assert stats.total.current_fail_per_sec == pytest.approx(5, rel=0.05)
    assert stats.get("/1", "GET").current_rps == pytest.approx(25, rel=0.05)
    assert stats.total.total_rps == pytest.approx(50, rel=0.01)
    assert stats.total.total_fail_per_sec == pytest.approx(5, rel=0.01)
    assert stats.get("/0", "GET").total_rps == pytest.approx(25, rel=0.01)


def test_a_short_run_has_a_current_rate(stats: RequestStats) -> None:
    for number in range(1, 41):
        stats.recorder.record("GET", "/", 900, 1, now_us=stats.started_us + number * 10_000)
    assert stats.total.current_rps == pytest.approx(100, rel=0.01)


def test_the_window_of_current_rates_is_a_setting(stats: RequestStats) -> None:
    for second in range(20):
        for number in range(second + 1):
            stats.recorder.record("GET", "/", 900, 1, now_us=stats.started_us + second * SECOND + number)
    settings.current_window_s = 2
    assert 18 <= stats.total.current_rps <= 19.5


def test_current_rates_of_a_running_test_fall_when_the_target_falls_silent(stats: RequestStats) -> None:
    old_us = stats.started_us - 30 * SECOND
    stats.recorder.total.reset(old_us)
    for number in range(100):
        stats.recorder.record("GET", "/", 900, 1, now_us=old_us + number * 10_000)
    assert stats.total.current_rps > 50
    stats.running = True
    assert stats.total.current_rps == 0


def test_percentiles_of_the_last_seconds_forget_what_was_before(stats: RequestStats) -> None:
    for second in range(30):
        for _ in range(10):
            stats.recorder.record("GET", "/", 1000 * (second + 1), 1, now_us=stats.started_us + second * SECOND)
    assert stats.total.get_current_response_time_percentile(0.5) == pytest.approx(25, rel=0.01)
    assert stats.total.get_response_time_percentile(0.5) == pytest.approx(15, rel=0.01)


def test_percentiles_of_the_last_seconds_are_unknown_without_requests(stats: RequestStats) -> None:
    assert stats.total.get_current_response_time_percentile(0.5) is None
    stats.log_request("WS", "/", None, 0)
    assert stats.total.get_current_response_time_percentile(0.5) is None


def test_only_a_total_with_copies_tells_percentiles_of_the_last_seconds(stats: RequestStats) -> None:
    stats.log_request("GET", "/", 5, 1)
    for entry in (stats.get("/", "GET"), RequestStats(use_response_times_cache=False).total):
        with pytest.raises(ValueError, match="use_response_times_cache=True"):
            entry.get_current_response_time_percentile(0.5)


def test_an_entry_made_by_itself_is_in_no_table(stats: RequestStats) -> None:
    entry = StatsEntry(stats, "mine", "TASK")
    entry.log(12.5, 10)
    entry.log(None, 10)
    entry.log_error("no")
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures, entry.max_response_time) == (2, 1, 1, 12.5)
    assert entry.total_rps > 0
    assert (len(stats.entries), stats.num_requests) == (0, 0)
    entry.reset()
    assert (entry.num_requests, entry.num_failures, entry.min_response_time) == (0, 0, None)


def test_entries_are_added_to_each_other(stats: RequestStats) -> None:
    left, right = StatsEntry(stats, "a", "GET"), StatsEntry(stats, "a", "GET")
    left.log(5, 1)
    right.log(1, 1)
    right.log(9, 1)
    right.log_error("no")
    left.extend(right)
    assert (left.num_requests, left.num_failures) == (3, 1)
    assert (left.min_response_time, left.max_response_time, left.total_response_time) == (1, 9, 15)


def test_a_serialised_entry_survives_json(stats: RequestStats) -> None:
    for milliseconds in (0.2, 145, 147, 3500, None):
        stats.log_request("GET", "/a", milliseconds, 7)
    stats.log_error("GET", "/a", "no")
    entry = stats.get("/a", "GET")
    data = entry.serialize()
    again = StatsEntry.unserialize(json.loads(json.dumps(data)), stats)
    changed = again.serialize()
    for key in ("start_time", "last_request_timestamp"):
        assert changed.pop(key) == pytest.approx(data.pop(key), abs=0.001)
    assert changed == data
    assert (again.min_response_time, again.max_response_time) == (0.2, 3500)


def test_what_a_locust_worker_sends_is_understood(stats: RequestStats) -> None:
    second = int(time.time())
    data = {
        "name": "/a", "method": "GET", "last_request_timestamp": second + 0.5, "start_time": second - 10.0,
        "num_requests": 4, "num_none_requests": 1, "num_failures": 1,
        "total_response_time": 1266.5, "max_response_time": 1054.0, "min_response_time": 105.0,
        "total_content_length": 40, "response_times": {110: 2, 1000: 1},
        "num_reqs_per_sec": {second: 4}, "num_fail_per_sec": {second: 1}, "something_new": 5,
    }  # fmt: skip
    entry = StatsEntry.unserialize(data, stats)
    assert (entry.num_requests, entry.num_none_requests, entry.total_response_time) == (4, 1, 1266.5)
    assert (entry.min_response_time, entry.max_response_time) == (105, 1054)
    assert entry.get_response_time_percentile(0.5) == pytest.approx(110, rel=0.01)
    assert (entry.num_reqs_per_sec, entry.num_fail_per_sec) == ({second: 4}, {second: 1})
    silent = {**data, "response_times": {}, "min_response_time": None, "max_response_time": 0, "num_reqs_per_sec": {}}
    silent["last_request_timestamp"] = None
    assert StatsEntry.unserialize(silent, stats).min_response_time is None


def test_a_stripped_report_leaves_an_empty_entry(stats: RequestStats) -> None:
    stats.log_request("GET", "/a", 5, 1)
    report = stats.get("/a", "GET").get_stripped_report()
    assert (report["num_requests"], stats.get("/a", "GET").num_requests) == (1, 0)


def test_the_web_apis_row_has_the_chosen_percentiles(stats: RequestStats) -> None:
    settings.percentiles_to_statistics = [0.5, 0.999]
    stats.log_request("GET", "/a", 5, 1)
    row = stats.get("/a", "GET").to_dict()
    assert list(row) == [
        "method", "name", "num_requests", "num_failures", "min_response_time", "max_response_time", "current_rps",
        "current_fail_per_sec", "avg_response_time", "median_response_time", "total_rps", "total_fail_per_sec",
        "response_time_percentile_0.5", "response_time_percentile_0.999", "avg_content_length",
    ]  # fmt: skip
    assert row["response_time_percentile_0.999"] == 5


def test_rows_of_text_have_locusts_columns(stats: RequestStats) -> None:
    settings.stats_name_width = 20
    for milliseconds in (10, 20, 30):
        stats.log_request("GET", "/a", milliseconds, 1)
    stats.log_error("GET", "/a", "no")
    entry = stats.get("/a", "GET")
    assert entry.to_string().startswith(
        "GET      /a                     3    1(33.33%) |     20      10      30     20 | "
    )
    total_rps = f"{entry.total_rps:7.2f}"
    assert f" | {total_rps} " in entry.to_string(current=False)
    percentiles = "".join(f"{milliseconds:6d} " for milliseconds in (20, 20, *[30] * 9))
    assert entry.percentile() == f"{'GET      /a':32}{percentiles}     3"
