"""Wire text in, responses out; every text also cut at every position."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gregaria.engine.parser import parse
from gregaria.errors import ConnectionClosed, ProtocolError

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;name=value\r\nhello\r\n1\r\n,\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
)
BARE_NEWLINES = b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LENGTH
COOKIE = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nCONTENT-ENCODING: gzip\r\ncontent-length: 0\r\n\r\n"
FOLDED = b"HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: 0\r\n\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive, Close\r\nContent-Length: 0\r\n\r\n"
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"
OLD_KEPT = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
NO_REASON = b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"
BOTH_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"

# (bytes, status, body, keep_alive, has_cookie, has_encoding)
WHOLE = [
    (LENGTH, 200, b"hello", True, False, False),
    (CHUNKED, 200, b"hello,0123456789", True, False, False),
    (BARE_NEWLINES, 200, b"ok", True, False, False),
    (NO_CONTENT, 204, b"", True, False, False),
    (NOT_MODIFIED, 304, b"", True, False, False),
    (INTERIM, 200, b"hello", True, False, False),
    (COOKIE, 200, b"", True, True, True),
    (FOLDED, 200, b"", True, False, False),
    (CLOSE, 200, b"", False, False, False),
    (OLD, 200, b"", False, False, False),
    (OLD_KEPT, 200, b"", True, False, False),
    (NO_REASON, 200, b"", True, False, False),
    (BOTH_LENGTHS, 200, b"ok", False, False, False),
]


every_whole_response = pytest.mark.parametrize("wire, expected", [(row[0], row[1:]) for row in WHOLE])


def essence(answer):
    status, _minor, _head, body, keep_alive, has_cookie, has_encoding, rest = answer
    return status, body, keep_alive, has_cookie, has_encoding, rest


@every_whole_response
def test_a_response_in_one_piece(wire, expected):
    assert essence(parse([wire])) == (*expected, b"")


@every_whole_response
def test_the_same_bytes_cut_at_every_position(wire, expected):
    for cut in range(1, len(wire)):
        assert essence(parse([wire[:cut], wire[cut:]])) == (*expected, b""), f"cut at {cut}"


@every_whole_response
def test_the_same_bytes_one_by_one(wire, expected):
    pieces = [wire[place : place + 1] for place in range(len(wire))]
    assert essence(parse(pieces)) == (*expected, b"")
    for end in range(len(pieces)):
        assert parse(pieces[:end]) is None, f"whole after {end} of {len(pieces)} bytes"


@pytest.mark.parametrize("wire", [LENGTH, CHUNKED, INTERIM])
def test_the_same_bytes_cut_at_every_pair_of_positions(wire):
    expected = essence(parse([wire]))
    for first, second in itertools.combinations(range(1, len(wire)), 2):
        assert essence(parse([wire[:first], wire[first:second], wire[second:]])) == expected


def test_the_head_is_kept_as_it_came():
    assert parse([LENGTH])[2] == LENGTH[:-5]


def test_bytes_after_the_response_are_not_its_own():
    assert parse([LENGTH + b"HTTP/1.1"])[7] == b"HTTP/1.1"


def test_a_head_request_is_answered_without_a_body():
    status, _, _, body, *_ = parse([b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"], no_body=True)
    assert (status, body) == (200, b"")


def test_without_a_length_the_body_ends_with_the_connection():
    pieces = [b"HTTP/1.1 200 OK\r\n\r\n", b"any", b"thing"]
    assert parse(pieces) is None
    status, _, _, body, keep_alive, *_ = parse(pieces, closed=True)
    assert (status, body, keep_alive) == (200, b"anything", False)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        LENGTH[:-1],
        CHUNKED[:-2],
        CHUNKED[: CHUNKED.index(b"hello")],
    ],
)
def test_a_connection_that_closes_too_early_is_an_error(wire):
    with pytest.raises(ConnectionClosed):
        parse([wire] if wire else [], closed=True)


@pytest.mark.parametrize(
    "wire, message",
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "malformed status line"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "malformed status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "malformed status line"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "malformed status line"),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", "malformed header line"),
        (b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n", "malformed header line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "two different lengths"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n", "two different lengths"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\n", "malformed Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\n", "malformed Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", "malformed header name"),
        (b"HTTP/1.1 200 OK\r\nX Y: 5\r\n\r\n", "malformed header name"),
        (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "malformed header line"),
        (b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "malformed header line"),
        (b"HTTP/1.1 200 OK\r\n X: a\r\n\r\n", "malformed header"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "malformed Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n", "malformed Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "malformed Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999999\r\n\r\n", "malformed Content-Length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "malformed chunk size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "malformed chunk size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than its size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1111111111111111\r\n", "too many digits"),
    ],
)
def test_what_is_not_http_is_refused_wherever_it_is_cut(wire, message):
    with pytest.raises(ProtocolError, match=message):
        parse([wire])
    with pytest.raises(ProtocolError):
        parse([wire[place : place + 1] for place in range(len(wire))])


def test_a_protocol_that_never_ends_its_first_line_is_refused_at_once():
    with pytest.raises(ProtocolError, match="not an HTTP response"):
        parse([b"\x16\x03\x01\x02\x00\x01\x00"])


def test_a_head_larger_than_the_limit_is_refused():
    endless = (b"X-%d: y\r\n" % number for number in itertools.count())
    with pytest.raises(ProtocolError, match="larger than 4096 bytes"):
        parse(itertools.chain([b"HTTP/1.1 200 OK\r\n"], endless), most_head_bytes=4096)
    with pytest.raises(ProtocolError, match="larger than 100 bytes"):
        parse([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200 + b"\r\n\r\n"], most_head_bytes=100)


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000,
    ],
)
def test_a_body_larger_than_the_limit_is_refused(wire):
    with pytest.raises(ProtocolError, match="larger than allowed"):
        parse([wire], most_body_bytes=999)


def test_an_extension_or_a_trailer_without_end_is_refused():
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(ProtocolError, match="extension does not end"):
        parse([start + b"5;" + b"x" * 20000])
    with pytest.raises(ProtocolError, match="trailer"):
        parse([start + b"0\r\n" + b"X: y\r\n" * 1000], most_head_bytes=4096)


@given(
    body=st.binary(max_size=3000),
    sizes=st.lists(st.integers(1, 700), max_size=20),
    cuts=st.lists(st.integers(1, 4000), max_size=12),
    chunked=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_any_body_comes_through_any_cuts(body, sizes, cuts, chunked):
    if chunked:
        pieces, rest = [], body
        for size in sizes:
            piece, rest = rest[:size], rest[size:]
            if piece:
                pieces.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        if rest:
            pieces.append(b"%X\r\n%s\r\n" % (len(rest), rest))
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(pieces) + b"0\r\n\r\n"
    else:
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    places = sorted({cut for cut in cuts if cut < len(wire)})
    parts = [wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)]
    assert parse(parts)[3] == body


@given(st.lists(st.binary(max_size=80), max_size=8))
@settings(max_examples=300, deadline=None)
def test_garbage_ends_in_an_answer_or_in_an_error_of_ours(pieces):
    try:
        parse([b"HTTP/1.1 200 OK\r\n", *pieces], closed=True)
    except (ProtocolError, ConnectionClosed):
        pass


def test_the_same_length_said_twice_is_that_length():
    assert parse([b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok"])[3] == b"ok"
