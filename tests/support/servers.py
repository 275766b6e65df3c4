"""Real servers for tests, each a process on a port the system picked; fixtures to import in a conftest."""

import json
import subprocess
import sys
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
