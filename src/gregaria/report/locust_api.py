"""The reports under the names that Locust gives them, for locustfiles and for Gregaria as a library."""

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, Protocol

import gevent

from gregaria.report.csv import CsvWriter, exception_rows, failure_rows, request_rows
from gregaria.report.file import replace_text
from gregaria.report.json import document_path, to_locust_json
from gregaria.report.tables import error_report, percentile_table, stats_table
from gregaria.settings import settings
from gregaria.stats.summary import Summary, summarize
from gregaria.stats.table import RequestStats

__all__ = [
    "StatsCSV",
    "StatsCSVFileWriter",
    "get_error_report_summary",
    "get_percentile_stats_summary",
    "get_stats_summary",
    "print_error_report",
    "print_percentile_stats",
    "print_stats",
    "print_stats_json",
    "save_stats_json",
    "stats_history",
    "stats_printer",
    "update_stats_history",
]

#: tables go through it to the console, never to the log file; named as Locust's users know it
console_logger = logging.getLogger("locust.stats_logger")


class StatsEnvironment(Protocol):
    """What the CSV classes need of an environment."""

    stats: RequestStats
    runner: Any


class HistoryRunner(Protocol):
    """What the history needs of a runner."""

    stats: RequestStats
    user_count: int
    state: str


class RowWriter(Protocol):
    """What the ``csv`` module's writers are."""

    def writerow(self, row: Iterable[Any], /) -> Any: ...


def get_stats_summary(stats: RequestStats, current: bool = True) -> list[str]:
    """The lines of the table of requests, with current or whole-run rates."""
    return stats_table(summarize(stats, {}), current)


def get_percentile_stats_summary(stats: RequestStats) -> list[str]:
    """The lines of the table of percentiles, its title first."""
    return percentile_table(summarize(stats, {}))


def get_error_report_summary(stats: RequestStats) -> list[str]:
    """The lines of the error report, its title first and an empty one last; empty without failures."""
    lines = error_report(summarize(stats, {}))
    return [*lines, ""] if lines else []


def print_stats(stats: RequestStats, current: bool = True) -> None:
    """Print the table of requests to the console."""
    _print([*get_stats_summary(stats, current), ""])


def print_percentile_stats(stats: RequestStats) -> None:
    """Print the table of percentiles to the console."""
    _print([*get_percentile_stats_summary(stats), ""])


def print_error_report(stats: RequestStats) -> None:
    """Print the error report to the console, if there were failures."""
    _print(get_error_report_summary(stats))


def print_stats_json(stats: RequestStats) -> None:
    """Print Locust's list of entries to standard output; nothing is reset by it."""
    sys.stdout.write(to_locust_json(summarize(stats, {})) + "\n")


def save_stats_json(stats: RequestStats, filename: str) -> None:
    """Write Locust's list of entries to ``filename``, to which ``.json`` is added where it is missing.

    Raises:
        OSError: it could not be written.
    """
    replace_text(document_path(filename), to_locust_json(summarize(stats, {})) + "\n")


def stats_printer(stats: RequestStats) -> Callable[[], NoReturn]:
    """A function for a greenlet of its own: prints the table every ``settings.console_stats_interval_s``."""

    def print_on() -> NoReturn:
        while True:
            print_stats(stats)
            gevent.sleep(settings.console_stats_interval_s)

    return print_on


def update_stats_history(runner: HistoryRunner, timestamp: str | None = None) -> None:
    """Add a point to the history now; the moment is the present one, whatever ``timestamp`` says."""
    runner.stats.record_history(runner.user_count, force=True)


def stats_history(runner: HistoryRunner) -> None:
    """For a greenlet of its own: adds points to the history until the runner has stopped."""
    while True:
        runner.stats.record_history(runner.user_count)
        if runner.state == "stopped":
            return
        # a point is only taken when one is due
        gevent.sleep(min(settings.history_stats_interval_s, 1))


class StatsCSV:
    """Writes the CSV tables row by row to writers of the ``csv`` module.

    Args:
        environment: whose ``stats`` and ``runner`` are told.
        percentiles_to_report: columns, as fractions.
    """

    def __init__(self, environment: StatsEnvironment, percentiles_to_report: Sequence[float]) -> None:
        self.environment = environment
        self.percentiles_to_report = percentiles_to_report

    def requests_csv(self, csv_writer: RowWriter) -> None:
        """Header, a row for each name, and the total."""
        _write(csv_writer, request_rows(self._summary(), self.percentiles_to_report))

    def failures_csv(self, csv_writer: RowWriter) -> None:
        """Header, and a row for each group of failures."""
        _write(csv_writer, failure_rows(self._summary()))

    def exceptions_csv(self, csv_writer: RowWriter) -> None:
        """Header, and a row for each group of exceptions in tasks."""
        _write(csv_writer, exception_rows(self._summary()))

    def close_files(self) -> None:
        """Nothing is open here."""

    def _summary(self) -> Summary:
        runner = self.environment.runner
        return summarize(
            self.environment.stats,
            runner.exceptions if runner is not None else {},
            user_count=runner.user_count if runner is not None else 0,
            state=runner.state if runner is not None else "ready",
        )


class StatsCSVFileWriter(StatsCSV):
    """Keeps the four CSV files of a prefix up to date; the instance itself is the function for a greenlet.

    Args:
        environment: whose ``stats`` and ``runner`` are told.
        percentiles_to_report: columns, as fractions.
        base_filepath: path and beginning of the files' names; directories are created.
        full_history: a history row for each name too.

    Raises:
        CommandError: the files cannot be written there.
    """

    def __init__(
        self,
        environment: StatsEnvironment,
        percentiles_to_report: Sequence[float],
        base_filepath: str,
        full_history: bool = False,
    ) -> None:
        super().__init__(environment, percentiles_to_report)
        self.base_filepath = base_filepath
        self.full_history = full_history
        self._writer = CsvWriter(base_filepath, self._summary, full_history, percentiles_to_report)

    def __call__(self) -> NoReturn:
        self.stats_writer()

    def stats_writer(self) -> NoReturn:
        """Write every ``settings.csv_stats_interval_s`` until the greenlet is killed."""
        self._writer.run()

    def requests_flush(self) -> None:
        """Nothing waits to be flushed: each write is whole and visible at once."""

    def failures_flush(self) -> None:
        """As ``requests_flush``."""

    def exceptions_flush(self) -> None:
        """As ``requests_flush``."""

    def stats_history_flush(self) -> None:
        """As ``requests_flush``."""

    def stats_history_file_name(self) -> str:
        """The path of the history file."""
        return str(self._writer.history_path)

    def close_files(self) -> None:
        """Write the final state.

        Raises:
            CommandError: it could not be written.
        """
        self._writer.close()


def _write(writer: RowWriter, rows: Iterable[Iterable[object]]) -> None:
    for row in rows:
        writer.writerow(row)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        console_logger.info(line)
