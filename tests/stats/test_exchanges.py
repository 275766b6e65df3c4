import base64
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from gregaria.client.requests import HttpSession
from gregaria.client.session import FastHttpSession
from gregaria.environment import Environment
from gregaria.settings import settings
from gregaria.stats.exchanges import Exchange, Half, exchange_of
from gregaria.stats.masking import Mask
from gregaria.stats.table import RequestStats
from tests.client.faults import FAULTS
from tests.support.echo import Echo, echo_server
from tests.support.fault_server import fault_server
from tests.support.wire import Wire


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with echo_server() as server:
        yield server


@pytest.fixture
def environment() -> Environment:
    return Environment()


def fast(environment: Environment, url: str) -> FastHttpSession:
    return FastHttpSession(url, environment.events.request)


def session(environment: Environment, url: str, *, use_requests: bool = False) -> HttpSession:
    made = HttpSession(url, environment.events.request)
    made.use_requests = use_requests
    return made


def kept(stats: RequestStats) -> list[Exchange]:
    (group,) = stats.errors.values()
    return group.exchanges


def known(half: Half | None) -> Half:
    assert half is not None
    return half


def body(half: Half | None) -> bytes:
    content = known(half).body
    assert content is not None
    return content


def headers(half: Half | None) -> dict[str, str]:
    pairs = [line.partition(": ") for line in known(half).head[1:]]
    return {name.lower(): value for name, _, value in pairs}


def any_client(environment: Environment, url: str, client: str) -> Any:
    if client == "fast":
        return fast(environment, url)
    return session(environment, url, use_requests=client == "by requests")


