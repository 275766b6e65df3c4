"""The engine against servers that say exact bytes: what is sent, counted and retried, and what each fault becomes."""

import gc
import random
import socket
import ssl
import threading
import time

import gevent
import pytest
from gevent import GreenletExit

from gregaria.engine import poller
from gregaria.engine.exchange import Answer, Origin, Prepared, header_pairs
from gregaria.engine.gate import Gate
from gregaria.engine.recorder import Recorder
from gregaria.errors import (
    BodyTooLong,
    ConnectionClosed,
    ConnectionRefused,
    ConnectTimeout,
    ProtocolError,
    ReadTimeout,
)
from gregaria.settings import settings
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture(params=["epoll", "watchers"], autouse=True)
def every_poller(request, monkeypatch):
    monkeypatch.setenv("GREGARIA_POLLER", request.param)
    poller.forget_all()
    yield
    poller.forget_all()


def prepare(port, method="GET", body=None, gate=None, recorder=None, **origin_options):
    origin = Origin("http", "127.0.0.1", port, **origin_options)
    head = f"{method} / HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    return Prepared(origin, gate or Gate(), recorder or Recorder(), head, body, method, "http://test/", "/")


def test_a_request_is_sent_answered_timed_and_counted():
    recorder = Recorder()
    with answering(OK) as wire:
        prepared = prepare(wire.port, recorder=recorder)
        before = time.monotonic_ns() // 1000
        answer = prepared.perform(True)
        after = time.monotonic_ns() // 1000
    assert wire.received == [prepared.head]
    assert (answer.status, answer.body, answer.counted, answer.reused) == (200, b"hello", True, False)
    assert before <= answer.started_us <= answer.finished_us <= after
    entry = recorder.entry("GET", "/")
    assert (entry.num_requests, entry.num_failures, entry.total_bytes) == (1, 0, 5)
    assert entry.times.max_us == answer.finished_us - answer.started_us


def test_a_connection_is_kept_and_used_again():
    with answering(OK) as wire:
        prepared = prepare(wire.port)
        answers = [prepared.perform(True) for _ in range(5)]
    assert [answer.reused for answer in answers] == [False, True, True, True, True]
    assert wire.connections == prepared.origin.opened == 1


def test_a_connection_that_the_server_closes_is_not_used_again():
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(closing)

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        assert [prepared.perform(True).status for _ in range(3)] == [200, 200, 200]
    assert wire.connections == 3


def test_a_body_without_a_length_ends_with_the_connection():
    def talk(connection):
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nany")
        connection.sendall(b"thing")

    with Wire(talk) as wire:
        assert prepare(wire.port).perform(True).body == b"anything"


@pytest.mark.parametrize("size", [10, 70_000, 3_000_000])
def test_a_body_of_any_size_goes_out_whole(size):
    body = b"x" * size

    def talk(connection):
        got = b""
        while not got.endswith(b"\r\n\r\n" + body):
            got += connection.recv(1 << 20)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%d" % (len(str(len(got))), len(got)))

    with Wire(talk) as wire:
        prepared = prepare(wire.port, "POST", body)
        assert prepared.perform(True).body == str(len(prepared.head) + size).encode()


def test_the_same_request_with_another_body():
    def talk(connection):
        got = b""
        while True:
            while not got.endswith(b"!"):
                got += connection.recv(1 << 20)
            head, _, body = got.partition(b"\r\n\r\n")
            answer = b"%d of %b" % (len(body), head.rpartition(b": ")[2])
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            got = b""

    with Wire(talk) as wire:
        origin = Origin("http", "127.0.0.1", wire.port)
        head = b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n"
        first = Prepared(origin, Gate(), Recorder(), head, b"!", "POST", "http://test/", "/")
        sizes = [1, 2, 10, 70_000, 3]
        assert [first.with_body(b"x" * (size - 1) + b"!").perform(True).body for size in sizes] == [
            b"%d of %d" % (size, size) for size in sizes
        ]
        assert first.perform(True).body == b"1 of 1"
        assert first.recorder.entry("POST", "/").num_requests == len(sizes) + 1
    with pytest.raises(ValueError, match="no Content-Length"):
        prepare(wire.port).with_body(b"x")


def test_a_large_answer_comes_in_whole():
    body = bytes(range(256)) * 20_000
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body) as wire:
        prepared = prepare(wire.port)
        assert prepared.perform(True).body == body
        assert prepared.perform(True).body == body
        assert wire.connections == 1


def test_an_idle_connection_that_the_server_has_closed_is_replaced_in_silence():
    recorder = Recorder()

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK)

    with Wire(talk) as wire:
        prepared = prepare(wire.port, "POST", b"", recorder=recorder)
        for number in range(1, 5):
            assert prepared.perform(True).error is None
            while wire.ended < number:
                gevent.sleep(0.001)
        assert wire.connections == 4
    assert recorder.total.num_failures == 0


