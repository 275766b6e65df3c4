"""A response's body, read bit by bit: decoded as it comes, cut into pieces or lines."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gregaria.client.decode import layers_of, module
from gregaria.errors import DecodingError

#: what is read at once where something has to be decoded: few bytes may be the bulk of a bomb
_ENCODED_BYTES = 4096


class Reader(Protocol):
    """What is read: ``engine.exchange.BodyReader``."""

    def read(self, size: int = ...) -> bytes: ...


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
            raise DecodingError(f"the response says Content-Encoding: {shown} but its body is not ({error})") from error
        for start in range(0, len(data), size):
            yield data[start : start + size]
    if begun:
        for decoder in decoders:
            decoder.finish()


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


class _Zlib:
    """gzip, members one after the other, and deflate with a wrapper or without."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits)
        self._ended = 0

    def feed(self, data: bytes) -> bytes:
        content = b""
        while data:
            if self._stream.eof:
                if self._wbits < 16:
                    break
                self._stream = zlib.decompressobj(self._wbits)
            try:
                content += self._stream.decompress(data)
            except zlib.error:
                if self._ended:
                    break
                if self._wbits != zlib.MAX_WBITS:
                    raise
                self._wbits = -zlib.MAX_WBITS
                self._stream = zlib.decompressobj(self._wbits)
                continue
            if self._stream.eof:
                self._ended += 1
            data = self._stream.unused_data
        return content

    def finish(self) -> None:
        if not self._ended:
            raise DecodingError("the response ends before its compressed data does")


class _Fed:
    """br and zstd, by whichever library there is."""

    def __init__(self, feed: Callable[[bytes], bytes], ended: Callable[[], bool]) -> None:
        self.feed = feed
        self._ended = ended

    def finish(self) -> None:
        if not self._ended():
            raise DecodingError("the response ends before its compressed data does")


def _decoder(encoding: str) -> _Decoder | None:
    if encoding in ("gzip", "x-gzip"):
        return _Zlib(16 + zlib.MAX_WBITS)
    if encoding == "deflate":
        return _Zlib(zlib.MAX_WBITS)
    if encoding == "br" and (brotli := module("brotlicffi", "brotli")) is not None:
        decompressor = brotli.Decompressor()
        feed = getattr(decompressor, "process", None) or decompressor.decompress
        return _Fed(feed, decompressor.is_finished)
    if encoding == "zstd":
        standard = module("compression.zstd", "backports.zstd")
        if standard is not None:
            frame = standard.ZstdDecompressor()
            return _Fed(frame.decompress, lambda: bool(frame.eof))
        separate = module("zstandard")
        if separate is not None:
            whole = separate.ZstdDecompressor().decompressobj()
            return _Fed(whole.decompress, lambda: bool(whole.eof))
    return None
