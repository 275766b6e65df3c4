"""HttpUser's requests to a server that listens on a Unix socket."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.support.http_session import Books, new_session

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        redirects = {"/first": "second?a=b", "/second?a=b": "/end"}
        content = f"{self.headers['Host']} {self.path} {self.headers['Cookie']}".encode()
        self.send_response(302 if self.path in redirects else 200)
        self.send_header("Location", redirects.get(self.path, ""))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *args: Any) -> None:
        """Silence."""


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "app.sock"
    with _Server(str(path), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http+unix://{quote(str(path), safe='')}"
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize("way", [{}, {"stream": True}], ids=["engine", "under requests"])
def test_a_socket_of_the_file_system_takes_the_place_of_host_and_port(url: str, books: Books, way: Any) -> None:
    with new_session(url, books=books) as session:
        for _ in range(2):
            response = session.get("/a", params={"b": "c d"}, cookies={"d": "e"}, **way)
            assert response.took_engine
            assert response.text == "localhost /a?b=c+d d=e"
            assert response.url == f"{url}/a?b=c+d"
        chain = session.get("/first", **way)
        assert (chain.text, len(chain.history)) == ("localhost /end None", 2)
        assert session.get(f"{url}/whole", **way).text == "localhost /whole None"
    assert books.counts() == {"/a?b=c+d": (2, 0, 0), "/first": (1, 0, 0), "/whole": (1, 0, 0)}


@pytest.mark.parametrize("way", [{}, {"stream": True}], ids=["engine", "under requests"])
def test_a_socket_that_is_not_there_is_a_failure(tmp_path: Path, books: Books, way: Any) -> None:
    with new_session(f"http+unix://{quote(str(tmp_path / 'none.sock'), safe='')}", books=books) as session:
        response = session.get("/", **way)
    assert isinstance(response.error, requests.exceptions.ConnectionError)
    assert isinstance(books.failures[0][2], FileNotFoundError)
    assert books.counts() == {"/": (1, 1, 0)}
