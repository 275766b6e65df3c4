"""The CSV files, with Locust's names and columns: requests, history, failures, exceptions; and generator errors."""

import csv
import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, Protocol

import gevent

from gregaria.report.file import ensure_writable, refusal, replace_text
from gregaria.report.generator import GENERATOR_HEADER, LateMarks, generator_rows
from gregaria.report.percentiles import label, of_counts, of_row
from gregaria.report.window import GrowthWindow
from gregaria.settings import settings
from gregaria.stats.summary import FailureRow, GeneratorErrorRow, RequestRow, Summary

__all__ = [
    "ENDINGS",
    "CsvWriter",
    "HistoryRows",
    "exception_rows",
    "failure_rows",
    "generator_error_rows",
    "history_header",
    "request_rows",
    "write_exceptions",
    "write_failures",
    "write_generator_errors",
    "write_requests",
]

logger = logging.getLogger("gregaria.report")

#: what the files of a prefix are called behind it, see CsvWriter
ENDINGS = ("stats", "stats_history", "failures", "exceptions", "generator_errors", "generator")

#: the share of all time that writing may take; a run with a thousand names is written less often
_LARGEST_SHARE = 0.05
_NO_TIME = "N/A"
#: a text that begins so would be run as a formula by a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class TextOutput(Protocol):
    """Anything that text can be written to."""

    def write(self, text: str, /) -> Any: ...


def write_requests(summary: Summary, stream: TextOutput) -> None:
    """Write what is in ``P_stats.csv``: a row for each name and the total, rates of the whole run."""
    csv.writer(stream).writerows(request_rows(summary))


def write_failures(summary: Summary, stream: TextOutput) -> None:
    """Write what is in ``P_failures.csv``: a row for each group of failures."""
    csv.writer(stream).writerows(failure_rows(summary))


def write_exceptions(summary: Summary, stream: TextOutput) -> None:
    """Write what is in ``P_exceptions.csv``: a row for each group of exceptions in tasks."""
    csv.writer(stream).writerows(exception_rows(summary))


def write_generator_errors(summary: Summary, stream: TextOutput) -> None:
    """Write what is in ``P_generator_errors.csv``: a row for each group of requests that could not be made."""
    csv.writer(stream).writerows(generator_error_rows(summary))


def request_rows(summary: Summary, fractions: Sequence[float] | None = None) -> Iterator[list[object]]:
    """The header and the rows of ``P_stats.csv``; percentiles are ``settings.percentiles_to_report`` unless given."""
    wanted = settings.percentiles_to_report if fractions is None else fractions
    yield [
        "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
        "Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
        *map(label, wanted),
    ]  # fmt: skip
    for row in (*summary.requests, summary.total):
        yield [
            row.method,
            row.name,
            row.num_requests,
            row.num_failures,
            *_times(row),
            round(row.avg_size_bytes, 6),
            round(row.total_rps, 6),
            round(row.total_fail_per_s, 6),
            *(_percentile(of_row(row, each)) for each in wanted),
        ]


def failure_rows(summary: Summary) -> Iterator[list[object]]:
    """The header and the rows of ``P_failures.csv``."""
    yield from _groups(summary.failures, [row.error for row in summary.failures])


def generator_error_rows(summary: Summary) -> Iterator[list[object]]:
    """The header and the rows of ``P_generator_errors.csv``."""
    # Not the group's text: the figures in it, which would be masked, are what to do.
    yield from _groups(summary.generator_errors, [row.sample for row in summary.generator_errors])


def _groups(rows: Sequence[FailureRow | GeneratorErrorRow], errors: Sequence[str]) -> Iterator[list[object]]:
    yield ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"]
    for row, error in zip(rows, errors, strict=True):
        yield [
            row.method,
            row.name,
            _harmless(error),
            row.occurrences,
            _moment(row.first_seen_epoch_s),
            _moment(row.last_seen_epoch_s),
        ]


