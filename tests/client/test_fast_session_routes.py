"""FastHttpSession: how a request gets to its host: TLS, proxies, Unix sockets, timeouts, chains of redirects."""

import base64
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from gregaria.client.pool import ClientPool
from gregaria.client.session import FastHttpSession
from gregaria.errors import (
    CertificateForOtherHost,
    CertificateUntrusted,
    ConnectTimeout,
    FirstByteTimeout,
    GregariaError,
    ProxyError,
    TooManyRedirects,
)
from gregaria.events import RequestEvent
from gregaria.stats.table import RequestStats
from tests.support.echo import echo_server
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def stats():
    return RequestStats()


@pytest.fixture
def connect(stats):
    def make(url, **options):
        event = RequestEvent()
        event.stats = stats
        return FastHttpSession(url, event, **options)

    return make


def counts(stats):
    return stats.total.num_requests, stats.total.num_failures


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """NAME.pem, NAME.key and NAME.both, self-signed: ``server`` for 127.0.0.1, ``other``, ``client``."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    for name, subject in (("server", "IP:127.0.0.1"), ("other", "DNS:other.example"), ("client", "DNS:client")):
        options = f"-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -addext subjectAltName={subject}"
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(["openssl", "req", *options.split(), *files], cwd=folder, check=True, capture_output=True)
        both = (folder / f"{name}.pem").read_bytes() + (folder / f"{name}.key").read_bytes()
        (folder / f"{name}.both").write_bytes(both)
    return folder


def serving(certificates, name="server", client=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.both")
    if client:
        context.load_verify_locations(certificates / client)
        context.verify_mode = ssl.CERT_REQUIRED
    return echo_server(context)


@pytest.mark.needs("openssl")
class TestCertificates:
    def test_they_are_verified_unless_told_otherwise(self, certificates, connect, stats):
        with serving(certificates) as server:
            error = connect(server.url).get("/").error
            assert isinstance(error, CertificateUntrusted)
            assert "insecure = True" in str(error)
            assert "verify = 'ca.pem'" in str(error)
            assert connect(server.url, insecure=True).get("/").status_code == 200
            assert connect(server.url, verify=False).get("/").status_code == 200
            session = connect(server.url)
            assert session.get("/", verify=False).status_code == 200
            assert session.get("/").status_code == 0
        assert counts(stats) == (5, 2)

    @pytest.mark.parametrize("how", ["session", "call", "variable"])
    def test_an_authority_of_ones_own(self, certificates, connect, monkeypatch, how):
        path = str(certificates / "server.pem")
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(variable, raising=False)
        if how == "variable":
            monkeypatch.setenv("SSL_CERT_FILE", path)
        with serving(certificates) as server:
            session = connect(server.url, **({"verify": path} if how == "session" else {}))
            response = session.get("/", **({"verify": path} if how == "call" else {}))
            assert response.status_code == 200
            assert response.phases.tls_us > 0
            assert session.get("/", **({"verify": path} if how == "call" else {})).phases.tls_us == 0

    def test_one_for_another_host(self, certificates, connect):
        with serving(certificates, "other") as server:
            response = connect(server.url, verify=str(certificates / "other.pem")).get("/")
        assert isinstance(response.error, CertificateForOtherHost)

    def test_a_client_may_have_one_too(self, certificates, connect):
        pair = (str(certificates / "client.pem"), str(certificates / "client.key"))
        with serving(certificates, client="client.pem") as server:
            for session, arguments in (
                (connect(server.url, insecure=True, cert=pair), {}),
                (connect(server.url, insecure=True, cert=str(certificates / "client.both")), {}),
                (connect(server.url, insecure=True), {"cert": pair}),
            ):
                assert session.get("/", **arguments).status_code == 200
            assert connect(server.url, insecure=True).get("/").status_code == 0

    def test_a_file_that_is_not_there_is_named(self, connect):
        with pytest.raises(OSError, match=r"nowhere\.pem"):
            connect("https://127.0.0.1:1", verify="nowhere.pem").get("/")

    def test_a_context_of_ones_own(self, certificates, connect):
        def context():
            mine = ssl.create_default_context(cafile=str(certificates / "server.pem"))
            made.append(mine)
            return mine

        made = []
        with serving(certificates) as server:
            session = connect(server.url, ssl_context_factory=context)
            assert session.get("/").status_code == session.get("/").status_code == 200
        assert len(made) == 1


def pipe(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    target.close()


def tunnelling(refuse=b""):
    """A proxy that opens tunnels, or refuses with an answer."""

    def talk(connection):
        head = proxy.read_head(connection)
        if refuse:
            connection.sendall(refuse)
            return
        host, _, port = head.split(b" ")[1].rpartition(b":")
        with socket.create_connection((host.decode(), int(port))) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            there = threading.Thread(target=pipe, args=(onward, connection), daemon=True)
            there.start()
            pipe(connection, onward)
            there.join(5)

    proxy = Wire(talk)
    return proxy


class TestProxies:
    @pytest.mark.parametrize("how", ["host and port", "session", "call"])
    def test_http_goes_to_the_proxy_whole(self, connect, how):
        with answering(OK) as proxy:
            place = f"http://me:p%40ss@127.0.0.1:{proxy.port}"
            options = {
                "host and port": {"proxy_host": "127.0.0.1", "proxy_port": proxy.port},
                "session": {"proxies": {"http": place}},
                "call": {},
            }[how]
            session = connect("http://shop.example:8080", **options)
            for _ in range(2):
                response = session.get("/cart?id=1", **({"proxies": {"all": place}} if how == "call" else {}))
                assert response.text == "ok"
            assert proxy.connections == 1
        head = proxy.received[1].decode()
        assert head.startswith("GET http://shop.example:8080/cart?id=1 HTTP/1.1\r\nHost: shop.example:8080\r\n")
        expected = base64.b64encode(b"me:p@ss").decode()
        assert (f"Proxy-Authorization: Basic {expected}\r\n" in head) is (how != "host and port")

    @pytest.mark.needs("openssl")
    def test_https_goes_through_a_tunnel(self, certificates, connect):
        with tunnelling() as proxy, serving(certificates) as server:
            session = connect(server.url, insecure=True, proxies={"https": f"http://a:b@127.0.0.1:{proxy.port}"})
            first, second = session.get("/x"), session.get("/x")
            assert (first.json()["target"], second.json()["target"]) == ("/x", "/x")
            assert "proxy-authorization" not in str(second.json()["headers"]).lower()
            assert len(proxy.received) == 1
            host, port = f"127.0.0.1:{server.port}".split(":")
        assert proxy.received[0].decode() == (
            f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nProxy-Authorization: Basic YTpi\r\n\r\n"
        )

    def test_a_proxy_that_refuses(self, connect, stats):
        with tunnelling(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n") as proxy:
            response = connect("https://shop.example", proxies={"all": f"127.0.0.1:{proxy.port}"}).get("/")
        assert isinstance(response.error, ProxyError)
        assert "407 Who are you" in str(response.error)
        assert counts(stats) == (1, 1)

    @pytest.mark.parametrize("place", ["socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://:x"])
    def test_another_kind_of_proxy_says_so(self, connect, place):
        with pytest.raises(GregariaError, match="proxy"):
            connect("http://shop.example", proxies={"all": place}).get("/")

    def test_a_proxy_for_others_is_not_used(self, connect):
        with answering(OK) as wire:
            session = connect(f"http://127.0.0.1:{wire.port}", proxies={"https": "http://127.0.0.1:1"})
            assert session.get("/").text == session.get("/").text == "ok"
        assert wire.received[0].startswith(b"GET / HTTP/1.1")


@contextmanager
def at_a_socket(path, *answers):
    received = []

    def serve():
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(answer)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield received
        thread.join(5)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")
def test_unix_sockets(tmp_path, connect, stats):
    path = str(tmp_path / "App.sock")
    host = f"http+unix://{path.replace('/', '%2F')}"
    moved = b"HTTP/1.1 302 X\r\nLocation: /there\r\nConnection: close\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with at_a_socket(path, moved, closing, closing) as received:
        response = connect(host).get("/here?x=1")
        assert (response.text, response.url) == ("ok", f"{host}/there")
        assert connect(None).get(f"{host}/again", name="again").text == "ok"
    assert received[0].startswith(b"GET /here?x=1 HTTP/1.1\r\nHost: localhost\r\n")
    assert received[1].startswith(b"GET /there HTTP/1.1\r\n")
    assert b"Cookie: a=1\r\n" in received[1]
    assert counts(stats) == (2, 0)


class TestTimeouts:
    @pytest.mark.parametrize("timeout", [0.05, (5, 0.05), (None, 0.05)])
    def test_of_silence(self, connect, timeout):
        with Wire(lambda connection: connection.recv(1) and connection.recv(65536) and connection.recv(1)) as wire:
            response = connect(f"http://127.0.0.1:{wire.port}").get("/", timeout=timeout)
        assert isinstance(response.error, FirstByteTimeout)

    @pytest.mark.needs("openssl")
    @pytest.mark.parametrize("timeout", [0.05, (0.05, 5), (0.05, None)])
    def test_of_connecting_with_tls(self, connect, timeout):
        with Wire(lambda connection: connection.recv(65536) and connection.recv(65536)) as wire:
            response = connect(f"https://127.0.0.1:{wire.port}").get("/", timeout=timeout)
        assert isinstance(response.error, ConnectTimeout)


class TestChains:
    def test_a_loop_can_be_seen(self, connect):
        def to(place):
            return b"HTTP/1.1 302 X\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % place

        with answering(to(b"/b"), to(b"/a")) as wire:
            url = f"http://127.0.0.1:{wire.port}"
            response = connect(url).get("/a", max_redirects=4)
        assert isinstance(response.error, TooManyRedirects)
        assert str(response.error) == (
            f"more than 4 redirects; the last led from {url}/a to {url}/b to {url}/a to {url}/b"
        )

    def test_its_phases_are_those_of_all_steps(self, connect):
        told = []
        for _ in range(5):
            with answering(b"HTTP/1.1 302 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", OK) as wire:
                session = connect(f"http://127.0.0.1:{wire.port}")
                session.request_event.add_listener(lambda **fields: told.append(fields))
                response = session.get("/a")
            first = response.history[0]
            assert response.phases.connect_us == first.phases.connect_us > 0
            assert sum(response.phases) > sum(first.phases)
        # Between two steps is no phase; the shortest of several, as a busy machine may make much of it.
        assert min(each["response_time"] - sum(each["context"]["phases"].values()) for each in told) <= 1

    def test_what_the_call_said_holds_on_the_same_host_alone(self, connect):
        with answering(OK) as other:
            away = b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % other.port
            here = b"HTTP/1.1 302 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
            with answering(here, away) as wire:
                session = connect(f"http://127.0.0.1:{wire.port}")
                session.get("/a", auth=("u", "p"), cookies={"x": "1"}, headers={"X-Kept": "1"})
        for head in wire.received:
            assert b"Authorization: Basic" in head
            assert b"Cookie: x=1" in head
        assert b"Authorization" not in other.received[0]
        assert b"Cookie" not in other.received[0]
        assert b"X-Kept: 1" in other.received[0]


class TestOtherServers:
    def test_http_1_0(self, connect):
        def talk(connection):
            wire.read_head(connection)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")

        with Wire(talk) as wire:
            session = connect(f"http://127.0.0.1:{wire.port}")
            assert session.get("/").text == session.get("/", stream=True).text == "until the end"

    def test_ipv6(self, connect):
        try:
            listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            pytest.skip("there is no IPv6 here")

        def serve():
            connection, _ = listener.accept()
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(OK)

        received = []
        with listener:
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            port = listener.getsockname()[1]
            assert connect(f"http://[::1]:{port}").get("/").text == "ok"
            thread.join(5)
        assert f"Host: [::1]:{port}\r\n".encode() in received[0]

    def test_a_pool_keeps_ways_apart(self, connect):
        pool = ClientPool()
        with answering(OK) as wire:
            url = f"http://127.0.0.1:{wire.port}"
            one, two = connect(url, client_pool=pool), connect(url, client_pool=pool)
            one.get("/")
            two.get("/")
            assert wire.connections == 1
            two.get("/", verify=False)
            assert wire.connections == 2
        assert len(pool.origins) == 2
