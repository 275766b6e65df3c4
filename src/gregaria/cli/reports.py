"""Everything that is told of a run, while it goes on and, from one Summary, when it is over."""

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import gevent

from gregaria.cli.limits import SpareFiles
from gregaria.errors import CommandError, ExitCode
from gregaria.report.annotations import add_to_step_summary, annotations
from gregaria.report.cases import cases_of
from gregaria.report.console import ConsoleReporter
from gregaria.report.csv import CsvWriter
from gregaria.report.failures_dir import check_failures_dir, write_failures
from gregaria.report.file import ensure_writable, write_text
from gregaria.report.html import html_path, write_report
from gregaria.report.json import DOCUMENT_BYTES, document, document_path, to_locust_json, write_document
from gregaria.report.junit import junit_text
from gregaria.report.markdown import markdown_text
from gregaria.report.moment import host_of, summary_of
from gregaria.settings import settings
from gregaria.stats.summary import Summary

#: options of reports that only the command writes
_JUNIT, _MARKDOWN = "--junit", "--markdown"
#: an ending that stays at the end of a file's name
_ENDING = re.compile(r"\.(json|html|xml|md)$", re.IGNORECASE)
#: seconds after which the first requests are looked at
_FIRST_LOOK_S = 1

logger = logging.getLogger("gregaria.cli.reports")


