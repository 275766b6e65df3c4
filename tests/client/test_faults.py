"""Both clients where servers and locustfiles do odd things: no request is lost, none is counted twice."""

import gc
import gzip
import time

import gevent
import pytest
from gevent import GreenletExit

from gregaria.client.requests import HttpSession
from gregaria.client.session import FastHttpSession
from gregaria.engine.gate import Gate
from gregaria.errors import GregariaError, StopTest
from gregaria.events import RequestEvent
from gregaria.stats.table import RequestStats
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nwhy"


class Someone:
    def __init__(self):
        self.gate = Gate()

    def context(self):
        return {"username": "jay"}


@pytest.fixture
def stats():
    return RequestStats()


@pytest.fixture(params=["fast", "http"])
def connect(request, stats):
    def make(port, user=None, **options):
        event = RequestEvent()
        event.stats = stats
        base_url = f"http://127.0.0.1:{port}"
        user = user or Someone()
        if request.param == "fast":
            return FastHttpSession(base_url, event, user, **options)
        return HttpSession(base_url, event, user)

    return make


def counts(stats):
    total = stats.recorder.total
    return total.num_requests, total.num_failures, total.num_interrupted


def redirect(location):
    return b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location


@pytest.mark.parametrize(
    "location",
    [b"http://[", b"http://x:99999/", b"http://x:abc/", b"mailto:a@b", b"ftp://h/", b"javascript:alert(1)", b"data:,x"],
)
@pytest.mark.parametrize("catch_response", [False, True])
def test_a_redirect_to_nowhere_is_a_recorded_failure(connect, stats, location, catch_response):
    with answering(redirect(location)) as wire:
        response = connect(wire.port).get("/a", catch_response=catch_response)
        if catch_response:
            with response:
                pass
    assert location.decode() in str(response.error) + next(iter(stats.errors.values())).error
    assert counts(stats) == (1, 1, 0)


@pytest.mark.parametrize("host", [b"a" * 70, b"a..b"])
def test_a_redirect_to_what_cannot_be_a_host_is_a_recorded_failure(connect, stats, host):
    with answering(redirect(b"http://%b/" % host)) as wire:
        response = connect(wire.port).get("/a")
    assert response.status_code == 0
    assert "cannot be a host's name" in next(iter(stats.errors.values())).error
    assert counts(stats) == (1, 1, 0)


def test_a_redirect_is_read_as_utf_8(connect):
    with answering(redirect("/é".encode()), OK) as wire:
        assert connect(wire.port).get("/a").status_code == 200
    assert wire.received[1].startswith(b"GET /%C3%A9 ")


def test_a_default_authorization_does_not_leave_the_host(connect):
    with answering(OK) as other, answering(redirect(b"http://127.0.0.1:%d/" % other.port)) as wire:
        session = connect(wire.port)
        headers = session.headers if isinstance(session, HttpSession) else session.client.default_headers
        headers["authorization"] = "Bearer secret"
        assert session.get("/").status_code == 200
    assert b"secret" in wire.received[0]
    assert b"secret" not in other.received[0]


@pytest.mark.parametrize("answer, failures", [(OK, 0), (NOT_FOUND, 1), (redirect(b"/b"), 1)])
def test_a_caught_response_that_nobody_judges_is_counted_by_its_status(connect, stats, answer, failures):
    with answering(answer) as wire:
        connect(wire.port).get("/a", catch_response=True)
        gc.collect()
    assert counts(stats) == (1, failures, 0)


def test_a_caught_chain_of_redirects_is_counted_once(connect, stats):
    with answering(redirect(b"/b"), redirect(b"/c"), OK) as wire:
        session = connect(wire.port)
        with session.get("/a", catch_response=True) as response:
            response.success()
        del response
        gc.collect()
    assert counts(stats) == (1, 0, 0)


def test_two_blocks_around_one_response_count_it_once(connect, stats):
    with answering(OK) as wire:
        response = connect(wire.port).get("/", catch_response=True)
        with response:
            pass
        with response:
            response.failure("too late")
    assert counts(stats) == (1, 0, 0)