@pytest.mark.parametrize("method, connections, fails", [("GET", 3, False), ("POST", 2, True)])
def test_only_a_repeatable_request_is_sent_again_when_a_kept_connection_dies_under_it(method, connections, fails):
    def talk(connection):
        number = wire.connections
        wire.read_head(connection)
        connection.sendall(OK)
        if number == 1:
            wire.read_head(connection)
            return
        while wire.read_head(connection):
            connection.sendall(OK)

    with Wire(talk) as wire:
        prepared = prepare(wire.port, method)
        assert prepared.perform(True).status == 200
        answer = prepared.perform(True)
        assert isinstance(answer.error, ConnectionError) is fails
        prepared.origin.close()
        assert prepared.perform(True).status == 200
        assert wire.connections == connections


def test_a_first_connection_that_dies_is_not_tried_again():
    with Wire(lambda connection: wire.read_head(connection)) as wire:
        answer = prepare(wire.port).perform(True)
    assert isinstance(answer.error, ConnectionClosed)
    assert "without a response" in str(answer.error)
    assert wire.connections == 1


def test_a_port_where_nobody_listens_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = prepare(port).perform(True)
    assert isinstance(answer.error, ConnectionRefused)
    assert isinstance(answer.error, ConnectionRefusedError)
    assert str(answer.error) == f"nothing listens on 127.0.0.1:{port} (the connection was refused)"
    assert (answer.status, answer.sent, answer.counted) == (0, False, False)


def test_a_reset_is_an_error():
    def talk(connection):
        wire.read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with Wire(talk) as wire:
        assert isinstance(prepare(wire.port).perform(True).error, ConnectionResetError)


def test_silence_ends_in_a_timeout():
    with Wire(lambda connection: connection.recv(65536) and connection.recv(1)) as wire:
        started = time.monotonic()
        answer = prepare(wire.port, read_timeout_us=200_000).perform(True)
        assert isinstance(answer.error, ReadTimeout)
        assert 0.15 < time.monotonic() - started < 2


def test_a_server_that_drips_is_not_silent():
    def talk(connection):
        wire.read_head(connection)
        for place in range(len(OK)):
            connection.sendall(OK[place : place + 1])
            time.sleep(0.01)

    with Wire(talk) as wire:
        assert prepare(wire.port, read_timeout_us=300_000).perform(True).body == b"hello"


def test_a_connect_that_nobody_answers_ends_in_a_timeout():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # Linux drops the handshakes of a full backlog, so a connect hangs.
        waiting = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            waiting.append(filler)
        answer = prepare(full.getsockname()[1], connect_timeout_us=200_000).perform(True)
        for filler in waiting:
            filler.close()
    assert isinstance(answer.error, ConnectTimeout)
    assert not answer.sent


def test_what_is_not_http_is_an_error_and_ends_the_connection():
    with answering(b"SSH-2.0-OpenSSH_9.2\r\n") as wire:
        prepared = prepare(wire.port)
        assert isinstance(prepared.perform(True).error, ProtocolError)
        assert isinstance(prepared.perform(True).error, ProtocolError)
        assert wire.connections == 2


def test_the_limits_of_head_and_body_are_settings(monkeypatch):
    monkeypatch.setattr(settings, "max_head_bytes", 40)
    monkeypatch.setattr(settings, "max_body_bytes", 4)
    with answering(b"HTTP/1.1 200 OK\r\nX-Long: 0123456789\r\nContent-Length: 0\r\n\r\n", OK) as wire:
        prepared = prepare(wire.port)
        assert "head is larger than 40 bytes" in str(prepared.perform(True).error)
    with answering(b"HTTP/1.1 200\r\nContent-Length: 10\r\n\r\n") as wire:
        prepared = prepare(wire.port)
        assert "a body of 10 bytes is larger than allowed (4)" in str(prepared.perform(True).error)


def test_more_than_was_announced_is_a_failure_and_ends_the_connection():
    with answering(OK + b"HTTP/1.1 200 OK\r\n", OK) as wire:
        prepared = prepare(wire.port)
        error = prepared.perform(True).error
        assert isinstance(error, BodyTooLong)
        assert str(error) == "the server sent 17 bytes more than the response it announced (Content-Length: 5)"
        assert isinstance(prepared.perform(True).error, BodyTooLong)
        assert wire.connections == 2


