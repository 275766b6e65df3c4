"""What requests calls ``response.raw``: urllib3's response over a body that the engine reads."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import DecodeError, ProtocolError, ResponseNotChunked

from gregaria import errors
from gregaria.client.decode import decode, layers_of
from gregaria.client.jar import OriginalResponse
from gregaria.engine.clock import now_us
from gregaria.engine.exchange import Answer

#: what is read when the reader does not say how much it wants
_PIECE_BYTES = 65536


class Body:
    """The body of one answer as a file that can be read once.

    Args:
        answer: whose head is here.
        timed: the answer is finished when its body is here.

    Attributes:
        closed: its end has been read, or nobody wants to read on.
    """

    def __init__(self, answer: Answer, timed: bool) -> None:
        self._answer = answer
        self._reader = answer.reader
        self._timed = timed
        self._rest = answer.body or b""
        self.closed = self._reader is None and not self._rest

    def read(self, size: int | None = None) -> bytes:
        """``size`` bytes, fewer at the end; all for None."""
        if size is None or size < 0:
            pieces = []
            while piece := self.read1():
                pieces.append(piece)
            return b"".join(pieces)
        piece = self.read1(size)
        if not piece or len(piece) == size:
            return piece
        pieces = [piece]
        left = size - len(piece)
        while left and (piece := self.read1(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def read1(self, size: int = _PIECE_BYTES) -> bytes:
        """What is here, at most ``size`` bytes; waits for one byte. b"" at the end."""
        if self.closed or size == 0:
            return b""
        reader = self._reader
        if reader is None:
            piece, self._rest = self._rest[:size], self._rest[size:]
            self.closed = not self._rest
            return piece
        try:
            piece = reader.read(size)
        except BaseException:
            self.closed = True
            if self._timed:
                self._answer.finished_us = now_us()
            raise
        self.closed = reader.ended
        if self._timed and reader.came_us:
            self._answer.finished_us = max(reader.came_us, self._answer.finished_us)
            self._answer.late = self._answer.late or reader.late
        return piece

    def fail(self, error: BaseException) -> None:
        """It does not decode: give it up, and count that."""
        self.closed = True
        if self._reader is not None:
            self._reader.fail(error)

    def close(self) -> None:
        """Give up what has not been read."""
        if not self.closed:
            self.closed = True
            if self._reader is not None:
                self._reader.close()


class EngineResponse(HTTPResponse):
    """urllib3's response whose chunks are taken apart by the engine.

    Attributes:
        most_bytes: of the body, None for no limit; with one it is decoded as that of a plain request is.
    """

    most_bytes: int | None = None

    def read(self, *arguments: Any, **keywords: Any) -> bytes:
        """As urllib3's; what does not decode makes a failure of a request that was counted with its head."""
        with self._decoding():
            return super().read(*arguments, **keywords)

    def read1(self, *arguments: Any, **keywords: Any) -> bytes:
        """As ``read``, of what is here."""
        with self._decoding():
            return super().read1(*arguments, **keywords)

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        try:
            yield
        except DecodeError as error:
            encoding = self.headers.get("content-encoding", "")[:80]
            self._fail(errors.DecodingError(f"the response says Content-Encoding: {encoding} but is not ({error})"))
            raise

    def _fail(self, error: errors.ProtocolError) -> None:
        """Count a body that does not decode, if its request has been counted with its head."""
        body: Any = self._fp
        if isinstance(body, Body):
            body.fail(error)

    def stream(self, amt: int | None = 2**16, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        """The body in pieces of at most ``amt`` bytes; one that comes in chunks, as soon as something is here."""
        encoding = self.headers.get("content-encoding", "")
        if self.most_bytes is None:
            yield from self._pieces(amt, decode_content)
        elif not encoding or not decode_content:
            yield from self._bounded(amt, self.most_bytes)
        else:
            try:
                # Before urllib3 has its own say about it.
                layers_of(encoding)
                content = decode(b"".join(self._bounded(_PIECE_BYTES, self.most_bytes)), encoding)
            except errors.ProtocolError as error:
                self._fail(error)
                raise DecodeError(str(error), error) from error
            for start in range(0, len(content), amt or len(content)):
                yield content[start : start + amt] if amt else content

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        """As ``stream``, for a body that comes in chunks."""
        if not self.chunked:
            raise ResponseNotChunked("the response has no 'Transfer-Encoding: chunked'")
        return self.stream(amt, decode_content)

    def _pieces(self, amt: int | None, decode_content: bool | None) -> Iterator[bytes]:
        if not self.chunked:
            yield from super().stream(amt, decode_content)
            return
        while piece := self.read1(amt, decode_content=decode_content):
            yield piece

    def _bounded(self, amt: int | None, most_bytes: int) -> Iterator[bytes]:
        """The body as it came."""
        if (self.length_remaining or 0) > most_bytes:
            self._refuse(f"a body of {self.length_remaining} bytes is larger than allowed ({most_bytes})")
        got_bytes = 0
        for piece in self._pieces(amt, False):
            got_bytes += len(piece)
            if got_bytes > most_bytes:
                self._refuse(f"a body of more than {most_bytes} bytes is larger than allowed")
            yield piece

    def _refuse(self, text: str) -> None:
        error = errors.BodyTooLarge(text)
        self._fail(error)
        self.close()
        raise ProtocolError(text) from error


def raw_of(answer: Answer, body: Any) -> EngineResponse:
    """The raw response for an answer."""
    pairs = answer.header_pairs
    return EngineResponse(
        body=body,
        headers=HTTPHeaderDict(pairs),
        status=answer.status,
        version=10 + answer.minor,
        version_string=f"HTTP/1.{answer.minor}",
        reason=answer.reason,
        preload_content=False,
        decode_content=False,
        original_response=OriginalResponse(pairs),  # type: ignore[arg-type]
        request_method=answer.prepared.method,
        request_url=answer.prepared.url,
    )
