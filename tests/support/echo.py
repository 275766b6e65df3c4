"""An HTTP server that tells what it received, and does what the path asks: one thread a connection, in this process."""

import base64
import gzip
import json
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    #: [(method, target)] in the order they came
    served: list[tuple[str, str]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class Echo:
    """The running server.

    Attributes:
        url: its base URL.
        port: where it listens.
        served: (method, target) of each request so far.
    """

    def __init__(self, server: _Server, scheme: str) -> None:
        self.port: int = server.server_port
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.served = server.served


class _Handler(BaseHTTPRequestHandler):
    """``/status/N`` answers with N; ``?to=`` redirects; ``?cookie=a=1`` sets cookies; ``?as=gzip`` encodes."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        # Head and body go out in two writes; waiting for the first one's acknowledgement would take 40 ms.
        self.connection.setsockopt(6, 1, 1)

    def answer(self) -> None:
        self.server.served.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self._chunks()
        parts = urlsplit(self.path)
        wishes = dict(parse_qsl(parts.query, keep_blank_values=True))
        status = int(parts.path.split("/")[2]) if parts.path.startswith("/status/") else 200
        time.sleep(float(wishes.get("wait", 0)))
        if "hang_up" in wishes:
            self.close_connection = True
            return
        content = wishes["say"].encode() if "say" in wishes else self._told(body)
        encoding = wishes.get("as")
        if encoding == "gzip":
            content = gzip.compress(content)
        elif encoding == "deflate":
            content = zlib.compress(content)
        self.send_response(status)
        for name, value in parse_qsl(parts.query):
            if name == "cookie":
                self.send_header("Set-Cookie", value)
        if "to" in wishes:
            self.send_header("Location", wishes["to"])
        if encoding:
            self.send_header("Content-Encoding", "gzip" if encoding == "broken" else encoding)
        self.send_header("Content-Type", wishes.get("type", "application/json"))
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = do_PROPFIND = answer

    def _told(self, body: bytes) -> bytes:
        told = {
            "method": self.command,
            "target": self.path,
            "headers": self.headers.items(),
            "body": base64.b64encode(body).decode(),
        }
        return json.dumps(told).encode()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *args: Any) -> None:
        """Silence."""


@contextmanager
def echo_server(context: ssl.SSLContext | None = None) -> Iterator[Echo]:
    """Run one on a free port, with a context over TLS."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.served = []
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Echo(server, "http" if context is None else "https")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
