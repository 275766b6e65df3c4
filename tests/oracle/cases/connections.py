"""Connections: when they are used again, by whom, how many there are, and what happens to one that has died."""

from typing import Any

import gevent
from gevent.pool import Pool

from tests.oracle.case import Case, Do, call, get, one_by_one, post
from tests.oracle.phrases import (
    CLIENT_POOL,
    CONCURRENCY,
    NO_PIPELINING,
    PARALLEL,
    POOLS,
    RETRIED_IF_ALLOWED,
    RETRIED_ONCE,
)
from tests.oracle.places import Places
from tests.oracle.ways import ENGINE, FAST, HTTP, REFERENCE, Client, Options

PIPELINING_CASES = [
    Case(NO_PIPELINING, "one after the other", get("/a", times=5)),
    Case(NO_PIPELINING, "slow answers", get("/a?wait=0.02", times=3)),
    Case(NO_PIPELINING, "posts", post("/a", data=b"x" * 100, times=3)),
    Case(NO_PIPELINING, "a chain of redirects", get("/a?to=/b", times=2)),
    Case(NO_PIPELINING, "a large answer", get("/a?size=1000000", times=2)),
    Case(NO_PIPELINING, "an informational answer", one_by_one(get("/a?before=100"), get("/b"))),
]


def hang_up(client: Client, places: Places) -> None:
    """The server closes what is idle, and the client's side gets to know."""
    server = places.log("plain")
    server.hang_up()
    gevent.sleep(0.005)


def hung_up(client: Client, places: Places) -> None:
    """The server has closed of its own accord, and the client's side gets to know."""
    server = places.log("plain")
    while server.open_connections:
        gevent.sleep(0.001)
    gevent.sleep(0.005)


def hang_up_as_it_comes(path: str, method: str, **arguments: Any) -> Do:
    """The server hangs up on a used connection just when the request has arrived: nobody knows whether it was heard."""
    return one_by_one(get("/first"), call(method, f"{path}?first=hang-up", **arguments), get("/afterwards"))


def asked_again(method: str, body: bytes = b"") -> Any:
    """Nobody but the clients asks again, so what has to come out is said here."""

    def checks(client: Client, received: list[Any]) -> None:
        if client.way in (FAST, ENGINE):
            assert [each.method for each in received] == ["GET", method, "GET"]
            assert [each.connection for each in received] == [0, 1, 1]
            assert received[1].body == body
            assert [response.status_code for response in client.responses] == [200, 200, 200]

    return checks


RETRY_CASES = [
    Case(RETRIED_ONCE, "a get, closed long before", one_by_one(get("/a"), hang_up, get("/b"), get("/c"))),
    Case(RETRIED_ONCE, "a head, closed long before", one_by_one(get("/a"), hang_up, call("HEAD", "/b"))),
    Case(RETRIED_ONCE, "a put, closed long before", one_by_one(get("/a"), hang_up, call("PUT", "/b", data=b"x"))),
    Case(RETRIED_ONCE, "a post, closed long before", one_by_one(get("/a"), hang_up, post("/b", data=b"x"))),
    Case(
        RETRIED_ONCE,
        "closed with the answer",
        # First, as what other cases have left open would be waited for.
        one_by_one(hang_up, get("/a?then=hang-up"), hung_up, get("/b?then=hang-up"), hung_up, post("/c")),
    ),
    Case(RETRIED_ONCE, "a get, closed as it comes", hang_up_as_it_comes("/b", "GET"), checks=asked_again("GET")),
    Case(
        RETRIED_ONCE,
        "an options, closed as it comes",
        hang_up_as_it_comes("/b", "OPTIONS"),
        checks=asked_again("OPTIONS"),
    ),
    Case(
        RETRIED_ONCE, "a delete, closed as it comes", hang_up_as_it_comes("/b", "DELETE"), checks=asked_again("DELETE")
    ),
    Case(RETRIED_ONCE, "over and over", one_by_one(*[step for n in range(4) for step in (get(f"/{n}"), hang_up)])),
]

ALLOWED_CASES = [
    Case(RETRIED_IF_ALLOWED, "a post is not", hang_up_as_it_comes("/b", "POST", data=b"order")),
    Case(RETRIED_IF_ALLOWED, "a patch is not", hang_up_as_it_comes("/b", "PATCH", data=b"change")),
    Case(
        RETRIED_IF_ALLOWED,
        "a put is",
        hang_up_as_it_comes("/b", "PUT", data=b"thing"),
        checks=asked_again("PUT", b"thing"),
    ),
    Case(RETRIED_IF_ALLOWED, "a post without a body is not", hang_up_as_it_comes("/b", "POST")),
    Case(RETRIED_IF_ALLOWED, "json is not", hang_up_as_it_comes("/b", "POST", json={"a": 1})),
]


def users(number: int, *steps: Do, shared: bool = False, **more: Any) -> Do:
    """Several users, one after the other, each with a session of its own."""

    def do(client: Client, places: Places) -> None:
        pool = client.options.shared
        options = Options(shared=pool, **more)
        for _ in range(number):
            other = Client(client.way, client.base_url, options)
            for step in steps:
                step(other, places)
            client.responses.extend(other.responses)
            client.note(other.books.recorder.total.num_requests if client.is_ours else other.calls)
            if not shared:
                other.close()
        if shared and client.way == FAST:
            pool[FAST].close()
        elif shared:
            pool[client.way].clear()

    return do


def sharing(places: Places) -> Options:
    return Options(shared={})