@pytest.mark.parametrize("catch_response", [False, True])
def test_a_kill_on_the_wire_is_interrupted_and_nothing_else(connect, stats, catch_response):
    def user(session):
        with session.get("/", catch_response=True) if catch_response else session.get("/"):
            pass

    with Wire(lambda connection: wire.read_head(connection) and connection.recv(1)) as wire:
        session = connect(wire.port)
        each = gevent.spawn(user, session)
        while not wire.received:
            gevent.sleep(0.001)
        each.kill()
        gc.collect()
        assert session.gate.in_flight == 0
    assert counts(stats) == (0, 0, 1)


@pytest.mark.parametrize("verdict", [None, "bad"])
def test_the_end_of_the_test_does_not_hide_what_left_the_block(connect, stats, verdict):
    def task(session):
        with session.get("/", catch_response=True) as response:
            session.gate.open = False
            if verdict:
                response.failure(verdict)
            raise StopTest("enough")

    with answering(OK) as wire, pytest.raises(StopTest):
        task(connect(wire.port))
    assert counts(stats) == (1, int(verdict is not None), 0)


def test_a_broken_context_does_not_lose_the_request(connect, stats):
    class Broken(Someone):
        def context(self):
            raise KeyError("no such thing")

    with answering(NOT_FOUND) as wire:
        session = connect(wire.port, Broken())
        session.request_event.add_listener(lambda **fields: None)
        with pytest.raises(KeyError):
            session.get("/")
    assert counts(stats) == (1, 1, 0)


def test_a_block_may_change_every_field_of_the_event(connect, stats):
    with answering(OK) as wire:
        session = connect(wire.port)
        seen = []
        session.request_event.add_listener(lambda **fields: seen.append(fields))
        with session.get("/", catch_response=True, context={"step": 1}) as response:
            response.request_meta["name"] = "other"
            response.request_meta["request_type"] = "SLOW"
            response.request_meta["response_time"] = 1234
            response.request_meta["context"]["more"] = 2
    entry = stats.get("other", "SLOW")
    assert (entry.num_requests, entry.max_response_time) == (1, 1234)
    seen[0]["context"].pop("phases", None)
    assert (seen[0]["name"], seen[0]["context"]) == ("other", {"username": "jay", "step": 1, "more": 2})
    assert len(seen) == 1


def test_a_cookie_that_has_run_out_is_sent_no_more(connect):
    short = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Max-Age=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    with answering(short, OK, OK) as wire:
        session = connect(wire.port)
        for _ in range(2):
            session.get("/")
        deadline = time.time() + 2.1
        while time.time() < deadline:
            gevent.sleep(0.05)
        session.get("/")
    cookies = [[line for line in head.split(b"\r\n") if line.startswith(b"Cookie")] for head in wire.received]
    assert cookies[1:] == [[b"Cookie: a=1; b=2"], [b"Cookie: b=2"]]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"=",
        b";;;",
        b"a",
        b"a=1; Domain=example.com",
        b"a=1; Domain=com",
        b"a=1; Path=/elsewhere",
        b"a=1; Secure",
        b"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        b"a=1; Max-Age=0",
        b"\xff\xfe=\x01",
        b"a=1; Expires=garbage; Max-Age=garbage; Domain=..; Path=",
    ],
)
def test_a_cookie_that_does_not_belong_here_breaks_nothing(connect, stats, line):
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: %b\r\nSet-Cookie: good=yes\r\nContent-Length: 0\r\n\r\n" % line
    with answering(answer) as wire:
        session = connect(wire.port)
        for _ in range(3):
            assert session.get("/").status_code == 200
    assert b"good=yes" in wire.received[-1]
    assert b"/elsewhere" not in wire.received[-1]
    assert counts(stats) == (3, 0, 0)


