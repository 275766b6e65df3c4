import csv
import io
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gevent.event import Event

from gregaria.errors import CommandError, ExitCode
from gregaria.report.csv import (
    CsvWriter,
    HistoryRows,
    write_exceptions,
    write_failures,
    write_generator_errors,
    write_requests,
)
from gregaria.report.file import replace_text
from gregaria.settings import settings
from gregaria.stats.summary import RequestRow, Summary
from tests.report.sample import FRACTIONS, failure, generator_error, row, silent_row, summary, task_exception

LABELS = "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%"


def written(write: Callable[[Summary, io.StringIO], None], made: Summary) -> str:
    stream = io.StringIO(newline="")
    write(made, stream)
    return stream.getvalue()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


class Counting:
    """A run that has counted as many requests as it was told."""

    def __init__(self) -> None:
        self.count = 0
        self.asked = Event()

    def __call__(self) -> Summary:
        self.asked.set()
        return summary(row("/a", num_requests=self.count), row("/b", num_requests=self.count))


@pytest.fixture
def writers() -> Iterator[list[CsvWriter]]:
    opened: list[CsvWriter] = []
    yield opened
    for writer in opened:
        writer.close()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "percentiles_to_report", list(FRACTIONS))
    monkeypatch.setattr(settings, "csv_stats_interval_s", 0.001)
    monkeypatch.setattr(settings, "current_window_s", 10)


# What the files say


def test_requests_have_locusts_columns_and_line_ends() -> None:
    assert written(write_requests, summary(row(num_failures=7, total_fail_per_s=0.7))).split("\r\n") == [
        "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
        "Max Response Time,Average Content Size,Requests/s,Failures/s," + LABELS,
        "GET,/,1000,7,1.99,2.3456,0.21,48.21,17.0,99.5,0.7,2.49,2.65,2.74,2.79,2.89,2.94,2.97,2.98,2.99,2.99,48.2",
        ",Aggregated,1000,7,1.99,2.3456,0.21,48.21,17.0,99.5,0.0,2.49,2.65,2.74,2.79,2.89,2.94,2.97,2.98,2.99,2.99,48.2",
        "",
    ]


def test_where_nothing_was_timed_times_are_zero_and_percentiles_not_available() -> None:
    total = table(written(write_requests, summary(silent_row())))[-1]
    assert [total[f"{each} Response Time"] for each in ("Median", "Average", "Min", "Max")] == ["0", "0.0", "0", "0"]
    assert total["50%"] == total["100%"] == "N/A"


@pytest.mark.parametrize(
    ("time_us", "cell"),
    [(0, "0.000"), (213, "0.213"), (2_134, "2.13"), (21_340, "21.3"), (213_400, "213"), (3_600_000_000, "3600000")],
)
def test_percentiles_have_the_digits_that_a_histogram_can_tell(time_us: int, cell: str) -> None:
    made = summary(row(percentiles_us=dict.fromkeys(FRACTIONS, time_us)))
    assert table(written(write_requests, made))[0]["95%"] == cell


def test_failures_have_locusts_columns_and_moments() -> None:
    assert written(write_failures, summary(failures=(failure("Timeout, no answer"),))) == (
        "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n"
        'GET,/,"Timeout, no answer",7,2023-11-14T22:13:21Z,2023-11-14T22:13:29Z\r\n'
    )


def test_generator_errors_have_the_columns_of_failures_and_the_text_that_says_what_to_do() -> None:
    errors = (generator_error("no <number> ports", sample="no 65536 ports"),)
    assert written(write_generator_errors, summary(generator_errors=errors)) == (
        "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n"
        "GET,/,no 65536 ports,5,2023-11-14T22:13:21Z,2023-11-14T22:13:29Z\r\n"
    )


def test_a_failure_of_unknown_moment_has_empty_ones() -> None:
    made = summary(failures=(failure(first_seen_epoch_s=None, last_seen_epoch_s=None),))
    assert written(write_failures, made).endswith(",7,,\r\n")


def test_exceptions_have_locusts_columns() -> None:
    exception = task_exception(traceback='File "a.py"\nX', nodes=("w1", "w2"))
    assert written(write_exceptions, summary(exceptions=(exception,))) == (
        'Count,Message,Traceback,Nodes\r\n3,oops,"File ""a.py""\nX","w1, w2"\r\n'
    )


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_spreadsheet_does_not_run_what_a_server_answered(begin: str) -> None:
    hostile = begin + 'HYPERLINK("http://evil")'
    failures = table(written(write_failures, summary(failures=(failure(hostile),))))
    exceptions = table(written(write_exceptions, summary(exceptions=(task_exception(hostile),))))
    assert failures[0]["Error"] == exceptions[0]["Message"] == "'" + hostile


