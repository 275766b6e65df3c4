"""Everything else that a requests.Session has: hooks, adapters, auth, prepared requests. HttpUser's alone, mostly."""

from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth, HTTPProxyAuth
from requests_oauthlib import OAuth1

from tests.oracle.case import Case, Do, Fresh, call, get, one_by_one, post
from tests.oracle.phrases import ADAPTERS, AUTH, HOOKS, PREPARED, REQUEST_OBJECTS, THIRD_PARTY_AUTH
from tests.oracle.places import Places
from tests.oracle.ways import HTTP, Client, Options
from tests.support.digest import PASSWORD, USER


def noting(client: Client) -> Callable[..., None]:
    """A hook that notes what it was called with."""

    def hook(response: Any, *positional: Any, **named: Any) -> None:
        client.note(
            (response.status_code, response.url, response.content, len(response.history), sorted(named), positional)
        )

    return hook


def hooked(url: str, method: str = "GET", times: int = 1, **arguments: Any) -> Do:
    def do(client: Client, places: Places) -> None:
        for _ in range(times):
            client.request(method, url, hooks={"response": noting(client)}, **arguments)

    return do


def _of_the_session(client: Client, places: Places) -> None:
    client.session.hooks["response"].append(noting(client))
    client.get("/a")
    client.post("/b", data={"c": "d"})
    client.session.hooks["response"].clear()
    client.get("/c")


def _changing(client: Client, places: Places) -> None:
    def hook(response: Any, **_: Any) -> Any:
        response.headers["X-Changed"] = "yes"
        response.encoding = "utf-16"
        return response

    client.get("/a", hooks={"response": hook})


def _replacing(client: Client, places: Places) -> None:
    def hook(response: Any, **_: Any) -> Any:
        other = requests.Request("GET", client.base_url + "/b").prepare()
        return client.session.send(other, allow_redirects=False)

    client.get("/a", hooks={"response": [lambda response, **_: None, hook]})


def _two_of_them(client: Client, places: Places) -> None:
    order: list[str] = []
    client.session.hooks["response"] = [lambda response, **_: order.append("session")]
    client.get("/a", hooks={"response": [lambda response, **_: order.append("call")]})
    client.get("/b")
    client.note(order)


HOOK_CASES = [
    Case(HOOKS, "of a call", hooked("/a", times=2), ways=HTTP),
    Case(HOOKS, "of a post", hooked("/a", "POST", json={"b": 1}), ways=HTTP),
    Case(HOOKS, "of an error", hooked("/a?status=500"), ways=HTTP),
    Case(HOOKS, "of a chain of redirects", hooked("/a?to=/b"), ways=HTTP),
    Case(HOOKS, "of the session", _of_the_session, ways=HTTP),
    Case(HOOKS, "one that changes the response", _changing, ways=HTTP),
    Case(HOOKS, "one that replaces the response", _replacing, ways=HTTP, counted={"/b": 1}),
    Case(HOOKS, "one of the call, one of the session", _two_of_them, ways=HTTP),
]


class Marking(HTTPAdapter):
    """Puts a mark on each request."""

    def add_headers(self, request: Any, **_: Any) -> None:
        request.headers["X-Mark"] = "1"


