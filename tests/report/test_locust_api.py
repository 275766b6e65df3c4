import csv
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from gregaria.engine.histogram import Histogram
from gregaria.report import locust_api
from gregaria.report.percentiles import middle_us
from gregaria.settings import settings
from gregaria.stats.failures import ExceptionTable
from gregaria.stats.table import RequestStats


@pytest.fixture
def stats() -> RequestStats:
    stats = RequestStats()
    for response_time in (0.21, 12.0, 140.0):
        stats.log_request("GET", "/a", response_time, 17)
    stats.log_error("GET", "/a", "no good")
    return stats


@pytest.fixture
def environment(stats: RequestStats) -> Any:
    exceptions = ExceptionTable()
    exceptions.add("local", "oops", "Traceback\nValueError: oops")
    runner = SimpleNamespace(exceptions=exceptions, user_count=4, state="running", stats=stats)
    return SimpleNamespace(stats=stats, runner=runner)


@pytest.fixture
def console(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    logger = logging.getLogger("locust.stats_logger")
    propagated = logger.propagate
    logger.propagate = True
    with caplog.at_level(logging.INFO, logger="locust.stats_logger"):
        yield caplog
    logger.propagate = propagated


def test_summaries_are_lists_of_lines(stats: RequestStats) -> None:
    lines = locust_api.get_stats_summary(stats, current=False)
    assert lines[2].split()[:5] == ["GET", "/a", "3", "1(33.33%)", "|"]
    assert locust_api.get_percentile_stats_summary(stats)[0] == "Response time percentiles (ms)"
    errors = locust_api.get_error_report_summary(stats)
    assert errors[0] == "Error report"
    assert errors[3] == "1                  GET /a: no good"
    assert locust_api.get_error_report_summary(RequestStats()) == []


def test_tables_are_printed_through_the_console_logger(stats: RequestStats, console: pytest.LogCaptureFixture) -> None:
    locust_api.print_stats(stats)
    locust_api.print_percentile_stats(stats)
    locust_api.print_error_report(stats)
    assert console.messages == [
        *locust_api.get_stats_summary(stats),
        "",
        *locust_api.get_percentile_stats_summary(stats),
        "",
        *locust_api.get_error_report_summary(stats),
    ]


def test_the_printer_prints_at_every_interval(
    stats: RequestStats, console: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "console_stats_interval_s", 0.001)
    third = Event()
    printed = []

    def print_stats(given: RequestStats) -> None:
        printed.append(given)
        if len(printed) == 3:
            third.set()

    monkeypatch.setattr(locust_api, "print_stats", print_stats)
    greenlet = gevent.spawn(locust_api.stats_printer(stats))
    assert third.wait(timeout=10)
    greenlet.kill()
    assert printed[0] is stats


def test_json_is_locusts_list_and_printing_resets_nothing(
    stats: RequestStats, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    locust_api.print_stats_json(stats)
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["num_requests"] == stats.total.num_requests == 3
    locust_api.save_stats_json(stats, str(tmp_path / "run"))
    assert json.loads((tmp_path / "run.json").read_text()) == [entry]


def test_an_entry_is_what_locusts_serialisation_of_it_says(stats: RequestStats) -> None:
    (entry,) = json.loads(locust_api.to_locust_json(locust_api.summarize(stats, {})))
    serialised = json.loads(json.dumps(stats.get("/a", "GET").serialize()))
    # the summary knows the test's start, not each entry's, and the last request's second
    moments = {"start_time", "last_request_timestamp"}
    assert {key: entry[key] for key in entry.keys() - moments} == {
        key: serialised[key] for key in serialised.keys() - moments
    }
    assert entry["last_request_timestamp"] == int(serialised["last_request_timestamp"])


def test_the_csv_tables_go_to_any_writer(environment: Any) -> None:
    tables = locust_api.StatsCSV(environment, [0.5, 0.97])
    streams = [io.StringIO(newline="") for _ in range(3)]
    for write, stream in zip((tables.requests_csv, tables.failures_csv, tables.exceptions_csv), streams, strict=True):
        write(csv.writer(stream))
    requests, failures, exceptions = (list(csv.reader(io.StringIO(each.getvalue()))) for each in streams)
    assert requests[0][-2:] == ["50%", "97%"]
    assert [each[:4] for each in requests[1:]] == [["GET", "/a", "3", "1"], ["", "Aggregated", "3", "1"]]
    assert requests[1][-2:] == ["12.0", "140"]
    assert failures[1][:4] == ["GET", "/a", "no good", "1"]
    assert exceptions[1] == ["1", "oops", "Traceback\nValueError: oops", "local"]


def test_without_a_runner_there_are_no_exceptions_to_tell(stats: RequestStats) -> None:
    stream = io.StringIO()
    bare: Any = SimpleNamespace(stats=stats, runner=None)
    locust_api.StatsCSV(bare, [0.5]).exceptions_csv(csv.writer(stream))
    assert len(stream.getvalue().splitlines()) == 1


def test_the_file_writer_is_a_function_for_a_greenlet(
    environment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "csv_stats_interval_s", 0.001)
    writer = locust_api.StatsCSVFileWriter(environment, [0.5], str(tmp_path / "run"), full_history=True)
    greenlet = gevent.spawn(writer)
    gevent.sleep(0)
    greenlet.kill()
    environment.stats.log_request("GET", "/a", 1.0, 0)
    writer.requests_flush()
    writer.close_files()
    assert writer.stats_history_file_name() == str(tmp_path / "run_stats_history.csv")
    last = (tmp_path / "run_stats_history.csv").read_text().splitlines()[-1].split(",")
    assert last[1:4] == ["4", "", "Aggregated"]
    assert last[7] == "4"


def test_a_point_of_the_history_can_be_taken_now(environment: Any) -> None:
    locust_api.update_stats_history(environment.runner)
    (point,) = environment.stats.history
    assert (point.user_count, point.num_requests) == (4, 3)


def test_the_history_is_kept_until_the_runner_has_stopped(environment: Any) -> None:
    environment.runner.state = "stopped"
    locust_api.stats_history(environment.runner)
    assert len(environment.stats.history) == 1


def test_the_reports_know_the_engines_buckets() -> None:
    for time_us in (1, 127, 128, 129, 255, 256, 1_000, 12_345, 1_000_000, 3_600_000_000):
        times = Histogram()
        for each_us in (0, time_us, 2**32):
            times.add_us(each_us)
        assert middle_us(Histogram.edge_us(Histogram.index(time_us))) == times.percentile_us(0.5), time_us
