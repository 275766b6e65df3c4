"""Requests by the names of their methods, what a response tells of its request, and what listeners are told."""

import pickle
from io import BytesIO
from typing import Any

import pytest

from gregaria.errors import GregariaError
from tests.oracle.case import Case, Do, get, one_by_one
from tests.oracle.phrases import BY_NAME
from tests.oracle.places import Places
from tests.oracle.ways import FAST, HTTP, Client


def verb(name: str, **arguments: Any) -> Do:
    def do(client: Client, places: Places) -> None:
        for _ in range(2):
            client.verb(name, "/a?b=c", **arguments)

    return do


def _of_the_request(client: Client, places: Places) -> None:
    for response in (client.get("/a?b=c"), client.post("/a", data=b"body", headers={"X-Own": "1"})):
        request = response.request
        client.note([request.method, request.url, request.body, request.headers["Accept"]])
    client.note(request.headers["x-own"])


def _payload(client: Client, places: Places) -> None:
    response = client.post("/a", data=b"body")
    if client.way == FAST:
        assert [response.request.payload, response._request.method, bool(response)] == [b"body", "POST", True]
        assert repr(response) == "<FastResponse [200]>"
        assert len(response.cookies) == 0


def _truth(client: Client, places: Places) -> None:
    client.note([bool(client.get("/a")), bool(client.get("/a?status=404")), client.get("/a?status=302").ok])


def _listened_to(client: Client, places: Places) -> None:
    heard: list[Any] = []
    if client.is_ours:
        client.session.request_event.add_listener(lambda **fields: heard.append(fields))
    for path in ("/a", "/a", "/b?status=404", "/c?to=/d", "/e?as=gzip&size=1000"):
        client.get(path)
    client.post("/f", data={"a": 1}, name="form", context={"step": 1})
    if client.is_ours:
        assert [(each["request_type"], each["name"], each["response_length"]) for each in heard] == [
            ("GET", "/a", 5),
            ("GET", "/a", 5),
            ("GET", "/b?status=404", 5),
            ("GET", "/c?to=/d", 5),
            ("GET", "/e?as=gzip&size=1000", 1000),
            ("POST", "form", 5),
        ]
        assert [each["exception"] is not None for each in heard] == [False, False, True, False, False, False]
        assert [each["response"] for each in heard] == client.responses
        assert all(each["response_time"] > 0 and each["start_time"] > 1.7e9 for each in heard)
        assert [each["url"].removeprefix(client.base_url) for each in heard][3] == "/c?to=/d"
        # What went by requests has no phases.
        assert (heard[-1]["context"].pop("phases") is None) == (client.way == "requests")
        assert heard[-1]["context"] == {"step": 1}


def _renamed_in_a_block(client: Client, places: Places) -> None:
    if not client.is_ours:
        client.get("/a")
    else:
        with client.get("/a", catch_response=True) as response:
            response.request_meta["name"] = "other"
            response.request_meta["response_length"] = 7
        assert client.books.entry("other").num_requests == 1
        assert client.books.entry("other").total_bytes == 7
    client.responses[:] = [response.status_code for response in client.responses]


def _dropped(client: Client, places: Places) -> None:
    for path in ("/a", "/b?status=404"):
        if client.is_ours:
            client.calls += 1
            client.session.get(path, catch_response=True)
        else:
            client.get(path)
    client.responses.clear()
    if client.is_ours:
        assert client.books.counts() == {"/a": (1, 0, 0), "/b?status=404": (1, 1, 0)}


def _outside_a_block(client: Client, places: Places) -> None:
    """Judging a response, and with-blocks, without catch_response=True."""
    response = client.get("/a")
    if not client.is_ours:
        return
    for use in (response.success, lambda: response.failure("no"), response.__enter__):
        with pytest.raises(GregariaError, match="catch_response=True"):
            use()
    assert client.books.counts() == {"/a": (1, 0, 0)}


