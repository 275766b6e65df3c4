"""The engine where its user, or the server, does what nobody should: what must come of it is a clear failure."""

import socket
import ssl
import threading
import time

import gevent
import pytest
from gevent.exceptions import ConcurrentObjectUseError

from gregaria.engine import poller
from gregaria.engine.exchange import Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.engine.recorder import Recorder
from gregaria.errors import ConnectionClosed, ConnectTimeout, GeneratorError, TLSError
from tests.support.certificates import Authority
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.fixture(params=["epoll", "watchers"], autouse=True)
def every_poller(request, monkeypatch):
    monkeypatch.setenv("GREGARIA_POLLER", request.param)
    poller.forget_all()
    yield request.param
    poller.forget_all()


def prepare(port, method="GET", body=None, headers="", origin=None, **origin_options):
    origin = origin or Origin("http", "127.0.0.1", port, **origin_options)
    head = f"{method} / HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode()
    return Prepared(origin, Gate(), Recorder(), head, body, method, "http://test/", "/")


def in_pieces(port, pieces, headers, **options):
    prepared = prepare(port, "POST", headers=headers, **options)
    prepared.pieces = pieces
    return prepared


# -- bodies in pieces --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pieces, headers, error, text",
    [
        ([b"ab", b"c"], "Content-Length: 5\r\n", ValueError, "add up to 3 bytes.*Content-Length: 5"),
        ([b"abc", b"def"], "Content-Length: 5\r\n", ValueError, "at least 6 bytes.*Content-Length: 5"),
        ([b"abc"], "", ValueError, "needs `Transfer-Encoding: chunked` or a Content-Length"),
        ([b"abc", 7], CHUNKED, TypeError, "not int: 7"),
        ([None], CHUNKED, TypeError, "not NoneType: None"),
        ([[1, 2]], CHUNKED, TypeError, "not list"),
        (42, CHUNKED, TypeError, "not iterable"),
    ],
)
def test_pieces_that_are_no_body_are_a_failure_and_end_the_connection(pieces, headers, error, text):
    got = []

    def talk(connection):
        wire.read_head(connection)
        while piece := connection.recv(65536):
            got.append(piece)

    with Wire(talk) as wire:
        prepared = in_pieces(wire.port, pieces, headers, read_timeout_us=5_000_000)
        answer = prepared.perform(True)
        assert isinstance(answer.error, error)
        assert prepared.origin.in_use == 0
        prepared.origin.close()
        while wire.ended < 1:
            gevent.sleep(0.001)
    with pytest.raises(error, match=text):
        raise answer.error
    assert b"def" not in b"".join(got)


@pytest.mark.parametrize("headers", [CHUNKED, "Content-Length: 12\r\n", "transfer-encoding: gzip, Chunked\r\n"])
def test_pieces_of_every_kind_are_a_body(headers):
    chunked = "hunked" in headers
    whole = b"3\r\none\r\n3\r\ntwo\r\n3\r\nsix\r\n3\r\nten\r\n0\r\n\r\n" if chunked else b"onetwosixten"
    got = []

    def talk(connection):
        data = connection.recv(65536)
        while not data.endswith(whole):
            data += connection.recv(65536)
        got.append(data.partition(b"\r\n\r\n")[2])
        connection.sendall(OK)

    with Wire(talk) as wire:
        pieces = [b"one", "", "two", b"", bytearray(b"six"), memoryview(b"ten")]
        assert in_pieces(wire.port, pieces, headers).perform(True).status == 200
    assert got == [whole]


@pytest.mark.parametrize("mistake", [ConnectionResetError("mine"), RuntimeError("mine"), OSError("mine")])
def test_what_an_iterator_raises_is_the_failure_at_once(mistake):
    def pieces():
        yield b"begun"
        raise mistake

    def talk(connection):
        wire.read_head(connection)
        while connection.recv(65536):
            pass

    with Wire(talk) as wire:
        prepared = in_pieces(wire.port, pieces(), CHUNKED)
        with gevent.Timeout(10):
            assert prepared.perform(True).error is mistake
        assert prepared.origin.in_use == 0


def test_an_iterator_may_make_requests_to_the_same_origin_and_wait():
    with answering(OK) as wire:
        origin = Origin("http", "127.0.0.1", wire.port)
        other = prepare(wire.port, origin=origin)

        def pieces():
            for _ in range(3):
                gevent.sleep(0.001)
                yield other.perform(True).body

        def talk(connection):
            data = connection.recv(65536)
            while not data.endswith(b"0\r\n\r\n"):
                data += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data))

        with Wire(talk) as upload:
            body = in_pieces(upload.port, pieces(), CHUNKED).perform(True).body
        assert body.endswith(b"\r\n\r\n" + 3 * b"5\r\nhello\r\n" + b"0\r\n\r\n")
        assert (origin.in_use, wire.connections) == (0, 1)


