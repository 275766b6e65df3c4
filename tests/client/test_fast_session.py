"""FastHttpSession against servers of exact bytes: what goes out, what a locustfile sees, what is counted and told."""

import base64
import json
import socket

import gevent
import pytest
from gevent import GreenletExit

from gregaria.client.pool import ClientPool
from gregaria.client.response import ErrorResponse, FastResponse, LocustBadStatusCode, ResponseContextManager
from gregaria.client.session import FastHttpSession
from gregaria.engine.gate import Gate
from gregaria.errors import CatchResponseError, CommandError, ProtocolError, ResponseError, StopUser, TooManyRedirects
from gregaria.events import RequestEvent
from gregaria.stats.table import RequestStats
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nwhy"


class Someone:
    """What a session asks of its user."""

    def __init__(self):
        self.gate = Gate()

    def context(self):
        return {"username": "jay"}


@pytest.fixture
def stats():
    return RequestStats()


@pytest.fixture
def connect(stats):
    def make(wire, path="", scheme_and_credentials="http://", **options):
        event = RequestEvent()
        event.stats = stats
        base_url = f"{scheme_and_credentials}127.0.0.1:{wire.port}{path}"
        return FastHttpSession(base_url, event, Someone(), **options)

    return make


def rows(stats):
    return {(entry.method, entry.name): (entry.num_requests, entry.num_failures) for entry in stats.entries.values()}


def sent(wire, number=-1):
    head = wire.received[number].decode()
    first, *lines = head.split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines if line)


def test_a_get_sends_what_a_browser_of_the_wire_would_expect(connect, stats):
    with answering(OK) as wire:
        response = connect(wire).get("/path?x=1")
    line, headers = sent(wire)
    assert line == "GET /path?x=1 HTTP/1.1"
    assert headers["Host"] == f"127.0.0.1:{wire.port}"
    assert headers["Accept"] == "*/*"
    assert "gzip" in headers["Accept-Encoding"]
    assert headers["User-Agent"].startswith("gregaria")
    assert "Content-Length" not in headers
    assert (response.status_code, response.ok, response.content, response.text) == (200, True, b"hello", "hello")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.url == f"http://127.0.0.1:{wire.port}/path?x=1"
    assert response.elapsed.total_seconds() > 0
    assert rows(stats) == {("GET", "/path?x=1"): (1, 0)}


@pytest.mark.parametrize("verb", ["get", "head", "options", "delete", "post", "put", "patch"])
def test_every_verb(connect, stats, verb):
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as wire:
        assert getattr(connect(wire), verb)("/").status_code == 204
    assert sent(wire)[0] == f"{verb.upper()} / HTTP/1.1"
    assert rows(stats) == {(verb.upper(), "/"): (1, 0)}


def test_a_post_without_a_body_says_so(connect):
    with answering(OK) as wire:
        connect(wire).post("/")
    assert sent(wire)[1]["Content-Length"] == "0"