class Answering(HTTPAdapter):
    """Answers by itself."""

    def send(self, request: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        response = requests.Response()
        response.status_code = 200
        response.url = request.url
        response.request = request
        response._content = b"by the adapter"
        response.headers["Content-Length"] = "14"
        return response


def mounted(prefix: str, adapter: Callable[[], Any], *steps: Do) -> Do:
    def do(client: Client, places: Places) -> None:
        client.session.mount(prefix, adapter())
        for step in steps:
            step(client, places)

    return do


def _for_a_path(client: Client, places: Places) -> None:
    client.get("/b")
    client.session.mount(client.base_url + "/a", Marking())
    client.get("/a/1")
    client.get("/b")


ADAPTER_CASES = [
    Case(ADAPTERS, "one that adds a header", mounted("http://", Marking, get("/a"), post("/b", json={})), ways=HTTP),
    Case(ADAPTERS, "one for a path", _for_a_path, ways=HTTP),
    Case(
        ADAPTERS,
        "requests' own, with retries",
        mounted("http://", lambda: HTTPAdapter(max_retries=2), get("/a")),
        ways=HTTP,
    ),
    Case(
        ADAPTERS,
        "one with a pool of its own size",
        mounted("http://", lambda: HTTPAdapter(pool_connections=1, pool_maxsize=1), get("/a", times=3)),
        ways=HTTP,
    ),
    Case(ADAPTERS, "one for another scheme", mounted("other://", Marking, get("/a", times=2)), ways=HTTP),
    Case(
        ADAPTERS,
        "one that answers by itself",
        lambda client, places: (
            client.session.mount(client.base_url + "/a", Answering()),
            client.note(client.get("/a/1").content),
            client.responses.pop(0),
        )[0],
        ways=HTTP,
    ),
]


class TokenAuth(AuthBase):
    """As applications write one."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Token {self.token}"
        request.headers["X-Length"] = str(len(request.body or b""))
        return request


def _signing(request: Any) -> Any:
    request.prepare_url(request.url, {"signature": "1"})
    return request


def _session_auth(client: Client, places: Places) -> None:
    client.session.auth = TokenAuth("session")
    client.get("/a")
    client.get("/b", auth=TokenAuth("call"))
    client.get("/c", auth=("ada", "lovelace"))
    client.session.auth = None
    client.get("/d")


def _digest(url: str, method: str = "GET", times: int = 1, **arguments: Any) -> Do:
    def do(client: Client, places: Places) -> None:
        auth = HTTPDigestAuth(USER, PASSWORD)
        for _ in range(times):
            client.request(method, url, auth=auth, **arguments)

    return do


AUTH_CASES = [
    Case(AUTH, "a pair", get("/basic", auth=("ada", "lovelace"))),
    Case(AUTH, "a pair that is not ASCII", get("/basic", auth=("adä", "lövelace"))),
    Case(
        AUTH,
        "the session's pair",
        one_by_one(get("/basic"), post("/basic", json={})),
        options=Options(auth=("ada", "lovelace")),
    ),
    Case(AUTH, "a pair with a colon in the password", get("/basic", auth=("ada", "love:lace"))),
    Case(AUTH, "Basic as an object", get("/basic", auth=HTTPBasicAuth("ada", "lovelace")), ways=HTTP),
    Case(AUTH, "Digest", _digest("/digest"), ways=HTTP),
    Case(AUTH, "Digest, twice with one object", _digest("/digest", times=2), ways=HTTP),
    Case(AUTH, "Digest with a body", _digest("/digest", "POST", data={"a": "b"}), ways=HTTP),
    Case(
        AUTH,
        "Digest with a wrong password",
        get("/digest", auth=Fresh(lambda: HTTPDigestAuth(USER, "wrong"))),
        ways=HTTP,
    ),
    Case(AUTH, "a proxy's", get("/a", auth=HTTPProxyAuth("ada", "lovelace")), ways=HTTP),
    Case(AUTH, "a class of one's own", post("/a", auth=TokenAuth("t"), data={"b": "c"}), ways=HTTP),
    Case(AUTH, "a function", get("/a?b=c", auth=_signing), ways=HTTP),
    Case(AUTH, "the session's, the call's, none", _session_auth, ways=HTTP),
    Case(
        AUTH,
        "in the URL",
        lambda client, places: client.get(client.base_url.replace("//", "//ada:love%3Alace@") + "/basic"),
        ways=HTTP,
    ),
    Case(AUTH, "none, and refused", get("/basic")),
]


def prepared(
    method: str, path: str, change: Callable[[Any], None] | None = None, session: bool = True, **arguments: Any
) -> Do:
    """A request prepared first and sent then."""

    def do(client: Client, places: Places) -> None:
        sent = dict(arguments.pop("sent", {})) if "sent" in arguments else {}
        request = requests.Request(method, client.base_url + path, **arguments)
        ready = client.session.prepare_request(request) if session else request.prepare()
        if change is not None:
            change(ready)
        client.attempt(lambda: client.session.send(ready, **sent))

    return do


def _sign(ready: Any) -> None:
    ready.headers["X-Signature"] = f"{ready.method} {ready.path_url} {len(ready.body or '')}"


def _twice(client: Client, places: Places) -> None:
    ready = client.session.prepare_request(requests.Request("POST", client.base_url + "/a", json={"b": 1}))
    for _ in range(2):
        client.attempt(lambda: client.session.send(ready))


def _with_cookies(client: Client, places: Places) -> None:
    client.get("/a?cookie=b=1")
    ready = client.session.prepare_request(requests.Request("GET", client.base_url + "/c", cookies={"d": "2"}))
    client.attempt(lambda: client.session.send(ready))


PREPARED_CASES = [
    Case(PREPARED, "a get", prepared("GET", "/a?b=c"), ways=HTTP),
    Case(PREPARED, "a post with a form", prepared("POST", "/a", data={"b": "c"}), ways=HTTP),
    Case(PREPARED, "changed before it is sent", prepared("POST", "/a", _sign, json={"b": 1}), ways=HTTP),
    Case(PREPARED, "without the session", prepared("GET", "/a", session=False, headers={"X-A": "1"}), ways=HTTP),
    Case(PREPARED, "sent twice", _twice, ways=HTTP),
    Case(PREPARED, "with cookies", _with_cookies, ways=HTTP),
    Case(PREPARED, "an error", prepared("GET", "/a?status=404"), ways=HTTP),
    Case(PREPARED, "a redirect", prepared("GET", "/a?to=/b"), ways=HTTP),
    Case(
        PREPARED,
        "a redirect, not followed",
        lambda client, places: client.attempt(
            lambda: client.session.send(
                client.session.prepare_request(requests.Request("GET", client.base_url + "/a?to=/b")),
                allow_redirects=False,
            )
        ),
        ways=HTTP,
    ),
]


def _request(method: str, path: str, **arguments: Any) -> Do:
    """By a requests.Request object and its own ways."""
    return prepared(method, path, **arguments)


REQUEST_CASES = [
    Case(
        REQUEST_OBJECTS,
        "with params and headers",
        _request("GET", "/a", params={"b": "c"}, headers={"X-A": "1"}),
        ways=HTTP,
    ),
    Case(REQUEST_OBJECTS, "with files", _request("POST", "/a", files={"f": ("a.txt", b"b")}), ways=HTTP),
    Case(REQUEST_OBJECTS, "with auth", _request("GET", "/a", auth=("ada", "lovelace")), ways=HTTP),
    Case(REQUEST_OBJECTS, "with auth of a class", _request("GET", "/a", auth=TokenAuth("t")), ways=HTTP),
    Case(REQUEST_OBJECTS, "with cookies", _request("GET", "/a", cookies={"b": "c"}), ways=HTTP),
    Case(REQUEST_OBJECTS, "with json", _request("PUT", "/a", json={"b": "c"}), ways=HTTP),
    Case(REQUEST_OBJECTS, "with a method of one's own", _request("PURGE", "/a"), ways=HTTP),
    Case(
        REQUEST_OBJECTS,
        "with hooks",
        lambda client, places: _request("GET", "/a", hooks={"response": [noting(client)]})(client, places),
        ways=HTTP,
    ),
]


def oauth(**arguments: Any) -> OAuth1:
    return OAuth1("key", client_secret="secret", nonce="1", timestamp="1700000000", **arguments)


THIRD_PARTY_CASES = [
    Case(THIRD_PARTY_AUTH, "OAuth 1 of a get", get("/a?b=c", auth=oauth()), ways=HTTP),
    Case(THIRD_PARTY_AUTH, "OAuth 1 of a form", post("/a", data={"b": "c"}, auth=oauth()), ways=HTTP),
    Case(
        THIRD_PARTY_AUTH,
        "OAuth 1 with a token",
        get("/a", auth=oauth(resource_owner_key="token", resource_owner_secret="more")),
        ways=HTTP,
    ),
    Case(THIRD_PARTY_AUTH, "OAuth 1 in the query", get("/a?b=c", auth=oauth(signature_type="query")), ways=HTTP),
    Case(
        THIRD_PARTY_AUTH,
        "OAuth 1 in the body",
        call("POST", "/a", data={"b": "c"}, auth=oauth(signature_type="body")),
        ways=HTTP,
    ),
    Case(THIRD_PARTY_AUTH, "OAuth 1 of JSON", post("/a", json={"b": 1}, auth=oauth()), ways=HTTP),
    Case(
        THIRD_PARTY_AUTH,
        "OAuth 1 of the session",
        lambda client, places: (
            setattr(client.session, "auth", oauth()),
            client.get("/a"),
            client.post("/b", data={"c": "d"}),
        )[0],
        ways=HTTP,
    ),
]

CASES = [
    *HOOK_CASES,
    *ADAPTER_CASES,
    *AUTH_CASES,
    *PREPARED_CASES,
    *REQUEST_CASES,
    *THIRD_PARTY_CASES,
]
