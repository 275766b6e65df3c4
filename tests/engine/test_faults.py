"""The engine where things go wrong in odd ways: early answers, half-closed peers, forks, threads, broken greenlets."""

import os
import socket
import sys
import threading
import time

import gevent
import greenlet
import pytest
from gevent import GreenletExit

from gregaria.engine import poller
from gregaria.engine.exchange import Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.engine.recorder import Recorder
from gregaria.errors import ConnectionClosed, ReadTimeout
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"


@pytest.fixture(params=["epoll", "watchers"], autouse=True)
def every_poller(request, monkeypatch):
    monkeypatch.setenv("GREGARIA_POLLER", request.param)
    poller.forget_all()
    yield request.param
    poller.forget_all()


def prepare(port, method="GET", body=None, recorder=None, **origin_options):
    origin = Origin("http", "127.0.0.1", port, **origin_options)
    head = f"{method} / HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    return Prepared(origin, Gate(), recorder or Recorder(), head, body, method, "http://test/", "/")


def reads_only_the_head(answer, then):
    """A server that answers before it has the body, and then does ``then(connection)``."""

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(answer)
        then(connection)

    wire = Wire(talk)
    return wire


def drain(connection):
    while connection.recv(1 << 20):
        pass


@pytest.mark.parametrize("way", ["closes", "hangs up and drains"])
def test_an_answer_that_comes_before_the_whole_request_was_sent_is_the_answer(way):
    def then(connection):
        if way != "closes":
            connection.shutdown(socket.SHUT_WR)
            drain(connection)

    with reads_only_the_head(TOO_LARGE, then) as wire:
        prepared = prepare(wire.port, "POST", b"x" * 20_000_000)
        for number in (1, 2):
            answer = prepared.perform(True)
            # A reset may overtake an answer; what has arrived is never thrown away for it.
            assert answer.status == 413 or (way == "closes" and isinstance(answer.error, ConnectionError))
            assert wire.connections == number


def test_a_peer_that_hangs_up_without_reading_ends_the_request_at_once(every_poller):
    release = threading.Event()

    def then(connection):
        connection.shutdown(socket.SHUT_WR)
        release.wait(10)

    ticks = []

    def others():
        while True:
            gevent.sleep(0.01)
            ticks.append(1)

    ticker = gevent.spawn(others)
    with reads_only_the_head(b"", then) as wire:
        answer = prepare(wire.port, "POST", b"x" * 20_000_000, read_timeout_us=500_000).perform(True)
        release.set()
    ticker.kill()
    assert isinstance(answer.error, ConnectionClosed if every_poller == "epoll" else OSError)
    assert len(ticks) < 200


