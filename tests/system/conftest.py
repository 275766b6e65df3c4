"""The real command, started as a person would, against a small server that counts."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.support.servers import CountingServer, Server, counting_process, server

__all__ = ["Command", "CountingServer", "arguments", "command", "counting_process", "document", "server"]

USERS = """\
from locust import FastHttpUser, HttpUser, constant, events, task


class Buyer(HttpUser):
    wait_time = constant(0.01)

    @task
    def look(self):
        self.client.get("/look")


class Seller(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def sell(self):
        self.client.get("/sell")
"""


@dataclass
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Command:
    """Starts ``gregaria`` in a folder of its own, with an empty home.

    Attributes:
        folder: where it runs; ``shop.py`` in it has the users Buyer and Seller.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._home = folder / "home"
        self._home.mkdir()
        self._started: list[subprocess.Popen[str]] = []
        self.write("shop.py", USERS)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdout: IO[str] | int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "gregaria", *arguments],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self._home), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
        return self.end_of(self.start(*arguments, env=env))

    def end_of(self, process: subprocess.Popen[str], timeout_s: float = 60) -> Ended:
        out, err = process.communicate(timeout=timeout_s)
        return Ended(process.returncode, out, err)

    def stop_with(self, process: subprocess.Popen[str], number: signal.Signals) -> Ended:
        process.send_signal(number)
        return self.end_of(process)

    def close(self) -> None:
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.communicate()


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path)
    yield command
    command.close()


def document(path: Path) -> dict[str, object]:
    content = json.loads(path.read_text())
    assert isinstance(content, dict)
    return content


def arguments(server: Server, *more: str) -> Sequence[str]:
    """What every run here needs."""
    return ("-f", "shop.py", "--headless", "-H", server.url, *more)
