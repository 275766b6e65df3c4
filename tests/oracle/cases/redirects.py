"""Redirects: followed or not, how far, and what the response remembers of them."""

from typing import Any
from urllib.parse import quote

from tests.oracle.case import Case, call, get, one_by_one, post
from tests.oracle.phrases import ALLOW_REDIRECTS, HISTORY, MAX_REDIRECTS
from tests.oracle.places import Places
from tests.oracle.ways import HTTP, Client, Options


def chain(*steps: str) -> str:
    """A URL that leads to the last of these by way of the others."""
    url = steps[-1]
    for step in reversed(steps[:-1]):
        url = f"{step}{'&' if '?' in step else '?'}to={quote(url, safe='')}"
    return url


def long_chain(steps: int) -> str:
    """A chain of that many redirects."""
    return chain(*(f"/{number}" for number in range(steps + 1)))


def to_the_other(path: str, **arguments: Any) -> Any:
    """From one server to another."""

    def do(client: Client, places: Places) -> None:
        client.get(f"{path}to={quote(places.other.url + '/there', safe='')}", **arguments)
        received = places.other.take()
        client.note(
            [(each.method, each.target, each.header("Authorization"), each.header("Cookie")) for each in received]
        )

    return do


def _to_no_url(client: Client, places: Places) -> None:
    """requests itself raises a plain ValueError for some of these, the clients a response that says what failed."""
    for auth in (None, _as_it_is):
        try:
            response = client.session.get(client.base_url + "/a?to=http://[b", auth=auth)
        except ValueError:
            client.note("fails")
        else:
            client.note("fails" if response.error is not None and "leads nowhere" in str(response.error) else response)
        client.calls += 1
    client.get("/afterwards")


def _as_it_is(request: Any) -> Any:
    """An auth that requests has to deal with."""
    return request


ALLOW_CASES = [
    Case(ALLOW_REDIRECTS, "not followed", get("/a?to=/b", allow_redirects=False)),
    Case(ALLOW_REDIRECTS, "followed", get("/a?to=/b", allow_redirects=True)),
    Case(ALLOW_REDIRECTS, "a post not followed", post("/a?to=/b", data={"c": "d"}, allow_redirects=False)),
    Case(
        ALLOW_REDIRECTS,
        "one way and the other",
        one_by_one(get("/a?to=/b", allow_redirects=False), get("/a?to=/b"), get("/a?to=/b", allow_redirects=False)),
    ),
    *[
        Case(ALLOW_REDIRECTS, f"a {method} with {status}", call(method, f"/a?to=/b&status={status}", data=b"body"))
        for method in ("POST", "PUT", "DELETE")
        for status in (301, 302, 303, 307, 308)
    ],
    Case(ALLOW_REDIRECTS, "an options followed", call("OPTIONS", "/a?to=/b", allow_redirects=True)),
    Case(
        ALLOW_REDIRECTS, "300 and 304 lead nowhere", one_by_one(get("/a?to=/b&status=300"), get("/a?to=/b&status=304"))
    ),
    Case(ALLOW_REDIRECTS, "without a Location", get("/a?status=302")),
    Case(ALLOW_REDIRECTS, "to a relative place", get(chain("/one/two", "three/../four?x=y"))),
    Case(ALLOW_REDIRECTS, "to a query", get(chain("/one/two", "?x=y"))),
    Case(ALLOW_REDIRECTS, "to a place with odd characters", get(chain("/a", "/b c?d=%20%C3%BC&e=[1]"))),
    Case(ALLOW_REDIRECTS, "to a place with a fragment", get(chain("/a", "/b#part"))),
    Case(ALLOW_REDIRECTS, "a fragment that is kept", get("/a?to=/b#part")),
    Case(ALLOW_REDIRECTS, "own headers go along", get("/a?to=/b", headers={"X-Own": "1", "Cookie": "a=1"})),
    Case(ALLOW_REDIRECTS, "auth goes along", get("/a?to=/b", auth=("ada", "lovelace"))),
    Case(ALLOW_REDIRECTS, "with a body of its own", get("/a?to=/b&say=moved&how=chunked")),
    Case(ALLOW_REDIRECTS, "to another server", one_by_one(to_the_other("/a?"), get("/afterwards")), counted=None),
    Case(ALLOW_REDIRECTS, "to what is no URL", _to_no_url, ways=HTTP),
    Case(ALLOW_REDIRECTS, "by nginx", one_by_one(get("/moved"), get("/folder")), server="nginx"),
]

MAX_CASES = [
    Case(MAX_REDIRECTS, "three of three", get(long_chain(3)), options=Options(max_redirects=3)),
    Case(MAX_REDIRECTS, "four of three", get(long_chain(4)), options=Options(max_redirects=3)),
    Case(MAX_REDIRECTS, "none", get(long_chain(1)), options=Options(max_redirects=0)),
    Case(MAX_REDIRECTS, "thirty are followed", get(long_chain(6), times=5)),
    Case(MAX_REDIRECTS, "one of one, again and again", get(long_chain(1), times=3), options=Options(max_redirects=1)),
    Case(MAX_REDIRECTS, "a post", post(long_chain(3), data={"a": "b"}), options=Options(max_redirects=2)),
    Case(
        MAX_REDIRECTS,
        "afterwards all is well",
        one_by_one(get(long_chain(4)), get("/ok"), get(long_chain(2))),
        options=Options(max_redirects=2),
    ),
]


def _of_each_step(client: Client, places: Places) -> None:
    response = client.get(chain("/a?say=one&h=X-A:%201", "/b?say=two&status=301", "/c"))
    client.note([(step.status_code, step.content, step.headers.get("X-A")) for step in response.history])


def _of_history(client: Client, places: Places) -> None:
    response = client.get(long_chain(3))
    client.note([[earlier.url for earlier in step.history] for step in response.history])


def _of_requests(client: Client, places: Places) -> None:
    response = client.post(chain("/a?status=307", "/b?status=302", "/c"), data={"x": "y"})
    client.note([(step.request.method, step.request.url, step.request.body) for step in [*response.history, response]])


def _by_next(client: Client, places: Places) -> None:
    response = client.get(chain("/a", "/b", "/c"), allow_redirects=False)
    steps = []
    while response.next is not None:
        steps.append((response.next.method, response.next.url))
        response = client.attempt(lambda step=response.next: client.session.send(step, allow_redirects=False))
        assert len(steps) < 5
    client.note(steps)


HISTORY_CASES = [
    Case(HISTORY, "of one step", get(long_chain(1))),
    Case(HISTORY, "of three steps", get(long_chain(3))),
    Case(HISTORY, "of three steps, twice", get(long_chain(3), times=2)),
    Case(HISTORY, "of none", get("/a")),
    Case(
        HISTORY,
        "each step is a response",
        _of_each_step,
        counted={chain("/a?say=one&h=X-A:%201", "/b?say=two&status=301", "/c"): 1},
    ),
    Case(
        HISTORY,
        "each step has its request",
        _of_requests,
        ways=HTTP,
        counted={chain("/a?status=307", "/b?status=302", "/c"): 1},
    ),
    Case(HISTORY, "each step has a history of its own", _of_history, ways=HTTP),
    Case(HISTORY, "step by step", _by_next, ways=HTTP, counted=None),
    Case(HISTORY, "an error at its end", get(chain("/a", "/b?status=500"))),
    Case(HISTORY, "cookies set on the way", get(chain("/a?cookie=one=1", "/b?cookie=two=2", "/c"), times=2)),
]

CASES = [*ALLOW_CASES, *MAX_CASES, *HISTORY_CASES]
