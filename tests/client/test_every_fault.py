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

from gregaria.client.session import FastHttpSession
from gregaria.events import RequestEvent
from gregaria.settings import settings
from tests.client.faults import FAULTS, IN_THE_BODY, Fault, paths_without_a_line
from tests.support import bombs
from tests.support.caller import WAYS, Caller
from tests.support.fault_server import FaultServer, fault_server
from tests.support.http_session import Books

#: a server that is silent on purpose is waited for that long, and no fault may take much longer
SILENCE_S = 0.2
#: a server that never says 100 is waited for that long
EXPECT_S = 0.1
BOUND_S = 6.0
LIMIT_BYTES = 8 * 1024 * 1024

Connect = Callable[[str], Caller]


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    # Packing them takes longer than a client waits here.
    for make in (bombs.gzip_bomb, bombs.deflate_bomb, bombs.brotli_bomb, bombs.zstd_bomb, bombs.nested_gzip_bomb):
        make()
    with fault_server() as server:
        yield server


@pytest.fixture(autouse=True)
def small_bodies_and_short_waits(settings_as_they_were: None) -> None:
    settings.max_body_bytes = LIMIT_BYTES
    settings.expect_timeout_s = EXPECT_S


@pytest.fixture
def connect(server: FaultServer) -> Iterator[Connect]:
    callers: list[Caller] = []

    def make(way: str) -> Caller:
        callers.append(Caller(way, server.url))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


#: a stream of endless length is the user's own to bound, and when its head is here is a matter of luck
_ENDLESS = ("/bomb/", "/body/endless", "/body/too-large", "/chunks/endless")


def each_way(faults: list[Fault]) -> pytest.MarkDecorator:
    """Each of the faults in each way."""
    parameters = []
    for way in WAYS:
        for fault in faults:
            if way == "stream" and fault.path.startswith(_ENDLESS):
                continue
            parameters.append(pytest.param(way, fault, id=f"{way}-{fault.path}"))
    return pytest.mark.parametrize("way, fault", parameters)


def ask(caller: Caller, fault: Fault, situation: str = "alone") -> Any:
    headers = {"Expect": "100-continue"} if fault.expects else None
    path = f"/by-way-of{fault.path}" if situation == "redirected" else fault.path
    silent = "silence" in fault.path or "too-large" in fault.path
    return caller.call(
        path,
        caught=situation == "caught",
        upload=fault.upload,
        silence_s=SILENCE_S if silent else 5,
        headers=headers,
    )


def check(caller: Caller, fault: Fault, response: Any, caught: bool = False) -> None:
    """One request in the books, a failure as the table says, or none."""
    if caller.way == "stream" and fault.path in IN_THE_BODY:
        check_stream(caller, fault, caught)
        return
    if not fault.counts_as_failure(caller.way):
        assert caller.books.failures == []
        assert caller.counts == (1, 0, 0)
        assert response.status_code == fault.status
        return
    assert caller.counts == (1, 1, 0)
    failure = caller.failure
    assert fault.failure is not None
    assert type(failure).__name__ in fault.failure.split("|"), repr(failure)
    assert re.search(fault.says, str(failure), re.DOTALL), str(failure)
    assert "Errno" not in str(failure)
    assert len(str(failure)) < 400
    if "HTTPError" in fault.failure:
        assert response.status_code == fault.status
    else:
        # Of an answer that came and cannot be used there may be the status.
        assert response.status_code in (0, fault.status)


def check_stream(caller: Caller, fault: Fault, caught: bool) -> None:
    """It is counted when its head is here. A body that turns out to be broken makes a failure of it, once."""
    assert caller.counts == (1, 1, 0)
    assert fault.failure is not None
    errors: list[BaseException] = []
    error = caller.failure if caught else caller.read_error
    while error is not None:
        errors.append(error)
        error = error.__cause__ or error.__context__
    # Reading it, and so unpacking it, is left to requests.
    assert {*fault.failure.split("|"), "ContentDecodingError"} & {type(each).__name__ for each in errors}, errors


def test_every_answer_of_the_server_has_a_line_here() -> None:
    assert paths_without_a_line() == set()
    paths = {fault.path for fault in FAULTS}
    assert len(paths) == len(FAULTS)


@pytest.mark.parametrize("situation", ["alone", "caught", "redirected"])
@each_way(FAULTS)
def test_a_fault_is_one_failure_and_the_session_goes_on(
    connect: Connect, way: str, fault: Fault, situation: str
) -> None:
    caller = connect(way)
    began = time.monotonic()
    response = ask(caller, fault, situation)
    assert time.monotonic() - began < BOUND_S
    caught = situation == "caught"
    check(caller, fault, response, caught)
    caller.good()
    assert caller.counts == (2, int(fault.counts_as_failure(way)), 0)


@pytest.mark.parametrize("way", WAYS)
def test_no_fault_leaves_a_descriptor_behind(connect: Connect, server: FaultServer, way: str) -> None:
    connect(way).good()
    gc.collect()
    wait_until(lambda: server.open_connections <= 1, "earlier connections stay open")
    before = open_descriptors()
    for fault in FAULTS:
        endless = fault.path.startswith(("/bomb/", *(_ENDLESS if way == "stream" else ())))
        if not endless:
            caller = Caller(way, server.url)
            ask(caller, fault)
            caller.close()
    del caller
    gc.collect()
    wait_until(lambda: open_descriptors() <= before, "descriptors stay open")
    wait_until(lambda: server.open_connections <= 1, "connections stay open")


@each_way([fault for fault in FAULTS if fault.path.startswith("/bomb/")])
def test_a_bomb_does_not_fill_the_memory(connect: Connect, way: str, fault: Fault) -> None:
    caller = connect(way)
    caller.good()
    before = reset_peak_bytes()
    ask(caller, fault)
    assert peak_bytes() - before < 20 * LIMIT_BYTES


@each_way([fault for fault in FAULTS if "endless" in fault.path])
def test_what_does_not_end_does_not_fill_the_memory(connect: Connect, way: str, fault: Fault) -> None:
    caller = connect(way)
    caller.good()
    before = reset_peak_bytes()
    ask(caller, fault)
    assert peak_bytes() - before < 6 * LIMIT_BYTES


def test_many_users_with_every_fault_at_once_lose_and_double_nothing(server: FaultServer) -> None:
    books = Books()
    event = RequestEvent()
    event.stats = books
    chosen = [fault for fault in FAULTS if not fault.upload]

    def user(place: int) -> None:
        session = FastHttpSession(server.url, event)
        for at in range(place, len(chosen), 20):
            for path in (chosen[at].path, "/ok"):
                session.get(path, name=path, timeout=SILENCE_S if "silence" in path else 5)
        session.client_pool.close()

    gevent.joinall([gevent.spawn(user, place) for place in range(20)], raise_error=True)
    rows = books.counts()
    assert rows.pop("/ok") == (len(chosen), 0, 0)
    assert rows == {fault.path: (1, int(fault.counts_as_failure("fast")), 0) for fault in chosen}


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