def _by_locusts_names(client: Client, places: Places) -> None:
    response = client.get("/a?status=404")
    if not client.is_ours:
        return
    error = response.failure_reason()
    assert [repr(error), str(error), error.code] == ["LocustBadStatusCode(code=404)", "code=404", 404]
    assert client.session.client.redirect_response_codes == [301, 302, 303, 307, 308]


def _lines(client: Client, places: Places) -> None:
    if client.way == FAST:
        client.calls += 1
        client.note(list(client.session.iter_lines("/a?say=one%0Atwo")))
        return
    response = client.get("/a?say=one%0Atwo")
    client.responses.pop()
    client.note(list(response.iter_lines(decode_unicode=True)))


def _way(client: Client, places: Places) -> None:
    client.get("/a")
    if client.is_ours:
        plain, hooked = (
            client.session.why_requests("GET"),
            client.session.why_requests("GET", hooks={"response": [print]}),
        )
        assert (plain is None) == (client.way == "engine")
        assert hooked
        assert client.session.way("GET") == {"engine": "engine", "requests": "requests"}[client.way]


def _deleted(client: Client, places: Places) -> None:
    client.get("/a")
    client.headers["X-Own"] = "1"
    client.get("/a")
    del client.headers["X-Own"]
    client.get("/a")


def _raw_of_fast(client: Client, places: Places) -> None:
    for streams in (True, False):
        response = client.get("/a?size=50", stream=streams)
        source = response.stream if client.way == FAST else response.raw if streams else BytesIO(response.content)
        client.note(source.read(50))
    del client.responses[::2]


def _copied(client: Client, places: Places) -> None:
    client.get("/a?cookie=b=1&cookie=c=2;Max-Age=1000")
    for other in (client.jar.copy(), pickle.loads(pickle.dumps(client.jar))):
        client.note(sorted((cookie.name, cookie.value) for cookie in other))
        other.clear()
    client.note([len(client.jar), "b" in client.jar, client.jar.get("c"), client.jar.get("d", "none")])
    client.jar.clear_expired_cookies()
    client.jar.clear_session_cookies()
    client.get("/b")


CASES = [
    Case(BY_NAME, "a timeout", get("/a", timeout=5)),
    Case(BY_NAME, "two timeouts", get("/a", timeout=(5, None)), ways=HTTP),
    Case(BY_NAME, "a timeout that is over", one_by_one(get("/a?wait=0.4", timeout=0.1), get("/b"))),
    Case(BY_NAME, "a stream's own bytes", _raw_of_fast, ways=(FAST,)),
    Case(BY_NAME, "a jar that is copied", _copied),
    Case(BY_NAME, "put", verb("put", data=b"body")),
    Case(BY_NAME, "put of JSON", verb("put", json={"a": 1}), ways=HTTP),
    Case(BY_NAME, "patch", verb("patch", data=b"body")),
    Case(BY_NAME, "delete", verb("delete", data=b"body")),
    Case(BY_NAME, "delete without a body", verb("delete"), ways=HTTP),
    Case(BY_NAME, "options", verb("options", data=b"body")),
    Case(BY_NAME, "the response's request", _of_the_request),
    Case(BY_NAME, "the payload", _payload, ways=(FAST,)),
    Case(BY_NAME, "truth of a response", _truth),
    Case(BY_NAME, "listeners", _listened_to),
    Case(BY_NAME, "a block that renames", _renamed_in_a_block),
    Case(BY_NAME, "a caught response that nobody looks at", _dropped),
    Case(BY_NAME, "judged outside of a with-block", _outside_a_block),
    Case(BY_NAME, "what Locust's client has", _by_locusts_names, ways=(FAST,)),
    Case(BY_NAME, "lines", _lines),
    Case(BY_NAME, "which way", _way, ways=HTTP),
    Case(BY_NAME, "a header that comes and goes", _deleted),
    Case(BY_NAME, "deflate", one_by_one(get("/a?as=deflate&size=500"), get("/b"))),
]
