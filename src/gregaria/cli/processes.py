"""``--processes``: workers on this machine, each a process of its own with the same command line."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import gevent

from gregaria.cli.cluster import PARENT_PID, WORKER_OF
from gregaria.errors import ExitCode

__all__ = ["LocalWorkers"]

logger = logging.getLogger("gregaria.cli.processes")

#: seconds between two looks whether all are there
_LOOK_S = 0.2
#: a worker that ends sooner is not started anew, nor is one that tells of what was asked for: it would end again
_SHORTEST_LIFE_S = 5.0
_WOULD_END_AGAIN = range(ExitCode.USAGE, ExitCode.INTERNAL)
#: variables that would make a worker something else
_MODES = ("MODE_MASTER", "MODE_WORKER", "PROCESSES", "EXPECT_WORKERS")


class LocalWorkers:
    """Starts workers, tells of those that die, and on request starts others in their place.

    Args:
        arguments: the command line of this process, which becomes theirs.
        count: how many.
        host, port: their master's.
        replaces: start another worker for one that has died.
        is_over: whether the run has come to its end: workers that end then have been told to.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        count: int,
        host: str,
        port: int,
        *,
        replaces: bool,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._command = [sys.executable, "-m", "gregaria", *arguments]
        self._count = count
        self._environment = {**os.environ, WORKER_OF: f"{host}:{port}", PARENT_PID: str(os.getpid())}
        for name in _MODES:
            for prefix in ("LOCUST_", "GREGARIA_"):
                self._environment.pop(prefix + name, None)
        self._replaces = replaces
        self._is_over = is_over
        self._running: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._watcher: gevent.Greenlet | None = None
        self._worst_code = 0

    def start(self) -> None:
        """Start them all."""
        for _ in range(self._count):
            self._start_one()
        logger.info("Started %d worker processes", self._count)
        self._watcher = gevent.spawn(self._watch)

    @property
    def is_any_left(self) -> bool:
        """Whether one is running, or is about to be replaced."""
        return bool(self._running)

    def wait(self) -> int:
        """Return when all have ended; the highest exit code among them."""
        if self._watcher is not None:
            self._watcher.join()
        return self._worst_code

    def stop(self, patience_s: float = 5.0) -> None:
        """End those that are left: by a request, then by force."""
        if self._watcher is not None:
            self._watcher.kill(block=False)
        self._await_exits(patience_s)
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            self.signal(number)
            self._await_exits(2.0)

    def signal(self, number: int) -> None:
        """Pass a signal on to them."""
        for process, _ in self._running.values():
            if process.poll() is None:
                process.send_signal(number)

    def _start_one(self) -> None:
        process = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL)
        self._running[process.pid] = (process, time.monotonic())

    def _await_exits(self, longest_s: float) -> None:
        until_s = time.monotonic() + longest_s
        while time.monotonic() < until_s and any(process.poll() is None for process, _ in self._running.values()):
            gevent.sleep(0.02)

    def _watch(self) -> None:
        while self._running:
            gevent.sleep(_LOOK_S)
            for pid, (process, started_s) in list(self._running.items()):
                code = process.poll()
                if code is not None:
                    del self._running[pid]
                    self._worst_code = max(self._worst_code, abs(code))
                    self._ended(pid, code, time.monotonic() - started_s)

    def _ended(self, pid: int, code: int, lived_s: float) -> None:
        is_over = self._is_over()
        if code == 0 or (is_over and code > 0):
            # It was told to: by the master, or by whoever sent it a signal.
            logger.debug("Worker process %d has left with exit code %d", pid, code)
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"has ended with exit code {code}"
        if is_over:
            hint = " at the end of the run"
        elif lived_s < _SHORTEST_LIFE_S or code in _WOULD_END_AGAIN:
            hint = f" after {lived_s:.1f} s; another one would most likely do so, too"
        elif self._replaces:
            hint = "; another one is started"
            self._start_one()
        else:
            hint = "; --replace-workers would start another"
        logger.error("Worker process %d %s%s", pid, how, hint)