def test_a_large_body_may_take_longer_than_the_timeout_while_it_moves():
    size = 48_000_000

    def talk(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65536)
        left = size - len(got.partition(b"\r\n\r\n")[2])
        while left:
            left -= len(connection.recv(min(left, 65_536)))
            time.sleep(0.001)
        connection.sendall(OK)

    with Wire(talk) as wire:
        started = time.monotonic()
        answer = prepare(wire.port, "POST", b"x" * size, read_timeout_us=600_000).perform(True)
        assert (answer.error, answer.body) == (None, b"hello")
        assert time.monotonic() - started > 0.6


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the peer has acknowledged")
def test_a_body_moves_as_long_as_the_peer_takes_some_of_it():
    """The system says that there is room again only when a good part of its buffer is free: too late, here."""
    size = 6_000_000

    def talk(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        left = size - len(wire.read_head(connection).partition(b"\r\n\r\n")[2])
        while left:
            left -= len(connection.recv(min(left, 65_536)))
            time.sleep(0.01)
        connection.sendall(OK)

    with Wire(talk) as wire:
        answer = prepare(wire.port, "POST", b"x" * size, read_timeout_us=150_000).perform(True)
        assert (answer.error, answer.body) == (None, b"hello")


def test_a_peer_that_takes_nothing_times_out():
    done = threading.Event()

    def talk(connection):
        wire.read_head(connection)
        done.wait(10)

    with Wire(talk) as wire:
        answer = prepare(wire.port, "POST", b"x" * 50_000_000, read_timeout_us=150_000).perform(True)
        done.set()
    assert isinstance(answer.error, ReadTimeout)


def test_those_who_wait_for_a_connection_get_it_in_turn():
    def greedy(prepared):
        while True:
            prepared.perform(True)

    with answering(OK) as wire:
        prepared = prepare(wire.port, connections=1)
        users = [gevent.spawn(greedy, prepared) for _ in range(2)]
        gevent.sleep(0.05)
        patient = gevent.spawn(prepared.perform, True)
        patient.join(timeout=5)
        gevent.killall(users)
        assert patient.successful()
        assert patient.value.status == 200
        assert prepared.origin.in_use == 0


def test_kills_at_any_moment_leave_no_connection_in_use_and_none_counted_twice():
    served = []

    def talk(connection):
        while wire.read_head(connection):
            served.append(1)
            time.sleep(0.0005)
            connection.sendall(OK)

    def user(prepared):
        while True:
            prepared.perform(True)

    recorder = Recorder()
    with Wire(talk) as wire:
        prepared = prepare(wire.port, connections=3, recorder=recorder)
        for round_number in range(40):
            users = [gevent.spawn(user, prepared) for _ in range(8)]
            gevent.sleep(0.0007 * (round_number % 7))
            gevent.killall(users)
            assert (prepared.origin.in_use, prepared.gate.in_flight) == (0, 0)
        answer = prepared.perform(True)
        assert answer.status == 200
    total = recorder.total
    assert len(served) <= total.num_requests + total.num_interrupted
    assert total.num_requests <= len(served)
    assert total.num_failures == 0


def test_a_greenlet_that_breaks_in_the_event_loop_takes_no_wake_up_with_it():
    """A bare greenlet hands its exception to its parent, which is the event loop if it was begun there."""
    asked, go = threading.Semaphore(0), threading.Event()
    said = threading.Semaphore(0)

    def talk(connection):
        wire.read_head(connection)
        asked.release()
        go.wait(10)
        connection.sendall(OK)
        said.release()

    def breaks():
        prepare(wire.port).perform(True)
        raise RuntimeError("broken on purpose")

    hub = gevent.get_hub()
    errors = []
    hub.print_exception = lambda context, kind, value, traceback: errors.append(kind)
    try:
        with Wire(talk) as wire:
            bare = greenlet.greenlet(breaks, parent=hub)
            hub.loop.run_callback(bare.switch)
            users = [gevent.spawn(prepare(wire.port, read_timeout_us=5_000_000).perform, True) for _ in range(8)]
            for _ in range(9):
                while not asked.acquire(blocking=False):
                    gevent.sleep(0.002)
            go.set()
            # The event loop stands still until all answers are there, so that they come in one batch.
            for _ in range(9):
                said.acquire(timeout=10)
            gevent.joinall(users, timeout=3)
            assert [user.ready() and user.value.status for user in users] == [200] * 8
    finally:
        del hub.print_exception
    assert errors == [RuntimeError]


def test_a_request_in_the_event_loops_own_callbacks_is_a_failure_and_blocks_nobody():
    answers = []
    with answering(OK) as wire:
        prepared = prepare(wire.port)
        gevent.get_hub().loop.run_callback(lambda: answers.append(prepared.perform(True)))
        gevent.sleep(0.05)
        assert "event loop" in str(answers[0].error)
        assert prepared.perform(True).status == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_uses_none_of_its_parents_connections():
    with answering(OK) as wire:
        prepared = prepare(wire.port)
        assert prepared.perform(True).status == 200
        child = os.fork()
        if child == 0:
            # Not pytest's business any more: leave without a word, whatever happens.
            try:
                gevent.reinit()
                answer = prepared.perform(True)
                os._exit(0 if answer.status == 200 and not answer.reused else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        answer = prepared.perform(True)
        assert (answer.status, answer.reused) == (200, True)


def test_a_thread_has_a_poller_of_its_own_and_its_connections_may_outlive_it():
    prepared = []
    statuses = []

    def in_thread():
        mine = prepare(wire.port)
        prepared.append(mine)
        users = [gevent.spawn(mine.perform, True) for _ in range(3)]
        gevent.joinall(users, timeout=5)
        statuses.extend(user.value.status for user in users)
        gevent.get_hub().destroy(destroy_loop=True)

    with answering(OK) as wire:
        threads = [threading.Thread(target=in_thread) for _ in range(3)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            gevent.sleep(0.005)
        assert statuses == [200] * 9
        for each in prepared:
            each.origin.close()
        assert prepare(wire.port).perform(True).status == 200


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors cannot be counted here")
def test_users_that_come_and_go_leave_nothing_behind():
    def user():
        prepare(wire.port).perform(True)

    def come_and_go(users):
        for _ in range(users // 50):
            gevent.joinall([gevent.spawn(user) for _ in range(50)])

    with answering(OK) as wire:
        come_and_go(100)
        while wire.ended < wire.connections:
            gevent.sleep(0.005)
        before = len(os.listdir("/proc/self/fd"))
        come_and_go(500)
        while wire.ended < wire.connections:
            gevent.sleep(0.005)
        assert wire.connections == 600
        assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.parametrize("error", [GreenletExit, KeyboardInterrupt])
def test_what_ends_a_greenlet_while_it_connects_or_waits_leaves_the_origin_usable(error):
    with answering(OK) as wire:
        recorder = Recorder()
        prepared = prepare(wire.port, connections=1, recorder=recorder)
        outcome = []

        def user():
            try:
                prepared.perform(True)
            except error as caught:
                outcome.append(type(caught))

        for pause in (0, 0.0002):
            each = gevent.spawn(user)
            gevent.sleep(pause)
            each.kill(error, timeout=5)
        assert prepared.perform(True).status == 200
        assert (prepared.origin.in_use, prepared.gate.in_flight) == (0, 0)
