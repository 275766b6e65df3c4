"""FastResponse: what the engine's answer looks like to a locustfile, and its ``catch_response`` with-block."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit
from requests.structures import CaseInsensitiveDict

from gregaria.client.address import split
from gregaria.client.block import Verdict, leave
from gregaria.client.cookies import CookieJar
from gregaria.client.decode import decode, decode_again, encodings_of
from gregaria.client.streams import lines, pieces
from gregaria.engine.clock import epoch_us_of
from gregaria.engine.exchange import Answer, BodyReader
from gregaria.errors import CatchResponseError, ResponseError

if TYPE_CHECKING:
    from gregaria.client.session import FastHttpSession

#: what is read of a body that nobody wants, to save its connection
_DROPPED_BYTES = 65536

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


class FastRequest:
    """The request that a response answers.

    Attributes:
        method, url, headers, body: as sent; ``headers`` is case-insensitive.
    """

    __slots__ = ("body", "headers", "method", "url")

    def __init__(self, method: str, url: str, headers: CaseInsensitiveDict[str], body: bytes | None) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body

    @property
    def payload(self) -> bytes | None:
        """The body, by the name that Locust's clients use."""
        return self.body


class FastResponse(Answer):
    """A response of ``FastHttpSession``. Everything but the status is worked out when asked for."""

    __slots__ = ("_content", "_context", "_headers", "_history", "_meta")

    _content: bytes
    _headers: CaseInsensitiveDict[str]
    #: what the call added to the event's context
    _context: Mapping[str, Any] | None
    #: earlier responses of a chain of redirects, the first one first
    _history: list[FastResponse]
    _meta: dict[str, Any]

    @property
    def request_meta(self) -> dict[str, Any]:
        """The fields of the ``request`` event; a with-block may change them (``name`` renames the row)."""
        try:
            return self._meta
        except AttributeError:
            self._meta = self.session.meta(self)
            return self._meta

    @property
    def session(self) -> FastHttpSession:
        """Whose request this answers."""
        session: FastHttpSession = self.prepared.extra
        return session

    @property
    def status_code(self) -> int:
        """The status, 0 when there was no response."""
        return self.status

    @property
    def ok(self) -> bool:
        """Whether the status is below 400 (and there is one)."""
        return 0 < self.status < 400

    @property
    def url(self) -> str:
        """Where the response came from, after redirects."""
        return self.prepared.url

    @property
    def headers(self) -> CaseInsensitiveDict[str]:
        """The response's headers; several of one name joined with ", "."""
        try:
            return self._headers
        except AttributeError:
            self._headers = joined(self.header_pairs)
            return self._headers

    @property
    def content(self) -> bytes | None:
        """The body, decompressed; None when there was no response.

        Raises:
            DecodingError: it does not decompress.
            TransferError: it was a stream, and broke off.
        """
        if not self.has_encoding and self.body is not None:
            return self.body
        if self.body is None and self.reader is None:
            return None
        try:
            return self._content
        except AttributeError:
            return self.decode()

    def decode(self) -> bytes:
        """Undo the body's encodings; a stream is read to its end for that.

        Raises:
            TransferError: it is not what its head says, or breaks off.
        """
        if self.reader is not None:
            content = decode(self.reader.read(), encodings_of(self.head), whole=True)
        else:
            content = decode_again(self.prepared.url, self.head, self.body or b"")
        self._content = content
        return content

    @property
    def encoding(self) -> str:
        """The body's character set: the header's, else UTF-8."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        return found.group(1) if found else "utf-8"

    @property
    def text(self) -> str | None:
        """The body as text; undecodable bytes are replaced. None when there was no response."""
        content = self.content
        if content is None:
            return None
        return _decoded(content, self.encoding)

    def json(self, **options: Any) -> Any:
        """The body read as JSON; ``options`` go to ``json.loads``.

        Raises:
            json.JSONDecodeError: it is not JSON.
        """
        return json.loads(self.content or b"", **options)

    @property
    def request(self) -> FastRequest:
        """What was sent."""
        prepared = self.prepared
        lines = prepared.head.decode("latin-1").split("\r\n")[1:]
        pairs = [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]
        return FastRequest(prepared.method, prepared.url, CaseInsensitiveDict(pairs), prepared.body)

    @property
    def _request(self) -> FastRequest:
        return self.request

    @property
    def elapsed(self) -> timedelta:
        """From the first byte sent to the last byte received."""
        return timedelta(microseconds=self.finished_us - self.started_us)

    @property
    def history(self) -> list[FastResponse]:
        """The redirects that led here, the first one first."""
        try:
            return self._history
        except AttributeError:
            return []

    @property
    def cookies(self) -> CookieJar:
        """The cookies that this response sets, by ``cookies["name"]``; the session's are ``session.cookiejar``."""
        jar = CookieJar()
        if self.has_cookie:
            lines = [value for name, value in self.header_pairs if name.lower() == "set-cookie"]
            jar.take(lines, split(self.prepared.url), epoch_us_of(self.finished_us) / 1e6)
        return jar

    @property
    def stream(self) -> BodyReader | BytesIO:
        """The body as it came, to ``read(size)``."""
        return self.reader if self.reader is not None else BytesIO(self.body or b"")

    def iter_content(self, chunk_size: int | None = 1024, decode_content: bool = True) -> Iterator[bytes]:
        """The body in pieces of ``chunk_size`` bytes at most; those of a stream as they come.

        Raises:
            TransferError: the stream breaks off, or is not what its head says.
        """
        size = chunk_size or 65536
        if self.reader is not None and getattr(self, "_content", None) is None:
            yield from pieces(self.reader, encodings_of(self.head) if decode_content else "", size)
            return
        content = (self.content if decode_content else self.body) or b""
        for start in range(0, len(content), size):
            yield content[start : start + size]

    def iter_lines(self, chunk_size: int = 1024, decode_unicode: bool = False) -> Iterator[Any]:
        """The body line by line, without line ends; those of a stream as they come."""
        for line in lines(self.iter_content(chunk_size)):
            yield _decoded(line, self.encoding) if decode_unicode else line

    def close(self) -> None:
        """Give up what has not been read of a stream; its connection is closed then."""
        if self.reader is not None:
            self.reader.close()

    def drop(self) -> None:
        """Read what is left of a stream, so that its connection can be used again; close it if that is too much."""
        reader = self.reader
        if reader is None:
            return
        try:
            left = _DROPPED_BYTES
            while left > 0 and (piece := reader.read(left)):
                left -= len(piece)
        except OSError:
            pass
        reader.close()

    def raise_for_status(self) -> None:
        """Raise what the request failed with, if it did.

        Raises:
            LocustBadStatusCode: the status is not one that counts as success.
            BaseException: the error of a request without a response.
        """
        error = self.failure_reason()
        if error is not None:
            raise error

    def failure_reason(self) -> BaseException | None:
        """The error, or the bad status, as an exception; None for a success."""
        if self.error is not None:
            return self.error
        if self.status in VALID_STATUS:
            return None
        return LocustBadStatusCode(self.prepared.url, code=self.status)

    def success(self) -> None:
        """Only inside a with-block.

        Raises:
            GregariaError: always.
        """
        raise CatchResponseError(OUTSIDE.format("success"))

    def failure(self, exc: object) -> None:
        """Only inside a with-block.

        Raises:
            GregariaError: always.
        """
        raise CatchResponseError(OUTSIDE.format("failure"))

    def __enter__(self) -> FastResponse:
        if self.reader is not None:
            return self
        raise CatchResponseError(
            "this response cannot be used in a with-block: give catch_response=True to the request"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self.close()
        return None

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status}]>"


