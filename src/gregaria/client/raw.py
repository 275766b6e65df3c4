"""What requests calls ``response.raw``: urllib3's response over a body that the engine reads."""

from collections.abc import Generator, Iterator
from typing import Any

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import DecodeError, ProtocolError, ResponseNotChunked

from gregaria.client.jar import OriginalResponse
from gregaria.engine.clock import now_us
from gregaria.engine.exchange import Answer
from gregaria.errors import BodyTooLarge

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

    def close(self) -> None:
        """Give up what has not been read."""
        if not self.closed:
            self.closed = True
            if self._reader is not None:
                self._reader.close()


class EngineResponse(HTTPResponse):
    """urllib3's response whose chunks are taken apart by the engine.

    Attributes:
        most_bytes: of the decoded body, None for no limit.
    """

    most_bytes: int | None = None

    def stream(self, amt: int | None = 2**16, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        """The body in pieces of at most ``amt`` bytes; one that comes in chunks, as soon as something is here."""
        got_bytes = 0
        for piece in self._chunks(amt, decode_content) if self.chunked else super().stream(amt, decode_content):
            got_bytes += len(piece)
            if self.most_bytes is not None and got_bytes > self.most_bytes:
                self.close()
                self._refuse(self.most_bytes)
            yield piece

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        """As ``stream``, for a body that comes in chunks."""
        if not self.chunked:
            raise ResponseNotChunked("the response has no 'Transfer-Encoding: chunked'")
        return self.stream(amt, decode_content)

    def _chunks(self, amt: int | None, decode_content: bool | None) -> Iterator[bytes]:
        while piece := self.read1(amt, decode_content=decode_content):
            yield piece

    def _refuse(self, most_bytes: int) -> None:
        if self.headers.get("content-encoding"):
            text = f"the body is larger than settings.max_body_bytes ({most_bytes}) when decoded"
            raise DecodeError(text) from BodyTooLarge(text)
        text = f"the body is larger than settings.max_body_bytes ({most_bytes})"
        raise ProtocolError(text) from BodyTooLarge(text)


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
