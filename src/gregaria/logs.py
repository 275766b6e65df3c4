"""Logging of the command: where lines go and what they hide, the last of them in memory, kinds that are told once."""

import logging
import logging.handlers
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import gevent

from gregaria.errors import CommandError, ExitCode

__all__ = [
    "Bounded",
    "OncePerKind",
    "last_lines",
    "lines_since",
    "mask_records",
    "num_warnings",
    "set_up_logging",
    "watch_greenlets",
]

_LINES_KEPT = 500

logger = logging.getLogger("gregaria.logs")


class LastLines(logging.Handler):
    """Keeps the last lines, for a page or a master to show.

    Attributes:
        lines: formatted, oldest first.
        count: lines so far, those that are not kept any more included.
        num_warnings: those of them that are warnings or worse.
    """

    def __init__(self, kept: int = _LINES_KEPT) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=kept)
        self.count = 0
        self.num_warnings = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        self.count += 1
        self.num_warnings += record.levelno >= logging.WARNING

    def since(self, number: int) -> tuple[int, list[str]]:
        """How many lines there have been, and those after line ``number`` that are still kept."""
        # Under the lock that lines are written under, as threads log, too.
        with self.lock or nullcontext():
            count, lines = self.count, list(self.lines)
        return count, lines[max(0, len(lines) - max(0, count - number)) :]


_memory = LastLines()


def last_lines() -> list[str]:
    """The last 500 lines that were logged since ``set_up_logging``."""
    return list(_memory.lines)


def num_warnings() -> int:
    """How many warnings and errors were logged since ``set_up_logging``."""
    return _memory.num_warnings


def lines_since(number: int) -> tuple[int, list[str]]:
    """What was logged since the last look, for a worker that sends its log on.

    Args:
        number: the count that the last look answered with, 0 for the first.

    Returns:
        how many lines there have been so far, and those after line ``number`` that are still kept, oldest first.
    """
    return _memory.since(number)


def set_up_logging(level: str, logfile: str | None = None) -> None:
    """Send the log to standard error, or to a file whose folders are made, in Locust's format.

    The root logger and ``gregaria`` get the level; the loggers named ``locust`` of locustfiles and plugins go the
    same way. Calling it again replaces what the last call set up.

    Raises:
        CommandError: the file cannot be opened.
    """
    target = _file_handler(logfile) if logfile else logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(f"[%(asctime)s] {_host_name()}/%(levelname)s/%(name)s: %(message)s")
    plain = logging.StreamHandler(sys.stdout)
    plain.setFormatter(logging.Formatter("%(message)s"))
    for handler in (target, _memory):
        handler.setFormatter(formatter)
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers = [target, _memory]
    for name in ("gregaria", "locust"):
        logging.getLogger(name).setLevel(level)
    # What locustfiles print through it is a table, not a log line, and never goes to the file.
    tables = logging.getLogger("locust.stats_logger")
    tables.handlers = [plain]
    tables.propagate = False
    tables.setLevel(logging.INFO)


class _MaskedRecords:
    """Makes records as they were made before, but without secrets.

    Args:
        plain: makes them.
        mask: a text without its secrets; the same text where there are none.
    """

    def __init__(self, plain: Callable[..., logging.LogRecord], mask: Callable[[str], str]) -> None:
        self.plain = plain
        self._mask = mask

    def __call__(self, *arguments: Any, **more: Any) -> logging.LogRecord:
        record = self.plain(*arguments, **more)
        try:
            message = record.getMessage()
        except Exception:
            # Arguments that do not fit, or cannot be told: the handlers say so.
            return record
        masked = self._mask(message)
        # Else message and arguments stay apart, as some handlers want them.
        if masked != message:
            record.msg, record.args = masked, ()
        if record.exc_info and record.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            masked = self._mask(trace)
            if masked != trace:
                # Formatters take a text that is there already.
                record.exc_text = masked
        if record.stack_info:
            record.stack_info = self._mask(record.stack_info)
        return record


