"""client/decode.py"""

import gzip
import zlib

import pytest

from gregaria.client.decode import decode
from gregaria.errors import ProtocolError
from gregaria.settings import settings

TEXT = b"some text, " * 1000


def raw_deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZip", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:500], mtime=0) + gzip.compress(TEXT[500:], mtime=0)),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"what servers leave behind"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
        ("made-up", TEXT),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT, mtime=0))),
        ("deflate,identity , gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_what_was_encoded_comes_back(encoding: str, body: bytes) -> None:
    assert decode(body, encoding) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_no_body_stays_no_body(encoding: str) -> None:
    assert decode(b"", encoding) == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_is_not_what_it_says_is_a_protocol_error_that_shows_it(encoding: str) -> None:
    with pytest.raises(ProtocolError, match=f"{encoding}.*plain words"):
        decode(b"plain words", encoding)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]
)
def test_a_bomb_is_noticed_before_it_goes_off(encoding: str, pack) -> None:  # type: ignore[no-untyped-def]
    bomb = pack(bytes(10_000_000))
    with pytest.raises(ProtocolError, match="larger than 1000000 bytes"):
        decode(bomb, encoding, 1_000_000)
    assert len(decode(bomb, encoding, 10_000_000)) == 10_000_000


def test_the_setting_is_the_limit_when_none_is_given() -> None:
    settings.max_body_bytes = 100
    with pytest.raises(ProtocolError, match="max_body_bytes"):
        decode(gzip.compress(bytes(101)), "gzip")
    assert decode(gzip.compress(bytes(100)), "gzip") == bytes(100)


def test_encodings_heaped_on_each_other_are_refused() -> None:
    with pytest.raises(ProtocolError, match="6 times"):
        decode(b"x", ",".join(["gzip"] * 6))


def test_brotli_is_undone_where_it_is_installed() -> None:
    brotli = pytest.importorskip("brotli")
    assert decode(brotli.compress(TEXT), "br") == TEXT
    with pytest.raises(ProtocolError):
        decode(b"plain words that are long enough", "br")
    with pytest.raises(ProtocolError, match="larger"):
        decode(brotli.compress(bytes(1_000_000)), "br", 1000)


def test_zstd_is_undone_where_it_is_installed() -> None:
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(TEXT)
    assert decode(packed, "zstd") == TEXT
    assert decode(packed + packed, "zstd") == TEXT + TEXT
    with pytest.raises(ProtocolError):
        decode(b"plain words", "zstd")
    with pytest.raises(ProtocolError, match="larger"):
        decode(packed, "zstd", 1000)
