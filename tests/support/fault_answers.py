"""What the fault server says, by path: bytes, or a function that does something worse than saying them.

``ANSWERS`` has one line per way to fail. A function gets the ``Talk``: the connection and the request's head.
"""

import gzip
import socket
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from tests.support import bombs

#: what a client may keep a fault waiting, and how much an endless one sends at most
PATIENCE_S = 15.0
ENDLESS_BYTES = 64 * 1024 * 1024

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
_HEAD_OF_10 = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class HungUp(Exception):
    """The connection is no more, or shall not be."""


@dataclass
class Talk:
    """One request on one connection.

    Attributes:
        head: of the request, without the blank line.
        rest: what came behind it so far: the body or some of it.
        more: what came behind the body: the next request, or some of it.
    """

    connection: socket.socket
    head: bytes
    rest: bytes
    more: bytes = b""

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def read_body(self) -> None:
        """Read what a Content-Length or chunks announce."""
        lower = self.head.lower()
        if b"\r\ntransfer-encoding: chunked" in lower:
            self._read_until(lambda: self.rest.endswith(b"0\r\n\r\n"))
        elif b"\r\ncontent-length: " in lower:
            size = int(lower.partition(b"\r\ncontent-length: ")[2].split(b"\r\n")[0])
            self._read_until(lambda: len(self.rest) >= size)
            self.rest, self.more = self.rest[:size], self.rest[size:]

    def _read_until(self, whole: Callable[[], bool]) -> None:
        while not whole():
            piece = self.connection.recv(1 << 20)
            if not piece:
                raise HungUp
            self.rest += piece

    def taken(self) -> None:
        """Wait until the client's side has everything that was said."""
        waiting = struct.pack("i", 0)
        while struct.unpack("i", _outgoing(self.connection, waiting))[0]:
            time.sleep(0.001)

    def reset(self) -> NoReturn:
        """End the connection by a reset, after the client has had time to read."""
        self.taken()
        time.sleep(0.03)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise HungUp

    def close(self, *_: object) -> NoReturn:
        raise HungUp

    def wait_for_end(self) -> NoReturn:
        """Say nothing more until the client hangs up."""
        while self.connection.recv(1 << 20):
            pass
        raise HungUp


def _outgoing(connection: socket.socket, room: bytes) -> bytes:
    import fcntl
    import termios

    return fcntl.ioctl(connection, termios.TIOCOUTQ, room)


Action = Callable[[Talk], None]


def _then(data: bytes, *actions: Callable[[Talk], object]) -> Action:
    """Say something, and then do something."""

    def act(talk: Talk) -> None:
        if data:
            talk.say(data)
        for action in actions:
            action(talk)

    return act


