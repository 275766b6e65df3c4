"""A small HTTP proxy: absolute targets and CONNECT, with a password if it is told one."""

import base64
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """The running proxy.

    Args:
        credentials: "user:password" that it asks for; None for letting everybody through.

    Attributes:
        port: where, on 127.0.0.1.
        asked: (method, target, Proxy-Authorization) of each request, in order.
    """

    def __init__(self, credentials: str | None = None) -> None:
        self._wanted = credentials and "Basic " + base64.b64encode(credentials.encode()).decode()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._asked: list[tuple[str, str, str | None]] = []
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self) -> list[tuple[str, str, str | None]]:
        """What it was asked since the last time."""
        taken, self._asked = self._asked, []
        return taken

    def start(self) -> None:
        self._run(self._accept)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _run(self, function, *arguments) -> None:  # type: ignore[no-untyped-def]
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.settimeout(15)
                self._open.add(client)
                self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            while self._one(client):
                pass
        self._open.discard(client)

    def _one(self, client: socket.socket) -> bool:
        """Deal with one request; whether there may be another."""
        got = b""
        while b"\r\n\r\n" not in got:
            piece = client.recv(65536)
            if not piece:
                return False
            got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        authorization = headers.get("proxy-authorization")
        self._asked.append((method, target, authorization))
        if self._wanted is not None and authorization != self._wanted:
            client.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=proxy\r\n"
                b"Content-Length: 0\r\n\r\n"
            )
            return True
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            self._tunnel(client, host, int(port))
            return False
        parts = urlsplit(target)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
        # One request a connection: where the answer ends is then plain to see.
        kept += ["Via: 1.1 proxy", "Connection: close"]
        request = "\r\n".join([f"{method} {path} HTTP/1.1", *kept]).encode("latin-1") + b"\r\n\r\n"
        with self._connected(client, str(parts.hostname), parts.port or 80) as server:
            server.sendall(request + rest)
            _shovel(client, server, b"\r\nConnection: close")
        return False

    def _tunnel(self, client: socket.socket, host: str, port: int) -> None:
        with self._connected(client, host.strip("[]"), port) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _shovel(client, server)

    @contextmanager
    def _connected(self, client: socket.socket, host: str, port: int) -> Iterator[socket.socket]:
        try:
            server = socket.create_connection((host, port), 5)
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            raise
        self._open.add(server)
        with server:
            yield server
        self._open.discard(server)


def _shovel(client: socket.socket, server: socket.socket, more: bytes = b"") -> None:
    """Carry bytes both ways until one side has no more; ``more`` is put behind the first line that the server says."""
    while True:
        for ready in select.select([client, server], [], [], 15)[0]:
            piece = ready.recv(65536)
            if not piece:
                return
            if ready is server:
                first, end, rest = piece.partition(b"\r\n")
                piece = first + more + end + rest
                more = b""
            (server if ready is client else client).sendall(piece)


@contextmanager
def proxy(credentials: str | None = None) -> Iterator[Proxy]:
    """Run one until the end of the block."""
    running = Proxy(credentials)
    running.start()
    try:
        yield running
    finally:
        running.close()
