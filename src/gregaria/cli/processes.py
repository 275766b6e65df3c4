"""``--processes``: workers on this machine, each a process of its own with the same command line."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import gevent

from gregaria.cli.cluster import WORKER_OF

__all__ = ["LocalWorkers"]

logger = logging.getLogger("gregaria.cli.processes")

#: seconds between two looks whether all are there
_LOOK_S = 0.5
#: a worker that ends sooner is not started anew: it would end again
_SHORTEST_LIFE_S = 5.0
#: variables that would make a worker something else
_MODES = ("MODE_MASTER", "MODE_WORKER", "PROCESSES", "EXPECT_WORKERS")


class LocalWorkers:
    """Starts workers, tells of those that die, and on request starts others in their place.

    Args:
        arguments: the command line of this process, which becomes theirs.
        count: how many.
        host, port: their master's.
        replaces: start another worker for one that has died.

    Attributes:
        worst_code: the highest exit code of a worker that has ended before it was told to.
    """

    def __init__(self, arguments: Sequence[str], count: int, host: str, port: int, *, replaces: bool) -> None:
        self._command = [sys.executable, "-m", "gregaria", *arguments]
        self._count = count
        self._environment = {**os.environ, WORKER_OF: f"{host}:{port}"}
        for name in _MODES:
            for prefix in ("LOCUST_", "GREGARIA_"):
                self._environment.pop(prefix + name, None)
        self._replaces = replaces
        self._running: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._watcher: gevent.Greenlet | None = None
        self.worst_code = 0

    def start(self) -> None:
        """Start them all."""
        for _ in range(self._count):
            self._start_one()
        logger.info("Started %d worker processes", self._count)
        self._watcher = gevent.spawn(self._watch)

    @property
    def is_any_left(self) -> bool:
        """Whether one is still running."""
        return any(process.poll() is None for process, _ in self._running.values())

    def wait(self) -> int:
        """Return when all have ended; the highest exit code among them."""
        while self.is_any_left:
            gevent.sleep(_LOOK_S / 5)
        codes = [abs(int(process.returncode or 0)) for process, _ in self._running.values()]
        return max(self.worst_code, *codes, 0)

    def stop(self, patience_s: float = 5.0) -> None:
        """End those that are left: by a request, then by force."""
        if self._watcher is not None:
            self._watcher.kill(block=False)
        deadline_s = time.monotonic() + patience_s
        while self.is_any_left and time.monotonic() < deadline_s:
            gevent.sleep(0.02)
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            for process, _ in self._running.values():
                if process.poll() is None:
                    process.send_signal(number)
            until_s = time.monotonic() + 2.0
            while self.is_any_left and time.monotonic() < until_s:
                gevent.sleep(0.02)

    def signal(self, number: int) -> None:
        """Pass a signal on to them."""
        for process, _ in self._running.values():
            if process.poll() is None:
                process.send_signal(number)

    def _start_one(self) -> None:
        process = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL)
        self._running[process.pid] = (process, time.monotonic())

    def _watch(self) -> None:
        while True:
            gevent.sleep(_LOOK_S)
            for pid, (process, started_s) in list(self._running.items()):
                code = process.poll()
                if code is None:
                    continue
                del self._running[pid]
                self.worst_code = max(self.worst_code, abs(code))
                lived_s = time.monotonic() - started_s
                how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"has ended with exit code {code}"
                if not self._replaces:
                    hint = "; --replace-workers would start another"
                elif lived_s < _SHORTEST_LIFE_S:
                    hint = f" after {lived_s:.1f} s; another one would most likely do so, too"
                else:
                    hint = "; another one is started"
                    self._start_one()
                logger.error("Worker process %d %s%s", pid, how, hint)
