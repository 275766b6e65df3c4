"""How long a response is and what it says, by RFC 9112 read plainly: the whole text at once, slow and obvious."""

import re
from dataclasses import dataclass

from gregaria import errors

STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9][0-9])( .*)?", re.DOTALL)
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]+)(?:[; \t\r].*)?", re.DOTALL)
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
WHITE = b" \t"


@dataclass
class Response:
    """A response that is whole."""

    status: int
    body: bytes
    keep_alive: bool
    rest: bytes


class Unfinished(Exception):
    """More is needed."""


def read(wire: bytes, no_body: bool, closed: bool, most_head: int, most_body: int) -> Response | None:
    """The response that a text begins with; None if it is not whole and the connection still open.

    Raises:
        ProtocolError, ConnectionClosed: as the engine's parser has to.
    """
    try:
        for _ in range(101):
            status, minor, fields, wire = _head(wire, most_head)
            if status >= 200 or status == 101:
                return _whole(status, minor, fields, wire, no_body, closed, most_body, most_head)
        raise errors.HeadTooLarge
    except Unfinished:
        if closed:
            raise errors.ConnectionClosed from None
        return None


def _head(wire: bytes, most_head: int) -> tuple[int, int, list[tuple[bytes, bytes]], bytes]:
    at, first, fields = 0, None, []
    while True:
        end = wire.find(b"\n", at)
        if first is None and len(wire) >= 5 and (end < 0 or end >= 5) and not wire.startswith(b"HTTP/"):
            raise errors.MalformedStatusLine
        if (len(wire) if end < 0 else end + 1) > most_head:
            raise errors.HeadTooLarge
        if end < 0:
            raise Unfinished
        line = wire[at:end].removesuffix(b"\r")
        at = end + 1
        if first is None:
            first = STATUS_LINE.fullmatch(line)
            if first is None:
                raise errors.MalformedStatusLine
        elif not line:
            return int(first[2]), int(first[1]), fields, wire[at:]
        elif b"\0" in line or b"\r" in line:
            raise errors.MalformedHeader
        elif line[:1] not in (b" ", b"\t") or not fields:
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.fullmatch(name):
                raise errors.MalformedHeader
            fields.append((name.lower(), value.strip(WHITE)))
            if name.lower() == b"content-length":
                _length(fields)


def _length(fields: list[tuple[bytes, bytes]]) -> int | None:
    lengths = []
    for name, value in fields:
        if name == b"content-length":
            for one in value.split(b","):
                if not re.fullmatch(rb"[ \t]*[0-9]{1,18}", one):
                    raise errors.MalformedHeader
                lengths.append(int(one))
                if len(set(lengths)) > 1:
                    raise errors.ConflictingLengths
    return lengths[0] if lengths else None


def _whole(
    status: int,
    minor: int,
    fields: list[tuple[bytes, bytes]],
    wire: bytes,
    no_body: bool,
    closed: bool,
    most_body: int,
    most_head: int,
) -> Response | None:
    keep_alive = minor >= 1
    for name, value in fields:
        if name == b"connection":
            tokens = [token.strip(WHITE).lower() for token in value.split(b",")]
            if b"close" in tokens:
                keep_alive = False
            elif b"keep-alive" in tokens:
                keep_alive = True
    length = _length(fields)
    codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    if no_body or status in (204, 304, 101):
        return Response(status, b"", keep_alive and status != 101, wire)
    if codings and codings[-1].endswith(b"chunked"):
        body, rest = _chunks(wire, closed, most_body, most_head)
        return Response(status, body, keep_alive and length is None, rest)
    if length is not None and not codings:
        if length > most_body:
            raise errors.BodyTooLarge
        if len(wire) >= length:
            return Response(status, wire[:length], keep_alive, wire[length:])
        if closed:
            raise errors.BodyTooShort
        return None
    if len(wire) > most_body:
        raise errors.BodyTooLarge
    return Response(status, wire, False, b"") if closed else None


def _chunks(wire: bytes, closed: bool, most_body: int, most_trailer: int) -> tuple[bytes, bytes]:
    body, rest = b"", wire
    while True:
        size, rest = _chunk_size(rest, closed)
        if size == 0:
            break
        body += rest[:size]
        if len(body) > most_body:
            raise errors.BodyTooLarge
        if len(rest) < size:
            _unfinished(closed)
        rest = rest[size:].lstrip(b"\r")
        if not rest:
            _unfinished(closed)
        if not rest.startswith(b"\n"):
            raise errors.MalformedChunk
        rest = rest[1:]
    at = 0
    while True:
        end = rest.find(b"\n", at)
        if (len(rest) if end < 0 else end + 1) > most_trailer:
            raise errors.MalformedChunk
        if end < 0:
            _unfinished(closed)
        if not rest[at:end].replace(b"\r", b""):
            return body, rest[end + 1 :]
        at = end + 1


def _chunk_size(rest: bytes, closed: bool) -> tuple[int, bytes]:
    line, newline, after = rest.partition(b"\n")
    digits = re.match(rb"[0-9a-fA-F]*", line)
    assert digits is not None
    if digits.end() > 15:
        raise errors.MalformedChunk
    if digits.end() == len(line) and not newline:
        _unfinished(closed)
    found = CHUNK_SIZE.fullmatch(line)
    if found is None or len(line) - digits.end() + 1 > 16384:
        raise errors.MalformedChunk
    if not newline:
        _unfinished(closed)
    return int(found[1], 16), after


def _unfinished(closed: bool) -> None:
    if closed:
        raise errors.BodyTooShort
    raise Unfinished
