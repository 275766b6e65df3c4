"""The runs of a session that are over: what is kept of each, in a folder of its own, and how much of that."""

import json
import logging
import math
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gregaria.report.csv import write_exceptions, write_failures, write_requests
from gregaria.report.file import ensure_writable, replace_text
from gregaria.report.json import document
from gregaria.report.reading import read_document
from gregaria.settings import settings
from gregaria.stats.summary import Summary

__all__ = ["Runs"]

logger = logging.getLogger("gregaria.web")

#: files of a run, and what writes them
_TABLES: dict[str, Callable[[Summary, Any], None]] = {
    "requests.csv": write_requests,
    "failures.csv": write_failures,
    "exceptions.csv": write_exceptions,
}
_ABOUT = "run.json"
_DOCUMENT = "document.json"
#: when it began, and something that no other run has
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Run:
    """What the list of runs tells of one."""

    number: int
    id: str
    started_epoch_s: float | None
    ended_epoch_s: float | None
    host: str | None
    users: int
    num_requests: int
    num_failures: int
    state: str


class Runs:
    """Keeps runs, the latest ``settings.max_kept_runs`` of at most ``settings.kept_runs_bytes``.

    Args:
        folder: where; what is there from before is listed, too. None for a temporary folder that ``close`` removes.

    Attributes:
        number: counts the tests of this process; 0 before the first.

    Raises:
        CommandError: the folder cannot be written to.
    """

    def __init__(self, folder: str | None) -> None:
        self.number = 0
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="gregaria-runs-")
        self._folder = Path(folder or self._temporary.name).expanduser()  # type: ignore[union-attr]
        ensure_writable(self._folder / _ABOUT, "--runs-dir")
        self._runs: dict[str, Run] = {}
        for path in sorted(self._folder.iterdir()):
            if _ID.fullmatch(path.name) and (run := _read(path)) is not None:
                self._runs[run.id] = run

    def close(self) -> None:
        """Nothing is asked for any more."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def begin(self) -> None:
        """Another test begins."""
        self.number += 1

    def add(self, summary: Summary, users: int) -> None:
        """Keep a test that is over.

        Args:
            summary: its figures, the timeline included.
            users: the most that there were.

        Raises:
            OSError: it could not be written; nothing is left of it.
        """
        begun_s = time.localtime(summary.started_epoch_s)
        name = f"{time.strftime('%Y%m%d-%H%M%S', begun_s)}-{secrets.token_hex(3)}"
        run = Run(
            number=self.number,
            id=name,
            started_epoch_s=summary.started_epoch_s,
            ended_epoch_s=summary.ended_epoch_s,
            host=summary.host,
            users=users,
            num_requests=summary.total.num_requests,
            num_failures=summary.total.num_failures,
            state=summary.state,
        )
        path = self._folder / name
        try:
            path.mkdir(parents=True)
            replace_text(path / _DOCUMENT, json.dumps(document(summary), separators=(",", ":"), allow_nan=False))
            for file_name, write in _TABLES.items():
                with (path / file_name).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                    write(summary, file)
            # Last: a run that has it has everything.
            replace_text(path / _ABOUT, json.dumps(asdict(run)))
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        self._runs[name] = run
        self._forget_oldest()

    def listed(self) -> list[dict[str, Any]]:
        """What there is, newest first."""
        return [asdict(run) for run in sorted(self._runs.values(), key=_age)]

    def label(self, run_id: str) -> str:
        """What a run is called, ``run 4``; where one of another command has the same number, with its id."""
        number = self._runs[run_id].number
        is_alone = [run.number for run in self._runs.values()].count(number) == 1
        return f"run {number}" if is_alone else f"run {number} ({run_id})"

    def file(self, run_id: str, name: str) -> Path | None:
        """A file of a run, ``document.json``, ``requests.csv`` or another table; None if there is none."""
        if run_id not in self._runs or name not in (_DOCUMENT, *_TABLES):
            return None
        path = self._folder / run_id / name
        return path if path.is_file() else None

    def document(self, run_id: str) -> dict[str, Any] | None:
        """The document of a run; None if there is no such run.

        Raises:
            CommandError: its file is broken, or of a later version.
        """
        path = self.file(run_id, _DOCUMENT)
        return None if path is None else read_document(path, run_id)

    def _forget_oldest(self) -> None:
        kept_bytes = 0
        for count, run in enumerate(sorted(self._runs.values(), key=_age), 1):
            path = self._folder / run.id
            kept_bytes += sum(file.stat().st_size for file in path.glob("*") if file.is_file())
            # The last one is kept in any case.
            if count > 1 and (count > settings.max_kept_runs or kept_bytes > settings.kept_runs_bytes):
                shutil.rmtree(path, ignore_errors=True)
                del self._runs[run.id]


def _age(run: Run) -> float:
    return -(run.started_epoch_s or 0.0)


def _read(path: Path) -> Run | None:
    """What is told of a run that was kept before; None if its files are broken, which does no harm."""
    try:
        told = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
        run = Run(**told)
        moments = (run.started_epoch_s or 0.0, run.ended_epoch_s or 0.0)
        figures = (run.number, run.users, run.num_requests, run.num_failures, *moments)
        if run.id != path.name or not all(isinstance(figure, int | float) for figure in figures):
            raise ValueError("it is no run's")
        if not all(math.isfinite(figure) for figure in figures):
            raise ValueError("it has figures that are none")
        if not isinstance(run.state, str) or not isinstance(run.host, str | None):
            raise ValueError("it has no state, or no host, that could be shown")
    except (OSError, ValueError, TypeError) as error:
        logger.warning("%s is no run, or broken, and is left alone: %s", path, error)
        return None
    return run