# -- streams -----------------------------------------------------------------------------------------------------------


def test_one_body_is_read_by_one_greenlet_at_a_time():
    go_on = threading.Event()

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK[:-5])
        go_on.wait(10)
        connection.sendall(b"hello")

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        reader = prepared.perform(False, stream=True).reader
        first = gevent.spawn(reader.read)
        gevent.sleep(0.01)
        with pytest.raises(ConcurrentObjectUseError, match="another greenlet is reading"):
            reader.read()
        go_on.set()
        assert first.get(timeout=5) == b"hello"
        assert prepared.origin.in_use == 0


def test_a_body_that_is_closed_while_another_greenlet_reads_it_ends_that_reader():
    with answering(OK[:-3]) as wire:
        prepared = prepare(wire.port)
        reader = prepared.perform(False, stream=True).reader
        assert reader.read(100) == b"he"
        waiting = gevent.spawn(reader.read)
        gevent.sleep(0.01)
        reader.close()
        waiting.join(5)
        assert isinstance(waiting.exception, ConnectionClosed)
        assert (prepared.origin.in_use, reader.read()) == (0, b"")


def test_who_holds_streams_and_asks_for_more_connections_than_there_may_be_is_told():
    with answering(OK[:-3]) as wire:
        prepared = prepare(wire.port, connections=2, connect_timeout_us=50_000)
        held = [prepared.perform(False, stream=True) for _ in range(2)]
        answer = prepared.perform(True)
        assert isinstance(answer.error, GeneratorError)
        assert "all 2 connections to 127.0.0.1" in str(answer.error)
        assert not answer.sent
        assert 50_000 <= answer.finished_us - answer.started_us < 5_000_000
        assert prepared.origin.in_use == 2
        held.clear()
        assert prepared.origin.in_use == 0
        assert prepared.perform(False, stream=True).status == 200


# -- connections -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_a_unix_socket_whose_queue_is_full_is_waited_for(tmp_path):
    path = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(path)
            prepared = prepare(0, unix_path=path, connect_timeout_us=100_000)
            assert isinstance(prepared.perform(True).error, ConnectTimeout)

            def serve():
                for _ in range(2):
                    connection, _ = listener.accept()
                    with connection:
                        if connection.recv(65536):
                            connection.sendall(OK)

            patient = gevent.spawn(prepare(0, unix_path=path).perform, True)
            gevent.sleep(0.02)
            thread = threading.Thread(target=serve)
            thread.start()
            first.close()
            assert patient.get(timeout=5).status == 200
            thread.join(5)


def test_a_connection_that_was_closed_while_nothing_else_had_its_turn_is_not_used_again():
    close, closed = threading.Event(), threading.Event()

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK)
        if wire.connections == 1:
            close.wait(5)
            connection.shutdown(socket.SHUT_RDWR)
            closed.set()

    with Wire(talk) as wire:
        prepared = prepare(wire.port, "POST", b"x")
        assert prepared.perform(True).status == 200
        close.set()
        assert closed.wait(5)
        # A user that computes: nobody waits, so nobody is told.
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            pass
        assert prepared.perform(True).status == 200
        assert wire.connections == 2


def test_a_request_that_was_answered_with_an_interim_status_is_not_sent_again():
    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK)
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.02)

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        assert prepared.perform(True).status == 200
        assert isinstance(prepared.perform(True).error, ConnectionClosed)
        assert len(wire.received) == 2


def test_the_phases_of_an_answer_that_came_before_the_request_are_not_negative():
    def talk(connection):
        connection.sendall(OK)
        wire.read_head(connection)

    with Wire(talk) as wire:
        for _ in range(20):
            answer = prepare(wire.port).perform(True)
            assert answer.status == 200
            assert min(answer.phases) >= 0
            assert answer.phases.total_us == answer.finished_us - answer.started_us


@pytest.mark.parametrize("body", [None, b"x" * 30_000_000])
def test_what_tls_says_of_a_missing_client_certificate_is_told_with_a_large_body_too(tmp_path, body):
    authority = Authority(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.path)
    server.load_cert_chain(authority.certificate("server", "localhost"))
    server.verify_mode = ssl.CERT_REQUIRED

    def talk(connection):
        try:
            with server.wrap_socket(connection, server_side=True) as secure:
                secure.recv(1)
        except ssl.SSLError:
            # Long enough for the client to fill what the systems take, and to look whether it was answered.
            time.sleep(0.05)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    client = ssl.create_default_context(cafile=authority.path)
    with Wire(talk) as wire:
        origin = Origin("https", "localhost", wire.port, ssl_context=client, via=("127.0.0.1", wire.port))
        for _ in range(5):
            answer = prepare(wire.port, "POST", body, origin=origin).perform(True)
            assert isinstance(answer.error, TLSError), answer.error
            assert "certificate required" in str(answer.error)