def test_bytes_that_come_while_nobody_asks_end_the_connection():
    say, said = threading.Event(), threading.Event()

    def talk(connection):
        is_first = wire.connections == 1
        while wire.read_head(connection):
            connection.sendall(OK)
            if is_first:
                say.wait(5)
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                said.set()

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        assert prepared.perform(True).body == b"hello"
        say.set()
        said.wait(5)
        # The loop has to look at its sockets once.
        gevent.sleep(0.01)
        assert prepared.perform(True).body == b"hello"
        assert wire.connections == 2


def test_an_unknown_name_is_told():
    origin = Origin("http", "no-such-host.invalid", 80, connect_timeout_us=5_000_000)
    answer = Prepared(origin, Gate(), Recorder(), b"", None, "GET", "", "/").perform(True)
    assert isinstance(answer.error, OSError)
    assert not answer.sent


@pytest.mark.parametrize("status", [199 + 1, 204, 299])
def test_successes_are_counted_by_the_engine(status):
    with answering(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status) as wire:
        assert prepare(wire.port).perform(True).counted


@pytest.mark.parametrize("line", [b"301 Moved", b"404 Not Found", b"500 Oh"])
def test_all_others_are_left_to_the_session(line):
    recorder = Recorder()
    with answering(b"HTTP/1.1 " + line + b"\r\nContent-Length: 3\r\n\r\nwhy") as wire:
        prepared = prepare(wire.port, recorder=recorder)
        answer = prepared.perform(True)
        assert not answer.counted
        assert recorder.total.num_requests == 0
        failures = []
        recorder.on_failure = lambda *seen: failures.append(seen)
        prepared.settle(answer, ValueError("bad"))
        prepared.settle(answer, ValueError("bad"))
    assert (recorder.total.num_requests, recorder.total.num_failures) == (1, 1)
    assert [(method, name, str(error), told) for method, name, error, told in failures] == [("GET", "/", "bad", answer)]


def test_a_closed_gate_lets_nothing_start_but_a_chain_go_on():
    gate = Gate()
    gate.open = False
    with answering(OK) as wire:
        prepared = prepare(wire.port, gate=gate)
        with pytest.raises(GreenletExit):
            prepared.perform(True)
        assert wire.connections == 0
        assert prepared.perform(False, True).status == 200


def test_a_gate_that_closes_meanwhile_ends_the_greenlet_once_the_request_is_counted():
    gate, recorder = Gate(), Recorder()

    def talk(connection):
        wire.read_head(connection)
        gate.open = False
        connection.sendall(OK)

    with Wire(talk) as wire:
        with pytest.raises(GreenletExit):
            prepare(wire.port, gate=gate, recorder=recorder).perform(True)
    assert recorder.total.num_requests == 1
    assert gate.in_flight == 0


def test_a_kill_on_the_wire_is_counted_as_interrupted_and_as_nothing_else():
    gate, recorder = Gate(), Recorder()

    def talk(connection):
        wire.read_head(connection)
        connection.recv(1)

    with Wire(talk) as wire:
        user = gevent.spawn(prepare(wire.port, gate=gate, recorder=recorder).perform, True)
        while not wire.received:
            gevent.sleep(0.001)
        assert gate.in_flight == 1
        user.kill()
        assert gate.in_flight == 0
    assert (recorder.total.num_requests, recorder.total.num_interrupted) == (0, 1)
    assert recorder.entry("GET", "/").num_interrupted == 1


def test_a_kill_before_anything_was_sent_is_no_interruption():
    recorder = Recorder()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        user = gevent.spawn(prepare(full.getsockname()[1], recorder=recorder).perform, True)
        gevent.sleep(0.05)
        user.kill()
        for filler in fillers:
            filler.close()
    assert (recorder.total.num_requests, recorder.total.num_interrupted) == (0, 0)


def test_a_timeout_of_gevents_own_is_an_error_of_the_request():
    with Wire(lambda connection: connection.recv(65536) and connection.recv(1)) as wire:
        prepared = prepare(wire.port)
        with gevent.Timeout(0.1, False):
            answer = prepared.perform(True)
        assert isinstance(answer.error, gevent.Timeout)


def test_requests_beyond_the_limit_wait_for_a_connection():
    def talk(connection):
        while wire.read_head(connection):
            time.sleep(0.02)
            connection.sendall(OK)

    with Wire(talk) as wire:
        prepared = prepare(wire.port, connections=2)
        users = [gevent.spawn(prepared.perform, True) for _ in range(7)]
        gevent.joinall(users, timeout=10)
        assert [user.value.status for user in users] == [200] * 7
        assert wire.connections == 2


def test_a_killed_request_passes_its_turn_on():
    def talk(connection):
        while wire.read_head(connection):
            time.sleep(0.05)
            connection.sendall(OK)

    with Wire(talk) as wire:
        prepared = prepare(wire.port, connections=1)
        users = [gevent.spawn(prepared.perform, True) for _ in range(3)]
        gevent.sleep(0.01)
        users[1].kill()
        gevent.joinall(users, timeout=10)
        assert users[2].value.status == 200


