"""Content-Encoding undone: gzip, deflate, and br and zstd where a library for them is installed."""

import importlib
import re
import zlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from gregaria.errors import BodyTooLarge, DecodingError, ProtocolError
from gregaria.settings import settings

#: more encodings on top of each other than any honest server uses
_MOST_LAYERS = 5

#: answers that are kept to recognize them, and their size
_MOST_KEPT = 64
_MOST_KEPT_BYTES = 262144

_ENCODING_LINES = re.compile(rb"^content-encoding:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)

#: fed at once to zstd, where four bytes can mean 128 KiB
_ZSTD_BYTES = 64

#: what a member of a gzip file begins with
GZIP_MAGIC = b"\x1f\x8b"

_Decoder = Callable[[bytes, int, bool], bytes]


def decode(body: bytes, content_encoding: str, limit_bytes: int | None = None, whole: bool = False) -> bytes:
    """Undo the encodings that a Content-Encoding header lists, the last one first.

    Args:
        body: as it came, chunks already joined.
        content_encoding: the header's value. An encoding that nobody here knows is left as it is, as requests does.
        limit_bytes: largest result; default ``settings.max_body_bytes``.
        whole: gzip or deflate that ends in the middle is a mistake; requests takes what there is.

    Raises:
        DecodingError: the body is not what the header says.
        BodyTooLarge: it is larger than the limit.
    """
    if not body:
        return body
    limit = settings.max_body_bytes if limit_bytes is None else limit_bytes
    layers = layers_of(content_encoding)
    decoders = [decoder for layer in reversed(layers) if (decoder := _decoder(layer)) is not None]
    for decoder in decoders:
        try:
            body = decoder(body, limit, whole)
        except ProtocolError:
            raise
        except Exception as error:
            raise DecodingError(
                f"the response says Content-Encoding: {content_encoding[:80]} but its body is not ({error}); "
                f"it begins {body[:20]!r}"
            ) from error
    return body


def layers_of(content_encoding: str) -> list[str]:
    """The encodings that a Content-Encoding header lists.

    Raises:
        DecodingError: there are too many.
    """
    layers = [layer.strip().lower() for layer in content_encoding.split(",")]
    if len([layer for layer in layers if layer not in ("", "identity")]) > _MOST_LAYERS:
        raise DecodingError(f"the response is encoded {len(layers)} times over: {content_encoding[:80]}")
    return layers


class _Known:
    """What one URL answered last: its head, the encodings that names, the body and what is in that."""

    __slots__ = ("body", "content", "encodings", "head")

    def __init__(self, head: bytes, encodings: str, body: bytes, content: bytes) -> None:
        self.head = head
        self.encodings = encodings
        self.body = body
        self.content = content


_known: dict[str, _Known] = {}


def decode_again(url: str, head: bytes, body: bytes) -> bytes:
    """``decode`` for a whole answer; one like the last from this URL, as most are in a load test, is not decoded anew.

    Args:
        url: where it came from.
        head: as it came.
        body: as it came, chunks already joined.

    Raises:
        DecodingError: the body is not what the head says.
        BodyTooLarge: it is larger than ``settings.max_body_bytes``.
    """
    known = _known.get(url)
    if known is not None and known.body == body:
        if known.head == head:
            return known.content
        if known.encodings == encodings_of(head):
            known.head = head
            return known.content
    encodings = encodings_of(head)
    content = decode(body, encodings, whole=True)
    if len(content) + len(body) <= _MOST_KEPT_BYTES:
        if known is None and len(_known) >= _MOST_KEPT:
            _known.clear()
        _known[url] = _Known(head, encodings, body, content)
    return content


def encodings_of(head: bytes) -> str:
    """What the Content-Encoding lines of a head list."""
    return ", ".join([line.decode("latin-1").strip() for line in _ENCODING_LINES.findall(head)])


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


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the decoded response is larger than {limit} bytes (settings.max_body_bytes)")


def _cut_short() -> EOFError:
    return EOFError("it ends before the compressed data does")


def _gunzip(body: bytes, limit: int, whole: bool) -> bytes:
    """All members of a gzip file; what follows the last is ignored, as browsers do."""
    pieces: list[bytes] = []
    size = 0
    while body and (not pieces or body[:2] == GZIP_MAGIC):
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            piece = member.decompress(body, limit - size + 1)
        except zlib.error:
            if pieces and not whole:
                break
            raise
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if whole and not member.eof:
            raise _cut_short()
        pieces.append(piece)
        body = member.unused_data
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _inflate(body: bytes, limit: int, whole: bool) -> bytes:
    """With zlib's wrapper as the standard says, or raw as some servers send it."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        content = stream.decompress(body, limit + 1)
    if len(content) > limit:
        raise _too_large(limit)
    if whole and not stream.eof:
        raise _cut_short()
    return content


def module(*names: str) -> Any:
    """The first of these optional modules that is installed, or None."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


@lru_cache(maxsize=1)
def _brotli() -> _Decoder | None:
    make = brotli_decompressor()
    if make is None:
        return None

    def decompress(body: bytes, limit: int, whole: bool) -> bytes:
        decompressor = make()
        content = _piecewise(decompressor.feed, body, limit)
        if whole and not decompressor.ended():
            raise _cut_short()
        return content

    return decompress


@lru_cache(maxsize=1)
def _zstd() -> _Decoder | None:
    make = zstd_decompressor()
    if make is None:
        return None

    def decompress(body: bytes, limit: int, whole: bool) -> bytes:
        decompressor = make()
        content = _piecewise(decompressor.feed, body, limit, _ZSTD_BYTES)
        if whole and not decompressor.ended():
            raise _cut_short()
        return content

    return decompress


class Brotli:
    """A br decompressor, by whichever library there is."""

    def __init__(self, library: Any) -> None:
        self._decompressor = library.Decompressor()
        self._feed = getattr(self._decompressor, "process", None) or self._decompressor.decompress

    def feed(self, data: bytes) -> bytes:
        """The content of the next bytes."""
        content: bytes = self._feed(data)
        return content

    def ended(self) -> bool:
        """Whether the data has come to its end."""
        return bool(self._decompressor.is_finished())


class Zstd:
    """A zstd decompressor of frames one after the other, by whichever library there is."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._frame = make()

    def feed(self, data: bytes) -> bytes:
        """The content of the next bytes."""
        content = b""
        while data:
            if self._frame.eof:
                self._frame = self._make()
            content += self._frame.decompress(data)
            data = self._frame.unused_data if self._frame.eof else b""
        return content

    def ended(self) -> bool:
        """Whether the last frame has come to its end."""
        return bool(self._frame.eof)


def brotli_decompressor() -> Callable[[], Brotli] | None:
    """What makes a decompressor for br; None when no library for it is installed."""
    library = module("brotlicffi", "brotli")
    return None if library is None else partial(Brotli, library)


def zstd_decompressor() -> Callable[[], Zstd] | None:
    """What makes a decompressor for zstd; None when no library for it is installed."""
    standard = module("compression.zstd", "backports.zstd")
    if standard is not None:
        return partial(Zstd, standard.ZstdDecompressor)
    separate = module("zstandard")
    return None if separate is None else partial(Zstd, lambda: separate.ZstdDecompressor().decompressobj())


def _piecewise(feed: Callable[[bytes], bytes], body: bytes, limit: int, size: int = 1024) -> bytes:
    """Feed small pieces, so that a bomb is noticed before it has filled the memory."""
    content = bytearray()
    for place in range(0, len(body), size):
        content += feed(body[place : place + size])
        if len(content) > limit:
            raise _too_large(limit)
    return bytes(content)
