"""The parser beside an independent model, and beside itself: the same bytes say the same however they are cut."""

import http.client
import io
import itertools
import random

import pytest

from gregaria.engine.parser import ResponseParser, parse
from gregaria.errors import ConnectionClosed, ProtocolError
from tests.engine import http_model

HEAD_LINES = [
    b"Content-Length: 5", b"content-length:  12\t", b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: x",
    b"Content-Length: 99999999999999999", b"Content-Length: 9999999999999999999", b"Content-Length: 70",
    b"Content-Length: 5, 5", b"Content-Length: 5,\t12", b"Content-Length: 5,", b"Content-Length : 5",
    b"X\0: y", b"X: \0",
    b"Transfer-Encoding: chunked", b"transfer-encoding: gzip, Chunked", b"Transfer-Encoding: gzip",
    b"Connection: close", b"connection: Keep-Alive, x", b"Connection: keep-alive,close", b"Set-Cookie: a=b",
    b"Content-Encoding: gzip", b"Content-Encoding: identity", b" folded", b"\tfolded", b"X", b": y", b"X:", b"X: y\rz",
]  # fmt: skip
STATUS_LINES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204", b"HTTP/1.1 304 X",
    b"HTTP/1.1 101 Switching", b"HTTP/1.1 404 ", b"HTTP/1.9 599 \xff", b"HTTP/2 200", b"HTTP/1.1 099 x", b"HTTP/1.1 20",
    b"ICY 200 OK", b"",
]  # fmt: skip
BODIES = [
    b"", b"hello", b"hello world!", b"5\r\nhello\r\n0\r\n\r\n", b"A;x=y\r\n0123456789\r\n1\n!\n0\r\nTrailer: x\r\n\r\n",
    b"000\r\n\r\n", b"5\r\nhello!\r\n0\r\n\r\n", b"g\r\n", b"\r\n", b"1111111111111111\r\n", b"x" * 70,
    b"28\r\n" + b"y" * 40 + b"\r\n28\r\n" + b"z" * 40 + b"\r\n0\r\n\r\n", b"0\r\n" + b"T: 1\r\n" * 40 + b"\r\n",
]  # fmt: skip
LETTERS = b"\r\n:; \t0159afAF,HTTP/.x\x00\xff"


def text(chance):
    """A response, more or less."""
    newline = chance.choice([b"\r\n", b"\r\n", b"\r\n", b"\n"])
    wire = b""
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        wire += b"HTTP/1.1 103 Early Hints" + newline + b"Link: x" + newline + newline
    lines = [chance.choice(STATUS_LINES), *chance.choices(HEAD_LINES, k=chance.randrange(4))]
    wire += newline.join(lines) + newline * 2 + chance.choice(BODIES) + chance.choice([b"", b"", b"HTTP/1.1", b"\n"])
    mutable = bytearray(wire)
    for _ in range(chance.choice([0, 0, 0, 0, 1, 2, 5])):
        place = chance.randrange(len(mutable))
        way = chance.randrange(3)
        if way == 0:
            mutable[place] = chance.choice(LETTERS)
        elif way == 1:
            del mutable[place : place + chance.choice([1, 1, 5, 30])]
            mutable = mutable or bytearray(b"H")
        else:
            mutable.insert(place, chance.choice(LETTERS))
    return bytes(mutable[: len(mutable) if chance.random() < 0.8 else chance.randrange(len(mutable)) + 1])


def outcome(pieces, **options):
    """(status, body, keep_alive, rest), None, or the class of the error."""
    try:
        made = parse(pieces, **options)
    except (ProtocolError, ConnectionClosed) as error:
        return type(error)
    return made and (made[0], made[3], made[4], made[7])


def of_model(wire, no_body, closed, most_head, most_body):
    try:
        made = http_model.read(wire, no_body, closed, most_head, most_body)
    except (ProtocolError, ConnectionClosed) as error:
        return type(error)
    return made and (made.status, made.body, made.keep_alive, made.rest)


def ways_to_cut(wire, chance):
    yield [wire]
    yield [wire[place : place + 1] for place in range(len(wire))]
    for cut in range(1, len(wire)):
        yield [wire[:cut], wire[cut:]]
    for _ in range(5):
        places = sorted(chance.sample(range(len(wire) + 1), min(len(wire), chance.randrange(2, 8))))
        yield [wire[a:b] for a, b in itertools.pairwise([0, *places, len(wire)]) if b > a]


def compare(seed, examples):
    chance = random.Random(seed)
    used = ResponseParser()
    kinds = set()
    for number in range(examples):
        wire = text(chance)
        no_body, closed = chance.random() < 0.1, chance.random() < 0.5
        most_head, most_body = chance.choice([(262144, 1 << 30), (60, 1 << 30), (262144, 60)])
        expected = of_model(wire, no_body, closed, most_head, most_body)
        kinds.add(expected if isinstance(expected, type) else type(expected))
        limits = {"most_head_bytes": most_head, "most_body_bytes": most_body}
        for pieces in ways_to_cut(wire, chance):
            got = outcome(pieces, no_body=no_body, closed=closed, **limits)
            assert got == expected, f"example {number}: {pieces!r} no_body={no_body} closed={closed} {limits}"
        # A parser knows the head of the answer before; what it makes of the next response must not depend on that.
        if limits["most_head_bytes"] > 60 and most_body > 60:
            for _ in range(2):
                again = outcome([wire], no_body=no_body, closed=closed, parser=used)
                assert again == expected, f"example {number}: {wire!r} by a parser that had parsed before"
                if not isinstance(again, tuple) or not again[2]:
                    used = ResponseParser()
    return kinds


@pytest.mark.parametrize("seed", range(4))
def test_random_responses_say_the_same_as_the_model_however_they_are_cut(seed):
    assert len(compare(seed, 250)) > 6


class Pipe:
    """What http.client takes for a socket."""

    def __init__(self, wire):
        self.wire = wire

    def makefile(self, _mode):
        return io.BytesIO(self.wire)


@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_valid_responses_are_what_the_standard_library_takes_them_for(status, minor, method):
    chance = random.Random(f"{status} {minor} {method}")
    for _ in range(20):
        body = chance.randbytes(chance.choice([0, 1, 100]))
        lines, wire = [f"HTTP/1.{minor} {status} Text".encode(), b"X-Any: y"], body
        # In an answer without a body, http.client looks for chunks all the same.
        way = chance.choice(["length", "chunked", "open"] if minor and status not in (204, 304) else ["length", "open"])
        if way == "length":
            lines.append(b"Content-Length: %d" % len(body))
        elif way == "chunked":
            lines.append(b"Transfer-Encoding: chunked")
            wire = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        lines += chance.choice([[], [b"Connection: close"], [b"Connection: keep-alive"]])
        none = method == "HEAD" or status in (204, 304)
        whole = b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if none else wire)
        theirs = http.client.HTTPResponse(Pipe(whole), method=method)
        theirs.begin()
        ours = parse([whole], no_body=method == "HEAD", closed=True)
        assert (ours[0], ours[3], ours[7]) == (theirs.status, theirs.read(), b"")
        assert ours[4] == (not theirs.will_close) or (none and way == "open")
