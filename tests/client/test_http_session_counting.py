"""client/requests.py: what counts as what, with-blocks, redirects, failures, events, the end of a test."""

import gc
import socket
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import requests
from greenlet import GreenletExit

from gregaria.client.requests import HttpSession
from gregaria.engine.gate import Gate
from gregaria.engine.phases import PHASES
from gregaria.errors import (
    CatchResponseError,
    GregariaError,
    InterruptTaskSet,
    ResponseError,
    StopUser,
)
from tests.support.echo import Echo
from tests.support.http_session import Books, new_session

#: what sends a request by way of requests, for tests that are to hold on both ways
BOTH_WAYS = pytest.mark.parametrize(
    "way", [{}, {"hooks": {"response": lambda *_, **__: None}}], ids=["engine", "requests"]
)


class User:
    """As much of a user as a session asks for."""

    def __init__(self) -> None:
        self.gate = Gate()

    def context(self) -> dict[str, Any]:
        return {"user": "u", "both": "user"}


def free_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@BOTH_WAYS
def test_requests_are_named_by_path_and_query_of_the_first_request(
    session: HttpSession, books: Books, echo: Echo, way: dict[str, Any]
) -> None:
    session.get("/a?b=1", params={"c": "d e"}, **way)
    session.get(echo.url + "/absolute#fragment", **way)
    session.get("/status/302?to=/there", **way)
    session.get("/named", name="own", **way)
    assert list(books.counts()) == ["/a?b=1&c=d+e", "/absolute", "/status/302?to=/there", "own"]


@BOTH_WAYS
def test_a_block_may_rename_all_its_requests(session: HttpSession, books: Books, way: dict[str, Any]) -> None:
    session.get("/a", **way)
    session.get("/a", **way)
    with session.rename_request("renamed"):
        session.get("/a", **way)
        session.get("/a", name="own", **way)
    session.request_name = "set"
    session.get("/a", **way)
    assert books.counts() == {"/a": (2, 0, 0), "renamed": (1, 0, 0), "own": (1, 0, 0), "set": (1, 0, 0)}


def test_a_renaming_block_inside_another_gives_the_outer_name_back(session: HttpSession) -> None:
    with session.rename_request("outer"):
        with session.rename_request("inner"):
            pass
        assert session.request_name == "outer"
    assert session.request_name is None


@BOTH_WAYS
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (204, None),
        (304, None),
        (305, None),
        (404, "HTTPError('404 Client Error: Not Found for url: row')"),
        (503, "HTTPError('503 Server Error: Service Unavailable for url: row')"),
    ],
)
def test_a_status_from_400_is_a_failure_named_as_the_row(
    session: HttpSession, books: Books, way: dict[str, Any], status: int, error: str | None
) -> None:
    response = session.get(f"/status/{status}", name="row", **way)
    assert response.ok is (error is None)
    assert books.counts() == {"row": (1, 0 if error is None else 1, 0)}
    assert [repr(failure) for _, _, failure in books.failures] == ([error] if error else [])
    assert response.url.endswith(f"/status/{status}")


Ending = Callable[[Any], None]


def _say(*words: str) -> Ending:
    def ending(response: Any) -> None:
        for word in words:
            response.success() if word == "success" else response.failure(word)

    return ending


def _raise(error: BaseException, *words: str) -> Ending:
    def ending(response: Any) -> None:
        _say(*words)(response)
        raise error

    return ending


def _nothing(response: Any) -> None:
    return None


#: what the block does, status of the response, failure that is counted, exception that leaves the block
BLOCKS: dict[str, tuple[Ending, int, str | None, type[BaseException] | None]] = {
    "nothing, good": (_nothing, 200, None, None),
    "nothing, bad": (_nothing, 404, "HTTPError('404 Client Error: Not Found for url: row')", None),
    "success": (_say("success"), 404, None, None),
    "failure": (_say("why"), 200, "CatchResponseError('why')", None),
    "last word success": (_say("why", "success"), 500, None, None),
    "last word failure": (_say("success", "why"), 200, "CatchResponseError('why')", None),
    "ResponseError": (_raise(ResponseError("why")), 200, "ResponseError('why')", None),
    "CatchResponseError": (_raise(CatchResponseError("why")), 200, "CatchResponseError('why')", None),
    "exception after success": (_raise(KeyError("k"), "success"), 500, None, KeyError),
    "exception after failure": (_raise(KeyError("k"), "why"), 200, "CatchResponseError('why')", KeyError),
    "exception": (_raise(KeyError("k")), 200, "KeyError('k')", KeyError),
    "assertion": (_raise(AssertionError("no")), 200, "AssertionError('no')", AssertionError),
    "stop user": (_raise(StopUser()), 200, None, StopUser),
    "interrupt, bad": (
        _raise(InterruptTaskSet()),
        500,
        "HTTPError('500 Server Error: Internal Server Error for url: row')",
        InterruptTaskSet,
    ),
    "killed": (_raise(GreenletExit()), 200, None, GreenletExit),
}


