"""A server that keeps what it received, byte for byte, and answers as the query asks.

The query of any path: ``status``, ``say`` (the body), ``size`` (of a body of letters), ``type``, ``h`` (a header line,
any number of them), ``cookie``, ``to`` (Location), ``as`` (gzip, deflate, br, zstd), ``cut`` (bytes that the body's end
lacks), ``how`` (length, chunked, close, broken for a body that ends before its length, 10 for HTTP/1.0, 10-keep),
``before`` (an informational status, any number), ``wait`` (seconds), ``then=hang-up`` (close the connection afterwards
without a word of it), ``unless`` (a cookie with which it is 200 instead), ``first=hang-up`` (hang up without an answer
when this is not the connection's first request), ``continue`` (what becomes of Expect).
"""

import gzip
import itertools
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.digest import challenge_unless_right

LETTERS = bytes(range(97, 123))


@dataclass
class Received:
    """One request as it came.

    Attributes:
        headers: (name, value) in order.
        body: chunks joined.
        connection: which one, from 0.
        hurried: bytes of another request were there before this one was answered.
        server_name, resumed, client: of TLS: the name asked for, whether the session was known, the client's name.
        expected: the client waited for "100 Continue" before it sent the body.
    """

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    connection: int = 0
    hurried: bool = False
    server_name: str | None = None
    resumed: bool | None = None
    client: str | None = None
    expected: bool = False

    def header(self, name: str) -> str | None:
        """The first of that name."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


@dataclass
class _Wishes:
    path: str
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        return next((value for known, value in self.pairs if known == name), default)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.pairs if known == name]


class _Gone(Exception):
    """The client has hung up."""


class _Connection:
    """Reads requests off a socket; every method raises _Gone at its end."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.buffer = b""

    def line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def chunks(self) -> bytes:
        body = b""
        while size := int(self.line().partition(b";")[0], 16):
            body += self.exactly(size)
            self.line()
        while self.line():
            pass
        return body

    def has_more(self, within_s: float = 0) -> bool:
        """Whether something has come that nobody has read yet."""
        if self.buffer:
            return True
        self.socket.settimeout(within_s or 0.000001)
        try:
            self._more()
        except (TimeoutError, ssl.SSLWantReadError, BlockingIOError):
            return False
        except (_Gone, OSError):
            return False
        finally:
            self.socket.settimeout(15)
        return True

    def _more(self) -> None:
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise _Gone
        self.buffer += piece


class OracleServer:
    """The running server.

    Args:
        context: for TLS.
        family, address: where it listens; a path for a Unix socket.

    Attributes:
        url: its base URL.
        port: 0 for a Unix socket.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        family: socket.AddressFamily = socket.AF_INET,
        address: str = "127.0.0.1",
    ) -> None:
        self._context = context
        self._names: dict[Any, str | None] = {}
        if context is not None:
            context.sni_callback = self._asked_for
        if family == socket.AF_UNIX:
            self._listener = socket.socket(family)
            self._listener.bind(address)
            self._listener.listen(128)
            self.port, self.url = 0, address
        else:
            self._listener = socket.create_server((address, 0), family=family, backlog=128)
            self.port = self._listener.getsockname()[1]
            host = f"[{address}]" if ":" in address else address
            self.url = f"{'http' if context is None else 'https'}://{host}:{self.port}"
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._connections = itertools.count()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._run(self._accept)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def take(self) -> list[Received]:
        """What it received since the last time; connections are counted from 0 again."""
        with self._lock:
            taken, self._received = self._received, []
        numbers: dict[int, int] = {}
        for received in taken:
            received.connection = numbers.setdefault(received.connection, len(numbers))
        return taken

    def wait_for(self, requests: int, patience_s: float = 0.5) -> None:
        """Wait until it has received so many since the last ``take``, or is not going to."""
        deadline = time.monotonic() + patience_s
        while len(self._received) < requests and time.monotonic() < deadline:
            time.sleep(0.001)

    def hang_up(self) -> None:
        """Close every connection, as a server does that has had enough of idle ones; returns when that is done."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        while self._open:
            time.sleep(0.001)

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def _run(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _asked_for(self, secured: Any, name: str | None, _: ssl.SSLContext) -> None:
        self._names[secured] = name

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(15)
                if connection.family != socket.AF_UNIX:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(connection)
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        plain = connection
        number = next(self._connections)
        about: dict[str, Any] = {}
        with suppress(OSError, _Gone):
            if self._context is not None:
                plain_connection = connection
                connection = secured = self._context.wrap_socket(connection, server_side=True)
                self._open.add(connection)
                self._open.discard(plain_connection)
                about = {
                    "server_name": self._names.pop(secured, None),
                    "resumed": secured.session_reused,
                    "client": _common_name(secured.getpeercert()),
                }
            reader = _Connection(connection)
            for turn in itertools.count():
                self._one(reader, number, turn, about)
        for each in {plain, connection}:
            each.close()
            self._open.discard(each)

    def _one(self, reader: _Connection, number: int, turn: int, about: dict[str, Any]) -> None:
        method, target, version = reader.line().decode("latin-1").split(" ", 2)
        headers = []
        while line := reader.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        received = Received(method, target, version, headers, connection=number, **about)
        parts = urlsplit(target)
        wishes = _Wishes(parts.path, parse_qsl(parts.query, keep_blank_values=True))
        if turn and wishes.get("first") == "hang-up":
            raise _Gone
        refused = self._expectation(reader, received, wishes)
        if not refused:
            if "chunked" in (received.header("Transfer-Encoding") or ""):
                received.body = reader.chunks()
            else:
                received.body = reader.exactly(int(received.header("Content-Length") or 0))
        with self._lock:
            self._received.append(received)
        if wait := float(wishes.get("wait", "0")):
            time.sleep(wait)
        received.hurried = reader.has_more()
        for status in wishes.all("before"):
            reader.socket.sendall(f"HTTP/1.1 {status} Early\r\nLink: </style.css>\r\n\r\n".encode())
        answer, ends = _answer(received, wishes, refused)
        reader.socket.sendall(answer)
        if received.header("Connection") == "close":
            ends = True
        if ends or refused or wishes.get("then") == "hang-up":
            if isinstance(reader.socket, ssl.SSLSocket):
                with suppress(OSError):
                    reader.socket.unwrap()
            raise _Gone

    def _expectation(self, reader: _Connection, received: Received, wishes: _Wishes) -> bool:
        """Deal with ``Expect: 100-continue``; True when the body is refused."""
        if received.header("Expect") != "100-continue":
            return False
        # Long enough for a body that does not wait to be here.
        received.expected = not reader.has_more(0.1)
        wish = wishes.get("continue", "yes")
        if wish == "yes":
            reader.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return wish == "no"


_REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 401: "Unauthorized", 404: "Not Found", 417: "Failed"}


