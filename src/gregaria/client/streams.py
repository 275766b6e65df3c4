"""A response's body, read bit by bit: decoded as it comes, cut into pieces or lines."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from gregaria.client.decode import GZIP_MAGIC, Brotli, Zstd, brotli_decompressor, layers_of, zstd_decompressor
from gregaria.errors import DecodingError

#: what is read at once where something has to be decoded: few bytes may be the bulk of a bomb
_ENCODED_BYTES = 256


class Reader(Protocol):
    """What is read: ``engine.exchange.BodyReader``."""

    def read(self, size: int = ...) -> bytes: ...

    def fail(self, error: object) -> int: ...


class _Decoder(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> None: ...


def pieces(reader: Reader, encodings: str, size: int) -> Iterator[bytes]:
    """The body as it comes, decoded.

    Args:
        reader: of the body.
        encodings: what Content-Encoding says; "" leaves it as it is.
        size: bytes of a piece, at most.

    Raises:
        DecodingError: the body is not what ``encodings`` says.
        TransferError: it breaks off, or does not come in time.
    """
    decoders = [decoder for layer in reversed(layers_of(encodings)) if (decoder := _decoder(layer)) is not None]
    if not decoders:
        while piece := reader.read(size):
            yield piece
        return
    shown = encodings[:80]
    begun = False
    while data := reader.read(_ENCODED_BYTES):
        begun = True
        try:
            for decoder in decoders:
                data = decoder.feed(data)
        except Exception as error:
            broken = DecodingError(f"the response says Content-Encoding: {shown} but its body is not ({error})")
            reader.fail(broken)
            raise broken from error
        for start in range(0, len(data), size):
            yield data[start : start + size]
    if begun:
        for decoder in decoders:
            try:
                decoder.finish()
            except DecodingError as error:
                reader.fail(error)
                raise


def lines(source: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces as lines, without their ends."""
    rest = b""
    for piece in source:
        found = (rest + piece).splitlines(keepends=True)
        # A piece may end between the two characters of a line end.
        rest = b"" if found[-1].endswith(b"\n") else found.pop()
        for line in found:
            yield line.rstrip(b"\r\n")
    if rest:
        yield rest.rstrip(b"\r\n")


class _Gzip:
    """Members one after the other; what follows the last is ignored."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        content = b""
        while True:
            if self._member.eof:
                # Two bytes say whether it is another member; those of rubbish stay, so that nothing after it is one.
                data = self._rest + data
                if data[:2] != GZIP_MAGIC:
                    self._rest = data[:2]
                    return content
                self._rest = b""
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            content += self._member.decompress(data)
            if not self._member.eof:
                return content
            data = self._member.unused_data

    def finish(self) -> None:
        if not self._member.eof:
            raise _cut_short()


class _Deflate:
    """With zlib's wrapper as the standard says, or raw as some servers send it; what follows is ignored."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()
        self._first = b""

    def feed(self, data: bytes) -> bytes:
        if self._stream.eof:
            return b""
        if len(self._first) < 2:
            # The wrapper has two bytes; it takes both to see that they are none.
            self._first += data
            if len(self._first) < 2:
                return b""
            data = self._first
            if data[0] & 15 != 8 or int.from_bytes(data[:2], "big") % 31:
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._stream.decompress(data)

    def finish(self) -> None:
        if not self._stream.eof:
            raise _cut_short()


class _Fed:
    """br and zstd."""

    def __init__(self, decompressor: Brotli | Zstd) -> None:
        self.feed = decompressor.feed
        self._ended = decompressor.ended

    def finish(self) -> None:
        if not self._ended():
            raise _cut_short()


def _cut_short() -> DecodingError:
    return DecodingError("the response ends before its compressed data does")


def _decoder(encoding: str) -> _Decoder | None:
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    if encoding == "deflate":
        return _Deflate()
    if encoding == "br" and (make_brotli := brotli_decompressor()) is not None:
        return _Fed(make_brotli())
    if encoding == "zstd" and (make_zstd := zstd_decompressor()) is not None:
        return _Fed(make_zstd())
    return None