def mask_records(mask: Callable[[str], str]) -> None:
    """From now on have no secret in any record, whichever logger it comes from and whichever handlers it goes to.

    Calling it again replaces the mask.

    Args:
        mask: a text without its secrets; asked for every record, so that it may know more of them later.
    """
    plain = logging.getLogRecordFactory()
    logging.setLogRecordFactory(_MaskedRecords(plain.plain if isinstance(plain, _MaskedRecords) else plain, mask))


def _file_handler(logfile: str) -> logging.Handler:
    path = Path(logfile).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"--logfile {logfile}: {error.strerror or error}", ExitCode.OUTPUT) from None


def _host_name() -> str:
    return socket.gethostname().split(".")[0]


class OncePerKind:
    """Logs the first of each kind and counts the others, so that a test of a million errors has a log one can read.

    Args:
        log, level: where to.
        most: kinds that are told; of kinds that others make up there is no end.

    Attributes:
        counts: {kind: how often}; those beyond the most are not in it.
    """

    def __init__(self, log: logging.Logger, level: int = logging.WARNING, most: int = 1000) -> None:
        self._log = log
        self._level = level
        self._most = most
        self._is_full = False
        self.counts: dict[object, int] = {}

    def tell(self, kind: object, message: str, *values: object) -> bool:
        """Log ``message`` if nothing of this kind was logged before. Returns whether it was logged."""
        if kind in self.counts:
            self.counts[kind] += 1
            return False
        if len(self.counts) < self._most:
            self.counts[kind] = 1
            self._log.log(self._level, message, *values)
            return True
        if not self._is_full:
            self._is_full = True
            self._log.log(self._level, "Others of the kind are not told any more; the next is: " + message, *values)
        return False


class Bounded:
    """Logs what others bring about, as far as the log has room for it; then it tells now and then how many there were.

    Args:
        log: where to.
        most: lines that may come at once.
        per_s: lines in each second that there is room for again.
    """

    def __init__(self, log: logging.Logger, most: int = 1000, per_s: float = 1.0) -> None:
        self._log = log
        self._most = most
        self._per_s = per_s
        self._room = float(most)
        self._looked_s = time.monotonic()
        self._num_untold = 0

    def tell(self, level: int, message: str, *values: object) -> bool:
        """Log ``message`` if there is room for it. Returns whether there was."""
        now_s = time.monotonic()
        self._room = min(self._room + (now_s - self._looked_s) * self._per_s, self._most)
        self._looked_s = now_s
        if self._room < 1:
            self._num_untold += 1
            return False
        self._room -= 1
        if self._num_untold:
            message = f"{message} (%d lines before this one were too many to be told)"
            values = (*values, self._num_untold)
            self._num_untold = 0
        self._log.log(level, message, *values)
        return True


class GreenletErrors:
    """Counts and logs what escapes greenlets that nobody waits for, which gevent would only print.

    Attributes:
        count: errors since the watch began.
    """

    def __init__(self) -> None:
        self.count = 0
        self._once = OncePerKind(logger, logging.CRITICAL)

    def add(self, context: object, error: BaseException) -> None:
        """Count an error, and log it when it is the first from its line."""
        self.count += 1
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        place = (type(error), trace and (trace.tb_frame.f_code, trace.tb_lineno))
        text = "".join(traceback.format_exception(error)).rstrip()
        self._once.tell(place, "An exception escaped %s, which nobody waits for:\n%s", context, text)


def watch_greenlets() -> GreenletErrors:
    """From now on count and log what escapes greenlets; SystemExit and KeyboardInterrupt go gevent's usual way."""
    errors = GreenletErrors()
    hub = gevent.get_hub()
    usual = hub.handle_error

    def handle_error(context: Any, kind: Any, value: Any, trace: Any) -> None:
        if isinstance(value, Exception) and not issubclass(kind, hub.NOT_ERROR):
            errors.add(context, value)
        else:
            usual(context, kind, value, trace)

    hub.handle_error = handle_error
    return errors