def _answer(received: Received, wishes: _Wishes, refused: bool) -> tuple[bytes, bool]:
    """The answer's bytes, and whether the connection ends with it."""
    status = int(wishes.get("status", "417" if refused else "200"))
    lines = list(wishes.all("h"))
    if wishes.path.startswith("/digest"):
        challenge = challenge_unless_right(received.method, received.header("Authorization"))
        if challenge is not None:
            status, lines = 401, [*lines, f"WWW-Authenticate: {challenge}"]
    if wishes.path.startswith("/basic") and received.header("Authorization") is None:
        status, lines = 401, [*lines, 'WWW-Authenticate: Basic realm="here"']
    if (known := wishes.get("unless")) and known in (received.header("Cookie") or ""):
        status = 200
    body = wishes.get("say", "hello").encode()
    if size := int(wishes.get("size", "0")):
        body = (LETTERS * (size // len(LETTERS) + 1))[:size]
    if encoding := wishes.get("as"):
        body = _encode(body, encoding)
        lines.append(f"Content-Encoding: {encoding}")
    if missing := int(wishes.get("cut", "0")):
        body = body[:-missing]
    lines += [f"Set-Cookie: {cookie}" for cookie in wishes.all("cookie")]
    if location := wishes.get("to"):
        lines.append(f"Location: {location}")
        if status == 200 and "status" not in dict(wishes.pairs) and not wishes.get("unless"):
            status = 302
    if "type" in dict(wishes.pairs):
        lines += [f"Content-Type: {wishes.get('type')}"] if wishes.get("type") else []
    else:
        lines.append("Content-Type: text/plain")
    how = wishes.get("how", "length")
    if how == "broken":
        # More is announced than comes.
        lines += [f"Content-Length: {len(body) + 10}", "Connection: close"]
    no_body = received.method == "HEAD" or status in (204, 304)
    if how == "chunked" and status not in (204, 304):
        lines.append("Transfer-Encoding: chunked")
        third = len(body) // 3 + 1
        pieces = [body[start : start + third] for start in range(0, len(body), third)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    elif how not in ("broken", "close", "10-close") and status != 204 and not (status == 304 and how == "length"):
        lines.append(f"Content-Length: {len(body)}")
    if how == "close":
        lines.append("Connection: close")
    elif how == "10-keep":
        lines.append("Connection: keep-alive")
    version = "1.0" if how.startswith("10") else "1.1"
    reason = wishes.get("reason", _REASONS.get(status, "Whatever"))
    head = "\r\n".join([f"HTTP/{version} {status} {reason}", *lines]).encode("latin-1", "replace") + b"\r\n\r\n"
    ends = how in ("broken", "close", "10", "10-close") or "connection: close" in "\n".join(lines).lower()
    return head + (b"" if no_body else body), ends


def _encode(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.compress(body, mtime=0)
    if encoding == "deflate":
        return zlib.compress(body)
    if encoding == "br":
        import brotli

        return bytes(brotli.compress(body))
    if encoding == "zstd":
        import zstandard

        return zstandard.ZstdCompressor().compress(body)
    return body


def _common_name(certificate: Any) -> str | None:
    for part in (certificate or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return None


@contextmanager
def oracle_server(
    context: ssl.SSLContext | None = None, family: socket.AddressFamily = socket.AF_INET, address: str = "127.0.0.1"
) -> Iterator[OracleServer]:
    """Run one until the end of the block."""
    server = OracleServer(context, family, address)
    server.start()
    try:
        yield server
    finally:
        server.close()
        if family == socket.AF_UNIX:
            with suppress(OSError):
                os.unlink(Path(address))
