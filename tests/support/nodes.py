"""Masters and workers as real processes, started by the real command as a person would."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Cluster", "Node", "wait_until"]


def wait_until(is_so: Any, timeout_s: float, what: str | Callable[[], str]) -> None:
    """Return when ``is_so()``; fail with ``what`` (as it is by then) when that takes longer."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


class Node:
    """One process.

    Attributes:
        log: the file with all that it prints.
    """

    def __init__(
        self, command: list[str], folder: Path, log: Path, environment: Mapping[str, str], prefix: list[str]
    ) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*prefix, *command],
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern: str, timeout_s: float = 60.0, times: int = 1) -> re.Match[str]:
        """Return when its output matches so many times; the last match."""

        def found() -> list[re.Match[str]]:
            return list(re.finditer(pattern, self.output))

        wait_until(
            lambda: len(found()) >= times or self.process.poll() is not None,
            timeout_s,
            lambda: f"{pattern!r} in:\n{self.output}{self._siblings()}",
        )
        matches = found()
        assert len(matches) >= times, f"it has ended ({self.process.returncode}) without {pattern!r}:\n{self.output}"
        return matches[times - 1]

    def _siblings(self) -> str:
        """The ends of the other nodes' logs, which tell why this one waits."""
        others = [log for log in sorted(self.log.parent.glob("*.log")) if log != self.log]
        return "".join(f"\n-- {log.name} --\n{log.read_text(errors='replace')[-3000:]}" for log in others)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = 60.0) -> int:
        """Its exit code."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended within {timeout_s:g} s:\n{self.output}") from None

    def kill(self) -> None:
        """At once, and without a word."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Cluster:
    """A master and workers; whatever is left of them is killed at the end of the with-block.

    Args:
        folder: where they run.
        locustfile: what they run, as text.
    """

    def __init__(self, folder: Path, locustfile: str, **environment: str) -> None:
        self.folder = folder
        self.locustfile = folder / "locustfile.py"
        self.locustfile.write_text(locustfile)
        self.nodes: list[Node] = []
        self.workers: list[Node] = []
        self.environment = environment
        self.port = 0

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            if node.process.poll() is None:
                node.signal(signal.SIGCONT)
            node.kill()

    def start(self, *arguments: str, name: str, prefix: tuple[str, ...] = (), python: str = sys.executable) -> Node:
        """Any node, by its arguments."""
        command = [python, "-m", "gregaria", *arguments]
        node = Node(command, self.folder, self.folder / f"{name}-{len(self.nodes)}.log", self.environment, list(prefix))
        self.nodes.append(node)
        return node

    def start_master(
        self, *arguments: str, port: int = 0, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()
    ) -> Node:
        """A master that writes report.json; returns when it listens."""
        (self.folder / "report.json").unlink(missing_ok=True)
        node = self.start(
            *("--master", "--master-bind-host", host, "--master-bind-port", str(port), "--headless", "--only-summary"),
            *("--json-file", "report", *arguments),
            name="master",
            prefix=prefix,
        )
        # Of a cluster that is at full load, which leaves little to one that starts.
        self.port = int(node.wait_for(r"Listening for workers on .+:(\d+)", timeout_s=40)[1])
        return node

    def start_worker(self, *arguments: str, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> Node:
        """A worker of the master that was started last."""
        node = self.start(
            *("--worker", "--master-host", host, "--master-port", str(self.port), *arguments),
            name="worker",
            prefix=prefix,
        )
        self.workers.append(node)
        return node

    @property
    def report(self) -> Mapping[str, Any]:
        """What the master has written in the end."""
        path = self.folder / "report.json"
        assert path.exists(), self.nodes[0].output
        content: Mapping[str, Any] = json.loads(path.read_text())
        return content

    @property
    def total(self) -> Mapping[str, Any]:
        total: Mapping[str, Any] = self.report["total"]
        return total