POOL_CASES = [
    Case(POOLS, "a user keeps its connection", get("/a", times=4)),
    Case(POOLS, "two users have one each", users(2, get("/a"), get("/b"))),
    Case(POOLS, "three users with bodies", users(3, post("/a", data={"b": "c"}), get("/d"))),
    Case(POOLS, "one for each host", lambda client, places: _two_hosts(client, places)),
    Case(POOLS, "a session that was closed goes on", lambda client, places: _closed(client, places)),
    Case(POOLS, "an answer that ends the connection", one_by_one(get("/a?how=close"), get("/b"), get("/c"))),
]


def _two_hosts(client: Client, places: Places) -> None:
    places.other.take()
    for path in ("/a", "/b"):
        client.get(path)
        client.get(places.other.url + path)
    client.note([(each.target, each.connection) for each in places.other.take()])


def _closed(client: Client, places: Places) -> None:
    client.get("/a")
    client.close()
    client.get("/b")


CLIENT_POOL_CASES = [
    Case(CLIENT_POOL, "two users share a connection", users(2, get("/a"), get("/b"), shared=True), options=sharing),
    Case(CLIENT_POOL, "five users, one after the other", users(5, get("/a"), shared=True), options=sharing),
    Case(
        CLIENT_POOL, "cookies are not shared", users(2, get("/a?cookie=b=1"), get("/b"), shared=True), options=sharing
    ),
    Case(CLIENT_POOL, "posts", users(3, post("/a", json={"b": 1}), shared=True), options=sharing),
    Case(
        CLIENT_POOL,
        "an error ends nobody else's",
        users(3, get("/a?status=500"), get("/b"), shared=True),
        options=sharing,
    ),
]


def at_once(requests: int, path: str, **arguments: Any) -> Do:
    """That many requests of one user at a time; plain requests does them one by one, which has to come out the same."""

    def do(client: Client, places: Places) -> None:
        paths = [f"{path}{number}" for number in range(requests)]
        if client.way in (REFERENCE, "requests"):
            for each in paths:
                client.get(each, **arguments)
        else:
            gevent.joinall([gevent.spawn(client.get, each, **arguments) for each in paths], raise_error=True)
        client.responses.sort(key=lambda response: response.url)

    return do


def most_connections(limit: int, at_least: int = 1) -> Any:
    def checks(client: Client, received: list[Any]) -> None:
        if client.way in (FAST, ENGINE):
            count = len({each.connection for each in received})
            assert at_least <= count <= limit, count

    return checks


CONCURRENCY_CASES = [
    Case(
        CONCURRENCY,
        "two at a time",
        at_once(6, "/a?wait=0.02&n="),
        options=Options(concurrency=2),
        ways=(FAST,),
        in_order=False,
        checks=most_connections(2, 2),
    ),
    Case(
        CONCURRENCY,
        "one at a time",
        at_once(4, "/a?wait=0.01&n="),
        options=Options(concurrency=1),
        ways=(FAST,),
        in_order=False,
        checks=most_connections(1),
    ),
    Case(
        CONCURRENCY,
        "ten at a time by default",
        at_once(15, "/a?wait=0.03&n="),
        ways=(FAST,),
        in_order=False,
        checks=most_connections(10, 10),
    ),
    Case(
        CONCURRENCY,
        "more than are needed",
        at_once(3, "/a?wait=0.02&n="),
        options=Options(concurrency=50),
        ways=(FAST,),
        in_order=False,
        checks=most_connections(3, 3),
    ),
    Case(
        CONCURRENCY,
        "errors give their place back",
        at_once(6, "/a?status=500&how=close&n="),
        options=Options(concurrency=2),
        ways=(FAST,),
        in_order=False,
    ),
]


def by_pool(size: int, requests: int, path: str, method: str = "GET", **arguments: Any) -> Do:
    """By gevent's pool, as locustfiles do it."""

    def do(client: Client, places: Places) -> None:
        pool = Pool(size)
        for number in range(requests):
            if client.way in (REFERENCE, "requests"):
                client.request(method, f"{path}{number}", **arguments)
            else:
                pool.spawn(client.request, method, f"{path}{number}", **arguments)
        pool.join(raise_error=True)
        client.responses.sort(key=lambda response: response.url)

    return do


PARALLEL_CASES = [
    Case(PARALLEL, "gets", by_pool(5, 20, "/a?wait=0.01&n="), in_order=False, checks=most_connections(5, 2)),
    Case(PARALLEL, "posts", by_pool(4, 12, "/a?wait=0.01&n=", "POST", json={"b": 1}), in_order=False),
    Case(PARALLEL, "chains of redirects", by_pool(4, 8, "/a?to=/b%3Fn=", "GET"), in_order=False),
    Case(PARALLEL, "cookies", by_pool(3, 9, "/a?n="), options=Options(cookies={"b": "1", "c": "2"}), in_order=False),
    Case(PARALLEL, "errors among them", by_pool(3, 9, "/a?how=close&status=500&n="), in_order=False),
    Case(
        PARALLEL, "with basic auth", by_pool(3, 9, "/a?n="), options=Options(auth=("ada", "lovelace")), in_order=False
    ),
]

CASES = [
    *PIPELINING_CASES,
    *RETRY_CASES,
    *ALLOWED_CASES,
    *POOL_CASES,
    *CLIENT_POOL_CASES,
    *CONCURRENCY_CASES,
    *PARALLEL_CASES,
]

__all__ = ["CASES", "HTTP"]
