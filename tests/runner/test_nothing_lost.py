"""The equation of every stop, with the real clients: seen by the target - told as interrupted = in the report."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer
from gevent.socket import socket

from gregaria.settings import settings
from gregaria.users.declare import task
from gregaria.users.http import FastHttpUser, HttpUser
from tests.runner.conftest import MakeRunner


class Target:
    """Counts requests as they arrive, and answers some late or never."""

    def __init__(self) -> None:
        self.seen = 0
        self.delay_s: Callable[[], float] = lambda: 0
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, connection: socket, _: Any) -> None:
        received = b""
        try:
            while data := connection.recv(65536):
                received += data
                while b"\r\n\r\n" in received:
                    received = received.partition(b"\r\n\r\n")[2]
                    self.seen += 1
                    gevent.sleep(self.delay_s())
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            pass


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


@pytest.mark.parametrize("end", ["quit", "stop_after"])
@pytest.mark.parametrize("base", [FastHttpUser, HttpUser])
@pytest.mark.parametrize("stop_timeout", [0, 0.02])
def test_no_request_is_lost_at_the_end(
    make_runner: MakeRunner, target: Target, end: str, base: Any, stop_timeout: float
) -> None:
    class Busy(base):  # type: ignore[misc]
        host = target.url

        @task
        def get(self) -> None:
            self.client.get("/")

        def on_stop(self) -> None:
            self.client.get("/logout")

    chance = random.Random(f"{end} {base.__name__} {stop_timeout}")
    settings.stop_grace_s = 0.1
    target.delay_s = lambda: 5 if chance.random() < 0.005 else 0
    for _ in range(3):
        target.seen = 0
        runner = make_runner(Busy, stop_timeout=stop_timeout)
        moment_s = chance.uniform(0.02, 0.3)
        if end == "stop_after":
            runner.stop_after(moment_s)
        runner.start(50, 1000)
        if end == "stop_after":
            assert runner.greenlet.join(timeout=10)
        else:
            gevent.sleep(moment_s)
            runner.quit()
        gevent.sleep(0.05)
        assert runner.user_count == 0
        assert target.seen > 0
        assert target.seen - runner.stats.interrupted == runner.stats.num_requests
        assert runner.stats.num_failures == 0