class Reports:
    """The reports of one test.

    Args:
        runner: whose test it is.
        options: of the command.
        locustfiles: absolute paths.
        run_time_s: how long it is to take; None without a limit.
        number: counts the tests of the process; from the second on, files have it in their names.
        is_live: whether the console shows the test while it runs.

    Attributes:
        csv: what writes the CSV files; None if they are not asked for.
        error: the first report that could not be written, if there was one.
        are_begun, are_written: how far ``finish`` has come.

    Raises:
        CommandError: a report cannot be written where it is asked for.
    """

    def __init__(
        self,
        runner: Any,
        options: Any,
        locustfiles: list[str],
        run_time_s: float | None,
        number: int = 1,
        is_live: bool = True,
    ) -> None:
        self._runner = runner
        self._options = options
        self._locustfiles = locustfiles
        self._final: Summary | None = None
        self.error: CommandError | None = None
        self.are_begun = False
        self.are_written = False
        self._watchers: list[gevent.Greenlet] = []
        self._spare_files = SpareFiles()
        # None, too, when the locustfile has an option of its own of that name.
        failures_dir: str | None = getattr(options, "failures_directory", None)
        self._failures_dir = _numbered(failures_dir, number) if failures_dir else None
        if self._failures_dir:
            check_failures_dir(self._failures_dir)
        runner.failures_dir = self._failures_dir
        self._json_file = _numbered(options.json_file, number) if options.json_file else None
        self._html_name = _numbered(options.html_file, number) if options.html_file else None
        self._junit_path = _path_of(getattr(options, "junit_file", None), number)
        if self._junit_path:
            ensure_writable(self._junit_path, _JUNIT)
        self._markdown_path = _path_of(getattr(options, "markdown_file", None), number)
        if self._markdown_path:
            ensure_writable(self._markdown_path, _MARKDOWN)
        self._check_names()
        self.csv: CsvWriter | None = None
        if options.csv_prefix:
            prefix = _numbered(options.csv_prefix, number)
            self.csv = CsvWriter(prefix, self.summary, options.stats_history_enabled)
        self._console = ConsoleReporter(
            self.summary,
            sys.stderr,
            live=not options.print_stats,
            only_summary=options.only_summary or not is_live,
            run_time_s=run_time_s,
            target_users=lambda: runner.target_user_count,
        )

    def start(self) -> None:
        """Begin to tell."""
        self._watchers = [gevent.spawn(self._keep_history), gevent.spawn(self._warn_if_all_fail)]
        if self.csv is not None:
            self.csv.spawn()
        self._console.spawn()

    def redraw_below(self) -> None:
        """The shell has written to the terminal: the next picture stands below that."""
        self._console.redraw_below()

    def summary(self) -> Summary:
        """The numbers of this moment; after ``finish`` those of the end."""
        return self._final or self._summary_now()

    def finish(self) -> Summary:
        """Write every report, each from the same summary; a second call changes nothing.

        A report that cannot be written is kept as ``error`` and does not keep the others from being written.
        """
        if self._final is not None:
            return self._final
        self.are_begun = True
        self._spare_files.give_back()
        runner = self._runner
        if self._watchers:
            gevent.killall(self._watchers, block=False)
            runner.stats.record_history(runner.user_count, force=True)
        goes_into_document = self._json_file or self._html_name
        summary = self._final = self._summary_now(DOCUMENT_BYTES if goes_into_document else 0)
        for write in (
            self._close_csv,
            self._write_json_file,
            self._write_html,
            self._write_failures,
            self._print_tables,
            self._print_json,
            self._tell_build,
        ):
            try:
                write(summary)
            except CommandError as error:
                self.error = self.error or error
                logger.error("%s", error)
            except OSError as error:
                self.error = self.error or CommandError(str(error), ExitCode.OUTPUT)
                logger.error("A report could not be written: %s", error)
        self.are_written = True
        return summary

    def _check_names(self) -> None:
        """Refuse two reports in one file, as the second would take the place of the first."""
        named = {
            "--json-file": document_path(self._json_file) if self._json_file else None,
            "--html": self._html_path() if self._html_name else None,
            _JUNIT: self._junit_path,
            _MARKDOWN: self._markdown_path,
        }
        seen: dict[str, str] = {}
        for option, path in named.items():
            if path is None or (path.exists() and not path.is_file()):
                continue
            other = seen.setdefault(os.path.realpath(path), option)
            if other != option:
                raise CommandError(
                    f"{other} and {option} both name {path}: give each a file of its own", ExitCode.USAGE
                )

    def _html_path(self) -> Path:
        # What was asked for last: the web interface may have changed it.
        options = self._options
        return html_path(self._html_name or "", options.num_users, options.spawn_rate, options.run_time)

    def _close_csv(self, summary: Summary) -> None:
        del summary
        if self.csv is not None:
            self.csv.close()

    def _write_json_file(self, summary: Summary) -> None:
        if self._json_file:
            write_document(self._json_file, summary)

    def _write_html(self, summary: Summary) -> None:
        if self._html_name:
            write_report(self._html_path(), document(summary))

    def _write_failures(self, summary: Summary) -> None:
        if self._failures_dir:
            write_failures(self._failures_dir, summary)

    def _print_tables(self, summary: Summary) -> None:
        self._console.finish(summary)

    def _print_json(self, summary: Summary) -> None:
        if self._options.json:
            print(to_locust_json(summary), flush=True)

    def _tell_build(self, summary: Summary) -> None:
        """Tell whoever runs the command in a pipeline."""
        cases = cases_of(summary, failures_count=self._options.exit_code_on_error != 0)
        # Where --json is asked for, standard output is its own.
        for line in annotations(cases):
            print(line, file=sys.stderr if self._options.json else sys.stdout, flush=True)
        if self._junit_path:
            write_text(self._junit_path, junit_text(summary, cases), _JUNIT)
        text = markdown_text(summary, cases)
        if self._markdown_path:
            write_text(self._markdown_path, text, _MARKDOWN)
        add_to_step_summary(text)

    def _keep_history(self) -> None:
        while True:
            self._runner.stats.record_history(self._runner.user_count)
            gevent.sleep(settings.history_stats_interval_s)

    def _warn_if_all_fail(self) -> None:
        """Once and early: the host may be wrong, or the target not running, and nobody wants to wait to hear so."""
        stats = self._runner.stats
        while not stats.total.num_requests:
            gevent.sleep(_FIRST_LOOK_S)
        if stats.total.num_failures < stats.total.num_requests or not stats.errors:
            return
        commonest = max(stats.errors.values(), key=lambda error: error.occurrences)
        logger.warning(
            "Every request has failed so far, for example %s %s: %s. Is %s the right host, and does it run?",
            commonest.method,
            stats.errors.mask.text(commonest.name),
            commonest.error,
            host_of(self._runner.environment) or "that",
        )

    def _summary_now(self, document_bytes: int = 0) -> Summary:
        return summary_of(self._runner, self._locustfiles, document_bytes)


def _numbered(path: str, number: int) -> str:
    """``out/a`` for the first test of a process, ``out/a_2`` for the second; an ending stays there."""
    if number == 1:
        return path
    found = _ENDING.search(path)
    place = len(path) if found is None else found.start()
    return f"{path[:place]}_{number}{path[place:]}"


def _path_of(name: Any, number: int) -> Path | None:
    return Path(_numbered(str(name), number)) if name else None
