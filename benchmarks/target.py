"""A target that waits for an exact time and stamps its own times: target.c, compiled when it is first needed."""

import shutil
import socket
import subprocess
import sys
import time
from array import array
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.nginx import free_port, pinned

SOURCE = Path(__file__).with_name("target.c")


def compiled(work: Path) -> Path:
    """The program, newer than its source."""
    program = work / "target"
    if program.exists() and program.stat().st_mtime > SOURCE.stat().st_mtime:
        return program
    if not sys.platform.startswith("linux"):
        sys.exit("This benchmark needs Linux: its target waits with epoll_pwait2.")
    compiler = shutil.which("cc")
    if compiler is None:
        sys.exit("This benchmark needs a C compiler named cc; install one with: sudo apt-get install gcc")
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE)], check=True)
    return program


class WaitingTarget:
    """Answers every request after ``wait_us``, on a free port, while the with-block lasts.

    Attributes:
        url: what to load.
        times_us: once the block is left, its own time of every request but the first of each connection, in order.
    """

    def __init__(self, work: Path, core: int | None, wait_us: int) -> None:
        self.times_us: array[int] = array("I")
        self._port, self._control_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._file = work / "target.times"
        words = [str(self._port), str(self._control_port), str(wait_us), str(self._file)]
        self._command = pinned(core, [str(compiled(work)), *words])

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.requests()
                break
            except OSError:
                time.sleep(0.02)
        else:
            sys.exit(f"The target did not start: {' '.join(self._command)}")
        self._usage = psutil.Process(self._process.pid)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.terminate()
        if self._process.wait(10) == 0:
            self.times_us.frombytes(self._file.read_bytes())

    def requests(self) -> int:
        """How many requests it has read."""
        return self._told()[0]

    def connections(self) -> int:
        """How many connections are open."""
        return self._told()[1]

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def _told(self) -> tuple[int, int]:
        with socket.create_connection(("127.0.0.1", self._control_port), timeout=10) as connection:
            requests, connections = connection.makefile().read().split()
        return int(requests), int(connections)