@pytest.mark.parametrize("pieces", [[b"ab", b"cd"], ["ab", "cd"], []])
def test_a_generator_goes_out_as_its_pieces(connect, pieces):
    bodies = []

    def talk(connection):
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        size = 4 if pieces else 0
        if b"chunked" in head:
            while not body.endswith(b"0\r\n\r\n"):
                body += connection.recv(65536)
            body = b"".join(line for line in body.split(b"\r\n") if not line.isdigit())
        while len(body) < size:
            body += connection.recv(65536)
        bodies.append(body)
        connection.sendall(OK)

    with Wire(talk) as wire:
        data = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
        assert connect(wire.port).post("/", data=data).status_code == 200
    assert bodies == [b"abcd" if pieces else b""]


def test_a_large_upload_that_is_refused_early_shows_the_refusal(connect, stats):
    def talk(connection):
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        connection.shutdown(1)
        while connection.recv(1 << 20):
            pass

    with Wire(talk) as wire:
        response = connect(wire.port).post("/", data=b"x" * 10_000_000)
    assert (response.status_code, response.content) == (413, b"big")
    assert counts(stats) == (1, 1, 0)


@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 205)])
def test_answers_without_a_body_leave_the_connection_usable(connect, stats, method, status):
    length = b"" if status in (204, 304) else b"Content-Length: %d\r\n" % (0 if status == 205 else 5)
    with answering(b"HTTP/1.1 %d X\r\n%bContent-Encoding: gzip\r\n\r\n" % (status, length), OK) as wire:
        session = connect(wire.port)
        assert session.request(method, "/").status_code == status
        assert session.get("/").content == b"hello"
        assert wire.connections == 1
    assert counts(stats) == (2, 0, 0)


# Test ids are made of it, and must be the same in every worker.
PACKED = gzip.compress(b"hello" * 100, mtime=0)


@pytest.mark.parametrize(
    "body, fails", [(PACKED[:5], True), (PACKED[:-9], True), (PACKED + b"rubbish", False), (b"not gzip", True)]
)
def test_gzip_that_is_cut_short_or_wrong_is_no_crash(connect, stats, body, fails):
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with answering(answer) as wire:
        session = connect(wire.port)
        session.get("/")
    if isinstance(session, HttpSession):
        # requests takes what there is of a body that is cut short.
        fails = body == b"not gzip"
    assert counts(stats) == (1, int(fails), 0)


def test_sessions_that_come_and_go_close_their_connections(connect, stats):
    def user():
        session = connect(wire.port)
        session.get("/")
        with session.get("/x", catch_response=True) as response:
            response.failure("no")

    with answering(OK) as wire:
        for _ in range(6):
            gevent.joinall([gevent.spawn(user) for _ in range(50)])
        gc.collect()
        deadline = time.monotonic() + 5
        while wire.ended < wire.connections and time.monotonic() < deadline:
            gevent.sleep(0.005)
        assert wire.ended == wire.connections == 300
    assert counts(stats) == (600, 300, 0)


def test_outside_a_block_a_verdict_is_refused(connect):
    with answering(OK) as wire, pytest.raises(GregariaError, match="with"):
        connect(wire.port).get("/").failure("no")


def test_a_gate_that_closes_in_a_chain_ends_the_user_after_the_count(connect, stats):
    def talk(connection):
        wire.read_head(connection)
        session.gate.open = False
        connection.sendall(redirect(b"http://["))

    with Wire(talk) as wire:
        session = connect(wire.port)
        with pytest.raises(GreenletExit):
            session.get("/a")
    assert counts(stats) == (1, 1, 0)


def test_headers_go_out_as_they_are_bytes_included(stats):
    event = RequestEvent()
    event.stats = stats
    with answering(OK) as wire:
        session = FastHttpSession(f"http://127.0.0.1:{wire.port}", event, None)
        session.get("/", headers={b"A": b"\xff", "B": "\xe9", "C": 5, "Accept": None})
        session.get("/", headers={"A": "\u65e5"})
        with pytest.raises(ValueError, match="line break"):
            session.get("/", headers={"A\r\nB": "1"})
    lines = wire.received[0].split(b"\r\n")
    assert {b"A: \xff", b"B: \xe9", b"C: 5"} <= set(lines)
    assert not any(line.startswith(b"Accept:") for line in lines)
    assert b"A: \xe6\x97\xa5" in wire.received[1]