def _endless(begin: bytes, piece: bytes) -> Action:
    """Say the piece over and over until the client hangs up."""

    def act(talk: Talk) -> None:
        talk.say(begin)
        many = piece * (65536 // len(piece) + 1)
        for _ in range(ENDLESS_BYTES // len(many)):
            talk.say(many)
        raise HungUp

    return act


def _slowly(data: bytes, step: int = 1) -> Action:
    """A few bytes at a time, each in a packet of its own, faster than any timeout."""

    def act(talk: Talk) -> None:
        for start in range(0, len(data), step):
            talk.say(data[start : start + step])
            talk.taken()

    return act


def _half_closed(how: int, data: bytes) -> Action:
    """Close one side of the connection, say something if that is still possible, and wait for the client."""

    def act(talk: Talk) -> None:
        if how == socket.SHUT_RD:
            talk.connection.shutdown(how)
            talk.say(data)
            raise HungUp
        talk.say(data)
        talk.connection.shutdown(how)
        talk.wait_for_end()

    return act


def _continued(final: bytes) -> Action:
    """Answer ``Expect: 100-continue`` with 100, read the body, then answer."""

    def act(talk: Talk) -> None:
        if b"100-continue" in talk.head:
            talk.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        talk.read_body()
        talk.say(final)

    return act


def _encoded(encoding: str, body: Callable[[], bytes] | bytes) -> Action:
    def act(talk: Talk) -> None:
        content = body if isinstance(body, bytes) else body()
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(content)}\r\n\r\n"
        talk.say(head.encode() + content)

    return act


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def _one_further(talk: Talk) -> None:
    """A chain without an end: each step leads to a place that was not there before."""
    step = int(talk.path.rsplit("/", 1)[1]) if talk.path.count("/") > 2 else 0
    talk.say(redirect(f"/redirect/many/{step + 1}"))


def _status_line(line: bytes) -> bytes:
    return line + b"\r\nContent-Length: 5\r\n\r\nhello"


def _with_header(line: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 5\r\n\r\nhello"


def _with_lengths(*lines: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\nhello"


_REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n%b\r\nbig"
_PACKED = gzip.compress(b"hello" * 1000, mtime=0)

ANSWERS: dict[str, bytes | Action] = {
    "/ok": OK,
    "/status/500": b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n",
    # the connection
    "/reset/before-head": _then(b"", Talk.reset),
    "/reset/in-head": _then(b"HTTP/1.1 200 OK\r\nContent-", Talk.reset),
    "/reset/in-body": _then(_HEAD_OF_10 + b"hello", Talk.reset),
    "/reset/in-chunks": _then(_CHUNKED + b"5\r\nhello\r\n", Talk.reset),
    "/reset/after": _then(OK, Talk.reset),
    "/reset/until-close": _then(b"HTTP/1.1 200 OK\r\n\r\nhello", Talk.reset),
    "/empty": _then(b"", Talk.close),
    "/close/in-status-line": _then(b"HTTP/1.", Talk.close),
    "/close/in-head": _then(b"HTTP/1.1 200 OK\r\nContent-", Talk.close),
    "/close/after-informational": _then(b"HTTP/1.1 103 Early Hints\r\n\r\n", Talk.close),
    "/silence": Talk.wait_for_end,
    "/silence/in-head": _then(b"HTTP/1.1 200 OK\r\nContent-", Talk.wait_for_end),
    "/silence/in-body": _then(_HEAD_OF_10 + b"hello", Talk.wait_for_end),
    "/silence/in-chunks": _then(_CHUNKED + b"5\r\nhello\r\n", Talk.wait_for_end),
    "/silence/after-informational": _then(b"HTTP/1.1 103 Early Hints\r\n\r\n", Talk.wait_for_end),
    "/slowly": _slowly(OK),
    "/half-close/write": _half_closed(socket.SHUT_WR, b""),
    "/half-close/write-in-body": _half_closed(socket.SHUT_WR, _HEAD_OF_10 + b"hello"),
    "/half-close/write-after": _half_closed(socket.SHUT_WR, OK),
    "/half-close/read": _half_closed(socket.SHUT_RD, OK),
    # the body's length
    "/body/short": _then(_HEAD_OF_10 + b"hello", Talk.close),
    "/body/none": _then(_HEAD_OF_10, Talk.close),
    "/body/short-chunks": _then(_CHUNKED + b"5\r\nhello\r\n", Talk.close),
    "/body/long": _with_lengths(b"Content-Length: 2"),
    "/body/long-chunks": _CHUNKED + b"5\r\nhello\r\n0\r\n\r\nmore",
    "/body/where-none-is": b"HTTP/1.1 204 No Content\r\n\r\nhello",
    "/body/too-large": _then(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhello", Talk.wait_for_end),
    "/body/endless": _endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "/body/endless-chunks": _endless(_CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    "/lengths/conflicting": _with_lengths(b"Content-Length: 5", b"Content-Length: 4"),
    "/lengths/conflicting-list": _with_lengths(b"Content-Length: 5, 4"),
    "/lengths/twice-the-same": _with_lengths(b"Content-Length: 5", b"Content-Length: 5"),
    "/lengths/and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n",
    "/lengths/negative": _with_lengths(b"Content-Length: -5"),
    "/lengths/plus": _with_lengths(b"Content-Length: +5"),
    "/lengths/hexadecimal": _with_lengths(b"Content-Length: 0x5"),
    "/lengths/nothing": _with_lengths(b"Content-Length:"),
    "/lengths/too-many-digits": _with_lengths(b"Content-Length: " + b"9" * 40),
    # the status line
    "/garbage": _then(b"\x00\x01\x02\x03 no HTTP at all \xff\xfe\r\n\r\n", Talk.close),
    "/garbage/other-protocol": _then(b"SSH-2.0-OpenSSH_9.6\r\n", Talk.close),
    "/status-line/http-2": _then(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80", Talk.close),
    "/status-line/no-status": _status_line(b"HTTP/1.1"),
    "/status-line/letters": _status_line(b"HTTP/1.1 abc OK"),
    "/status-line/two-digits": _status_line(b"HTTP/1.1 20 OK"),
    "/status-line/four-digits": _status_line(b"HTTP/1.1 2000 OK"),
    "/status-line/zero": _status_line(b"HTTP/1.1 000 OK"),
    "/status-line/negative": _status_line(b"HTTP/1.1 -200 OK"),
    "/status-line/other-version": _status_line(b"HTTP/9.9 200 OK"),
    "/status-line/other-name": _status_line(b"ICY 200 OK"),
    "/status-line/begins-with-space": _status_line(b" HTTP/1.1 200 OK"),
    "/status-line/header-first": _status_line(b"Server: early"),
    "/status-line/no-reason": _status_line(b"HTTP/1.1 200"),
    # the headers
    "/headers/no-colon": _with_header(b"no colon here"),
    "/headers/no-name": _with_header(b": value"),
    "/headers/space-in-name": _with_header(b"Bad Name: value"),
    "/headers/space-before-colon": _with_header(b"Content-Length : 3"),
    "/headers/nul": _with_header(b"X-A: a\x00b"),
    "/headers/nul-in-name": _with_header(b"X\x00A: b"),
    "/headers/bare-return": _with_header(b"X-A: a\rContent-Length: 3"),
    "/headers/folded": _with_header(b"X-A: a\r\n  b"),
    "/headers/folded-first": _with_header(b" X-A: a"),
    "/headers/latin": _with_header(b"X-A: \xe9\xff"),
    "/head/large": _with_header(b"X-A: " + b"a" * 300_000),
    "/head/large-in-lines": _with_header(b"\r\n".join(b"X-%d: %b" % (at, b"a" * 1000) for at in range(300))),
    "/head/endless": _endless(b"HTTP/1.1 200 OK\r\n", b"X-A: value\r\n"),
    "/head/endless-line": _endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "/head/endless-status-line": _endless(b"HTTP/1.1 200 ", b"a"),
    "/head/endless-informational": _endless(b"", b"HTTP/1.1 103 Early Hints\r\nX-A: value\r\n\r\n"),
    # the chunks
    "/chunks/size-no-number": _CHUNKED + b"five\r\nhello\r\n0\r\n\r\n",
    "/chunks/size-negative": _CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "/chunks/size-empty": _CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "/chunks/size-prefixed": _CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "/chunks/size-too-large": _CHUNKED + b"f" * 20 + b"\r\nhello\r\n0\r\n\r\n",
    "/chunks/longer-than-size": _CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "/chunks/shorter-than-size": _then(_CHUNKED + b"9\r\nhello\r\n0\r\n\r\n", Talk.close),
    "/chunks/cut-in-size": _then(_CHUNKED + b"5\r\nhello\r\n1", Talk.close),
    "/chunks/no-trailer": _then(_CHUNKED + b"5\r\nhello\r\n0\r\n", Talk.close),
    "/chunks/endless-extension": _endless(_CHUNKED + b"5;", b"a"),
    "/chunks/endless-size": _endless(_CHUNKED, b"0"),
    "/chunks/endless-trailer": _endless(_CHUNKED + b"0\r\n", b"X-A: value\r\n"),
    "/chunks/extension": _CHUNKED + b'5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n',
    "/chunks/trailer": _CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    # redirects
    "/redirect/many": _one_further,
    "/redirect/loop": redirect("/redirect/loop"),
    "/redirect/pair": redirect("/redirect/of-pair"),
    "/redirect/of-pair": redirect("/redirect/pair"),
    "/redirect/nowhere": redirect("http://["),
    "/redirect/elsewhere": redirect("ftp://localhost/"),
    "/redirect/no-such-host": redirect("http://nosuch.invalid/"),
    "/redirect/to-reset": redirect("/reset/in-body"),
    "/redirect/to-garbage": redirect("/garbage"),
    "/redirect/to-silence": redirect("/silence"),
    "/redirect/to-500": redirect("/status/500"),
    "/redirect/without-location": b"HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nhello",
    # content encodings
    "/encoding/bad-gzip": _encoded("gzip", b"this is not gzip"),
    "/encoding/truncated": _encoded("gzip", _PACKED[:20]),
    "/encoding/bad-checksum": _encoded("gzip", _PACKED[:-8] + b"\x00" * 8),
    "/encoding/wrong-name": _encoded("gzip", zlib.compress(b"hello")),
    "/encoding/unknown": _encoded("x-unheard-of", b"hello"),
    "/encoding/bad-deflate": _encoded("deflate", b"this is not deflate"),
    "/encoding/bad-br": _encoded("br", b"\xff\xfethis is not brotli"),
    "/encoding/bad-zstd": _encoded("zstd", b"this is not zstd"),
    "/encoding/many-layers": _encoded(", ".join(["gzip"] * 12), bombs.many_layers),
    "/bomb/gzip": _encoded("gzip", bombs.gzip_bomb),
    "/bomb/deflate": _encoded("deflate", bombs.deflate_bomb),
    "/bomb/br": _encoded("br", bombs.brotli_bomb),
    "/bomb/zstd": _encoded("zstd", bombs.zstd_bomb),
    "/bomb/nested": _encoded("gzip, gzip", bombs.nested_gzip_bomb),
    # the order of things
    "/early": _then(_REFUSAL % b"", Talk.read_body),
    "/early/close": _then(_REFUSAL % b"Connection: close\r\n", Talk.close),
    "/early/half-close": _half_closed(socket.SHUT_WR, _REFUSAL % b"Connection: close\r\n"),
    "/100-continue": _continued(OK),
    "/100-continue/refused": _then(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"),
    "/100-unasked": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "/103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    "/101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "/http10": _then(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", Talk.close),
    "/http10/until-close": _then(b"HTTP/1.0 200 OK\r\n\r\nhello", Talk.close),
    "/two-answers": OK + OK,
}

#: answered before the body has been read
EARLY = frozenset(path for path in ANSWERS if path.startswith(("/early", "/100-continue")))
