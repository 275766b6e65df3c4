"""Content-Encoding undone: gzip, deflate, and br and zstd where a library for them is installed."""

import importlib
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from gregaria.errors import ProtocolError
from gregaria.settings import settings

#: more encodings on top of each other than any honest server uses
_MOST_LAYERS = 5

_Decoder = Callable[[bytes, int], bytes]


def decode(body: bytes, content_encoding: str, limit_bytes: int | None = None) -> bytes:
    """Undo the encodings that a Content-Encoding header lists, the last one first.

    Args:
        body: as it came, chunks already joined.
        content_encoding: the header's value. An encoding that nobody here knows is left as it is, as requests does.
        limit_bytes: largest result; default ``settings.max_body_bytes``.

    Raises:
        ProtocolError: the body is not what the header says, or larger than the limit.
    """
    if not body:
        return body
    limit = settings.max_body_bytes if limit_bytes is None else limit_bytes
    layers = [layer.strip().lower() for layer in content_encoding.split(",")]
    decoders = [decoder for layer in reversed(layers) if (decoder := _decoder(layer)) is not None]
    if len(decoders) > _MOST_LAYERS:
        raise ProtocolError(f"the response is encoded {len(decoders)} times over: {content_encoding[:80]}")
    for decoder in decoders:
        try:
            body = decoder(body, limit)
        except ProtocolError:
            raise
        except Exception as error:
            raise ProtocolError(
                f"the response says Content-Encoding: {content_encoding[:80]} but its body is not ({error}); "
                f"it begins {body[:20]!r}"
            ) from error
    return body


def _decoder(encoding: str) -> _Decoder | None:
    if encoding in ("gzip", "x-gzip"):
        return _gunzip
    if encoding == "deflate":
        return _inflate
    if encoding == "br":
        return _brotli()
    if encoding == "zstd":
        return _zstd()
    return None


def _too_large(limit: int) -> ProtocolError:
    return ProtocolError(f"the decoded response is larger than {limit} bytes (settings.max_body_bytes)")


def _gunzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip file; what follows the last is ignored, as browsers do."""
    pieces: list[bytes] = []
    size = 0
    while body:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            piece = member.decompress(body, limit - size + 1)
        except zlib.error:
            if pieces:
                break
            raise
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
        body = member.unused_data
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _inflate(body: bytes, limit: int) -> bytes:
    """With zlib's wrapper as the standard says, or raw as some servers send it."""
    try:
        content = zlib.decompressobj().decompress(body, limit + 1)
    except zlib.error:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, limit + 1)
    if len(content) > limit:
        raise _too_large(limit)
    return content


def _module(*names: str) -> Any:
    """The first of these optional modules that is installed, or None."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


@lru_cache(maxsize=1)
def _brotli() -> _Decoder | None:
    brotli = _module("brotlicffi", "brotli")
    if brotli is None:
        return None

    def decompress(body: bytes, limit: int) -> bytes:
        decompressor = brotli.Decompressor()
        feed = getattr(decompressor, "process", None) or decompressor.decompress
        return _piecewise(feed, body, limit)

    return decompress


@lru_cache(maxsize=1)
def _zstd() -> _Decoder | None:
    standard = _module("compression.zstd", "backports.zstd")
    if standard is not None:

        def decompress(body: bytes, limit: int) -> bytes:
            content = bytearray()
            while body:
                frame = standard.ZstdDecompressor()
                content += frame.decompress(body, max_length=limit - len(content) + 1)
                if len(content) > limit:
                    raise _too_large(limit)
                body = frame.unused_data
            return bytes(content)

        return decompress
    separate = _module("zstandard")
    if separate is None:
        return None

    def decompress_separately(body: bytes, limit: int) -> bytes:
        with separate.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
            content: bytes = reader.read(limit + 1)
        if len(content) > limit:
            raise _too_large(limit)
        return content

    return decompress_separately


def _piecewise(feed: Callable[[bytes], bytes], body: bytes, limit: int) -> bytes:
    """Feed small pieces, so that a bomb is noticed before it has filled the memory."""
    content = bytearray()
    for place in range(0, len(body), 1024):
        content += feed(body[place : place + 1024])
        if len(content) > limit:
            raise _too_large(limit)
    return bytes(content)
