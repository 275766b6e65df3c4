"""Real servers for tests, each a process on a port the system picked; fixtures to import in a conftest."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: its base URL, without a slash at the end.
    """

    url: str

    def get_json(self, path: str) -> object:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return json.load(response)


@contextmanager
def process_that_prints_its_port(arguments: list[str]) -> Iterator[int]:
    """Start a Python program whose first printed line is a port; ends it at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"{arguments} ended before it printed its port; its own words are above"
        yield int(line)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@contextmanager
def asgi_server(app: str) -> Iterator[Server]:
    """Serve ``module:app`` with uvicorn."""
    with process_that_prints_its_port(["-m", "tests.support.serve", app]) as port:
        yield Server(f"http://127.0.0.1:{port}")


@pytest.fixture(scope="session")
def target() -> Iterator[Server]:
    """The example target: ``GET /``, ``POST /getInfo``, ``POST /fileSize``."""
    with asgi_server("examples.target.app:app") as server:
        yield server


@pytest.fixture(scope="session")
def shop() -> Iterator[Server]:
    """The shop of tests/support/shop.py; ``GET /served`` tells what it has served."""
    with asgi_server("tests.support.shop:app") as server:
        yield server


@pytest.fixture
def file_sizes() -> Iterator[Server]:
    """The ``/fileSize`` of tests/support/file_sizes.py, of this test alone; ``GET /uploads`` tells what it was sent."""
    with asgi_server("tests.support.file_sizes:app") as server:
        yield server


@pytest.fixture(scope="session")
def line_server() -> Iterator[str]:
    """``address:port`` of a server that answers each line with that line."""
    with process_that_prints_its_port(["-m", "tests.support.line_server"]) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def xmlrpc_server() -> Iterator[Server]:
    """An XML-RPC server with ``add`` and ``divide``."""
    with process_that_prints_its_port(["-m", "tests.support.xmlrpc_server"]) as port:
        yield Server(f"http://127.0.0.1:{port}")


@dataclass(frozen=True)
class CountingServer(Server):
    """The server of tests/support/target.py."""

    def counts(self) -> dict[str, int]:
        found = self.get_json("/__count")
        assert isinstance(found, dict)
        return found

    def times_s(self) -> list[float]:
        """When each request came, by the server's own clock."""
        found = self.get_json("/__times")
        assert isinstance(found, list)
        return sorted(found)

    def publish(self, name: str, text: str) -> str:
        """Let ``GET /published/NAME`` answer with a text; returns the URL."""
        url = f"{self.url}/published/{name}"
        urllib.request.urlopen(urllib.request.Request(url, text.encode(), method="PUT"), timeout=10).close()
        return url

    def wait_for(self, path: str, least: int = 1, timeout_s: float = 60) -> None:
        until = time.monotonic() + timeout_s
        while self.counts().get(path, 0) < least:
            assert time.monotonic() < until, f"{path} was not asked for {least} times: {self.counts()}"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def counting_process() -> Iterator[CountingServer]:
    with process_that_prints_its_port(["-m", "tests.support.target"]) as port:
        yield CountingServer(f"http://127.0.0.1:{port}")


@pytest.fixture
def server(counting_process: CountingServer) -> CountingServer:
    """The counting target, with its counts at zero."""
    request = urllib.request.Request(f"{counting_process.url}/__reset", method="POST")
    urllib.request.urlopen(request, timeout=10).close()
    return counting_process