def echo(connection):
    """Answers with the request itself: head, blank line, body."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(rest) < length:
            rest += connection.recv(65536)
        body = head + b"\r\n\r\n" + rest[:length]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        data = rest[length:]


def exchanged(response):
    head, _, body = response.content.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return lines[0], dict(line.split(": ", 1) for line in lines[1:]), body


def test_json_goes_out_as_json(connect):
    with Wire(echo) as wire:
        line, headers, body = exchanged(connect(wire).post("/x", json={"a": [1, "é"]}))
    assert (line, headers["Content-Type"], headers["Accept"]) == (
        "POST /x HTTP/1.1",
        "application/json",
        "application/json",
    )
    assert json.loads(body) == {"a": [1, "é"]}


@pytest.mark.parametrize(
    "data, content_type, expected",
    [
        ({"a": "1 2", "b": ["x", "y"]}, "application/x-www-form-urlencoded", b"a=1+2&b=x&b=y"),
        ("täxt", None, "täxt".encode()),
        (b"\x00\xff", None, b"\x00\xff"),
    ],
)
def test_data_goes_out_by_its_kind(connect, data, content_type, expected):
    with Wire(echo) as wire:
        _, headers, body = exchanged(connect(wire).put("/x", data))
    assert (headers.get("Content-Type"), body) == (content_type, expected)


def test_files_go_out_as_multipart(connect):
    with Wire(echo) as wire:
        _, headers, body = exchanged(
            connect(wire).post("/x", data={"field": "v"}, files={"file": ("a.txt", b"content", "text/plain")})
        )
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="field"\r\n\r\nv' in body
    assert b'filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ncontent' in body


def test_own_headers_win_over_the_defaults_whatever_their_case(connect):
    with Wire(echo) as wire:
        session = connect(wire, default_headers={"X-Team": "a", "accept": "text/html"})
        _, headers, _ = exchanged(session.get("/", headers={"x-team": "b", "user-agent": "me", "Host": "other"}))
    assert headers["Host"] == "other"
    assert headers["x-team"] == "b"
    assert headers["user-agent"] == "me"
    assert headers["accept"] == "text/html"
    assert not {"X-Team", "User-Agent", "Accept"} & set(headers)


def test_a_default_header_changed_later_is_sent_from_then_on(connect):
    with Wire(echo) as wire:
        session = connect(wire)
        session.get("/")
        session.client.default_headers["Authorization"] = "Bearer token"
        assert exchanged(session.get("/"))[1]["Authorization"] == "Bearer token"
        del session.client.default_headers["authorization"]
        assert "Authorization" not in exchanged(session.get("/"))[1]


def test_params_are_added_to_the_url_but_not_to_the_name(connect, stats):
    with Wire(echo) as wire:
        line, _, _ = exchanged(connect(wire).get("/s?a=1", params={"q": "x y", "n": [1, 2]}))
    assert line == "GET /s?a=1&q=x+y&n=1&n=2 HTTP/1.1"
    assert rows(stats) == {("GET", "/s?a=1"): (1, 0)}


@pytest.mark.parametrize(
    "url, line",
    [
        ("/a b?c=d e", "GET /a%20b?c=d%20e HTTP/1.1"),
        ("/ä?ö=ü", "GET /%C3%A4?%C3%B6=%C3%BC HTTP/1.1"),
        ("/x#fragment", "GET /x HTTP/1.1"),
        ("", "GET / HTTP/1.1"),
    ],
)
def test_urls_are_encoded(connect, url, line):
    with Wire(echo) as wire:
        assert exchanged(connect(wire).get(url))[0] == line


def test_a_line_break_cannot_be_smuggled_into_the_head(connect):
    with Wire(echo) as wire:
        session = connect(wire)
        with pytest.raises(ValueError, match="line break"):
            session.get("/", headers={"X": "a\r\nY: b"})
        assert "\r\n" not in exchanged(session.get("/a\r\nX: y"))[0]


def test_unknown_arguments_are_refused_instead_of_becoming_a_query(connect):
    with answering(OK) as wire, pytest.raises(TypeError, match="verifi"):
        connect(wire).get("/", verifi=False)


@pytest.mark.parametrize("credentials", ["http://jay:p%40ss@", "http://"])
def test_basic_auth_from_the_host_or_the_call(connect, credentials):
    with Wire(echo) as wire:
        session = connect(wire, scheme_and_credentials=credentials)
        auth = None if "jay" in credentials else ("jay", "p@ss")
        _, headers, _ = exchanged(session.get("/", auth=auth))
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"jay:p@ss"


def test_absolute_urls_need_no_host(stats):
    event = RequestEvent()
    event.stats = stats
    with answering(OK) as wire:
        url = f"http://127.0.0.1:{wire.port}/x"
        assert FastHttpSession(None, event, None).get(url).ok
    assert rows(stats) == {("GET", url): (1, 0)}


def test_a_relative_url_without_a_host_says_what_to_do():
    with pytest.raises(CommandError, match="--host"):
        FastHttpSession().get("/x")


def test_names(connect, stats):
    with answering(OK) as wire:
        session = connect(wire)
        session.get("/users/1", name="/users/[id]")
        with session.rename_request("renamed"):
            session.get("/a")
            session.get("/b", name="own")
        session.request_name = "sticky"
        session.get("/c")
        session.request_name = None
        session.get("/c")
    assert rows(stats) == {
        ("GET", "/users/[id]"): (1, 0),
        ("GET", "renamed"): (1, 0),
        ("GET", "own"): (1, 0),
        ("GET", "sticky"): (1, 0),
        ("GET", "/c"): (1, 0),
    }


@pytest.mark.parametrize("status, succeeds", [(200, 1), (208, 1), (304, 1), (305, 0), (400, 0), (404, 0), (503, 0)])
def test_the_status_decides(connect, stats, status, succeeds):
    with answering(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status) as wire:
        response = connect(wire).get("/")
    assert response.status_code == status
    assert rows(stats) == {("GET", "/"): (1, 1 - succeeds)}
    if not succeeds:
        with pytest.raises(LocustBadStatusCode, match=f"code={status}"):
            response.raise_for_status()
        assert [error.error for error in stats.errors.values()] == [f"LocustBadStatusCode(code={status})"]


def test_no_answer_is_a_failure_with_its_reason(connect, stats):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    class Gone:
        pass

    Gone.port = port
    response = connect(Gone).get("/")
    assert isinstance(response, ErrorResponse)
    assert (response.status_code, response.content, response.text, response.ok) == (0, None, None, False)
    assert isinstance(response.error, ConnectionRefusedError)
    assert not response
    with pytest.raises(ConnectionRefusedError):
        response.raise_for_status()
    assert rows(stats) == {("GET", "/"): (1, 1)}
    assert next(iter(stats.errors.values())).error == (
        "ConnectionRefused('nothing listens on <address> (the connection was refused)')"
    )


class TestWithBlock:
    def test_success_wins_over_the_status(self, connect, stats):
        with answering(NOT_FOUND) as wire:
            with connect(wire).get("/", catch_response=True) as response:
                assert isinstance(response, ResponseContextManager)
                if response.status_code == 404:
                    response.success()
        assert rows(stats) == {("GET", "/"): (1, 0)}

    @pytest.mark.parametrize("reason", ["too bad", ValueError("too bad")])
    def test_failure_wins_over_the_status(self, connect, stats, reason):
        with answering(OK) as wire, connect(wire).get("/", catch_response=True) as response:
            response.failure(reason)
        assert rows(stats) == {("GET", "/"): (1, 1)}
        assert "too bad" in next(iter(stats.errors.values())).error

    def test_without_a_verdict_the_status_decides(self, connect, stats):
        with answering(OK, NOT_FOUND) as wire:
            session = connect(wire)
            for _ in range(2):
                with session.get("/", catch_response=True):
                    pass
        assert rows(stats) == {("GET", "/"): (2, 1)}

    def test_the_last_verdict_counts(self, connect, stats):
        with answering(OK) as wire, connect(wire).get("/", catch_response=True) as response:
            response.failure("no")
            response.success()
        assert rows(stats) == {("GET", "/"): (1, 0)}

    def test_a_response_error_is_the_failure_and_ends_there(self, connect, stats):
        with answering(OK) as wire, connect(wire).get("/", catch_response=True):
            raise ResponseError("not what I wanted")
        assert rows(stats) == {("GET", "/"): (1, 1)}

    def test_any_other_exception_is_the_failure_and_goes_on(self, connect, stats):
        with answering(OK) as wire, pytest.raises(KeyError):
            with connect(wire).get("/", catch_response=True):
                raise KeyError("x")
        assert rows(stats) == {("GET", "/"): (1, 1)}

    @pytest.mark.parametrize("steering", [StopUser, GreenletExit])
    def test_what_steers_the_user_says_nothing_about_the_response(self, connect, stats, steering):
        with answering(OK) as wire, pytest.raises(steering):
            with connect(wire).get("/", catch_response=True):
                raise steering()
        assert rows(stats) == {("GET", "/"): (1, 0)}

    def test_an_exception_after_a_verdict_leaves_the_verdict(self, connect, stats):
        def task():
            with connect(wire).get("/", catch_response=True) as response:
                response.success()
                raise KeyError("x")

        with answering(OK) as wire, pytest.raises(KeyError):
            task()
        assert rows(stats) == {("GET", "/"): (1, 0)}

    def test_the_name_may_be_changed_by_what_came(self, connect, stats):
        with answering(OK) as wire, connect(wire).get("/", catch_response=True) as response:
            response.request_meta["name"] = response.text
        assert rows(stats) == {("GET", "hello"): (1, 0)}

    def test_no_answer_is_a_failure_unless_the_block_says_otherwise(self, connect, stats):
        with Wire(lambda connection: wire.read_head(connection)) as wire:
            session = connect(wire)
            with session.get("/", catch_response=True) as response:
                assert response.status_code == 0
            with session.get("/", catch_response=True) as response:
                response.success()
        assert rows(stats) == {("GET", "/"): (2, 1)}

    def test_elapsed_and_history_are_there_too(self, connect):
        with answering(OK) as wire, connect(wire).get("/", catch_response=True) as response:
            assert response.elapsed.total_seconds() > 0
            assert response.history == []

    def test_it_must_be_asked_for(self, connect):
        with answering(OK) as wire:
            response = connect(wire).get("/")
            with pytest.raises(CatchResponseError, match="catch_response=True"):
                with response:
                    pass
            with pytest.raises(CatchResponseError, match="with-block"):
                response.success()
            with pytest.raises(CatchResponseError, match="with-block"):
                response.failure("x")

    def test_a_request_without_its_with_block_is_not_lost_with_a_kill(self, connect, stats):
        with answering(OK) as wire:
            session = connect(wire)

            def task():
                with session.get("/", catch_response=True):
                    gevent.sleep(60)

            user = gevent.spawn(task)
            while not wire.received:
                gevent.sleep(0.001)
            gevent.sleep(0.05)
            user.kill()
        assert rows(stats) == {("GET", "/"): (1, 0)}


def redirect(status, location):
    return b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)


class TestRedirects:
    def test_a_chain_is_one_request_under_the_first_name(self, connect, stats):
        with answering(redirect(302, b"/b"), redirect(301, b"c?x=1"), OK) as wire:
            response = connect(wire).get("/a")
        assert [head.split()[1] for head in wire.received] == [b"/a", b"/b", b"/c?x=1"]
        assert response.url.endswith("/c?x=1")
        assert [step.status_code for step in response.history] == [302, 301]
        assert rows(stats) == {("GET", "/a"): (1, 0)}

    @pytest.mark.parametrize("status, method", [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
    def test_the_method_after_a_post(self, connect, status, method):
        with answering(redirect(status, b"/b"), OK) as wire:
            connect(wire).post("/a", data=b"")
        assert sent(wire)[0] == f"{method} /b HTTP/1.1"

    def test_they_are_not_followed_when_not_allowed(self, connect, stats):
        with answering(redirect(302, b"/b")) as wire:
            assert connect(wire).get("/a", allow_redirects=False).status_code == 302
        assert rows(stats) == {("GET", "/a"): (1, 0)}

    def test_a_loop_is_a_failure(self, connect, stats):
        with answering(redirect(302, b"/a")) as wire:
            response = connect(wire, max_redirects=4).get("/a")
        assert isinstance(response.error, TooManyRedirects)
        assert len(wire.received) == 5
        assert rows(stats) == {("GET", "/a"): (1, 1)}

    def test_credentials_do_not_leave_the_host(self, connect):
        with answering(OK) as other, answering(redirect(302, b"http://127.0.0.1:%d/" % other.port)) as wire:
            connect(wire, scheme_and_credentials="http://a:b@").get("/", headers={"Cookie": "x=y", "X-Kept": "1"})
        assert "Authorization" in sent(wire)[1]
        _, headers = sent(other)
        assert not {"Authorization", "Cookie"} & set(headers)
        assert headers["X-Kept"] == "1"

    def test_an_end_of_the_test_does_not_cut_a_chain(self, connect, stats):
        def talk(connection):
            wire.read_head(connection)
            session.gate.open = False
            connection.sendall(redirect(302, b"/b"))
            wire.read_head(connection)
            connection.sendall(OK)

        with Wire(talk) as wire:
            session = connect(wire)
            with pytest.raises(GreenletExit):
                session.get("/a")
        assert rows(stats) == {("GET", "/a"): (1, 0)}


class TestCookies:
    SET = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=7; Path=/shop\r\nSet-Cookie: b=2; Path=/\r\nContent-Length: 0\r\n\r\n"

    def test_they_come_back_where_they_belong(self, connect):
        with answering(self.SET, OK) as wire:
            session = connect(wire)
            session.get("/shop/login")
            session.get("/shop/cart")
            session.get("/shop/login")
            session.get("/elsewhere")
        assert "Cookie" not in sent(wire, 0)[1]
        assert set(sent(wire, 1)[1]["Cookie"].split("; ")) == {"id=7", "b=2"}
        assert sent(wire, 3)[1]["Cookie"] == "b=2"
        assert session.cookiejar.get_dict() == {"id": "7", "b": "2"}

    def test_one_set_on_the_way_of_a_redirect_is_sent_at_its_end(self, connect):
        set_and_go = b"HTTP/1.1 302 X\r\nSet-Cookie: a=1\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
        with answering(set_and_go, OK) as wire:
            connect(wire).get("/a")
        assert sent(wire)[1]["Cookie"] == "a=1"

    def test_a_cookie_put_in_by_hand_is_sent(self, connect):
        with answering(OK) as wire:
            session = connect(wire)
            session.get("/")
            session.cookiejar.set("by", "hand")
            session.get("/")
            session.cookiejar.clear()
            session.get("/")
        assert [sent(wire, number)[1].get("Cookie") for number in range(3)] == [None, "by=hand", None]


class TestListeners:
    def test_a_listener_gets_locusts_fields(self, connect, stats):
        with answering(OK) as wire:
            session = connect(wire)
            seen = []
            session.request_event.add_listener(lambda **fields: seen.append(fields))
            for _ in range(2):
                response = session.get("/x", context={"step": 1})
        fields = seen[-1]
        assert fields["response"] is response
        assert (fields["request_type"], fields["name"], fields["response_length"], fields["exception"]) == (
            "GET",
            "/x",
            5,
            None,
        )
        phases = fields["context"].pop("phases")
        assert list(phases) == ["name_lookup", "connect", "tls", "sending", "first_byte", "receiving"]
        assert sum(phases.values()) == pytest.approx(fields["response_time"], abs=1)
        assert fields["context"] == {"username": "jay", "step": 1}
        assert fields["url"] == f"http://127.0.0.1:{wire.port}/x"
        assert 0 < fields["response_time"] < 5000
        assert fields["start_time"] > 1_600_000_000
        assert rows(stats) == {("GET", "/x"): (2, 0)}

    def test_a_failure_is_told_with_its_exception(self, connect):
        with answering(NOT_FOUND) as wire:
            session = connect(wire)
            seen = []
            session.request_event.add_listener(lambda exception, **_: seen.append(exception))
            session.get("/x")
        assert isinstance(seen[0], LocustBadStatusCode)

    def test_the_last_request_before_the_end_is_told_too(self, connect, stats):
        def talk(connection):
            while wire.read_head(connection):
                session.gate.open = False
                connection.sendall(OK)

        seen = []
        with Wire(talk) as wire:
            session = connect(wire)
            session.request_event.add_listener(lambda **fields: seen.append(fields))
            with pytest.raises(GreenletExit):
                session.get("/x")
        assert len(seen) == 1
        assert rows(stats) == {("GET", "/x"): (1, 0)}


def test_gzip_is_undone_and_counted_as_the_user_sees_it(connect, stats):
    import gzip

    body = gzip.compress(b"hello " * 100)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with answering(answer) as wire:
        response = connect(wire).get("/")
    assert response.content == b"hello " * 100
    assert stats.get("/", "GET").total_content_length == 600


def test_broken_compression_is_a_failure(connect, stats):
    with answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope") as wire:
        response = connect(wire).get("/")
    assert isinstance(response.error, ProtocolError)
    assert rows(stats) == {("GET", "/"): (1, 1)}


def test_json_text_lines_and_pieces(connect):
    body = '{"a": "é"}\nsecond'.encode("latin-1")
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=latin-1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    with answering(answer, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[1,2,3]") as wire:
        session = connect(wire)
        response = session.get("/")
        assert response.text == '{"a": "é"}\nsecond'
        assert list(response.iter_lines(decode_unicode=True)) == ['{"a": "é"}', "second"]
        assert b"".join(response.iter_content(3)) == body
        assert session.get("/").json() == [1, 2, 3]


def test_a_timeout_of_its_own(connect, stats):
    with Wire(lambda connection: connection.recv(65536) and connection.recv(1)) as wire:
        response = connect(wire).get("/", timeout=0.2)
    assert isinstance(response.error, TimeoutError)
    assert rows(stats) == {("GET", "/"): (1, 1)}


def test_a_pool_is_shared_by_sessions(connect):
    pool = ClientPool()
    with answering(OK) as wire:
        for _ in range(3):
            assert connect(wire, client_pool=pool).get("/").ok
        assert wire.connections == 1
        pool.close()
        connect(wire, client_pool=pool).get("/")
        assert wire.connections == 2


def test_the_request_can_be_looked_at(connect):
    with answering(OK) as wire:
        request = connect(wire).post("/x", data="body", headers={"A": "b"}).request
    assert (request.method, request.headers["a"], request.body) == ("POST", "b", b"body")
    assert request.url == f"http://127.0.0.1:{wire.port}/x"


def test_plain_requests_are_of_the_plain_type(connect):
    with answering(OK) as wire:
        session = connect(wire)
        assert type(session.get("/")) is type(session.get("/")) is FastResponse


def test_a_session_of_ones_own_is_made_with_locusts_arguments_of_today_and_of_before(stats):
    class Environment:
        events = type("Events", (), {"request": RequestEvent()})

    Environment.events.request.stats = stats
    with answering(OK) as wire:
        base_url = f"http://127.0.0.1:{wire.port}"
        sessions = [
            FastHttpSession(base_url, Environment.events.request, Someone(), True),
            FastHttpSession(base_url=base_url, request_event=Environment.events.request, user=Someone()),
            FastHttpSession(environment=Environment(), base_url=base_url, user=Someone()),
        ]
        assert [session.get("/").status_code for session in sessions] == [200] * 3
    assert rows(stats) == {("GET", "/"): (3, 0)}


@pytest.mark.parametrize("options", [{}, {"stream": True}, {"catch_response": True}], ids=str)
def test_somebodys_own_timeout_passes_and_the_request_is_counted(connect, stats, options):
    def silence(connection):
        while connection.recv(65536):
            pass

    with Wire(silence) as wire:
        session = connect(wire)
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
            session.get("/", **options)
    assert rows(stats) == {("GET", "/"): (1, 1)}
