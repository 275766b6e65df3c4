"""Every way to fail, through every way to send: one failure each, of a class that stays, and life goes on."""

import gc
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from gregaria.client.requests import HttpSession
from gregaria.client.session import FastHttpSession
from gregaria.events import RequestEvent
from gregaria.settings import settings
from tests.client.faults import FAULTS, Fault, paths_without_a_line
from tests.support import bombs
from tests.support.fault_server import FaultServer, fault_server
from tests.support.http_session import Books

#: a silent server is waited for that long, and no fault may take much longer
SILENCE_S = 0.2
BOUND_S = 6.0
BOMB_LIMIT_BYTES = 8 * 1024 * 1024

#: each way with the arguments that make a call take it
WAYS: dict[str, dict[str, Any]] = {
    "fast": {},
    "plain": {},
    "hook": {"hooks": {"response": [lambda response, **_: response]}},
    "stream": {"stream": True},
}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    # Packing them takes longer than a client waits here.
    for make in (bombs.gzip_bomb, bombs.deflate_bomb, bombs.brotli_bomb, bombs.zstd_bomb, bombs.nested_gzip_bomb):
        make()
    with fault_server() as server:
        yield server


@pytest.fixture(autouse=True)
def small_bodies(settings_as_they_were: None) -> None:
    settings.max_body_bytes = BOMB_LIMIT_BYTES


class Caller:
    """A session that sends in one way.

    Attributes:
        session: the client.
        books: what it counts in.
    """

    def __init__(self, way: str, base_url: str) -> None:
        self.way = way
        self.books = Books()
        event = RequestEvent()
        event.stats = self.books
        if way == "fast":
            self.session: Any = FastHttpSession(base_url, event, network_timeout=SILENCE_S, connection_timeout=1)
        else:
            self.session = HttpSession(base_url, event)

    def call(self, fault: Fault, path: str, caught: bool) -> Any:
        arguments: dict[str, Any] = {**WAYS[self.way], "catch_response": caught}
        if self.way != "fast":
            arguments["timeout"] = (1, SILENCE_S)
        if fault.expects:
            arguments["headers"] = {"Expect": "100-continue"}
        if fault.upload:
            return self.session.post(path, data=b"x" * fault.upload, **arguments)
        return self.session.get(path, **arguments)

    def good(self) -> None:
        """Everything is as if nothing had been."""
        assert self.session.get("/ok").content == b"hello"

    @property
    def counts(self) -> tuple[int, int, int]:
        total = self.books.recorder.total
        return total.num_requests, total.num_failures, total.num_interrupted

    def close(self) -> None:
        if self.way == "fast":
            self.session.client_pool.close()
        else:
            self.session.close()


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(response: Any, way: str) -> None:
    """What a user does with a response; reading a stream is where its body fails."""
    if way == "stream" and response.status_code:
        _ = response.content


def check(caller: Caller, fault: Fault, response: Any) -> None:
    """One request in the books, a failure as the table says, or none."""
    if fault.failure is None:
        assert caller.books.failures == []
        assert caller.counts == (1, 0, 0)
        assert response.status_code == fault.status
        return
    assert caller.counts == (1, 1, 0)
    [(_, _, failure)] = caller.books.failures
    assert type(failure).__name__ in fault.failure.split("|"), repr(failure)
    assert re.search(fault.says, str(failure), re.DOTALL), str(failure)
    assert "Errno" not in str(failure)
    assert len(str(failure)) < 400
    assert response.status_code in ((0, fault.status) if fault.status == 302 else (fault.status,))


def test_every_answer_of_the_server_has_a_line_here() -> None:
    assert paths_without_a_line() == set()
    assert len({fault.path for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("situation", ["alone", "caught", "redirected"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.path)
def test_a_fault_is_one_failure_and_the_session_goes_on(
    server: FaultServer, way: str, fault: Fault, situation: str
) -> None:
    caller = Caller(way, server.url)
    path = fault.path if situation != "redirected" else f"/by-way-of{fault.path}"
    began = time.monotonic()
    if situation == "caught":
        with caller.call(fault, path, True) as response:
            read(response, way)
    else:
        response = caller.call(fault, path, False)
        read(response, way)
    assert time.monotonic() - began < BOUND_S
    check(caller, fault, response)
    caller.good()
    assert caller.counts == (2, int(fault.failure is not None), 0)
    caller.close()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.failure], ids=lambda fault: fault.path)
def test_no_fault_leaves_a_descriptor_behind(server: FaultServer, way: str, fault: Fault) -> None:
    with_one = Caller(way, server.url)
    with_one.good()
    with_one.close()
    wait_until(lambda: server.open_connections == 0, "earlier connections stay open")
    before = open_descriptors()
    caller = Caller(way, server.url)
    for _ in range(2):
        response = caller.call(fault, fault.path, False)
        read(response, way)
    caller.close()
    del caller, response
    gc.collect()
    wait_until(lambda: open_descriptors() == before, "descriptors stay open")


@pytest.mark.parametrize("path", [fault.path for fault in FAULTS if fault.path.startswith("/bomb/")])
def test_a_bomb_does_not_fill_the_memory(server: FaultServer, way: str, path: str) -> None:
    fault = next(fault for fault in FAULTS if fault.path == path)
    caller = Caller(way, server.url)
    caller.good()
    before = reset_peak_bytes()
    read(caller.call(fault, path, False), way)
    assert peak_bytes() - before < 10 * BOMB_LIMIT_BYTES
    caller.close()


@pytest.mark.parametrize("fault", [f for f in FAULTS if "endless" in f.path], ids=lambda fault: fault.path)
def test_what_does_not_end_does_not_fill_the_memory(server: FaultServer, way: str, fault: Fault) -> None:
    caller = Caller(way, server.url)
    caller.good()
    before = reset_peak_bytes()
    read(caller.call(fault, fault.path, False), way)
    assert peak_bytes() - before < 6 * BOMB_LIMIT_BYTES
    caller.close()


def test_many_users_with_every_fault_at_once_lose_and_double_nothing(server: FaultServer) -> None:
    books = Books()
    event = RequestEvent()
    event.stats = books
    chosen = [fault for fault in FAULTS if not fault.upload]

    def user(place: int) -> None:
        session = FastHttpSession(server.url, event, network_timeout=SILENCE_S)
        for at in range(place, len(chosen), 20):
            for path in (chosen[at].path, "/ok"):
                session.get(path, name=path)

    gevent.joinall([gevent.spawn(user, place) for place in range(20)], raise_error=True)
    rows = books.counts()
    assert rows.pop("/ok") == (len(chosen), 0, 0)
    assert rows == {fault.path: (1, int(fault.failure is not None), 0) for fault in chosen}


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def wait_until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, otherwise
        gevent.sleep(0.005)


def reset_peak_bytes() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024
