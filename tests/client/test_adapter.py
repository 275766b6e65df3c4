"""client/adapter.py and client/raw.py: requests prepares, the engine sends."""

import base64
import gzip
import hashlib
import io
import pickle
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests
from gevent.event import Event
from greenlet import GreenletExit
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from requests.auth import HTTPDigestAuth
from requests_oauthlib import OAuth1
from urllib3 import HTTPResponse, Timeout

from gregaria.client.lazy_response import LazyResponse
from gregaria.client.requests import HttpSession
from gregaria.engine.gate import Gate
from gregaria.settings import settings
from tests.support.echo import Echo
from tests.support.http_session import Books, new_session
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#: has a request prepared by requests
HOOKED: dict[str, Any] = {"hooks": {"response": lambda response, **_: None}}


def to(wire: Wire, books: Books | None = None, user: Any = None) -> HttpSession:
    return new_session(f"http://127.0.0.1:{wire.port}", user, books)


def head_told(response: requests.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in response.json()["headers"]]


def body_told(response: requests.Response) -> bytes:
    return base64.b64decode(response.json()["body"])


def generate() -> Iterator[bytes | str]:
    yield b"one "
    yield b""
    yield "twö"


class Unseekable(io.RawIOBase):
    """A file of unknown length, as a pipe is."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


BODIES: dict[str, Any] = {
    "generator": (lambda: generate()),
    "iterator": (lambda: iter([b"a", b"b" * 100_000])),
    "file of unknown length": (lambda: Unseekable(b"c" * 40_000)),
    "empty file": (lambda: io.BytesIO()),
    "file": (lambda: io.BytesIO(b"d" * 100_000)),
    "text file": (lambda: io.StringIO("a" * 10)),
    "file read in part": (lambda: _advanced(io.BytesIO(b"0123456789"))),
    "bytes": (lambda: b"\x00\xff"),
    "text": (lambda: "ä"),
    "form": (lambda: {"a": ["b", "c d"]}),
    "nothing": (lambda: None),
}


def _advanced(file: io.BytesIO) -> io.BytesIO:
    file.read(4)
    return file


@pytest.mark.parametrize("method", ["POST", "PROPFIND", "DELETE"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bodies_of_every_kind_are_sent_as_requests_sends_them(echo: Echo, books: Books, method: str, body: Any) -> None:
    with requests.Session() as reference, new_session(echo.url, books=books) as session:
        reference.trust_env = False
        theirs = reference.request(method, echo.url + "/a", data=body())
        for _ in range(2):
            ours = session.request(method, "/a", data=body(), **HOOKED)
            assert ours.took_engine
            assert not isinstance(ours, LazyResponse)
            assert head_told(ours) == head_told(theirs)
            assert body_told(ours) == body_told(theirs)
    assert books.entry("/a", method).num_requests == 2


def test_headers_of_every_kind_are_sent_as_requests_sends_them(session: HttpSession, echo: Echo) -> None:
    arguments: dict[str, Any] = {
        "headers": {"X-One": "1", "accept": None, "X-Bytes": b"b", "Host": "example.com", "User-Agent": None},
        "cookies": {"a": "b"},
        "params": {"q": "ä b"},
    }
    with requests.Session() as reference:
        reference.trust_env = False
        theirs = reference.put(echo.url + "/a?b=c", **arguments)
    ours = session.put("/a?b=c", **arguments, **HOOKED)
    assert head_told(ours) == head_told(theirs)
    assert ours.json()["target"] == theirs.json()["target"]


@pytest.mark.parametrize(
    "change",
    [
        lambda request: request.headers.update({"X": "a\r\nEvil: 1"}),
        lambda request: request.headers.update({"X\r\nEvil": "1"}),
        lambda request: setattr(request, "method", "GET / HTTP/1.1\r\nEvil: 1\r\n\r\nGET"),
    ],
)
def test_an_auth_object_cannot_smuggle_line_breaks_in(session: HttpSession, echo: Echo, change: Any) -> None:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        change(request)
        return request

    before = len(echo.served)
    with pytest.raises(ValueError, match=r"line break|no method"):
        session.get("/", auth=sign)
    assert len(echo.served) == before


def test_a_streamed_response_is_read_as_one_of_requests(session: HttpSession, echo: Echo) -> None:
    text = "".join(f"line {number}\n" for number in range(5000))
    path, arguments = "/", {"params": {"say": text, "as": "gzip", "type": "text/plain"}}
    theirs = requests.get(echo.url + path, stream=True, **arguments)  # type: ignore[arg-type]
    ours = session.get(path, stream=True, **arguments)
    assert ours.took_engine
    assert isinstance(ours.raw, HTTPResponse)
    assert ours.raw.version == theirs.raw.version
    assert {**ours.raw.headers, "Date": ""} == {**theirs.raw.headers, "Date": ""}
    assert b"".join(ours.iter_content(1000)).decode() == text
    assert list(theirs.iter_content(1000)) == list(session.get(path, stream=True, **arguments).iter_content(1000))
    with pytest.raises(RuntimeError, match="already consumed"):
        _ = ours.content
    assert list(session.get(path, stream=True, **arguments).iter_lines()) == text.encode().splitlines()
    raw = session.get(path, stream=True, **arguments).raw
    assert gzip.decompress(raw.read(10) + raw.read()) == text.encode()
    assert raw.closed
    assert raw.read() == b""
    assert session.get(path, stream=True, **arguments).raw.read(decode_content=True) == text.encode()
    assert session.get(path, stream=True, **arguments).text == text


def test_a_connection_is_used_again_when_its_stream_was_read_and_closed_when_it_was_not() -> None:
    body = b"x" * 200_000
    with (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)) as wire,
        to(wire) as session,
    ):
        for _ in range(3):
            assert session.get("/", stream=True).content == body
        assert wire.connections == 1
        with session.get("/", stream=True, catch_response=True) as response:
            assert response.raw.read(10) == b"x" * 10
        response.close()
        assert response.raw.closed
        session.get("/")
        assert wire.connections == 2
        # One that nobody reads is closed when it is dropped.
        session.get("/", stream=True)
        assert session.get("/").content == body
        assert wire.connections == 3


def test_chunks_are_handed_on_as_they_come() -> None:
    seen = threading.Event()

    def talk(connection: socket.socket) -> None:
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\none\ntw\r\n")
        assert seen.wait(5)
        connection.sendall(b"2\r\no\n\r\n0\r\n\r\n")
        wire.read_head(connection)

    with Wire(talk) as wire, to(wire) as session:
        response = session.get("/", stream=True)
        lines = response.iter_lines()
        assert next(lines) == b"one"
        seen.set()
        assert list(lines) == [b"two"]
        assert response.raw.closed


def test_a_stream_counts_when_its_head_is_here_with_the_length_it_announces(books: Books) -> None:
    go = threading.Event()

    def talk(connection: socket.socket) -> None:
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12")
        assert go.wait(5)
        connection.sendall(b"345")
        wire.read_head(connection)

    with Wire(talk) as wire, to(wire, books) as session:
        response = session.get("/", stream=True)
        phases = response.phases
        assert books.counts() == {"/": (1, 0, 0)}
        assert books.entry("/").total_bytes == 5
        gevent.sleep(0.05)
        go.set()
        assert response.content == b"12345"
        assert response.phases == phases
        assert books.entry("/").times.sum_us < 50_000


def test_the_time_is_that_of_the_engine_from_the_first_byte_sent_to_the_last_received(books: Books) -> None:
    def talk(connection: socket.socket) -> None:
        while wire.read_head(connection):
            gevent.sleep(0.02)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12")
            gevent.sleep(0.05)
            connection.sendall(b"345")

    def slow_hook(response: Any, **_: Any) -> None:
        gevent.sleep(0.2)

    with Wire(talk) as wire, to(wire, books) as session:
        response = session.get("/", hooks={"response": slow_hook})
        assert response.phases is not None
        assert response.phases.first_byte_us >= 18_000
        assert response.phases.total_us == response._answer.finished_us - response._answer.started_us
        assert books.entry("/").times.sum_us == response.phases.total_us


@pytest.mark.parametrize("where", ["call", "session"])
def test_hooks_see_and_may_replace_the_response(session: HttpSession, books: Books, where: str) -> None:
    seen: list[int] = []

    def again(response: requests.Response, **arguments: Any) -> requests.Response | None:
        seen.append(response.status_code)
        if response.status_code == 200:
            return None
        request = response.request.copy()
        request.url = str(request.url).replace("/status/401", "/token")
        return response.connection.send(request, **arguments)

    if where == "session":
        session.hooks["response"].append(again)
    response = session.get("/status/401", hooks={"response": again} if where == "call" else None)
    assert response.json()["target"] == "/token"
    assert response.took_engine
    assert seen == [401]
    assert books.counts() == {"/status/401": (1, 0, 0)} or books.counts() == {"/token": (1, 0, 0)}


def test_a_hook_that_makes_a_response_of_its_own_is_obeyed(session: HttpSession, books: Books) -> None:
    def made_up(response: requests.Response, **_: Any) -> requests.Response:
        other = requests.Response()
        other.status_code, other._content, other.request = 404, b"gone", response.request
        return other

    response = session.get("/", hooks={"response": made_up})
    assert (response.status_code, response.content, response.took_engine) == (404, b"gone", False)
    assert books.counts() == {"/": (1, 1, 0)}


def test_what_a_hook_sends_by_the_same_session_is_a_request_of_its_own(session: HttpSession, books: Books) -> None:
    def audit(response: requests.Response, **_: Any) -> None:
        if not str(response.url).endswith("/audit"):
            session.post("/audit", hooks={"response": []}, auth=lambda request: request)

    response = session.get("/a", hooks={"response": audit})
    assert response._first is response._answer
    assert books.counts() == {"/a": (1, 0, 0), "/audit": (1, 0, 0)}


def test_digest_authentication_is_one_request_on_one_connection(books: Books) -> None:
    challenge = (
        b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth", opaque="o"\r\n'
        b"Set-Cookie: seen=1\r\nContent-Length: 4\r\n\r\nwhy?"
    )

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    def is_right(head: bytes) -> bool:
        told = dict(re.findall(r'(\w+)="?([^",]+)"?', head.decode().partition("Authorization: Digest ")[2]))
        if not told:
            return False
        secret, asked = md5("jay:r:secret"), md5(f"GET:{told['uri']}")
        return told["response"] == md5(f"{secret}:n:{told['nc']}:{told['cnonce']}:auth:{asked}")

    def talk(connection: socket.socket) -> None:
        while head := wire.read_head(connection):
            connection.sendall(OK if is_right(head) else challenge)

    with Wire(talk) as wire, to(wire, books) as session:
        session.auth = HTTPDigestAuth("jay", "secret")
        response = session.get("/a?b=c")
        assert response.took_engine
        assert (response.status_code, response.content) == (200, b"ok")
        assert [step.status_code for step in response.history] == [401]
        assert len(wire.received) == 2
        assert b"Cookie: seen=1" in wire.received[1]
        assert session.get("/a?b=c").history == []
        assert wire.connections == 1
        session.auth = HTTPDigestAuth("jay", "wrong")
        assert session.get("/a?b=c").status_code == 401
    assert books.counts() == {"/a?b=c": (3, 1, 0)}


class Provider(RequestValidator):
    """Knows one client and accepts each of its signatures."""

    enforce_ssl = False
    client_key_length = nonce_length = (1, 100)
    dummy_client = "dummy"

    def validate_timestamp_and_nonce(self, *arguments: Any, **keywords: Any) -> bool:
        return True

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == "client"

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return "secret"


@pytest.mark.parametrize("signature_type", ["AUTH_HEADER", "QUERY", "BODY"])
def test_requests_oauthlib_signs_what_the_engine_sends(session: HttpSession, echo: Echo, signature_type: str) -> None:
    session.auth = OAuth1("client", "secret", signature_type=signature_type)
    response = session.post("/a", params={"q": "ä b"}, data={"form": "field"})
    assert response.took_engine
    told = response.json()
    valid, _ = SignatureOnlyEndpoint(Provider()).validate_request(
        echo.url + told["target"], "POST", base64.b64decode(told["body"]).decode(), dict(told["headers"])
    )
    assert valid


def test_a_prepared_request_is_sent_by_the_engine_and_not_counted(session: HttpSession, books: Books) -> None:
    session.headers["X-Session"] = "1"
    request = requests.Request("POST", session.base_url + "/status/302?to=/b&cookie=a=1; Path=/", json={"a": 1})
    response = session.send(session.prepare_request(request), allow_redirects=False)
    assert session.origins.of(_place(session)).opened == 1
    assert response.is_redirect
    assert response.next is not None
    assert (response.next.method, response.next.url) == ("GET", session.base_url + "/b")
    assert session.cookies["a"] == "1"
    followed = session.send(response.next)
    assert {"X-Session": "1", "Cookie": "a=1"}.items() <= dict(head_told(followed)).items()
    whole = session.send(session.prepare_request(request))
    assert [step.status_code for step in whole.history] == [302]
    assert 0 < whole.elapsed.total_seconds() < 5
    again = pickle.loads(pickle.dumps(whole))
    assert (again.json(), again.history[0].status_code) == (whole.json(), 302)
    assert session.origins.of(_place(session)).opened == 1
    assert books.counts() == {}


def _place(session: HttpSession) -> Any:
    from gregaria.client import address

    return address.split(session.base_url + "/")


def test_answers_without_a_body_end_with_their_head(session: HttpSession) -> None:
    for method, status in (("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)):
        response = session.request(method, f"/status/{status}", stream=True)
        assert (response.status_code, response.content, response.raw.closed) == (status, b"", True)
    assert session.origins.of(_place(session)).opened == 1


def test_a_retry_follows_a_connection_that_was_closed_while_idle(books: Books) -> None:
    def talk(connection: socket.socket) -> None:
        # One answer a connection, and no word of it.
        if wire.read_head(connection):
            connection.sendall(OK)

    with Wire(talk) as wire, to(wire, books) as session:
        for _ in range(3):
            assert session.get("/", **HOOKED).ok
            assert session.put("/", data=b"x", **HOOKED).ok
        assert len(wire.received) == 6
    for method in ("GET", "PUT"):
        entry = books.entry("/", method)
        assert (entry.num_requests, entry.num_failures) == (3, 0)


def test_a_request_that_may_not_be_repeated_or_whose_body_is_gone_is_not_sent_again(books: Books) -> None:
    def talk(connection: socket.socket) -> None:
        wire.read_head(connection)
        connection.sendall(OK)
        # The next request arrives, and the connection ends without an answer to it.
        wire.read_head(connection)

    with Wire(talk) as wire, to(wire, books) as session:
        for arguments in ({"data": b"x"}, {"data": iter([b"x"])}):
            method = "POST" if isinstance(arguments["data"], bytes) else "PUT"
            assert session.get("/", **HOOKED).ok
            before = len(wire.received)
            response = session.request(method, "/once", **arguments, **HOOKED)
            assert isinstance(response.error, requests.exceptions.ConnectionError)
            assert len(wire.received) - before == 1
        assert session.get("/", **HOOKED).ok
        before = len(wire.received)
        assert session.put("/twice", data=b"x", **HOOKED).ok
        assert len(wire.received) - before == 2
    assert books.entry("/once", "POST").num_failures == books.entry("/once", "PUT").num_failures == 1


TIMEOUTS: dict[str, Any] = {
    "number": 0.1,
    "pair": (5, 0.1),
    "object": Timeout(connect=5, read=0.1),
    "total": Timeout(total=0.1),
}


@pytest.mark.parametrize("timeout", TIMEOUTS.values(), ids=TIMEOUTS)
def test_timeouts_of_every_kind_end_the_waiting(session: HttpSession, books: Books, timeout: Any) -> None:
    response = session.get("/?wait=1", timeout=timeout, name="slow", **HOOKED)
    assert isinstance(response.error, requests.exceptions.ReadTimeout)
    assert response.took_engine
    assert books.counts() == {"slow": (1, 1, 0)}
    assert 0.09e6 < books.entry("slow").times.sum_us < 0.9e6


@pytest.mark.parametrize("timeout", [0, (1, 2, 3), "soon"])
def test_a_timeout_that_is_none_is_the_locustfiles_mistake(session: HttpSession, timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"timeout|float"):
        session.get("/", timeout=timeout, **HOOKED)


class Someone:
    """A user with a gate, as far as a session asks."""

    def __init__(self) -> None:
        self.gate = Gate()

    def context(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("where", ["head", "body", "second step"])
def test_a_request_that_is_ended_on_the_wire_counts_as_interrupted_once(books: Books, where: str) -> None:
    begun = Event()

    def talk(connection: socket.socket) -> None:
        wire.read_head(connection)
        if where == "second step":
            connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
            wire.read_head(connection)
        elif where == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12")
        begun.set()
        connection.recv(1)

    user = Someone()
    with Wire(talk) as wire, to(wire, books, user) as session:
        greenlet = gevent.spawn(lambda: session.get("/", **HOOKED))
        assert begun.wait(5)
        gevent.sleep(0.02)
        assert user.gate.in_flight == 1
        greenlet.kill(GreenletExit)
        assert user.gate.in_flight == 0
    assert books.counts() == {"/": (0, 0, 1)}


def test_a_closed_gate_ends_a_request_after_it_has_been_counted(books: Books) -> None:
    user = Someone()

    def close_gate(response: Any, **_: Any) -> None:
        user.gate.open = False

    with answering(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", OK) as wire:
        with to(wire, books, user) as session:
            with pytest.raises(GreenletExit):
                session.get("/", hooks={"response": close_gate})
            # A chain that has been begun is walked to its end.
            assert len(wire.received) == 2
            with pytest.raises(GreenletExit):
                session.get("/", **HOOKED)
            assert len(wire.received) == 2
    assert books.counts() == {"/": (1, 0, 0)}


def test_a_bomb_is_not_decoded_beyond_the_limit(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "max_body_bytes", 1_000_000)
    bomb = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with answering(head + bomb) as wire, to(wire, books) as session:
        response = session.get("/", **HOOKED)
        assert isinstance(response.error, requests.exceptions.ContentDecodingError)
        # What is read piece by piece is the reader's to bound.
        assert sum(map(len, session.get("/", stream=True).iter_content(65536))) == 50_000_000
        with pytest.raises(requests.exceptions.ContentDecodingError):
            _ = session.get("/", stream=True).content
    assert type(books.failures[0][2]).__name__ == "BodyTooLarge"


def test_a_large_body_of_the_disk_goes_out_in_pieces(session: HttpSession, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * 8000)
    with path.open("rb") as file:
        response = session.put("/a", data=file, **HOOKED)
    assert body_told(response) == path.read_bytes()
    assert ("Content-Length", "2048000") in head_told(response)


def test_what_the_generator_of_a_body_raises_passes_and_is_counted(session: HttpSession, books: Books) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise KeyError("no more")

    with pytest.raises(KeyError):
        session.post("/a", data=broken())
    assert books.counts() == {"/a": (1, 1, 0)}


def test_a_redirect_to_another_scheme_is_a_failure_either_way(session: HttpSession, books: Books) -> None:
    for way in ({}, HOOKED):
        response = session.get("/status/302?to=ftp://x/", name="row", **way)
        assert isinstance(response.error, requests.exceptions.InvalidSchema)
    assert [type(failure).__name__ for _, _, failure in books.failures] == ["InvalidSchema"] * 2
    assert books.counts() == {"row": (2, 2, 0)}


def test_several_greenlets_may_use_one_session_at_once(session: HttpSession, books: Books) -> None:
    def one(number: int) -> tuple[int, Any]:
        response = session.get(f"/{number}?wait=0.05", name="many", **HOOKED)
        assert response.took_engine
        return number, response.json()["target"]

    found = [job.get() for job in [gevent.spawn(one, number) for number in range(10)]]
    assert found == [(number, f"/{number}?wait=0.05") for number in range(10)]
    assert books.counts() == {"many": (10, 0, 0)}


def test_phases_of_a_chain_are_those_of_its_steps(session: HttpSession, books: Books) -> None:
    for way in ({}, HOOKED):
        response = session.get("/status/302?to=/b%3Fwait=0.03&wait=0.03", name="chain", **way)
        assert response.phases is not None
        assert response.phases.first_byte_us > 58_000
        assert len(response.history) == 1
    session.use_requests = True
    assert session.get("/").phases is None
