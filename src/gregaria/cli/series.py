"""The reports of a process that runs one test after another, as it does with the web interface."""

import logging
import re
from pathlib import Path
from typing import Any

from gregaria.cli.reports import Reports
from gregaria.errors import CommandError
from gregaria.report.csv import ENDINGS
from gregaria.report.progress import TEST_IS_OVER
from gregaria.stats.summary import Summary

__all__ = ["Series"]

logger = logging.getLogger("gregaria.cli.reports")

#: files of earlier commands that one line names
_MOST_NAMED = 20


class Series:
    """Has reports for every test: made when it begins, written when it is over.

    Those of the first one are made at once, so that what cannot be written is refused before anything happens.

    Args:
        runner: whose tests they are.
        options: of the command.
        locustfiles: absolute paths.

    Attributes:
        error: the first report that could not be written, if there was one.

    Raises:
        CommandError: a report cannot be written where it is asked for.
    """

    def __init__(self, runner: Any, options: Any, locustfiles: list[str]) -> None:
        self._runner = runner
        self._options = options
        self._locustfiles = locustfiles
        self._number = 1
        self._has_begun = False
        self._reports = self._new_reports()
        if options.csv_prefix and (left := _left_behind(options.csv_prefix)):
            names = ", ".join(left[:_MOST_NAMED]) + (", ..." if len(left) > _MOST_NAMED else "")
            logger.warning(
                "--csv: numbered files of an earlier command stay until a test of this one replaces them: %s",
                names,
            )
        self.error: CommandError | None = None
        runner.environment.events.test_start.listeners.insert(0, self._begin)
        runner.after_test.append(self._end)

    def start(self) -> None:
        """Nothing is told before a test begins."""

    def redraw_below(self) -> None:
        """The shell has written to the terminal."""
        self._reports.redraw_below()

    @property
    def are_begun(self) -> bool:
        """Whether the last reports are being written."""
        return self._reports.are_begun

    @property
    def are_written(self) -> bool:
        """Whether the last reports are written."""
        return self._reports.are_written

    @property
    def history_path(self) -> Path | None:
        """Where the full history of the current test is written; None where it is not."""
        csv = self._reports.csv
        return csv.history_path if csv is not None and self._options.stats_history_enabled else None

    def finish(self) -> Summary:
        """Write what is not written yet; returns the numbers of the last test."""
        if self._has_begun:
            self._end()
        elif self._reports.csv is not None:
            self._reports.csv.close()
        return self._reports.summary()

    def _begin(self, **_: Any) -> None:
        if self._has_begun:
            self._number += 1
            try:
                self._reports = self._new_reports()
            except CommandError as error:
                # The figures are on the page; there is no reason to refuse the test.
                self.error = self.error or error
                logger.error("%s", error)
                return
        self._has_begun = True
        self._reports.start()

    def _end(self) -> None:
        if not self._reports.are_begun:
            self._reports.finish()
            self.error = self.error or self._reports.error
            logger.info(TEST_IS_OVER)

    def _new_reports(self) -> Reports:
        return Reports(
            self._runner,
            self._options,
            self._locustfiles,
            None,
            self._number,
            is_live=self._options.print_stats,
        )


def _left_behind(prefix: str) -> list[str]:
    """CSV files of the second and later tests of an earlier command, by number and name."""
    beginning = Path(prefix)
    numbered = re.compile(rf"{re.escape(beginning.name)}_(\d+)_(?:{'|'.join(ENDINGS)})\.csv")
    found = [(name, path) for path in beginning.parent.iterdir() if (name := numbered.fullmatch(path.name))]
    return [str(path) for number, path in sorted((int(name[1]), path) for name, path in found) if number > 1]