@BOTH_WAYS
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_with_block_decides_what_the_request_counts_as(
    session: HttpSession,
    books: Books,
    way: dict[str, Any],
    block: tuple[Ending, int, str | None, type[BaseException] | None],
) -> None:
    ending, status, failure, leaves = block
    left: type[BaseException] | None = None
    try:
        with session.get(f"/status/{status}", name="row", catch_response=True, **way) as response:
            assert books.counts() == {}
            ending(response)
    except BaseException as error:
        left = type(error)
    assert left is leaves
    assert books.counts() == {"row": (1, 0 if failure is None else 1, 0)}
    assert [repr(error) for _, _, error in books.failures] == ([failure] if failure else [])


@BOTH_WAYS
def test_a_failure_may_be_any_exception(session: HttpSession, books: Books, way: dict[str, Any]) -> None:
    error = ValueError("too slow")
    with session.get("/", catch_response=True, **way) as response:
        response.failure(error)
        assert not response.ok
        with pytest.raises(ValueError, match="slow"):
            response.raise_for_status()
    assert books.failures[0][2] is error


@BOTH_WAYS
def test_a_block_may_change_what_is_reported(session: HttpSession, books: Books, way: dict[str, Any]) -> None:
    with session.get("/", catch_response=True, **way) as response:
        meta = response.request_meta
        assert (meta["name"], meta["request_type"], meta["exception"]) == ("/", "GET", None)
        meta["name"] = "by response"
        meta["response_time"] = 1234.5
        meta["response_length"] = 7
    assert books.counts() == {"by response": (1, 0, 0)}
    assert books.entry("by response").times.max_us == 1_234_500
    assert books.entry("by response").total_bytes == 7


@BOTH_WAYS
def test_without_catch_response_there_is_no_block_and_no_verdict(session: HttpSession, way: dict[str, Any]) -> None:
    response = session.get("/", **way)
    with pytest.raises(GregariaError, match="catch_response=True"), response:
        pass
    with pytest.raises(GregariaError, match="with-block"):
        response.success()
    with pytest.raises(GregariaError, match="with-block"):
        response.failure("x")
    with pytest.raises(GregariaError, match="with-block"):
        session.get("/", catch_response=True, **way).success()


@BOTH_WAYS
def test_a_response_that_nobody_entered_is_counted_when_it_is_dropped(
    session: HttpSession, books: Books, way: dict[str, Any]
) -> None:
    session.get("/status/404", name="row", catch_response=True, **way)
    gc.collect()
    assert books.counts() == {"row": (1, 1, 0)}


@BOTH_WAYS
def test_a_chain_of_redirects_is_one_request(
    session: HttpSession, books: Books, echo: Echo, way: dict[str, Any]
) -> None:
    before = len(echo.served)
    response = session.get("/status/302?to=/status/301%3Fto=/end&cookie=a=b; Path=/", name="chain", **way)
    assert response.took_engine
    assert response.json()["target"] == "/end"
    assert ["Cookie", "a=b"] in response.json()["headers"]
    assert [step.status_code for step in response.history] == [302, 301]
    assert response.history[1].history == [response.history[0]]
    assert response.url == echo.url + "/end"
    assert len(echo.served) - before == 3
    assert books.counts() == {"chain": (1, 0, 0)}
    assert books.entry("chain").total_bytes == len(response.content)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
def test_redirects_change_methods_bodies_and_headers_as_requests_does(
    session: HttpSession, echo: Echo, status: int, method: str
) -> None:
    arguments: dict[str, Any] = {"auth": ("user", "password"), "cookies": {"c": "d"}, "allow_redirects": True}
    if method in ("POST", "PUT"):
        arguments["json"] = {"a": 1}
    reference = requests.Session()
    reference.trust_env = False
    other_host = f"http://localhost:{echo.port}/end"
    for place in ("/end", "../end?x=y z#f", other_host, f"//127.0.0.1:{echo.port}/end"):
        params = {"to": place}
        path = f"/status/{status}"
        ours = session.request(method, path, params=params, **arguments)
        theirs = reference.request(method, echo.url + path, params=params, **arguments)
        assert ours.took_engine
        assert ours.url == theirs.url
        assert ours.request.headers == theirs.request.headers
        if method != "HEAD":
            told = ours.json(), theirs.json()
            assert told[0] == told[1]
    reference.close()