def exception_rows(summary: Summary) -> Iterator[list[object]]:
    """The header and the rows of ``P_exceptions.csv``."""
    yield ["Count", "Message", "Traceback", "Nodes"]
    for row in summary.exceptions:
        yield [row.count, _harmless(row.message), row.traceback, ", ".join(row.nodes)]


def history_header(fractions: Sequence[float]) -> list[str]:
    """The header of ``P_stats_history.csv``."""
    return [
        "Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s", *map(label, fractions),
        "Total Request Count", "Total Failure Count", "Total Median Response Time", "Total Average Response Time",
        "Total Min Response Time", "Total Max Response Time", "Total Average Content Size", "Generator Late",
    ]  # fmt: skip


class HistoryRows:
    """Makes the rows of ``P_stats_history.csv``: rates and percentiles of the last seconds, counts of the whole run.

    For the percentiles it remembers how each row's histogram has grown within ``settings.current_window_s``.

    Args:
        fractions: percentiles to tell.
        full: a row for each name too, before the total's.
    """

    def __init__(self, fractions: Sequence[float], full: bool) -> None:
        self._fractions = fractions
        self._full = full
        self._windows: dict[tuple[str, str], GrowthWindow] = {}
        self._late_marks = LateMarks()

    def rows(self, summary: Summary, epoch_s: float) -> list[list[object]]:
        """The rows of this moment; each call ends a step of the window."""
        told = (*summary.requests, summary.total) if self._full else (summary.total,)
        known = self._windows
        # rows that are gone are forgotten with their windows
        self._windows = {(row.name, row.method): known.get((row.name, row.method)) or GrowthWindow() for row in told}
        late_ms = self._late_marks.next(summary, epoch_s)
        return [self._row(row, summary.user_count, epoch_s, late_ms) for row in told]

    def _row(self, row: RequestRow, user_count: int, epoch_s: float, late_ms: int) -> list[object]:
        recent = self._windows[row.name, row.method].advance(row.histogram_us, epoch_s)
        return [
            int(epoch_s),
            user_count,
            row.method,
            row.name,
            f"{row.current_rps:.6f}",
            f"{row.current_fail_per_s:.6f}",
            *(_percentile(_at_most(each, row.max_us)) for each in of_counts(recent, self._fractions)),
            row.num_requests,
            row.num_failures,
            *_times(row),
            round(row.avg_size_bytes, 6),
            late_ms,
        ]