# The history


def test_the_history_has_locusts_columns_and_the_total_only() -> None:
    rows = HistoryRows([0.5, 1.0], full=False).rows(summary(row("/a"), row("/b")), epoch_s=1_700_000_000.9)
    assert rows == [
        [1_700_000_000, 10, "", "Aggregated", "200.000000", "0.000000", "1.99", "47.4",
         2000, 0, "1.99", 2.3456, 0.21, 48.21, 17.0, 0]
    ]  # fmt: skip


def test_the_full_history_has_every_name_and_then_the_total() -> None:
    rows = HistoryRows([0.5], full=True).rows(summary(row("/a"), row("/b", "POST")), epoch_s=1.0)
    assert [each[2:4] for each in rows] == [["GET", "/a"], ["POST", "/b"], ["", "Aggregated"]]


def percentile_now(rows: HistoryRows, histogram_us: dict[int, int], epoch_s: float) -> object:
    made = row(histogram_us=histogram_us, min_us=0, max_us=10**9)
    return rows.rows(summary(made, total=made), epoch_s)[0][6]


def test_percentiles_of_the_history_are_those_of_the_last_seconds() -> None:
    rows = HistoryRows([0.5], full=False)
    assert percentile_now(rows, {100: 50}, 0.0) == "0.100"
    assert percentile_now(rows, {100: 50, 120: 10}, 8.0) == "0.100"
    assert percentile_now(rows, {100: 50, 120: 10}, 10.5) == "0.120"
    assert percentile_now(rows, {100: 50, 120: 10}, 19.0) == "N/A"


def test_a_reset_of_the_statistics_begins_a_new_window() -> None:
    rows = HistoryRows([0.5], full=False)
    percentile_now(rows, {100: 50}, 0.0)
    assert percentile_now(rows, {120: 3}, 1.0) == "0.120"


def test_a_percentile_of_the_history_is_never_above_the_maximum() -> None:
    made = row(histogram_us={47_104: 1}, min_us=47_105, max_us=47_105)
    assert HistoryRows([1.0], full=False).rows(summary(made, total=made), 0.0)[0][6] == "47.1"


# The files


def test_the_files_are_there_from_the_start_in_directories_made_for_them(
    tmp_path: Path, writers: list[CsvWriter]
) -> None:
    writers.append(CsvWriter(str(tmp_path / "new" / "deep" / "run"), Counting()))
    folder = tmp_path / "new" / "deep"
    assert sorted(each.name for each in folder.iterdir()) == [
        "run_exceptions.csv",
        "run_failures.csv",
        "run_generator.csv",
        "run_generator_errors.csv",
        "run_stats.csv",
        "run_stats_history.csv",
    ]
    assert (folder / "run_stats_history.csv").read_bytes() == (
        b"Timestamp,User Count,Type,Name,Requests/s,Failures/s,"
        + LABELS.encode()
        + b",Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,"
        b"Total Min Response Time,Total Max Response Time,Total Average Content Size,"
        b"Generator Late\r\n"
    )


def test_the_end_is_in_every_file_also_what_was_counted_after_the_last_second(tmp_path: Path) -> None:
    run = Counting()
    writer = CsvWriter(str(tmp_path / "run"), run, full_history=True)
    run.count = 12_345
    writer.close()
    requests = table(writer.requests_path.read_text())
    assert [each["Request Count"] for each in requests] == ["12345", "12345", "24690"]
    history = table(writer.history_path.read_text())
    assert {each["Name"]: each["Total Request Count"] for each in history} == {
        "/a": "12345",
        "/b": "12345",
        "Aggregated": "24690",
    }


def test_the_history_grows_while_the_test_runs_and_its_counts_add_up(tmp_path: Path) -> None:
    run = Counting()
    writer = CsvWriter(str(tmp_path / "run"), run, full_history=True)
    writer.spawn()
    for _ in range(5):
        run.count += 7
        run.asked.clear()
        assert run.asked.wait(timeout=10)
    run.count += 3
    writer.close()
    history = table(writer.history_path.read_text())
    counts = {
        name: [int(each["Total Request Count"]) for each in history if each["Name"] == name] for name in ("/a", "/b")
    }
    totals = [int(each["Total Request Count"]) for each in history if not each["Type"]]
    assert totals == sorted(totals)
    assert [a + b for a, b in zip(counts["/a"], counts["/b"], strict=True)] == totals
    assert totals[-1] == 2 * run.count
    assert table(writer.requests_path.read_text())[-1]["Request Count"] == str(2 * run.count)


