"""TLS: who trusts whom, which name is asked for, and whether a session is taken up again."""

from collections.abc import Callable
from typing import Any

import pytest

from gregaria.client.pool import insecure_ssl_context_factory
from gregaria.client.session import FastHttpSession
from tests.oracle.case import Case, Do, call, get, one_by_one, post
from tests.oracle.phrases import (
    CLIENT_CERTIFICATES,
    RESUMPTION,
    SNI,
    VERIFIED_BY_GIVEN,
    VERIFIED_BY_SYSTEM,
    VERIFY_FALSE,
)
from tests.oracle.places import Places
from tests.oracle.ways import ENGINE, FAST, HTTP, Client, Options
from tests.support.oracle_server import Received


def trusting(places: Places) -> Options:
    return Options(verify=places.trusted)


def careless(places: Places) -> Options:
    return Options(verify=False)


def with_certificate(places: Places) -> Options:
    return Options(verify=places.trusted, cert=places.client_certificate)


def named(host: str, *paths: str, **arguments: Any) -> Do:
    """Calls to the case's server by another name of it."""

    def do(client: Client, places: Places) -> None:
        port = client.base_url.rpartition(":")[2]
        for path in paths:
            client.get(f"https://{host}:{port}{path}", **arguments)

    return do


def with_argument(name: str, value: Callable[[Places], Any], *paths: str) -> Do:
    """Calls with an argument that the servers decide."""

    def do(client: Client, places: Places) -> None:
        for path in paths:
            client.get(path, **{name: value(places)})

    return do


def saw(check: Callable[[list[Received]], bool]) -> Callable[[Client, list[Any]], None]:
    def checks(client: Client, received: list[Any]) -> None:
        assert check(received), received

    return checks


def _encrypted(client: Client, places: Places) -> None:
    if client.is_ours:
        if client.way == FAST:
            with pytest.raises(OSError, match="encrypted"):
                client.session.get("/a", cert=places.encrypted_certificate)
        else:
            client.calls += 1
            assert "encrypted" in str(client.session.get("/a", cert=places.encrypted_certificate).error)
    # requests would ask for the password on the terminal.
    client.note("fails")


CERTIFICATE_CASES = [
    Case(
        CLIENT_CERTIFICATES,
        "wanted and given",
        get("/a", times=2),
        server="tls_client",
        options=with_certificate,
        checks=saw(lambda received: [each.client for each in received] == ["visitor"] * 2),
    ),
    Case(CLIENT_CERTIFICATES, "wanted and missing", get("/a"), server="tls_client", options=trusting),
    Case(
        CLIENT_CERTIFICATES,
        "possible and given",
        post("/a", json={"a": 1}),
        server="tls_client_maybe",
        options=with_certificate,
    ),
    Case(CLIENT_CERTIFICATES, "possible and missing", get("/a"), server="tls_client_maybe", options=trusting),
    Case(
        CLIENT_CERTIFICATES,
        "given with a call",
        with_argument("cert", lambda places: places.client_certificate, "/a", "/b"),
        server="tls_client",
        options=trusting,
        ways=HTTP,
    ),
    Case(
        CLIENT_CERTIFICATES,
        "as a pair of files",
        with_argument("cert", lambda places: (places.client_certificate, places.client_certificate), "/a"),
        server="tls_client",
        options=trusting,
        ways=HTTP,
    ),
    Case(
        CLIENT_CERTIFICATES,
        "with a key that is encrypted",
        _encrypted,
        server="tls_client",
        options=trusting,
        ways=(FAST, ENGINE),
    ),
    Case(
        CLIENT_CERTIFICATES,
        "with and without by turns",
        one_by_one(
            with_argument("cert", lambda places: places.client_certificate, "/a"),
            get("/b"),
            with_argument("cert", lambda places: places.client_certificate, "/c"),
        ),
        server="tls_client_maybe",
        options=trusting,
        ways=HTTP,
    ),
]

SNI_CASES = [
    Case(
        SNI,
        "a name",
        named("localhost", "/a", "/b"),
        server="tls",
        options=trusting,
        checks=saw(lambda received: [each.server_name for each in received] == ["localhost"] * 2),
    ),
    Case(
        SNI,
        "an address has none",
        get("/a"),
        server="tls",
        options=trusting,
        checks=saw(lambda received: received[0].server_name is None),
    ),
    Case(SNI, "a name in capitals", named("LocalHost", "/a"), server="tls", options=trusting),
    Case(SNI, "the name even if nothing is verified", named("localhost", "/a"), server="tls", options=careless),
    Case(
        SNI,
        "the URL's name, not the Host header's",
        named("localhost", "/a", headers={"Host": "other.example"}),
        server="tls",
        options=trusting,
    ),
    Case(SNI, "by TLS 1.2", named("localhost", "/a"), server="tls_1_2", options=trusting),
]