CLIENTS = ["fast", "by engine", "by requests"]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_sent_and_received_is_kept_whichever_way_it_went(
    environment: Environment, echo: Echo, client: str
) -> None:
    any_client(environment, echo.url, client).post(
        "/status/503?page=2", data={"item": "7"}, headers={"X-Trace": "abc"}, name="/buy"
    )
    (exchange,) = kept(environment.stats)
    assert (exchange.method, exchange.name, exchange.status) == ("POST", "/buy", 503)
    assert exchange.url == f"{echo.url}/status/503?page=2"
    assert "503" in exchange.error
    assert exchange.duration_us is not None
    assert exchange.duration_us > 0
    sent, received = known(exchange.request), known(exchange.response)
    assert sent.head[0] == "POST /status/503?page=2 HTTP/1.1"
    assert headers(sent)["x-trace"] == "abc"
    assert headers(sent)["host"] == echo.url.removeprefix("http://")
    assert (sent.body, sent.body_bytes, sent.bytes_left_out) == (b"item=7", 6, 0)
    assert received.head[0].startswith("HTTP/1.1 503 ")
    assert headers(received)["content-type"] == "application/json"
    assert b'"target": "/status/503?page=2"' in body(received)
    assert (exchange.phases is None) == (client == "by requests")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_success_that_a_block_calls_a_failure_is_kept_too(environment: Environment, echo: Echo, client: str) -> None:
    with any_client(environment, echo.url, client).get("/?say=hello", catch_response=True, name="/greet") as response:
        response.failure("not what was asked for")
    (exchange,) = kept(environment.stats)
    assert (exchange.error, exchange.status, body(exchange.response)) == ("not what was asked for", 200, b"hello")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_block_that_renames_its_request_names_the_exchange(environment: Environment, echo: Echo, client: str) -> None:
    with any_client(environment, echo.url, client).get("/?say=hello", catch_response=True) as response:
        response.request_meta["name"] = "renamed"
        response.failure("no")
    assert [exchange.name for exchange in kept(environment.stats)] == ["renamed"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_request_without_an_answer_is_kept_without_one(environment: Environment, echo: Echo, client: str) -> None:
    any_client(environment, echo.url, client).get("/?hang_up=1", name="/gone")
    (exchange,) = kept(environment.stats)
    assert known(exchange.request).head[0] == "GET /?hang_up=1 HTTP/1.1"
    assert (exchange.response, exchange.status) == (None, None)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bodies_are_kept_decompressed(environment: Environment, echo: Echo, client: str, encoding: str) -> None:
    any_client(environment, echo.url, client).get(f"/status/500?as={encoding}&say=readable")
    (exchange,) = kept(environment.stats)
    assert body(exchange.response) == b"readable"
    assert headers(exchange.response)["content-encoding"] == encoding


def test_only_the_first_five_of_a_group_are_kept_and_of_a_success_nothing(environment: Environment, echo: Echo) -> None:
    client = fast(environment, echo.url)
    for number in range(8):
        client.get(f"/status/500?number={number}", name="/n")
        client.get("/")
    (group,) = environment.stats.errors.values()
    assert group.occurrences == 8
    assert [exchange.url[-1] for exchange in group.exchanges] == list("01234")
    environment.stats.reset_all()
    assert not environment.stats.errors


def test_how_many_and_how_much_is_kept_is_a_setting(environment: Environment, echo: Echo) -> None:
    settings.kept_exchanges, settings.kept_body_bytes = 2, 10
    client = fast(environment, echo.url)
    for _ in range(3):
        client.post("/status/500?say=" + "b" * 30, data="a" * 25, name="/n")
    exchanges = kept(environment.stats)
    assert len(exchanges) == 2
    sent, received = known(exchanges[0].request), known(exchanges[0].response)
    assert (sent.body, sent.body_bytes, sent.bytes_left_out) == (b"a" * 10, 25, 15)
    assert (received.body, received.body_bytes, received.bytes_left_out) == (b"b" * 10, 30, 20)


@pytest.mark.parametrize("client", CLIENTS)
def test_no_secret_is_anywhere_in_what_is_kept(environment: Environment, echo: Echo, client: str) -> None:
    environment.stats.errors.mask = Mask(["open sesame"])
    asked = any_client(environment, echo.url.replace("http://", "http://ann:geheim-2000@"), client)
    asked.post(
        "/status/500?pin=open%20sesame&cookie=next=cookie-of-theirs-1",
        json={"pin": "open sesame"},
        headers={"Cookie": "sid=cookie-of-ours-1", "X-Api-Key": "key-number-1"},
        name="say open sesame",
    )
    (exchange,) = kept(environment.stats)
    everything = repr(exchange)
    credentials = base64.b64encode(b"ann:geheim-2000").decode()
    for secret in ("sesame", "geheim-2000", "cookie-of-ours-1", "cookie-of-theirs-1", "key-number-1", credentials):
        assert secret not in everything, secret
    sent = headers(exchange.request)
    assert (sent["authorization"], sent["x-api-key"], sent["cookie"]) == ("Basic ***", "***", "sid=***")
    assert headers(exchange.response)["set-cookie"].startswith("next=***")
    assert body(exchange.request).replace(b" ", b"") == b'{"pin":"***"}'
    # The server has sent all of it back.
    assert body(exchange.response).count(b"***") >= 4


def test_a_body_that_was_sent_in_pieces_is_not_known(environment: Environment, echo: Echo) -> None:
    session(environment, echo.url).post("/status/500", data=iter([b"piece", b"by piece"]), name="/pieces")
    session(environment, echo.url).post("/status/500", data=b"", name="/pieces")
    pieces, empty = kept(environment.stats)
    assert known(pieces.request).body is None
    assert body(empty.request) == b""


def test_the_end_of_a_chain_of_redirects_is_what_is_kept(environment: Environment, echo: Echo) -> None:
    fast(environment, echo.url).get("/status/302?to=/status/404", name="/start")
    (exchange,) = kept(environment.stats)
    assert (exchange.name, exchange.status, exchange.url) == ("/start", 404, f"{echo.url}/status/404")


def test_what_another_client_fires_is_kept_if_its_response_is_like_one_of_requests(
    environment: Environment, echo: Echo
) -> None:
    response = requests.get(f"{echo.url}/status/500?say=oh", timeout=5)
    fire = environment.events.request.fire
    fire(
        request_type="GET", name="a", response_time=1, response_length=2, exception=ValueError("no"), response=response
    )
    fire(request_type="MSG", name="b", response_time=1, response_length=2, exception=ValueError("no"), response=b"oh")
    fire(request_type="MSG", name="c", response_time=1, response_length=2, exception=ValueError("no"))
    by_name = {group.name: group.exchanges for group in environment.stats.errors.values()}
    (exchange,) = by_name["a"]
    assert (body(exchange.response), exchange.status) == (b"oh", 500)
    assert (by_name["b"], by_name["c"]) == ([], [])


def test_whoever_has_replaced_log_error_gets_locusts_arguments_when_there_is_no_response(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(environment.stats, "log_error", lambda method, name, error: seen.append((method, name, error)))
    environment.events.request.fire(request_type="A", name="b", response_time=1, response_length=2, exception="no")
    assert seen == [("A", "b", "no")]


class Peculiar:
    """Looks like a response and cannot be read."""

    status_code = 500
    request = object()


def test_a_response_that_cannot_be_read_is_not_kept_and_does_no_harm() -> None:
    stats = RequestStats()
    stats.log_error("GET", "/", "no", Peculiar())
    (group,) = stats.errors.values()
    assert (group.occurrences, group.exchanges) == (1, [])


def test_a_stream_is_not_read_to_be_kept(echo: Echo) -> None:
    response = requests.get(f"{echo.url}/status/500?say=later", stream=True, timeout=5)
    exchange = exchange_of("GET", "/", "no", None, response, Mask())
    assert exchange is not None
    assert known(exchange.response).body is None
    assert response.content == b"later"


def test_huge_heads_are_cut(environment: Environment, echo: Echo) -> None:
    client = fast(environment, echo.url)
    many = {f"X-Number-{number}": "v" * 300 for number in range(60)}
    client.get("/status/500?say=x", headers={"X-Long": "w" * 5000, **many}, name="/n")
    sent = known(kept(environment.stats)[0].request)
    assert max(map(len, sent.head)) <= 2048
    assert sum(map(len, sent.head)) <= 8192
    assert sent.lines_left_out > 20
    assert len(sent.head) + sent.lines_left_out > 60


def test_groups_of_two_tables_keep_five_exchanges_together(environment: Environment, echo: Echo) -> None:
    client = fast(environment, echo.url)
    for number in range(3):
        client.get(f"/status/500?number={number}", name="/n")
    (group,) = environment.stats.errors.values()
    other = RequestStats()
    other.errors.merge(group)
    other.errors.merge(group)
    assert len(kept(other)) == 5


def test_beyond_the_limit_of_groups_five_exchanges_of_all_others_are_kept(
    environment: Environment, echo: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    settings.max_failures = 1
    client = fast(environment, echo.url)
    with caplog.at_level(logging.CRITICAL, logger="gregaria.stats"):
        for letter in "abcdefgh":
            client.get("/status/500", name=letter)
    names = {group.name: [each.name for each in group.exchanges] for group in environment.stats.errors.values()}
    assert names == {"a": ["a"], "": list("bcdef")}


@pytest.mark.parametrize(
    ("came", "head", "rest"),
    [
        (b"", None, b""),
        (b"HTTP/1.1 200 OK\r\nSet-Coo", ("HTTP/1.1 200 OK", "Set-Coo"), b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ("HTTP/1.1 200 OK", "Content-Length: 9"), b"half"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ntoo long", ("HTTP/1.1 200 OK", "Content-Length: 2"), b"to"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
            ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"),
            b"abc",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ("SSH-2.0-OpenSSH_9.2",), b""),
        (
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=secret-of-theirs\r\nno colon\r\n\r\n",
            ("HTTP/1.1 200 OK", "Set-Cookie: a=***", "no colon"),
            b"",
        ),
        # What came before the final response is not kept; nor is, in any case, what another connection has received.
        (b"HTTP/1.1 100 Continue\r\n\r\n", None, b""),
    ],
    ids=["nothing", "half a head", "half a body", "too long", "bad chunk", "no http", "bad header", "interim only"],
)
@pytest.mark.parametrize("client", ["fast", "by engine"])
def test_what_came_of_an_answer_that_failed_on_the_way_is_kept(
    environment: Environment, client: str, came: bytes, head: tuple[str, ...] | None, rest: bytes
) -> None:
    def talk(connection: socket.socket) -> None:
        wire.read_head(connection)
        connection.sendall(came)

    with Wire(talk) as wire:
        any_client(environment, f"http://127.0.0.1:{wire.port}", client).post("/", data="x", name="/broken")
    (exchange,) = kept(environment.stats)
    assert exchange.status is None
    assert known(exchange.request).body == b"x"
    if head is None:
        assert exchange.response is None
    else:
        assert (known(exchange.response).head, body(exchange.response)) == (head, rest)


HEADS = st.lists(
    st.sampled_from([b"HTTP/1.1 200 OK", b"Set-Cookie: a=b", b" folded", b"\xff\xfe:", b": ", b"\r", b"x" * 3000])
)


@given(HEADS, st.binary(max_size=300), st.lists(st.text(), max_size=3))
def test_whatever_a_server_sends_can_be_kept(lines: list[bytes], rest: bytes, secrets: list[str]) -> None:
    came = b"\r\n".join(lines) + rest

    def talk(connection: socket.socket) -> None:
        wire.read_head(connection)
        connection.sendall(came)

    environment = Environment()
    environment.stats.errors.mask = Mask(secrets)
    with Wire(talk) as wire:
        response = fast(environment, f"http://127.0.0.1:{wire.port}").post("/", data="x", name="/any")
    if response.error is not None:
        (exchange,) = kept(environment.stats)
        assert known(exchange.request).head


@pytest.mark.parametrize("client", ["fast", "by engine"])
def test_every_fault_that_fails_a_request_leaves_an_exchange(environment: Environment, client: str) -> None:
    settings.max_body_bytes = 1024 * 1024
    # Packing the bombs takes longer than all others together.
    faults = [fault for fault in FAULTS if not fault.path.startswith("/bomb/")]
    with fault_server() as server:
        for fault in faults:
            asked = any_client(environment, server.url, client)
            arguments: dict[str, Any] = {"data": b"u" * fault.upload} if fault.upload else {}
            asked.request("POST" if fault.upload else "GET", fault.path, name=fault.path, timeout=0.1, **arguments)
    groups = list(environment.stats.errors.values())
    assert len(groups) > 50
    assert [group.name for group in groups if not group.exchanges] == []
