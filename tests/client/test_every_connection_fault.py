"""No connection, or no trust: each a failure of a class of its own, through every way to send."""

import re
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.caller import WAYS, Caller
from tests.support.certificates import Authority
from tests.support.fault_server import cut_in_handshake, fault_server, full_backlog, refusing_port, secured


def _connect_s(fault: str) -> float:
    """How long to wait for a connection: not long where there will be none."""
    return 0.3 if fault in ("handshake silent", "nobody answers") else 5


#: what goes wrong: class of the failure, what it says
FAULTS: dict[str, tuple[str, str]] = {
    "expired": ("CertificateExpired", "certificate is not valid now: certificate has expired"),
    "not yet valid": ("CertificateExpired", "certificate is not valid now: certificate is not yet valid"),
    "other host": ("CertificateForOtherHost", "certificate is not for '127.0.0.1'"),
    "unknown authority": ("CertificateUntrusted", "not signed by an authority that is known here"),
    "self-signed": ("CertificateUntrusted", "not signed by an authority that is known here: self.signed"),
    "no common cipher": ("TLSError", "handshake failure"),
    "handshake closed": ("TLSError", "cut the TLS handshake short"),
    "handshake reset": ("TLSError", "cut the TLS handshake short"),
    "handshake garbage": ("TLSError", "does not speak TLS on this port"),
    "handshake alert": ("TLSError", "handshake failure"),
    "handshake silent": ("ConnectTimeout", "no TLS handshake within"),
    "plain HTTP": ("TLSError", "does not speak TLS on this port"),
    "refused": ("ConnectionRefused", r"^nothing listens on 127\.0\.0\.1:\d+ \(the connection was refused\)$"),
    "refused over TLS": ("ConnectionRefused", r"^nothing listens on 127\.0\.0\.1:\d+ \(the connection was refused\)$"),
    "refused by name": ("ConnectionRefused", r"^nothing listens on localhost:\d+ \(the connection was refused\)$"),
    "refused by IPv6": ("ConnectionRefused", r"^nothing listens on \[::1\]:\d+ \(the connection was refused\)$"),
    "nobody answers": ("ConnectTimeout", "no connection within"),
    "no such name": ("NameNotFound", "'nosuch.invalid'"),
    "a name that cannot be": ("NameNotFound|InvalidURL", "cannot be a host's name|[Ii]nvalid label|label"),
}


class Places:
    """Where each of them happens.

    Attributes:
        urls: base URLs by the fault.
        authority: the file of who is to be trusted.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        mine, stranger = Authority(folder), Authority(folder, "stranger")
        self.authority = str(mine.path)
        old = mine.server_context("old", "127.0.0.1")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.set_ciphers("AES128-SHA:@SECLEVEL=0")
        welcomes = {
            "good": secured(mine.server_context("good", "127.0.0.1")),
            "expired": secured(mine.server_context("expired", "127.0.0.1", days=(-5, -2))),
            "not yet valid": secured(mine.server_context("future", "127.0.0.1", days=(2, 5))),
            "other host": secured(mine.server_context("other", "other.example")),
            "unknown authority": secured(stranger.server_context("strange", "127.0.0.1")),
            "self-signed": secured(mine.server_context("self", "127.0.0.1", self_signed=True)),
            "no common cipher": secured(old),
            "handshake closed": cut_in_handshake("close"),
            "handshake reset": cut_in_handshake("reset"),
            "handshake garbage": cut_in_handshake("garbage"),
            "handshake alert": cut_in_handshake("alert"),
            "handshake silent": cut_in_handshake("silence"),
            "plain HTTP": cut_in_handshake("plain"),
        }
        self.urls = {name: stack.enter_context(fault_server(welcome)).url for name, welcome in welcomes.items()}
        refusing = stack.enter_context(refusing_port())
        self.urls["refused"] = f"http://127.0.0.1:{refusing}"
        self.urls["refused over TLS"] = f"https://127.0.0.1:{refusing}"
        self.urls["refused by name"] = f"http://localhost:{refusing}"
        self.urls["refused by IPv6"] = f"http://[::1]:{refusing}"
        self.urls["nobody answers"] = f"http://127.0.0.1:{stack.enter_context(full_backlog())}"
        self.urls["no such name"] = "http://nosuch.invalid"
        self.urls["a name that cannot be"] = f"http://{'a' * 70}.invalid"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(tmp_path_factory.mktemp("connections"), stack)


@pytest.mark.parametrize("caught", [False, True], ids=["alone", "caught"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", WAYS)
def test_no_connection_is_one_failure_and_the_session_goes_on(
    places: Places, way: str, fault: str, caught: bool
) -> None:
    name, says = FAULTS[fault]
    caller = Caller(way, places.urls[fault], _connect_s(fault), places.authority)
    began = time.monotonic()
    response = caller.call("/ok", caught=caught)
    assert time.monotonic() - began < 4
    assert response.status_code == 0
    assert caller.counts == (1, 1, 0)
    failure = caller.failure
    assert type(failure).__name__ in name.split("|"), repr(failure)
    assert re.search(says, str(failure)), str(failure)
    assert caller.session.get(places.urls["good"] + "/ok", timeout=5).content == b"hello"
    assert caller.counts == (2, 1, 0)
    caller.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_to_where_no_connection_is_to_be_had_is_one_failure(places: Places, way: str) -> None:
    with fault_server() as server:
        caller = Caller(way, server.url, authority=places.authority)
        response = caller.call("/redirect/no-such-host")
        assert response.status_code == 0
        assert caller.counts == (1, 1, 0)
        assert "nosuch.invalid" in str(caller.failure)
        assert server.served == ["GET /redirect/no-such-host"]
        caller.close()