class CsvWriter:
    """Keeps the six files of a prefix up to date while the test runs, and complete when it is over.

    The four that tell the state are replaced as a whole (written beside, then renamed), so a reader sees the old or
    the new one, never a part. The two histories are only ever appended to, whole lines in one write.

    Args:
        prefix: path and beginning of the names: ``P_stats.csv``, ``P_stats_history.csv``, ``P_failures.csv``,
            ``P_exceptions.csv``, ``P_generator_errors.csv``, ``P_generator.csv``. Directories are created, files of an
            earlier run replaced.
        summary_of: makes the Summary of this moment.
        full_history: a history row for each name each second, not for the total only.
        fractions: percentiles to tell, ``settings.percentiles_to_report`` by default.

    Raises:
        CommandError: the files cannot be written there (exit code OUTPUT).
    """

    def __init__(
        self,
        prefix: str,
        summary_of: Callable[[], Summary],
        full_history: bool = False,
        fractions: Sequence[float] | None = None,
    ) -> None:
        self._summary_of = summary_of
        self._fractions = list(settings.percentiles_to_report if fractions is None else fractions)
        self._history = HistoryRows(self._fractions, full_history)
        self._greenlet: gevent.Greenlet | None = None
        self._last_row: list[object] = []
        self._last_second_s = 0
        self._complained = False
        self._on_disk: dict[Path, str] = {}
        paths = [Path(f"{prefix}_{ending}.csv") for ending in ENDINGS]
        (
            self.requests_path,
            self.history_path,
            self.failures_path,
            self.exceptions_path,
            self.generator_errors_path,
            self.generator_path,
        ) = paths
        for path in paths:
            ensure_writable(path, "--csv")
        try:
            self._replace_files(summary_of())
            replace_text(self.history_path, _text([history_header(self._fractions)]))
            # no buffer: a reader sees every row at once, and a row is never torn by one's being full
            self._history_file = self.history_path.open("ab", buffering=0)
            replace_text(self.generator_path, _text([GENERATOR_HEADER]))
            self._generator_file = self.generator_path.open("ab", buffering=0)
        except OSError as error:
            raise refusal(Path(error.filename or prefix), "--csv", error) from error

    def spawn(self) -> gevent.Greenlet:
        """Start writing every ``settings.csv_stats_interval_s`` in a greenlet of its own, until ``close``."""
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = gevent.spawn(self.run)
        return self._greenlet

    def close(self) -> None:
        """Stop, and write the final state.

        Raises:
            CommandError: it could not be written (exit code OUTPUT).
        """
        if self._history_file.closed:
            return
        if self._greenlet is not None:
            self._greenlet.kill()
        # at the end all are written, also what somebody has removed meanwhile
        self._on_disk.clear()
        try:
            self._write(self._summary_of())
        except OSError as error:
            raise refusal(Path(error.filename or self.history_path), "--csv", error) from error
        finally:
            self._history_file.close()
            self._generator_file.close()

    def run(self) -> NoReturn:
        """Write at once and at every interval, in the calling greenlet, until that is killed."""
        while True:
            started = time.perf_counter()
            try:
                self._write(self._summary_of())
                self._complained = False
            except OSError as error:
                # a full disk may have room again when it counts, at the end
                if not self._complained:
                    logger.warning("The CSV files cannot be written at the moment: %s", error)
                self._complained = True
            cost_s = time.perf_counter() - started
            gevent.sleep(max(settings.csv_stats_interval_s, cost_s / _LARGEST_SHARE))

    def _write(self, summary: Summary) -> None:
        rows = self._history.rows(summary, time.time())
        # the mark stands last; a row that tells nothing else than the one before is none
        is_late = bool(rows[-1][-1])
        if is_late or rows[-1][:-1] != self._last_row:
            self._history_file.write(_text(rows).encode("utf-8", "backslashreplace"))
            self._last_row = rows[-1][:-1]
        self._append_seconds(summary)
        self._replace_files(summary)

    def _append_seconds(self, summary: Summary) -> None:
        recent = summary.generator.recent if summary.generator is not None else ()
        new = [second for second in recent if second.epoch_s > self._last_second_s]
        if new:
            self._generator_file.write(_text(generator_rows(new)).encode())
            self._last_second_s = new[-1].epoch_s

    def _replace_files(self, summary: Summary) -> None:
        self._replace(self.requests_path, request_rows(summary, self._fractions))
        self._replace(self.failures_path, failure_rows(summary))
        self._replace(self.exceptions_path, exception_rows(summary))
        self._replace(self.generator_errors_path, generator_error_rows(summary))

    def _replace(self, path: Path, rows: Iterable[Sequence[object]]) -> None:
        text = _text(rows)
        if self._on_disk.get(path) != text:
            replace_text(path, text)
            self._on_disk[path] = text


def _text(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _times(row: RequestRow) -> list[object]:
    """Median, average, minimum and maximum in ms; zeros without times, as Locust."""
    if row.min_us is None or row.max_us is None:
        return [0, 0.0, 0, 0]
    return [_percentile(row.median_us), round(row.avg_us / 1000, 6), row.min_us / 1000, row.max_us / 1000]


def _percentile(time_us: int | None) -> str:
    """Three significant digits, whole milliseconds from 100 on: what a histogram with 1 % of error can tell."""
    if time_us is None:
        return _NO_TIME
    time_ms = time_us / 1000
    digits = 3 if time_ms < 1 else 2 if time_ms < 10 else 1 if time_ms < 100 else 0
    return f"{time_ms:.{digits}f}"


def _at_most(time_us: int | None, limit_us: int | None) -> int | None:
    return time_us if time_us is None or limit_us is None else min(time_us, limit_us)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _moment(epoch_s: float | None) -> str:
    return "" if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
