"""``--stream``: a line of JSON for each second, to a file, a pipe or standard output, that holds up nobody."""

import errno
import json
import logging
import os
import select
import stat
import sys
from typing import Any

import gevent
from gevent import Greenlet, monkey

from gregaria.errors import CommandError, ExitCode
from gregaria.runner.steering import SteeringRunner
from gregaria.stats.course import POINT_FRACTIONS, Point

__all__ = ["Stream"]

logger = logging.getLogger("gregaria.report.stream")

#: name and version of the lines' layout
SCHEMA = "gregaria.stream/1"

#: seconds between two looks whether a second has passed
_LOOK_S = 0.2
#: bytes that wait for a slow reader at most; beyond that, whole lines are left out
_MOST_WAITING_BYTES = 1024 * 1024
#: so many bytes go into a pipe that is writable without waiting
_PIECE_BYTES = 512
#: seconds that a slow reader gets at the end
_GOODBYE_S = 1.0

# gevent's own would hand files to epoll, which does not take them.
_poll = None if sys.platform == "win32" else monkey.get_original("select", "poll")


class Stream:
    """Tells of each second of each test, from when it is made until ``close``.

    Args:
        runner: whose tests they are.
        path: a file, which is begun anew, or a named pipe; ``-`` is standard output.

    Raises:
        CommandError: it cannot be written.
    """

    def __init__(self, runner: Any, path: str) -> None:
        self._runner = runner
        self._sink = Sink(path)
        self._test = 0
        self._told_test_s: float | None = None
        self._until_epoch_s = 0.0
        runner.after_test.append(self._end_test)
        self._greenlet: Greenlet = gevent.spawn(self._run)

    def close(self) -> None:
        """Write no more; what has been counted until now is told."""
        self._greenlet.kill(block=False)
        self._tell_new()
        self._sink.close()

    def _run(self) -> None:
        while True:
            gevent.sleep(_LOOK_S)
            self._tell_new()
            self._sink.push()

    def _end_test(self) -> None:
        self._tell_new()
        self._sink.add(_line({"kind": "end", **self._of_now()}))
        self._sink.push()

    def _tell_new(self) -> None:
        timeline = self._runner.stats.timeline
        if self._runner.test_started_epoch_s != self._told_test_s:
            self._told_test_s = self._runner.test_started_epoch_s
            self._test += 1
        for point in timeline.points(self._until_epoch_s):
            self._until_epoch_s = point.epoch_s + point.length_s / 2
            self._sink.add(_line({"kind": "second", **self._of_now(), **_of_point(point)}))

    def _of_now(self) -> dict[str, Any]:
        runner = self._runner
        total = runner.stats.recorder.total
        return {
            "test": self._test,
            "state": runner.state,
            "users": runner.user_count,
            "users_by_class": dict(runner.user_classes_count),
            "workers": len(runner.clients.present) if hasattr(runner.clients, "present") else 0,
            "total": {
                "requests": total.num_requests,
                "failures": total.num_failures,
                "generator_errors": total.num_generator_errors,
            },
        }


def _of_point(point: Point) -> dict[str, Any]:
    times_us = dict(zip(POINT_FRACTIONS, point.percentiles_us, strict=True))
    return {
        "epoch_s": point.epoch_s,
        "length_s": round(point.length_s, 3),
        "users": point.user_count,
        "requests": point.requests,
        "failures": point.failures,
        "rps": round(point.requests / point.length_s, 3),
        "fail_per_s": round(point.failures / point.length_s, 3),
        "percentiles_ms": {
            f"p{fraction * 100:g}": None if time_us is None else time_us / 1000 for fraction, time_us in times_us.items()
        },
        "late_seconds": point.late_seconds,
    }


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps({"schema": SCHEMA, **told}, allow_nan=False).encode() + b"\n"


class Sink:
    """Where lines go. Whoever reads them may be slow, or go away: that is told once, and nobody waits for it.

    Args:
        path: a file, a named pipe, or ``-``.

    Raises:
        CommandError: it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._waiting = b""
        self._is_told = False
        self._is_pipe = path != "-" and _is_named_pipe(path)
        self._descriptor = -1
        if not self._is_pipe:
            self._descriptor = _opened(path)

    def add(self, line: bytes) -> None:
        """Have a line written, whole or not at all."""
        if self._descriptor < 0 and not self._is_pipe:
            return
        if len(self._waiting) + len(line) > _MOST_WAITING_BYTES:
            self._tell("does not keep up; lines are left out")
            return
        self._waiting += line

    def push(self) -> None:
        """Write what can be written now."""
        if self._descriptor < 0 and self._is_pipe:
            self._look_for_reader()
        try:
            while self._waiting and self._is_writable():
                written = os.write(self._descriptor, self._waiting[:_PIECE_BYTES])
                self._waiting = self._waiting[written:]
        except BlockingIOError:
            return
        except OSError as error:
            self._leave(error)

    def close(self) -> None:
        """Write what is waiting, for a second at most."""
        with gevent.Timeout(_GOODBYE_S, False):
            while self._waiting and (self._descriptor >= 0):
                self.push()
                gevent.sleep(0.01)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_writable(self) -> bool:
        if self._descriptor < 0:
            return False
        if _poll is None:
            return True
        poll = _poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def _look_for_reader(self) -> None:
        try:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            # Nobody reads yet: what was told meanwhile is nobody's loss.
            self._waiting = b""
            if error.errno != errno.ENXIO:
                self._leave(error)

    def _leave(self, error: OSError) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        # A line that was cut is not gone on with for the next reader.
        self._waiting = b""
        again = "; its next reader gets what comes then" if self._is_pipe else "; nothing more is written there"
        self._tell(f"cannot be written: {error.strerror or error}{again}")

    def _tell(self, what: str) -> None:
        if not self._is_told:
            self._is_told = True
            logger.warning("--stream %s %s", self._path, what)


def _is_named_pipe(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _opened(path: str) -> int:
    try:
        if path == "-":
            sys.stdout.flush()
            # One of its own, as the other is closed by whoever likes.
            return os.dup(sys.stdout.fileno())
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except (OSError, AttributeError) as error:
        raise CommandError(
            f"--stream {path} cannot be written: {getattr(error, 'strerror', None) or error}. Name a file in a folder"
            " that is there, a named pipe, or - for standard output",
            ExitCode.OUTPUT,
        ) from None
