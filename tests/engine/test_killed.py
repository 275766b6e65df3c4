"""A user that is killed at each of the moments at which its request waits; nothing of the request is left."""

import ssl

import gevent
import greenlet
import pytest

from gregaria.engine import poller
from gregaria.engine.exchange import Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.engine.recorder import Recorder
from tests.support.certificates import Authority
from tests.support.wire import Wire

BODY = b"y" * 3_000_000
ANSWER = b"x" * 50_000
HEAD = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(params=["epoll", "watchers"], autouse=True)
def every_poller(request, monkeypatch):
    monkeypatch.setenv("GREGARIA_POLLER", request.param)
    poller.forget_all()
    yield request.param
    poller.forget_all()


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("tls"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(authority.certificate("server", "localhost"))
    return server, ssl.create_default_context(cafile=authority.path)


def patient_server(context):
    """Lets the client wait for each part: the tunnel, the handshake, 100, the answer's head and body."""

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 Tunnel\r\n\r\n")
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            if not wire.read_head(connection):
                return
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            missing = len(BODY)
            while missing:
                piece = connection.recv(65536)
                if not piece:
                    return
                missing -= len(piece)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ANSWER))
            connection.sendall(ANSWER)
            while connection.recv(65536):
                pass

    wire = Wire(talk)
    return wire


class Deadly:
    """Kills a greenlet when it has given way so many times.

    Attributes:
        killed: whether it lived for so long.
    """

    def __init__(self, greenlet_, moments, error):
        self.greenlet, self.moments, self.error = greenlet_, moments, error
        self.killed = False

    def see(self, _event, ends):
        if ends[0] is self.greenlet:
            self.moments -= 1
            if self.moments == 0:
                # Not before it has given way.
                gevent.get_hub().loop.run_callback(self.strike)

    def strike(self):
        if not self.greenlet.dead:
            self.killed = True
            self.greenlet.kill(self.error, block=False)

    def run(self):
        before = greenlet.settrace(self.see)
        try:
            self.greenlet.start()
            self.greenlet.join()
        finally:
            greenlet.settrace(before)


class Stop(BaseException):
    """As a GreenletExit, but of somebody's own."""


# CPython 3.11 leaves the socket of a client that had gone before the handshake to the collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("error", [gevent.GreenletExit, Stop])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_a_user_may_be_killed_whenever_its_request_waits(contexts, secure, stream, error, monkeypatch):
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, "NOT_ERROR", (*hub.NOT_ERROR, Stop))
    server, client = contexts

    def ask(prepared):
        answer = prepared.perform(not stream, stream=stream)
        if stream:
            got = b""
            while piece := answer.reader.read(20_000):
                got += piece
            prepared.settle(answer, size_bytes=len(got))
        return answer.status

    with patient_server(server if secure else None) as wire:
        for moments in range(1, 100):
            origin = Origin(
                "https" if secure else "http", "localhost", 80, ssl_context=client, connections=1,
                via=("127.0.0.1", wire.port), tunnel=b"CONNECT x HTTP/1.1\r\n\r\n",
            )  # fmt: skip
            recorder = Recorder()
            user = gevent.Greenlet(ask, Prepared(origin, Gate(), recorder, HEAD, BODY, "POST", "http://x/", "/"))
            hand = Deadly(user, moments, error)
            hand.run()
            assert origin.in_use == 0
            origin.close()
            assert poller.watched() == 0
            total = recorder.total
            if not hand.killed:
                assert user.get() == 200
                assert (total.num_requests, total.num_failures, total.num_interrupted) == (1, 0, 0)
                break
            assert total.num_requests + total.num_interrupted <= 1
    # It waits for the tunnel, for 100, and for the answer.
    assert moments > 3