def test_redirects_are_left_alone_when_asked(session: HttpSession, books: Books) -> None:
    response = session.get("/status/302?to=/next", allow_redirects=False)
    assert response.took_engine
    assert (response.status_code, response.is_redirect, response.history) == (302, True, [])
    assert response.next is not None
    assert response.next.url == session.base_url + "/next"
    assert session.head("/status/302?to=/next").status_code == 302
    assert books.recorder.total.num_failures == 0


@BOTH_WAYS
def test_a_chain_without_end_is_a_failure(session: HttpSession, books: Books, way: dict[str, Any]) -> None:
    session.max_redirects = 3
    response = session.get(
        "/status/302?to=/status/302%3Fto=/status/302%253Fto=/status/302%25253Fto=/end", name="long", **way
    )
    assert response.status_code == 0
    assert isinstance(response.error, requests.TooManyRedirects)
    assert books.counts() == {"long": (1, 1, 0)}
    assert "3 redirects" in repr(books.failures[0][2])


def test_a_redirect_that_leads_nowhere_is_a_failure(session: HttpSession, books: Books) -> None:
    response = session.get("/status/302", params={"to": "ftp://127.0.0.1/x"}, name="row")
    assert response.status_code == 0
    assert books.counts() == {"row": (1, 1, 0)}
    response = session.get("/status/302", params={"to": f"http://127.0.0.1:{free_port()}/x"}, name="refused")
    assert isinstance(response.error, requests.ConnectionError)
    assert books.counts()["refused"] == (1, 1, 0)


@BOTH_WAYS
def test_a_refused_connection_is_a_response_with_status_0_and_a_readable_failure(
    session: HttpSession, books: Books, way: dict[str, Any]
) -> None:
    port = free_port()
    response = session.get(f"http://127.0.0.1:{port}/a", **way)
    assert (response.status_code, response.content, response.text, response.ok) == (0, None, "", False)
    assert isinstance(response.error, requests.ConnectionError)
    assert response.request.method == "GET"
    with pytest.raises(requests.ConnectionError):
        response.raise_for_status()
    assert books.counts() == {"/a": (1, 1, 0)}
    assert repr(books.failures[0][2]) == (
        f"ConnectionRefused('nothing listens on 127.0.0.1:{port} (the connection was refused)')"
    )


@BOTH_WAYS
def test_a_block_may_forgive_a_failed_connection(session: HttpSession, books: Books, way: dict[str, Any]) -> None:
    url = f"http://127.0.0.1:{free_port()}/a"
    with session.get(url, catch_response=True, **way) as response:
        assert response.status_code == 0
        response.success()
    with session.get(url, catch_response=True, **way):
        pass
    assert books.counts() == {"/a": (2, 1, 0)}


@BOTH_WAYS
@pytest.mark.parametrize("timeout", [0.1, (5, 0.1)])
def test_silence_is_a_read_timeout(session: HttpSession, books: Books, way: dict[str, Any], timeout: Any) -> None:
    response = session.get("/a?wait=1", timeout=timeout, name="row", **way)
    assert isinstance(response.error, requests.ReadTimeout)
    failure = books.failures[0][2]
    assert type(failure).__name__ == ("FirstByteTimeout" if response.took_engine else "ReadTimeout")
    assert books.counts() == {"row": (1, 1, 0)}


@BOTH_WAYS
def test_a_server_that_hangs_up_is_a_connection_error(session: HttpSession, books: Books, way: dict[str, Any]) -> None:
    response = session.get("/a?hang_up", name="row", **way)
    assert isinstance(response.error, requests.ConnectionError)
    assert books.counts() == {"row": (1, 1, 0)}


@BOTH_WAYS
def test_a_body_that_cannot_be_decoded_is_a_failure(session: HttpSession, books: Books, way: dict[str, Any]) -> None:
    response = session.get("/a?as=broken", name="row", **way)
    assert response.status_code == 0
    assert isinstance(response.error, requests.exceptions.ContentDecodingError)
    assert books.counts() == {"row": (1, 1, 0)}


@pytest.mark.parametrize(
    "arguments", [{"headers": {"A": "b\nc"}}, {"headers": {"A": 1}}, {"json": float("nan")}], ids=str
)
def test_what_cannot_be_sent_is_a_failure(session: HttpSession, books: Books, arguments: dict[str, Any]) -> None:
    response = session.post("/a", **arguments)
    assert response.status_code == 0
    assert isinstance(response.error, requests.RequestException)
    assert books.counts() == {"/a": (1, 1, 0)}