def test_hundreds_of_users_get_their_own_answers():
    def talk(connection):
        while head := wire.read_head(connection):
            number = head.split()[1][1:]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(number) + number)

    def user(number):
        head = f"GET /{number} HTTP/1.1\r\n\r\n".encode()
        prepared = Prepared(Origin("http", "127.0.0.1", wire.port), Gate(), Recorder(), head, None, "GET", "", "/")
        return [prepared.perform(True).body for _ in range(10)]

    with Wire(talk) as wire:
        users = [gevent.spawn(user, number) for number in range(150)]
        gevent.joinall(users, timeout=60)
    assert [user.value for user in users] == [[str(number).encode()] * 10 for number in range(150)]


def test_other_greenlets_get_their_turn_while_users_never_wait():
    ticks = []

    def user(prepared):
        while True:
            prepared.perform(True)

    with answering(OK) as wire:
        users = [gevent.spawn(user, prepare(wire.port)) for _ in range(10)]
        for _ in range(20):
            gevent.sleep(0.005)
            ticks.append(time.monotonic())
        gevent.killall(users)
    assert ticks[-1] - ticks[0] < 2


def test_the_turns_move_whenever_a_request_had_to_wait():
    with answering(OK) as wire:
        prepared = prepare(wire.port)
        before = poller.turns()
        prepared.perform(True)
        middle = poller.turns()
        prepared.perform(True)
        assert before < middle < poller.turns()


def test_a_dropped_row_is_made_again():
    recorder = Recorder()
    with answering(OK) as wire:
        prepared = prepare(wire.port, recorder=recorder)
        prepared.perform(True)
        recorder.clear()
        prepared.perform(True)
    assert recorder.entry("GET", "/").num_requests == 1


def test_answers_can_be_of_the_sessions_own_type():
    class Response(Answer):
        pass

    with answering(OK) as wire:
        origin = Origin("http", "127.0.0.1", wire.port)
        answer = Prepared(origin, Gate(), None, b"GET / HTTP/1.1\r\n\r\n", None, "GET", "", "/", Response).perform(True)
    assert type(answer) is Response
    assert answer.counted


def test_headers_come_in_order_with_folded_lines_joined():
    head = b"HTTP/1.1 200 OK\r\nA: 1\r\nB:  two \r\n  words\r\nA: 3\r\n\r\n"
    assert header_pairs(head) == [("A", "1"), ("B", "two words"), ("A", "3")]


def test_the_reason_is_the_status_lines_text():
    with answering(b"HTTP/1.1 404 Not Found Here\r\nContent-Length: 0\r\n\r\n") as wire:
        assert prepare(wire.port).perform(True).reason == "Not Found Here"


def test_tls_to_a_server_without_it_is_an_ssl_error():
    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    context = ssl.create_default_context()
    with Wire(talk) as wire:
        origin = Origin("https", "127.0.0.1", wire.port, ssl_context=context)
        answer = Prepared(origin, Gate(), Recorder(), b"", None, "GET", "", "/").perform(True)
    assert isinstance(answer.error, ssl.SSLError)


def test_a_tls_server_that_never_shakes_hands_is_a_connect_timeout():
    with Wire(lambda connection: connection.recv(65536) and connection.recv(1)) as wire:
        origin = Origin(
            "https", "127.0.0.1", wire.port, ssl_context=ssl.create_default_context(), connect_timeout_us=200_000
        )
        answer = Prepared(origin, Gate(), Recorder(), b"", None, "GET", "", "/").perform(True)
    assert isinstance(answer.error, ConnectTimeout)


def test_the_connections_of_a_user_that_is_gone_are_closed():
    closed = []

    def talk(connection):
        while wire.read_head(connection):
            connection.sendall(OK)
        closed.append(connection)

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        answer = prepared.perform(True)
        assert not closed
        del prepared, answer
        gc.collect()
        deadline = time.monotonic() + 5
        while not closed and time.monotonic() < deadline:
            gevent.sleep(0.005)
        assert closed


def test_no_wake_up_is_lost_between_requests_and_sleeps():
    """A batch of ready sockets taken by a user that a timer has woken belongs to others who may be asleep by then."""

    def user(number):
        pauses = random.Random(number)
        prepared = prepare(wire.port)
        for _ in range(60):
            assert prepared.perform(True).status == 200
            gevent.sleep(pauses.choice([0, 0.0005, 0.002]))

    with answering(OK) as wire:
        users = [gevent.spawn(user, number) for number in range(40)]
        gevent.joinall(users, timeout=60)
        assert [index for index, each in enumerate(users) if not each.successful()] == []