def _again(hang_up: int) -> Do:
    """Several connections, one after the other."""

    def do(client: Client, places: Places) -> None:
        server = places.log("tls")
        client.get("/first")
        for number in range(hang_up):
            server.hang_up()
            client.get(f"/again/{number}")

    return do


def _closing(client: Client, places: Places) -> None:
    for number in range(3):
        client.get(f"/{number}?how=close")


#: requests itself does not take up sessions, so what has to come out is said here
def resumed(*expected: bool) -> Callable[[Client, list[Any]], None]:
    def checks(client: Client, received: list[Any]) -> None:
        if client.way not in ("reference", "requests"):
            assert [each.resumed for each in received] == list(expected), received

    return checks


RESUMPTION_CASES = [
    Case(
        RESUMPTION,
        "after the server has closed",
        _again(2),
        server="tls",
        options=trusting,
        checks=resumed(False, True, True),
    ),
    Case(
        RESUMPTION,
        "of connections that close each time",
        _closing,
        server="tls",
        options=trusting,
        checks=resumed(False, True, True),
    ),
    Case(RESUMPTION, "by TLS 1.2", _closing, server="tls_1_2", options=trusting, checks=resumed(False, True, True)),
    Case(
        RESUMPTION, "without verification", _closing, server="tls", options=careless, checks=resumed(False, True, True)
    ),
    Case(
        RESUMPTION,
        "with a client's certificate",
        _closing,
        server="tls_client",
        options=with_certificate,
        checks=resumed(False, True, True),
    ),
]

SYSTEM_CASES = [
    Case(VERIFIED_BY_SYSTEM, "an authority that nobody knows", get("/a"), server="tls"),
    Case(
        VERIFIED_BY_SYSTEM,
        "for every method",
        one_by_one(call("OPTIONS", "/a"), post("/a", data=b"secret")),
        server="tls",
    ),
    Case(VERIFIED_BY_SYSTEM, "an expired certificate", get("/a"), server="tls_expired"),
    Case(VERIFIED_BY_SYSTEM, "another host's", get("/a"), server="tls_other_host"),
    Case(VERIFIED_BY_SYSTEM, "by TLS 1.2", get("/a", times=2), server="tls_1_2"),
]


def _over_from_plain(client: Client, places: Places) -> None:
    places.tls.take()
    client.get(f"/a?to={places.tls.url}/b")
    client.note([each.target for each in places.tls.take()])


GIVEN_CASES = [
    Case(VERIFIED_BY_GIVEN, "a good one", get("/a", times=2), server="tls", options=trusting),
    Case(VERIFIED_BY_GIVEN, "expired", get("/a"), server="tls_expired", options=trusting),
    Case(VERIFIED_BY_GIVEN, "for another host", get("/a"), server="tls_other_host", options=trusting),
    Case(
        VERIFIED_BY_GIVEN,
        "given with a call",
        with_argument("verify", lambda places: places.trusted, "/a", "/b"),
        server="tls",
        ways=HTTP,
    ),
    Case(
        VERIFIED_BY_GIVEN,
        "given and taken away",
        one_by_one(with_argument("verify", lambda places: places.trusted, "/a"), get("/b")),
        server="tls",
        ways=HTTP,
    ),
    Case(VERIFIED_BY_GIVEN, "in a redirect from the clear", _over_from_plain, options=trusting),
]


def _by_locusts_factory(client: Client, places: Places) -> None:
    if client.way == FAST:
        client.session = FastHttpSession(
            client.base_url, client.session.request_event, ssl_context_factory=insecure_ssl_context_factory
        )
    client.get("/a")


FALSE_CASES = [
    Case(
        VERIFY_FALSE,
        "by the factory that Locust's clients have",
        _by_locusts_factory,
        server="tls",
        options=careless,
        ways=(FAST,),
    ),
    Case(VERIFY_FALSE, "an authority that nobody knows", get("/a", times=2), server="tls", options=careless),
    Case(VERIFY_FALSE, "expired", get("/a"), server="tls_expired", options=careless),
    Case(VERIFY_FALSE, "for another host", get("/a"), server="tls_other_host", options=careless),
    Case(
        VERIFY_FALSE,
        "with a call",
        one_by_one(get("/a", verify=False), post("/b", verify=False, json={})),
        server="tls",
        ways=HTTP,
    ),
    Case(
        VERIFY_FALSE,
        "with a call, and not with the next",
        one_by_one(get("/a", verify=False), get("/b")),
        server="tls",
        ways=HTTP,
    ),
    Case(VERIFY_FALSE, "in a redirect from the clear", _over_from_plain, options=careless),
    Case(VERIFY_FALSE, "by TLS 1.2", get("/a"), server="tls_1_2", options=careless),
]

CASES = [*CERTIFICATE_CASES, *SNI_CASES, *RESUMPTION_CASES, *SYSTEM_CASES, *GIVEN_CASES, *FALSE_CASES]
