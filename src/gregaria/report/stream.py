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

from gregaria.engine.histogram import Histogram
from gregaria.errors import CommandError, ExitCode
from gregaria.report.verdict import verdict_document
from gregaria.runner.beat import next_beat_s
from gregaria.runner.state import STATE_INIT, STATE_MISSING, STATE_STOPPED
from gregaria.stats.verdict import Verdict

__all__ = ["Sink", "Stream"]

logger = logging.getLogger("gregaria.report.stream")

#: name and version of the lines' layout
SCHEMA = "gregaria.stream/1"

_SECOND_S = 1.0
#: of what is shorter, as the first and the last second of a test may be, a rate would mean nothing
_SHORTEST_S = 0.5
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p100": 1.0}
#: states in which nothing happens
_QUIET = (STATE_INIT, STATE_STOPPED)
#: bytes that wait for a slow reader at most; beyond that, whole lines are left out
_MOST_WAITING_BYTES = 1024 * 1024
#: so many bytes go without waiting into a pipe that can be written at all
_PIECE_BYTES = getattr(select, "PIPE_BUF", 512)
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
        self._test_started_epoch_s: float | None = None
        self._begin_counting()
        runner.after_test.append(self._end_test)
        self._greenlet: Greenlet = gevent.spawn(self._run)

    def close(self) -> None:
        """Write no more than what is waiting to be written."""
        self._greenlet.kill(block=False)
        self._sink.close()

    def _run(self) -> None:
        timeline = self._runner.stats.timeline
        at_s = timeline.now_epoch_s if self._runner.tick_at_s is None else self._runner.tick_at_s
        while True:
            now_s = timeline.now_epoch_s
            gevent.sleep(max(next_beat_s(now_s + _SECOND_S / 2, _SECOND_S, at_s) - now_s, 0))
            if self._runner.state not in _QUIET:
                self._tell_second()
            self._sink.push()

    def _end_test(self) -> None:
        self._tell_second()
        self._sink.add({"kind": "end", **self._of_now(), "verdict": verdict_document(self._verdict)})
        self._sink.push()

    def _begin_counting(self) -> None:
        self._counting_since_us = self._runner.stats.started_us
        self._requests = self._failures = self._late_seconds = 0
        self._times = Histogram()

    def _tell_second(self) -> None:
        runner, stats = self._runner, self._runner.stats
        now_s = stats.timeline.now_epoch_s
        if runner.test_started_epoch_s != self._test_started_epoch_s:
            self._test_started_epoch_s = self._told_epoch_s = runner.test_started_epoch_s
            self._test += 1
        if stats.started_us != self._counting_since_us:
            self._begin_counting()
        verdict = self._verdict
        # As it is told, so that whoever divides by it comes to the same rates.
        total, length_s = stats.recorder.total, max(round(now_s - self._told_epoch_s, 3), 0.001)
        times, late_seconds = total.times.copy(), stats.generator.num_late_seconds
        new, requests, failures = times.since(self._times), total.num_requests, total.num_failures
        self._sink.add(
            {
                "kind": "second",
                "epoch_s": round(self._told_epoch_s, 3),
                "length_s": length_s,
                "requests": requests - self._requests,
                "failures": failures - self._failures,
                "rps": _rate(requests - self._requests, length_s),
                "fail_per_s": _rate(failures - self._failures, length_s),
                "avg_ms": round(new.sum_us / new.total / 1000, 3) if new.total else None,
                "percentiles_ms": {
                    name: new.percentile_us(fraction) / 1000 if new.total else None
                    for name, fraction in _PERCENTILES.items()
                },
                "late_seconds": max(late_seconds - self._late_seconds, 0),
                **self._of_now(),
                "broken_rules": None if verdict is None else [rule.text for rule in verdict.broken],
            }
        )
        self._told_epoch_s, self._times = now_s, times
        self._requests, self._failures, self._late_seconds = requests, failures, late_seconds

    @property
    def _verdict(self) -> Verdict | None:
        verdict: Verdict | None = self._runner.environment.judge.verdict
        return verdict

    def _of_now(self) -> dict[str, Any]:
        runner = self._runner
        total = runner.stats.recorder.total
        return {
            "test": self._test,
            "state": runner.state,
            "users": runner.user_count,
            "users_by_class": dict(runner.user_classes_count),
            "workers": sum(node.state != STATE_MISSING for node in runner.workers),
            "total": {
                "requests": total.num_requests,
                "failures": total.num_failures,
                "interrupted": total.num_interrupted,
                "generator_errors": total.num_generator_errors,
                "percentiles_ms": {
                    name: total.times.percentile_us(fraction) / 1000 if total.times.total else None
                    for name, fraction in _PERCENTILES.items()
                },
            },
        }


def _rate(count: int, length_s: float) -> float | None:
    return round(count / length_s, 3) if length_s >= _SHORTEST_S else None


class Sink:
    """Where lines go. Whoever reads them may be slow, or go away: that is told once, and nobody waits for it.

    Args:
        path: a file, a named pipe, or ``-``.

    Raises:
        CommandError: it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._waiting = bytearray()
        self._is_told = False
        self._is_pipe = path != "-" and _is_named_pipe(path)
        self._descriptor = -1
        if not self._is_pipe:
            self._descriptor = _opened(path)

    def add(self, told: dict[str, Any]) -> None:
        """Have a line written, whole or not at all."""
        if self._descriptor < 0 and not self._is_pipe:
            return
        line = json.dumps({"schema": SCHEMA, **told}, allow_nan=False).encode() + b"\n"
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
                del self._waiting[:written]
        except BlockingIOError:
            return
        except OSError as error:
            self._leave(error)

    def close(self) -> None:
        """Write what is waiting, for a second at most."""
        with gevent.Timeout(_GOODBYE_S, False):
            while self._waiting and self._descriptor >= 0:
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
            self._waiting.clear()
            if error.errno != errno.ENXIO:
                self._leave(error)

    def _leave(self, error: OSError) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        # A line that was cut is not gone on with for the next reader.
        self._waiting.clear()
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
            # None where nobody has given one.
            if sys.stdout is None:
                raise OSError(errno.EBADF, "standard output is closed")
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