@pytest.mark.parametrize("cookie", ["b\r\nEvil: 1", "b\nEvil: 1"])
def test_a_line_break_cannot_be_smuggled_in(session: HttpSession, echo: Echo, cookie: str) -> None:
    before = len(echo.served)
    with pytest.raises(ValueError, match=r".+"):
        session.get("/a", cookies={"a": cookie})
    assert len(echo.served) == before


def test_somebodys_own_timeout_passes_and_the_request_is_counted(session: HttpSession, books: Books) -> None:
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
        session.get("/a?wait=1", name="row")
    assert books.counts() == {"row": (1, 1, 0)}


@BOTH_WAYS
def test_listeners_are_told_with_locusts_arguments(echo: Echo, books: Books, way: dict[str, Any]) -> None:
    told: list[dict[str, Any]] = []
    with new_session(echo.url, User(), books) as session:

        @session.request_event.add_listener
        def listen(**arguments: Any) -> None:
            # It is in the books before anybody is told.
            told.append({**arguments, "counted": books.recorder.total.num_requests})

        session.get("/a", params={"b": 1}, context={"both": "call"}, **way)
        response = session.get("/status/302", params={"to": "/status/404"}, name="chain", **way)
        with session.get("/c", catch_response=True, **way) as caught:
            caught.request_meta["name"] = "renamed"
            caught.failure("why")
        session.get(f"http://127.0.0.1:{free_port()}/d", **way)
    assert {name for event in told for name in event} == {
        *("request_type", "response_time", "name", "context", "response"),
        *("exception", "start_time", "url", "response_length", "counted"),
    }
    assert [event["counted"] for event in told] == [1, 2, 3, 4]
    assert [event["name"] for event in told] == ["/a?b=1", "chain", "renamed", "/d"]
    assert [type(event["exception"]).__name__ for event in told] == [
        *("NoneType", "HTTPError", "CatchResponseError", "ConnectionRefused"),
    ]
    phases = told[0]["context"].pop("phases")
    assert tuple(phases) == PHASES
    assert sum(phases.values()) == pytest.approx(told[0]["response_time"], abs=0.001)
    assert told[0]["context"] == {"user": "u", "both": "call"}
    assert told[0]["url"] == echo.url + "/a?b=1"
    assert told[1]["url"] == echo.url + "/status/302?to=%2Fstatus%2F404"
    assert told[1]["response"] is response
    assert told[0]["response_length"] == books.entry("/a?b=1").total_bytes
    assert 0 < told[0]["response_time"] < 5000
    assert abs(told[0]["start_time"] - told[1]["start_time"]) < 5
    assert books.counts() == {"/a?b=1": (1, 0, 0), "chain": (1, 1, 0), "renamed": (1, 1, 0), "/d": (1, 1, 0)}


def test_a_listener_added_later_is_told(session: HttpSession) -> None:
    told: list[str] = []
    session.get("/a")
    session.get("/a")
    session.request_event.add_listener(lambda name, **_: told.append(name))
    session.get("/a")
    assert told == ["/a"]


@BOTH_WAYS
def test_a_closed_gate_lets_nothing_out(echo: Echo, books: Books, way: dict[str, Any]) -> None:
    user = User()
    with new_session(echo.url, user, books) as session:
        session.get("/a", **way)
        user.gate.open = False
        before = len(echo.served)
        with pytest.raises(GreenletExit):
            session.get("/a", **way)
        assert len(echo.served) == before
        assert user.gate.in_flight == 0
    assert books.counts() == {"/a": (1, 0, 0)}


@BOTH_WAYS
@pytest.mark.parametrize("catch_response", [False, True])
@pytest.mark.parametrize("listening", [False, True])
def test_a_request_during_which_the_gate_closes_is_counted_told_and_the_last(
    echo: Echo, books: Books, way: dict[str, Any], catch_response: bool, listening: bool
) -> None:
    user = User()
    told: list[str] = []
    with new_session(echo.url, user, books) as session:
        if listening:
            session.request_event.add_listener(lambda name, **_: told.append(name))

        def close_gate(*_: Any, **__: Any) -> None:
            user.gate.open = False

        if way:
            way = {"hooks": {"response": close_gate}}
        else:
            gevent.spawn_later(0.02, close_gate)

        def task() -> None:
            response = session.get("/a?wait=0.1", name="row", catch_response=catch_response, **way)
            with response:
                pass

        with pytest.raises(GreenletExit):
            task()
    assert books.counts() == {"row": (1, 0, 0)}
    assert told == (["row"] if listening else [])