def test_a_moment_that_tells_nothing_new_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = CsvWriter(str(tmp_path / "run"), Counting())
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    writer._write(Counting()())
    writer.close()
    assert len(table(writer.history_path.read_text())) == 1


def test_closing_twice_is_harmless_and_ends_the_greenlet(tmp_path: Path) -> None:
    writer = CsvWriter(str(tmp_path / "run"), Counting())
    greenlet = writer.spawn()
    writer.close()
    writer.close()
    assert greenlet.dead


def test_files_of_an_earlier_run_are_replaced(tmp_path: Path, writers: list[CsvWriter]) -> None:
    for _ in range(2):
        writer = CsvWriter(str(tmp_path / "run"), Counting())
        writer.close()
    assert len(table(writer.history_path.read_text())) == 1


def test_a_reader_never_sees_half_a_file(tmp_path: Path, writers: list[CsvWriter]) -> None:
    many = summary(*(row(f"/{each}") for each in range(300)))
    writer = CsvWriter(str(tmp_path / "run"), lambda: many)
    writers.append(writer)
    whole = writer.requests_path.read_bytes()
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(writer.requests_path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(30):
            replace_text(writer.requests_path, whole.decode())
    finally:
        stop.set()
        reader.join()
    assert seen == {whole}


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.csv"
    target.write_text("old")
    (tmp_path / "run_stats.csv").symlink_to(target)
    CsvWriter(str(tmp_path / "run"), Counting()).close()
    assert (tmp_path / "run_stats.csv").is_symlink()
    assert target.read_text().startswith("Type,Name")


def test_a_place_that_cannot_be_written_to_is_refused_before_the_test(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError) as refused:
        CsvWriter(str(tmp_path / "file" / "run"), Counting())
    assert refused.value.exit_code == ExitCode.OUTPUT
    assert str(refused.value).startswith(f"--csv: cannot write {tmp_path / 'file' / 'run_stats.csv'} (")


def test_a_directory_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run_failures.csv").mkdir()
    with pytest.raises(CommandError, match=r"run_failures\.csv \(it is a directory\)"):
        CsvWriter(str(tmp_path / "run"), Counting())


def test_a_disk_that_fails_during_the_run_is_told_once_and_the_end_is_still_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Counting()
    folder = tmp_path / "disk"
    writer = CsvWriter(str(folder / "run"), run)
    folder.rename(tmp_path / "gone")
    with caplog.at_level(logging.WARNING, logger="gregaria.report"):
        writer.spawn()
        for _ in range(3):
            run.count += 1
            run.asked.clear()
            assert run.asked.wait(timeout=10)
    assert len(caplog.messages) == 1
    assert "run_stats.csv" in caplog.messages[0]
    (tmp_path / "gone").rename(folder)
    run.count = 5
    writer.close()
    assert table(writer.requests_path.read_text())[-1]["Request Count"] == "10"


def test_an_end_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    writer = CsvWriter(str(folder / "run"), Counting())
    folder.rename(tmp_path / "gone")
    with pytest.raises(CommandError) as failed:
        writer.close()
    assert failed.value.exit_code == ExitCode.OUTPUT
    assert os.listdir(tmp_path) == ["gone"]


def test_names_that_no_encoding_knows_do_not_end_the_report(tmp_path: Path) -> None:
    writer = CsvWriter(str(tmp_path / "run"), lambda: summary(row("/\ud800"), failures=(failure("\udfff"),)), True)
    writer.close()
    assert "/\\ud800" in writer.requests_path.read_text()
    assert "/\\ud800" in writer.history_path.read_text()


def test_rows_sort_as_the_summary_gives_them() -> None:
    made: tuple[RequestRow, ...] = (row("/a", "GET"), row("/a", "POST"), row("/b"))
    names = [(each["Type"], each["Name"]) for each in table(written(write_requests, summary(*made[::-1])))]
    assert names == [("GET", "/a"), ("POST", "/a"), ("GET", "/b"), ("", "Aggregated")]
