"""HttpUser's requests through proxies, which the engine speaks to when they are HTTP's."""

import base64
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from gregaria.client.requests import HttpSession
from tests.support.echo import Echo, echo_server
from tests.support.http_session import Books, new_session
from tests.support.wire import Wire

PASSWORD = "Basic " + base64.b64encode(b"us@er:pass").decode()


def relay(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def proxy() -> Wire:
    """A proxy that forwards what it gets in absolute form, and opens tunnels; it tells the heads it was sent."""

    def talk(connection: socket.socket) -> None:
        head = wire.read_head(connection)
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            origin = socket.create_connection((host, int(port)), 5)
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            assert target.startswith("http://")
            host, _, port = target.removeprefix("http://").partition("/")[0].rpartition(":")
            origin = socket.create_connection((host, int(port)), 5)
            origin.sendall(head)
        with origin:
            thread = threading.Thread(target=relay, args=(origin, connection), daemon=True)
            thread.start()
            relay(connection, origin)
            thread.join(5)

    wire = Wire(talk)
    return wire


@pytest.fixture
def through() -> Iterator[Wire]:
    with proxy() as wire:
        yield wire


@pytest.fixture(scope="module")
def secure_echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Echo, str]]:
    """A server over TLS, and its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    options = "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", "req", *options.split(), "-keyout", "server.key", "-out", "server.crt"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    with echo_server(context) as server:
        yield server, str(folder / "server.crt")


def url_of(wire: Wire, userinfo: str = "") -> str:
    return f"http://{userinfo}127.0.0.1:{wire.port}"


@pytest.mark.parametrize("where", ["call", "session", "environment"])
def test_http_goes_through_the_proxy_in_absolute_form(
    echo: Echo, books: Books, through: Wire, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = {"http": url_of(through, "us%40er:pass@")}
    with new_session(echo.url, books=books) as session:
        if where == "environment":
            monkeypatch.setenv("http_proxy", proxies["http"])
            monkeypatch.delenv("no_proxy", raising=False)
            session.trust_env = True
        elif where == "session":
            session.proxies.update(proxies)
        arguments: dict[str, Any] = {"proxies": proxies} if where == "call" else {}
        for _ in range(2):
            response = session.get("/a", params={"b": "c d"}, **arguments)
            assert response.took_engine
            assert response.json()["target"] == f"{echo.url}/a?b=c+d"
        assert session.way("GET", **arguments) == "engine under requests"
    heads = [head.decode() for head in through.received]
    assert heads[0].startswith(f"GET {echo.url}/a?b=c+d HTTP/1.1\r\nHost: 127.0.0.1:{echo.port}\r\n")
    assert f"\r\nProxy-Authorization: {PASSWORD}\r\n" in heads[0]
    assert through.connections == 1
    assert books.counts() == {"/a?b=c+d": (2, 0, 0)}


def test_requests_says_the_same_to_the_proxy(echo: Echo, through: Wire) -> None:
    proxies = {"http": url_of(through, "us%40er:pass@")}
    with requests.Session() as reference, new_session(echo.url) as session:
        reference.trust_env = False
        reference.post(echo.url + "/a?b", json={"a": 1}, proxies=proxies)
        session.post("/a?b", json={"a": 1}, proxies=proxies)
    theirs, ours = (head.partition(b"\r\n\r\n")[0] for head in through.received)
    assert ours == theirs


@pytest.mark.needs("openssl")
def test_https_goes_through_a_tunnel(secure_echo: tuple[Echo, str], books: Books, through: Wire) -> None:
    echo, certificate = secure_echo
    proxies = {"https": url_of(through, "us%40er:pass@")}
    with new_session(echo.url, books=books) as session:
        for _ in range(2):
            response = session.get("/a", proxies=proxies, verify=certificate)
            assert response.took_engine
            assert response.json()["target"] == "/a"
            assert not any(name.lower().startswith("proxy") for name, _ in response.json()["headers"])
        refused = session.get("/a", proxies=proxies)
        assert isinstance(refused.error, requests.exceptions.SSLError)
    assert through.received[0].startswith(f"CONNECT 127.0.0.1:{echo.port} HTTP/1.1\r\n".encode())
    assert f"\r\nProxy-Authorization: {PASSWORD}\r\n".encode() in through.received[0]
    assert through.connections == 2
    assert books.counts() == {"/a": (3, 1, 0)}


def test_a_host_that_is_to_be_asked_directly_is(
    echo: Echo, session: HttpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    session.trust_env = True
    assert session.get("/a").took_engine


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_reached_or_refuses_is_a_proxy_error(books: Books, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    session = new_session(f"{scheme}://127.0.0.1:9", books=books)
    response = session.get("/a", proxies={scheme: f"http://127.0.0.1:{port}"})
    assert isinstance(response.error, requests.exceptions.ProxyError)
    assert type(books.failures[0][2]).__name__ == "ProxyError"

    def refuse(connection: socket.socket) -> None:
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with Wire(refuse) as wire:
        response = session.get("/a", proxies={scheme: url_of(wire)})
    if scheme == "http":
        assert response.status_code == 407
    else:
        assert isinstance(response.error, requests.exceptions.ProxyError)
        assert "407" in str(books.failures[1][2])
    assert books.counts() == {"/a": (2, 2, 0)}


def test_proxies_that_do_not_speak_http_are_left_to_requests(session: HttpSession) -> None:
    for url in ("https://127.0.0.1:1", "socks5://127.0.0.1:1"):
        assert session.way("GET", proxies={"http": url}) == "requests"
    response = session.get("/a", proxies={"http": "https://127.0.0.1:1"})
    assert isinstance(response.error, requests.exceptions.ProxyError)
    assert not response.took_engine


def test_a_proxy_without_a_host_is_the_locustfiles_mistake(session: HttpSession) -> None:
    with pytest.raises(requests.exceptions.InvalidURL):
        session.get("/a", proxies={"http": "http://"})