def test_a_chain_that_has_begun_goes_on_to_its_end(echo: Echo, books: Books) -> None:
    user = User()
    with new_session(echo.url, user, books) as session:
        gevent.spawn_later(0.02, setattr, user.gate, "open", False)
        with pytest.raises(GreenletExit):
            session.get("/status/302?wait=0.1&to=/end", name="chain")
    assert books.counts() == {"chain": (1, 0, 0)}


def test_a_user_killed_with_a_request_on_the_wire_leaves_it_interrupted(echo: Echo, books: Books) -> None:
    user = User()
    with new_session(echo.url, user, books) as session:
        greenlet = gevent.spawn(session.get, "/a?wait=0.3", name="row")
        gevent.sleep(0.05)
        assert user.gate.in_flight == 1
        greenlet.kill()
    assert books.counts() == {"row": (0, 0, 1)}
    assert user.gate.in_flight == 0


def test_several_greenlets_may_share_a_session(session: HttpSession, books: Books) -> None:
    greenlets = [gevent.spawn(session.get, "/a", params={"wait": "0.02", "n": n}, name="row") for n in range(10)]
    gevent.joinall(greenlets, raise_error=True)
    targets = sorted(greenlet.value.json()["target"] for greenlet in greenlets)
    assert targets == sorted(f"/a?wait=0.02&n={n}" for n in range(10))
    assert books.counts() == {"row": (10, 0, 0)}


def test_without_statistics_nothing_is_counted_and_all_works(echo: Echo) -> None:
    with new_session(echo.url) as session:
        session.request_event.stats = None
        assert session.get("/a").ok
        with session.get("/a", catch_response=True) as response:
            response.failure("x")
        assert not session.get("/status/404").ok
        assert session.get("/a", stream=True).ok


def test_a_stream_may_be_read_in_a_with_block(session: HttpSession, books: Books) -> None:
    with session.get("/a", catch_response=True, stream=True) as response:
        length = sum(len(part) for part in response.iter_content(3))
        if length < 3:
            response.failure("too short")
    assert books.counts() == {"/a": (1, 0, 0)}
    with session.get("/b", catch_response=True, stream=True) as response:
        assert response.content
    assert books.counts()["/b"] == (1, 0, 0)


def test_rows_that_were_cleared_are_made_anew(session: HttpSession, books: Books) -> None:
    session.get("/a")
    session.get("/a")
    books.recorder.clear()
    session.get("/a")
    assert books.counts() == {"/a": (1, 0, 0)}


def test_a_chain_walked_again_sends_what_is_right_now(session: HttpSession, echo: Echo) -> None:
    def tell() -> dict[str, str]:
        response = session.get("/status/302?to=/status/307%3Fto=/end")
        assert [step.status_code for step in response.history] == [302, 307]
        assert response.request.url == response.url == echo.url + "/end"
        return dict(response.json()["headers"])

    assert tell() == tell()
    session.headers["Token"] = "1"
    assert tell()["Token"] == "1"
    session.cookies.set("a", "b")
    assert tell()["Cookie"] == "a=b"
    session.get("/?cookie=c=d; Path=/")
    assert tell()["Cookie"] == "a=b; c=d"
    session.auth = ("user", "password")
    assert tell()["Authorization"] == tell()["Authorization"]
    del session.headers["Token"]
    assert "Token" not in tell()


def test_a_session_with_rules_of_its_own_for_redirects_is_obeyed(echo: Echo, books: Books) -> None:
    class Counting(HttpSession):
        steps = 0

        def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
            self.steps += 1
            prepared_request.headers["Step"] = str(self.steps)

    with Counting(echo.url, new_session(echo.url, books=books).request_event) as session:
        for number in (1, 2, 3):
            response = session.get("/status/302?to=/end")
            assert response.took_engine
            assert ["Step", str(number)] in response.json()["headers"]


def test_a_cookie_taken_out_comes_back_when_the_server_sets_it_again(session: HttpSession) -> None:
    for _ in range(3):
        session.get("/?cookie=a=1; Path=/")
    session.cookies.clear()
    session.get("/?cookie=a=1; Path=/")
    assert session.cookies.get_dict() == {"a": "1"}
    session.cookies = requests.cookies.cookiejar_from_dict({})
    session.get("/?cookie=a=1; Path=/")
    assert session.cookies.get_dict() == {"a": "1"}


def test_times_that_the_engine_has_not_taken_may_be_doubted(session: HttpSession, books: Books) -> None:
    session.get("/a")
    session.get("/a", hooks={"response": lambda *_, **__: None})
    assert books.doubted == []
    session.use_requests = True
    session.get("/a")
    assert len(books.doubted) == 1
