"""The real command with its web interface, asked over HTTP; and a WebUI in this process for its answers alone."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from gregaria.environment import Environment
from gregaria.users.declare import task
from gregaria.users.http import HttpUser
from gregaria.users.wait import constant
from gregaria.web.ui import WebUI
from tests.support.servers import Server, counting_process, process_that_prints_its_port, server

__all__ = ["counting_process", "server"]

USERS = """\
from locust import HttpUser, constant, events, task


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    parser.add_argument("--colour", default="red", help="of the parcel")
    parser.add_argument("--number", type=int, default=3)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--password", is_secret=True, default="open-sesame")
    parser.add_argument("--sizes", choices=["s", "m", "l"], is_multiple=True, default=["m"])
    parser.add_argument("--hidden", include_in_web_ui=False, default="no")


@events.test_start.add_listener
def tell(environment, **_):
    options = environment.parsed_options
    print("START", options.colour, options.number, options.fast, options.password, options.sizes, flush=True)


class Buyer(HttpUser):
    wait_time = constant(0.05)

    @task
    def look(self):
        self.client.get("/look")

    @task
    def fail(self):
        self.client.get("/status/500")


class Seller(HttpUser):
    wait_time = constant(0.05)

    @task
    def sell(self):
        self.client.get("/sell")
"""

_URL = re.compile(r"Starting web interface at (https?://\S+?)[,.]?(?:\s|$)")


class Site:
    """A command with a web interface.

    Attributes:
        url: where it answers, without a slash at the end.
        log: all that it has written to standard error.
    """

    def __init__(self, process: subprocess.Popen[str], verify: str | bool = True) -> None:
        self.process = process
        self.log: list[str] = []
        self.out: list[str] = []
        self.session = requests.Session()
        self.session.verify = verify
        # Or the environment's authorities would be trusted instead.
        self.session.trust_env = False
        self._url = threading.Event()
        self.url = ""
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((process.stderr, self.log), (process.stdout, self.out))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines.append(line)
            if found := _URL.search(line):
                self.url = found[1].rstrip("/")
                self._url.set()

    def wait_until_up(self, timeout_s: float = 60) -> "Site":
        until = time.monotonic() + timeout_s
        while not self._url.wait(0.05):
            assert self.process.poll() is None, "".join(self.log)
            assert time.monotonic() < until, "".join(self.log)
        # The port answers a moment after the line, or before it.
        self.until(lambda: self.get("/worker-count").status_code < 500)
        return self

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=10, **arguments)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, data: Mapping[str, Any] | None = None, **arguments: Any) -> requests.Response:
        return self.session.post(self.url + path, data=data, timeout=60, **arguments)

    def swarm(self, **fields: Any) -> dict[str, Any]:
        answer = self.post("/swarm", {"user_count": 2, "spawn_rate": 100, **fields}).json()
        assert isinstance(answer, dict)
        return answer

    @property
    def state(self) -> str:
        return str(self.hello()["run"]["state"])

    def hello(self) -> dict[str, Any]:
        with Events(self) as events:
            kind, data = events.next()
            assert kind == "hello"
            return data

    def requests_of(self, name: str = "Aggregated") -> int:
        """How many there were, by a table that is made for each who asks."""
        for line in self.get("/stats/requests/csv").text.splitlines():
            cells = line.split(",")
            if len(cells) > 2 and cells[1] == name:
                return int(cells[2])
        return 0

    def until(self, is_so: Callable[[], Any], timeout_s: float = 60) -> Any:
        until = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(requests.ConnectionError):
                if found := is_so():
                    return found
            assert time.monotonic() < until, "".join([*self.out[-5:], *self.log[-30:]])
            time.sleep(0.05)

    def end(self, number: signal.Signals | None = signal.SIGINT) -> int:
        """End it with a signal, or wait until it ends by itself."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(15)
        for reader in self._readers:
            reader.join(5)
        return code

    def close(self) -> None:
        self.session.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class Events:
    """The stream of events, as a page reads it.

    Attributes:
        last_id: of the event that was read last.
    """

    def __init__(self, site: Site, last_id: str | None = None) -> None:
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        self._answer = site.session.get(f"{site.url}/api/events", stream=True, headers=headers, timeout=10)
        assert self._answer.status_code == 200, self._answer.text
        self._lines = self._answer.iter_lines(chunk_size=1)
        self.last_id = ""

    def next(self) -> tuple[str, dict[str, Any]]:
        kind = ""
        for line in self._lines:
            field, _, value = line.decode().partition(": ")
            if field == "id":
                self.last_id = value
            elif field == "event":
                kind = value
            elif field == "data":
                data = json.loads(value)
                assert isinstance(data, dict)
                return kind, data
        raise AssertionError("the stream has ended")

    def until(self, kind: str, is_it: Callable[[dict[str, Any]], Any] = lambda data: True) -> dict[str, Any]:
        for _ in range(30):
            found, data = self.next()
            if found == kind and is_it(data):
                return data
        raise AssertionError(f"no {kind} like that has come")

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()


class Starter:
    """Starts commands in a folder; ``shop.py`` in it has the users."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        self.write("shop.py", USERS)
        self._sites: list[Site] = []

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def begin(self, *arguments: str, program: tuple[str, ...] = (), verify: str | bool = True) -> Site:
        """Start it without waiting for anything."""
        command = program or (sys.executable, "-m", "gregaria")
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder / "home")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        site = Site(process, verify)
        self._sites.append(site)
        return site

    def start(self, *arguments: str, verify: str | bool = True) -> Site:
        """Start it with a port of its own, and wait until it answers."""
        usual = ("-f", "shop.py", "--web-host", "127.0.0.1", "--web-port", "0")
        return self.begin(*usual, *arguments, verify=verify).wait_until_up()

    def close(self) -> None:
        for site in self._sites:
            site.close()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    starter.close()


@pytest.fixture(scope="session")
def target() -> Iterator[Server]:
    """Something to load."""
    with process_that_prints_its_port(["-m", "tests.support.target"]) as port:
        yield Server(f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, target: Server) -> Iterator[Site]:
    """One command for all tests of a module that leave it as they found it."""
    starter = Starter(tmp_path_factory.mktemp("shared"))
    yield starter.start("-H", target.url)
    starter.close()


@pytest.fixture
def site(shared: Site) -> Iterator[Site]:
    """The shared command; its test, if there is one, is stopped afterwards."""
    yield shared
    shared.post("/stop")


class Clerk(HttpUser):
    """A user for environments that only answer."""

    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def write(self) -> None:
        self.client.get("/")


@pytest.fixture
def make_ui() -> Iterator[Callable[..., WebUI]]:
    """Makes a WebUI that does not listen, of an environment with a runner; its app has a test client."""
    made: list[tuple[Environment, WebUI]] = []

    def make(**arguments: Any) -> WebUI:
        environment = Environment(user_classes=[Clerk])
        environment.create_local_runner()
        ui = environment.create_web_ui(**{"host": "127.0.0.1", "port": 0, "delayed_start": True, **arguments})
        made.append((environment, ui))
        return ui

    yield make
    for environment, ui in made:
        ui.stop()
        environment.runner.quit()  # type: ignore[union-attr]
