"""client/requests.py: which way requests take, what is sent, what comes back."""

import base64
import io
import pickle
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from urllib3 import PoolManager

from gregaria.client.lazy_response import LazyResponse
from gregaria.client.requests import HttpSession, LocustHttpAdapter, ResponseContextManager
from gregaria.errors import NoHost
from gregaria.events import RequestEvent
from tests.support.echo import Echo
from tests.support.http_session import new_session

OWN_HEADERS = {"X-One": "1", "accept": "text/plain", "X-Bytes": b"b"}


@pytest.fixture
def reference() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def received(response: requests.Response) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """What the server got: method, target, headers in order, body; multipart boundaries made alike."""
    told = response.json()
    body = base64.b64decode(told["body"])
    headers = [(name, value) for name, value in told["headers"]]
    for _, value in headers:
        found = re.search(r"boundary=(\w+)", value)
        if found:
            body = body.replace(found[1].encode(), b"-")
            headers = [(name, value.replace(found[1], "-")) for name, value in headers]
    return told["method"], told["target"], headers, body


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "get": ("GET", "/", {}),
    "query": ("GET", "/a?b=c", {}),
    "options": ("OPTIONS", "/a", {}),
    "delete": ("DELETE", "/a", {}),
    "post nothing": ("POST", "/a", {}),
    "put nothing": ("PUT", "/a", {}),
    "lower-case method": ("post", "/a", {"data": "x"}),
    "odd characters": ("GET", "/ä b/[1]?c=%7e d", {}),
    "dots": ("GET", "/a/./b/../c", {}),
    "two slashes": ("GET", "//a", {}),
    "fragment": ("GET", "/a?b=c#d", {"params": {"e": "f"}}),
    "params": ("GET", "/a", {"params": {"b": "c d", "e": 1, "f": None, "g": ["1", "2"], "h": "ä~"}}),
    "params added": ("GET", "/a?b=c", {"params": [("d", "e"), ("d", "f")]}),
    "params as text": ("GET", "/a", {"params": "b=c d"}),
    "params as bytes": ("GET", "/a", {"params": b"b=c"}),
    "empty params": ("GET", "/a", {"params": {}}),
    "headers": ("GET", "/a", {"headers": OWN_HEADERS}),
    "headers taken away": ("GET", "/a", {"headers": {"User-Agent": None, "accept-encoding": None, "Accept": None}}),
    "own host": ("GET", "/a", {"headers": {"Host": "example.com"}}),
    "own cookie header": ("GET", "/a", {"headers": {"Cookie": "own=1"}, "cookies": {"a": "b"}}),
    "own content type": ("POST", "/a", {"json": {}, "headers": {"content-type": "application/vnd.api+json"}}),
    "own content length": ("POST", "/a", {"data": "abc", "headers": {"Content-Length": "99"}}),
    "json": ("POST", "/a", {"json": {"b": [1, None, "ä"]}}),
    "json in a get": ("GET", "/a", {"json": {"b": 1}}),
    "text": ("POST", "/a", {"data": "ä"}),
    "bytes": ("PUT", "/a", {"data": b"\x00\xff"}),
    "bytearray": ("PUT", "/a", {"data": bytearray(b"abc")}),
    "form": ("POST", "/a", {"data": {"b": "c d", "e": [1, 2], "f": None}}),
    "form of pairs": ("PATCH", "/a", {"data": [("b", "c"), ("b", "d")]}),
    "files": ("POST", "/a", {"files": {"b": ("c.txt", b"d", "text/plain")}, "data": {"e": "f"}}),
    "cookies": ("GET", "/a", {"cookies": {"b": "c", "d": "e f"}}),
    "quoted cookie": ("GET", "/a", {"cookies": {"b": '"c\\"d"'}}),
    "cookie jar": ("GET", "/a", {"cookies": requests.cookies.cookiejar_from_dict({"b": "c"})}),
    "auth": ("GET", "/a", {"auth": ("üser", "pass:word")}),
    "auth object": ("GET", "/a", {"auth": HTTPBasicAuth("user", "password")}),
    "auth over header": ("POST", "/a", {"auth": ("u", "p"), "headers": {"Authorization": "mine"}, "data": "x"}),
    "timeout": ("GET", "/a", {"timeout": 5}),
    "two timeouts": ("GET", "/a", {"timeout": (5, None)}),
    "verify off": ("GET", "/a", {"verify": False}),
    "certificates": ("GET", "/a", {"verify": "/no/such.pem"}),
    "nothing asked": ("GET", "/a", {"stream": False, "proxies": {}, "hooks": {}, "cert": None, "headers": None}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_plain_requests_take_the_engine_and_send_what_requests_sends(
    session: HttpSession, reference: requests.Session, echo: Echo, call: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, arguments = call
    theirs = reference.request(method, echo.url + path, **arguments)
    for _ in range(2):
        ours = session.request(method, path, **arguments)
        assert ours.took_engine, session.why_requests(method, **arguments)
        assert received(ours) == received(theirs)
        assert ours.url == theirs.url
        assert ours.request.url == theirs.request.url
        if "files" not in arguments:
            assert list(ours.request.headers.items()) == [
                (name, value.decode() if isinstance(value, bytes) else value)
                for name, value in theirs.request.headers.items()
            ]
            assert bytes(ours.request.body or b"", "utf-8") if isinstance(ours.request.body, str) else True
            assert type(ours.request.body) is type(theirs.request.body) or "bytearray" in str(arguments)


STANDING: dict[str, Any] = {
    "headers changed": lambda session: session.headers.update({"X-One": "1", "User-Agent": "me"}),
    "header deleted": lambda session: session.headers.pop("Accept"),
    "no headers": lambda session: session.headers.clear(),
    "headers replaced by a dict": lambda session: setattr(session, "headers", {"A": "b"}),
    "headers replaced": lambda session: setattr(session, "headers", CaseInsensitiveDict({"A": "b"})),
    "headers None": lambda session: session.headers.update({"Accept": None}),
    "params": lambda session: session.params.update({"a": "b c"}),
    "params replaced": lambda session: setattr(session, "params", {"a": ["b", "c"]}),
    "auth": lambda session: setattr(session, "auth", ("user", "password")),
    "cookie": lambda session: session.cookies.set("a", "b"),
    "cookies updated": lambda session: session.cookies.update({"a": "b", "c": "d"}),
    "cookie of a path": lambda session: session.cookies.set("a", "b", path="/p"),
    "cookie of elsewhere": lambda session: session.cookies.set("a", "b", domain="example.com"),
    "secure cookie": lambda session: session.cookies.set("a", "b", secure=True),
    "cookies replaced": lambda session: setattr(session, "cookies", requests.cookies.cookiejar_from_dict({"e": "f"})),
}


@pytest.mark.parametrize("change", STANDING.values(), ids=STANDING)
def test_what_is_set_on_the_session_goes_out_with_the_next_request(
    session: HttpSession, reference: requests.Session, echo: Echo, change: Any
) -> None:
    for path, arguments in (("/p/x", {}), ("/q", {"json": 1}), ("/q", {"params": {"z": 1}, "headers": {"X-One": "2"}})):
        session.get(path)
        session.get(path, **arguments)
    change(session)
    change(reference)
    for path, arguments in (("/p/x", {}), ("/q", {"json": 1}), ("/q", {"params": {"z": 1}, "headers": {"X-One": "2"}})):
        for _ in range(2):
            ours = session.get(path, **arguments)
            assert ours.took_engine
            assert received(ours) == received(reference.get(echo.url + path, **arguments))


def test_a_dictionary_that_somebody_keeps_hold_of_is_looked_at_each_time(session: HttpSession) -> None:
    mine = {"A": "1"}
    session.headers = mine  # type: ignore[assignment]
    assert ("A", "1") in received(session.get("/"))[2]
    mine["A"] = "2"
    assert ("A", "2") in received(session.get("/"))[2]
    session.params = {"a": ["1"]}
    assert received(session.get("/"))[1] == "/?a=1"
    session.params["a"].append("2")
    assert received(session.get("/"))[1] == "/?a=1&a=2"


def test_a_jar_shared_by_sessions_tells_them_all(echo: Echo) -> None:
    jar = requests.cookies.RequestsCookieJar()
    sessions = [new_session(echo.url), new_session(echo.url)]
    for session in sessions:
        session.cookies = jar
        session.get("/")
        session.get("/")
    jar.set("a", "b")
    assert sessions[0].cookies is jar
    for session in sessions:
        assert ("Cookie", "a=b") in received(session.get("/"))[2]


def test_cookies_that_run_out_are_sent_no_longer(session: HttpSession, monkeypatch: pytest.MonkeyPatch) -> None:
    session.get("/", params={"cookie": "a=b; Max-Age=1000; Path=/"})
    assert ("Cookie", "a=b") in received(session.get("/"))[2]
    later = time.time() + 2000
    monkeypatch.setattr(time, "time", lambda: later)
    assert "Cookie" not in dict(received(session.get("/"))[2])


def test_the_server_sets_replaces_and_deletes_cookies(session: HttpSession) -> None:
    response = session.get("/?cookie=a=1; Path=/&cookie=b=2; Path=/x")
    assert response.took_engine
    assert response.cookies.get_dict() == {"a": "1", "b": "2"}
    assert session.cookies.get_dict() == {"a": "1", "b": "2"}
    assert ("Cookie", "b=2; a=1") in received(session.get("/x/y"))[2]
    session.get("/?cookie=a=3; Path=/")
    assert ("Cookie", "a=3") in received(session.get("/"))[2]
    session.get("/?cookie=a=; Path=/; Max-Age=0")
    assert "Cookie" not in dict(received(session.get("/"))[2])


def test_a_token_set_after_login_takes_the_engine(session: HttpSession) -> None:
    session.get("/")
    session.headers.update({"Authorization": "Bearer token"})
    response = session.get("/")
    assert response.took_engine
    assert ("Authorization", "Bearer token") in received(response)[2]


def generate() -> Iterator[bytes]:
    yield b"piece"


NOT_PLAIN: dict[str, tuple[dict[str, Any], str]] = {
    "stream": ({"stream": True}, "stream"),
    "proxies": ({"proxies": {"https": "http://127.0.0.1:1"}}, "proxies"),
    "cert": ({"cert": ["a", "b"]}, "cert"),
    "hooks": ({"hooks": {"response": lambda response, **_: None}}, "hooks"),
    "auth object": ({"auth": lambda request: request}, "auth"),
    "generator": ({"data": generate()}, "produced"),
    "iterator": ({"data": iter([b"a"])}, "produced"),
    "unknown length": ({"data": io.BytesIO()}, "produced"),
    "large file": ({"data": io.BytesIO(bytes(2_000_000))}, "produced"),
    "certificates": ({"verify": 1}, "verify"),
    "other timeout": ({"timeout": __import__("urllib3").Timeout(5)}, "timeout"),
}


@pytest.mark.parametrize("call", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_prepared_by_requests_sent_by_the_engine_and_counted_alike(
    session: HttpSession, call: tuple[dict[str, Any], str]
) -> None:
    arguments, reason = call
    assert reason in str(session.why_requests("POST", **arguments))
    assert session.way("POST", **arguments) == "engine under requests"
    response = session.post("/a", **arguments)
    assert isinstance(response, ResponseContextManager)
    assert not isinstance(response, LazyResponse)
    assert response.took_engine
    assert response.status_code == 200
    entry = session.request_event.stats.recorder.entry("POST", "/a")  # type: ignore[union-attr]
    assert (entry.num_requests, entry.num_failures) == (1, 0)
    if not arguments.get("stream"):
        assert entry.total_bytes == len(response.content)


CHANGES: dict[str, tuple[Any, str]] = {
    "proxies": (lambda session: session.proxies.update({"https": "http://127.0.0.1:1"}), "engine under requests"),
    "hook": (lambda session: session.hooks["response"].append(lambda response, **_: None), "engine under requests"),
    "hooks replaced": (
        lambda session: setattr(session, "hooks", {"response": [lambda response, **_: None]}),
        "engine under requests",
    ),
    "adapter": (lambda session: session.mount("http://", LocustHttpAdapter()), "requests"),
    "requests' own adapter": (lambda session: session.mount("http://", HTTPAdapter()), "requests"),
    "adapter of a place": (
        lambda session: session.mount("http://example.com", LocustHttpAdapter()),
        "engine under requests",
    ),
    "auth object": (lambda session: setattr(session, "auth", lambda request: request), "engine under requests"),
    "trust_env": (lambda session: setattr(session, "trust_env", True), "engine under requests"),
    "stream": (lambda session: setattr(session, "stream", True), "engine under requests"),
    "switch": (lambda session: setattr(session, "use_requests", True), "requests"),
    "own send": (lambda session: setattr(session, "send", session.send), "engine under requests"),
    "shared pool": (lambda session: setattr(session, "pool_manager", PoolManager()), "requests"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_session_changed_like_this_is_left_to_requests(session: HttpSession, change: tuple[Any, str]) -> None:
    alter, way = change
    for _ in range(2):
        assert session.get("/").took_engine
    assert session.way() == "engine"
    alter(session)
    assert session.why_requests() is not None
    assert session.way() == session.way("GET", "/a") == way
    for _ in range(2):
        response = session.get("/")
        assert not isinstance(response, LazyResponse)
        assert response.took_engine is (way == "engine under requests")
        assert response.ok
    session.close()


def test_taking_the_change_back_brings_the_engine_back(session: HttpSession) -> None:
    def hook(response: Any, **_: Any) -> None:
        return None

    session.hooks["response"].append(hook)
    assert not isinstance(session.get("/"), LazyResponse)
    session.hooks["response"].remove(hook)
    assert isinstance(session.get("/"), LazyResponse)
    del session.hooks["response"]
    assert isinstance(session.get("/"), LazyResponse)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (requests.Session, "send"),
        (requests.Session, "request"),
        (requests.adapters.HTTPAdapter, "send"),
        (requests.PreparedRequest, "prepare"),
    ],
)
def test_a_tracer_or_mock_that_replaces_a_function_of_requests_sees_the_requests(
    session: HttpSession, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    original = getattr(owner, name)
    seen: list[str] = []

    def traced(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(name)
        return original(self, *args, **kwargs)

    session.get("/")
    session.get("/")
    monkeypatch.setattr(owner, name, traced)
    response = session.get("/")
    assert not isinstance(response, LazyResponse)
    # Only what replaces the transport keeps the engine from sending it.
    assert response.took_engine is (owner is not requests.adapters.HTTPAdapter)
    assert seen
    monkeypatch.undo()
    assert isinstance(session.get("/"), LazyResponse)


def test_a_subclass_that_wraps_request_sees_every_request(echo: Echo) -> None:
    seen = []

    class Traced(HttpSession):
        def request(self, method: str, url: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(url)
            return super().request(method, url, *args, **kwargs)

    with Traced(echo.url, RequestEvent()) as session:
        for _ in range(3):
            assert session.get("/").took_engine
    assert seen == ["/"] * 3


def test_a_subclass_that_wraps_send_sees_every_request(echo: Echo) -> None:
    class Signed(HttpSession):
        def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
            request.headers["Signature"] = "s"
            return super().send(request, **kwargs)

    with Signed(echo.url, RequestEvent()) as session:
        assert ("Signature", "s") in received(session.get("/"))[2]


@pytest.mark.parametrize("where", ["class", "run"])
def test_a_switch_sends_everything_by_way_of_requests(echo: Echo, where: str) -> None:
    class Options:
        use_requests = where == "run"

    class Environment:
        parsed_options = Options()

    class User:
        environment = Environment()
        use_requests = where == "class"

        def context(self) -> dict[str, Any]:
            return {}

    with new_session(echo.url, User()) as session:
        assert not session.get("/").took_engine


def test_it_is_a_requests_session_in_every_respect(session: HttpSession, echo: Echo) -> None:
    assert isinstance(session, requests.Session)
    assert isinstance(session.headers, CaseInsensitiveDict)
    assert isinstance(session.cookies, requests.cookies.RequestsCookieJar)
    assert isinstance(session.get_adapter("http://x"), LocustHttpAdapter)
    assert session.headers == requests.Session().headers
    assert (session.trust_env, session.max_redirects, session.verify, session.cert) == (False, 30, True, None)
    request = session.prepare_request(requests.Request("GET", echo.url + "/a", params={"b": 1}))
    assert session.send(request).json()["target"] == "/a?b=1"
    assert type(pickle.loads(pickle.dumps(session.headers))) is CaseInsensitiveDict


def test_credentials_in_the_host_become_basic_auth(echo: Echo) -> None:
    with new_session(f"http://us%40er:pass@127.0.0.1:{echo.port}") as session:
        assert session.auth == ("us@er", "pass")
        assert session.base_url == echo.url
        response = session.get("/")
        assert ("Authorization", "Basic " + base64.b64encode(b"us@er:pass").decode()) in received(response)[2]


def test_credentials_in_a_url_are_used_for_it(session: HttpSession, reference: requests.Session, echo: Echo) -> None:
    url = f"http://user:pass@127.0.0.1:{echo.port}/a"
    ours = session.get(url)
    assert ours.took_engine
    assert received(ours) == received(reference.get(url))


def test_positional_arguments_are_those_of_locust(session: HttpSession) -> None:
    assert received(session.post("/a", "text"))[3] == b"text"
    assert received(session.post("/a", None, {"b": 1}))[3] == b'{"b": 1}'
    assert received(session.put("/a", "text"))[3] == b"text"
    assert received(session.patch("/a", "text"))[3] == b"text"
    assert received(session.get("/a", {"b": "c"}))[1] == "/a?b=c"


def test_a_response_has_all_that_a_requests_response_has(
    session: HttpSession, reference: requests.Session, echo: Echo
) -> None:
    path = "/status/404?say=h%C3%A4ll%C3%B6%0Aworld&type=text/plain; charset=utf-8&cookie=a=b; Path=/"
    ours, theirs = session.get(path), reference.get(echo.url + path)
    assert ours.took_engine
    for name in ("status_code", "reason", "url", "encoding", "content", "text", "ok", "is_redirect", "history", "next"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert list(ours.headers) == list(theirs.headers)
    assert ours.headers["content-TYPE"] == "text/plain; charset=utf-8"
    assert ours.cookies.get_dict() == theirs.cookies.get_dict()
    assert isinstance(ours.elapsed, timedelta)
    assert timedelta(0) < ours.elapsed < timedelta(seconds=5)
    assert list(ours.iter_content(4)) == list(theirs.iter_content(4))
    assert list(ours.iter_lines()) == list(theirs.iter_lines())
    assert list(ours) == list(theirs)
    assert bool(ours) is False
    assert repr(ours) == repr(theirs)
    assert ours.raw.read() == theirs.raw.read() == b""
    assert (ours.raw.status, ours.raw.version) == (theirs.raw.status, theirs.raw.version)
    assert ours.raw.headers.getlist("set-cookie") == theirs.raw.headers.getlist("set-cookie")
    with pytest.raises(requests.HTTPError) as raised:
        ours.raise_for_status()
    assert raised.value.response is ours
    ours.close()


def test_a_response_survives_pickling(session: HttpSession) -> None:
    response = session.get("/a")
    again = pickle.loads(pickle.dumps(response))
    assert again.json() == response.json()
    assert again.status_code == 200
    assert again.request.url == response.request.url
    assert not hasattr(response, "nonsense")
    assert not hasattr(again, "nonsense")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_encoded_bodies_are_decoded_and_counted_as_the_user_sees_them(session: HttpSession, encoding: str) -> None:
    response = session.get("/", params={"as": encoding, "say": "word " * 100}, name="encoded")
    assert response.took_engine
    assert response.text == "word " * 100
    entry = session.request_event.stats.recorder.entry("GET", "encoded")  # type: ignore[union-attr]
    assert entry.total_bytes == 500


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_have_none(session: HttpSession, method: str, status: int) -> None:
    response = session.request(method, f"/status/{status}")
    assert response.took_engine
    assert response.content == b""
    assert response.ok


def test_a_relative_url_without_a_host_ends_the_run() -> None:
    with pytest.raises(NoHost):
        new_session(None).get("/a")


def test_an_absolute_url_needs_no_host(echo: Echo) -> None:
    assert new_session(None).get(echo.url + "/a").status_code == 200


@pytest.mark.parametrize(
    ("url", "error"),
    [("http://", requests.exceptions.InvalidURL), ("http://*host/", requests.exceptions.InvalidURL)],
)
def test_urls_that_cannot_be_asked_for_are_raised_and_not_counted(session: HttpSession, url: str, error: Any) -> None:
    with pytest.raises(error):
        session.get(url)
    assert session.request_event.stats.recorder.total.num_requests == 0  # type: ignore[union-attr]
    assert session.gate.in_flight == 0


def test_files_of_the_disk_are_sent_whole(session: HttpSession, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789" * 20_000)
    with path.open("rb") as file:
        response = session.post("/a", data=file)
    assert response.took_engine
    assert received(response)[3] == path.read_bytes()
    with path.open("rb") as file:
        assert path.read_bytes() in received(session.post("/a", files={"f": file}))[3]


def test_many_different_urls_do_not_fill_the_memory(session: HttpSession) -> None:
    for number in range(100):
        session.get(f"/{number}", name="/[n]")
    assert len(session._kept) <= 32
    assert session.request_event.stats.recorder.entry("GET", "/[n]").num_requests == 100  # type: ignore[union-attr]