class ResponseContextManager(FastResponse):
    """A response asked for with ``catch_response=True``: the with-block decides what it counts as.

    The last call of ``success()`` or ``failure()`` decides; without one the status does. An exception that leaves the
    block is the failure and goes on, but for ResponseError, which is reported only, and those that steer the user.

    Attributes:
        js: the body read as JSON by ``FastHttpUser.rest``, or None.
    """

    # Locustfiles leave notes of their own on a response that they judge.
    __slots__ = ("__dict__",)

    js: Any = None
    _verdict: Verdict = None
    #: until its session has brought it to its end, there is nothing to report
    _reported = True

    def success(self) -> None:
        """Count the request as a success, whatever its status."""
        self._verdict = True

    def failure(self, exc: object) -> None:
        """Count the request as a failure; text is wrapped in a CatchResponseError."""
        self._verdict = exc if isinstance(exc, BaseException) else CatchResponseError(exc)

    def __enter__(self) -> ResponseContextManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        try:
            return leave(self._verdict, error, self.failure_reason, self._report)
        finally:
            self.close()

    def __del__(self) -> None:
        # Nobody entered the with-block: the server did its work all the same.
        if not self._reported:
            with suppress(GreenletExit):
                self._report(self.failure_reason())

    def _report(self, error: BaseException | None) -> None:
        if not self._reported:
            self._reported = True
            self.session.report(self, error)


class ErrorResponse(FastResponse):
    """There was no response: ``status_code`` is 0, ``content`` and ``text`` are None, ``error`` says why."""

    __slots__ = ()


class LocustBadStatusCode(ResponseError):
    """The response's status is not one that counts as success; ``code`` is the status."""

    def __init__(self, url: str, code: int = 0) -> None:
        super().__init__(url)
        self.code = code

    def __str__(self) -> str:
        return f"code={self.code}"

    def __repr__(self) -> str:
        return f"LocustBadStatusCode({self})"


#: what counts as success when nobody decides otherwise
VALID_STATUS = frozenset([*range(200, 209), 226, 301, 302, 303, 304, 307, 308])

OUTSIDE = "{}() decides only inside a with-block: with self.client.get(..., catch_response=True) as response: ..."


def size_bytes(response: FastResponse) -> int:
    """The body's size as the user sees it; what a stream says of itself, because reading it is the user's to do."""
    if response.reader is not None:
        length = response.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() else 0
    return len((response.body if response.error is not None else response.content) or b"")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def joined(pairs: list[tuple[str, str]]) -> CaseInsensitiveDict[str]:
    """Header pairs as a case-insensitive dictionary; several of one name are joined with ", " (RFC 9110, 5.3)."""
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in pairs:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
