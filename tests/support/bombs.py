"""Small bodies that expand to gigabytes."""

import zlib
from functools import lru_cache

_MIB = 1024 * 1024


def _zeros(wbits: int, mebibytes: int) -> bytes:
    """A stream of that many MiB of zeros: one block, compressed once and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    begin = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + block * (mebibytes - 1) + b"\x03\x00"


@lru_cache
def gzip_bomb() -> bytes:
    """Two GiB of zeros in two MiB; the checksum at its end would be wrong, if anybody came that far."""
    return _zeros(16 + zlib.MAX_WBITS, 2048) + bytes(8)


@lru_cache
def nested_gzip_bomb() -> bytes:
    """The same, packed once more: some KiB."""
    return _packed(gzip_bomb())


@lru_cache
def many_layers(layers: int = 12) -> bytes:
    """A word, packed over and over."""
    body = b"hello"
    for _ in range(layers):
        body = _packed(body)
    return body


@lru_cache
def deflate_bomb() -> bytes:
    """The same in zlib's wrapper."""
    return _zeros(zlib.MAX_WBITS, 2048) + bytes(4)


@lru_cache
def brotli_bomb() -> bytes:
    """Some hundred MiB of zeros in less than a KiB."""
    import brotli

    packer = brotli.Compressor(quality=5)
    return b"".join([packer.process(bytes(_MIB)) for _ in range(256)]) + packer.finish()


@lru_cache
def zstd_bomb() -> bytes:
    """One GiB of zeros: the same frame over and over."""
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(bytes(16 * _MIB)) * 64


def _packed(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()
