"""The responses of HttpUser: real ``requests.Response`` objects, the engine's filled only as far as asked for."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from io import BytesIO
from types import TracebackType
from typing import Any, ClassVar

from greenlet import GreenletExit
from requests import PreparedRequest, Response
from requests.cookies import RequestsCookieJar
from requests.exceptions import ContentDecodingError, RequestException
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPResponse

from gregaria.client import blame
from gregaria.client.block import Verdict, leave
from gregaria.client.call import Call, request_of
from gregaria.client.decode import decode
from gregaria.client.jar import keep
from gregaria.client.raw import EngineResponse, raw_of
from gregaria.engine.exchange import Answer
from gregaria.engine.phases import Phases
from gregaria.errors import CatchResponseError, GregariaError, ProtocolError, ResponseError
from gregaria.settings import settings

_WITH_BLOCK = "with self.client.get(..., catch_response=True) as response:"


class ResponseContextManager(Response):
    """A response of ``HttpUser.client``; with ``catch_response=True`` a with-block may decide what it counts as.

    Attributes:
        took_engine: the engine sent the request and all that followed it after redirects; False when urllib3 did.
        request_meta: the fields of the ``request`` event; a with-block may change them.
        error: only when there was no response (``status_code`` 0): the exception that requests raises for it.
    """

    took_engine = False
    error: RequestException
    request_meta: dict[str, Any]

    #: attributes that are worked out when they are first asked for
    _fill: ClassVar[dict[str, Callable[[Any], Any]]]
    #: the last answer, and the first one of a chain of redirects
    _answer: Answer
    _first: Answer | None = None
    _context: Any = None
    _catching = False
    _entered = False
    _reported = False
    #: what the with-block said: True, or the failure
    _verdict: Verdict = None

    def __getattr__(self, name: str) -> Any:
        fill = self._fill.get(name)
        if fill is None or "_answer" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = fill(self)
        self.__dict__[name] = value
        return value

    @property
    def phases(self) -> Phases | None:
        """Where the time went, all steps of a chain of redirects together; None when urllib3 sent the request."""
        return self._answer.phases

    @property
    def trace_id(self) -> str | None:
        """The trace that the request belongs to, 32 hexadecimal digits; None without ``--otel``."""
        return self._answer.trace_id

    @property
    def content(self) -> bytes:
        """The body, decoded; that of a stream is read now, up to ``settings.max_body_bytes``."""
        raw = self.__dict__.get("raw")
        if isinstance(raw, EngineResponse) and not self._content_consumed:
            raw.most_bytes = settings.max_body_bytes
        return super().content

    def success(self) -> None:
        """Count the request as a success, whatever its status.

        Raises:
            GregariaError: outside a with-block.
        """
        self._insist_on_block()
        self._verdict = True

    def failure(self, exc: Any) -> None:
        """Count the request as a failure with ``exc``, an exception or a text.

        Raises:
            GregariaError: outside a with-block.
        """
        self._insist_on_block()
        self._verdict = exc if isinstance(exc, BaseException) else CatchResponseError(exc)

    def _insist_on_block(self) -> None:
        if not self._entered:
            raise GregariaError(f"success() and failure() are for use inside a with-block: {_WITH_BLOCK}")

    @property
    def ok(self) -> bool:
        """Whether there was a response, its status is below 400 and no with-block called it a failure."""
        try:
            self.raise_for_status()
        except (RequestException, ResponseError):
            return False
        except Exception:
            if isinstance(self._verdict, BaseException):
                return False
            raise
        return True

    def raise_for_status(self) -> None:
        """Raise the failure that this response is, if it is one; what a with-block said comes first."""
        if self._verdict is True:
            return
        if isinstance(self._verdict, BaseException):
            raise self._verdict
        error = self.__dict__.get("error")
        if error is not None:
            raise error
        super().raise_for_status()

    def failure_reason(self, name: str) -> BaseException | None:
        """Why the response counts as a failure when nobody says otherwise, or None; ``name`` goes into the text."""
        error = self.__dict__.get("error")
        if error is not None:
            return blame.reported(error)
        failure = blame.by_status(self.status_code, self.reason, name)
        if failure is not None:
            failure.response = self
        return failure

    def close(self) -> None:
        """Give the connection back, if this response still holds one."""
        if self.__dict__.get("raw") is not None:
            super().close()

    def __enter__(self) -> "ResponseContextManager":
        if not self._catching:
            raise GregariaError(f"a with-block around a request needs catch_response=True: {_WITH_BLOCK}")
        self._entered = True
        return self

    def __exit__(  # type: ignore[override]
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Count the request, once."""
        return leave(self._verdict, error, lambda: self.failure_reason(self._name()), self.report)

    def report(self, failure: BaseException | None) -> None:
        """Count this request, if that has not been done.

        Raises:
            GreenletExit: it was counted, and the test has ended.
        """
        if not self._reported:
            self._reported = True
            self._answer.prepared.extra.session.report(self, failure)

    def _name(self) -> str:
        meta = self.__dict__.get("request_meta")
        if meta is not None:
            return str(meta["name"])
        return (self._first or self._answer).prepared.name

    def _count_if_dropped(self) -> None:
        """Nobody entered the with-block: the server did its work all the same."""
        if not self._reported and "_answer" in self.__dict__:
            with contextlib.suppress(GreenletExit):
                self.report(self.failure_reason(self._name()))


class RestResponseContextManager(ResponseContextManager):
    """The response of ``user.rest()``.

    Attributes:
        js: the body read as JSON, or None.
    """

    js: Any = None


class CaughtResponse(ResponseContextManager):
    """With ``catch_response=True``, by way of requests (or no response at all)."""

    _catching = True

    def __del__(self) -> None:
        self._count_if_dropped()


class LazyResponse(ResponseContextManager):
    """A response of the engine. It is made without ``__init__``."""

    took_engine = True

    def failure_reason(self, name: str) -> BaseException | None:
        """Why the response counts as a failure when nobody says otherwise, or None."""
        return None if self._answer.status < 400 else super().failure_reason(name)

    @property
    def content(self) -> bytes:
        """The body, decompressed."""
        content: bytes = self._content  # type: ignore[assignment]
        return content


class CaughtLazyResponse(LazyResponse):
    """With ``catch_response=True``, of the engine."""

    _catching = True

    def __del__(self) -> None:
        self._count_if_dropped()


def joined(pairs: list[tuple[str, str]]) -> CaseInsensitiveDict[str]:
    """Headers as requests shows them: several of one name in one value, with commas."""
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in pairs:
        earlier = headers.get(name)
        if earlier is None:
            headers[name] = value
        else:
            # The first spelling of the name stays.
            spelling = next(known for known in headers if known.lower() == name.lower())
            headers[spelling] = f"{earlier}, {value}"
    return headers


def _content(response: LazyResponse) -> bytes:
    answer = response._answer
    if not answer.has_encoding:
        return answer.body or b""
    try:
        return decode(answer.body or b"", response.headers.get("content-encoding", ""))
    except ProtocolError as error:
        raise ContentDecodingError(error) from error


def _encoding(response: LazyResponse) -> str | None:
    """The character set that the headers tell, without reading all of them: it is what ``json()`` asks for."""
    head = response._answer.head
    lower = head.lower()
    start = lower.find(b"\ncontent-type:")
    if start < 0:
        return None
    end = head.find(b"\n", start + 1)
    if lower.find(b"\ncontent-type:", end) >= 0:
        return get_encoding_from_headers(response.headers)
    return _encoding_of(head[start + 14 : end].strip().decode("latin-1"))


@lru_cache(maxsize=64)
def _encoding_of(content_type: str) -> str | None:
    return get_encoding_from_headers(CaseInsensitiveDict({"content-type": content_type}))


def _cookies(response: LazyResponse) -> RequestsCookieJar:
    jar = RequestsCookieJar()
    if response._answer.has_cookie:
        prepared = response._answer.prepared
        keep(jar, prepared.url, prepared.extra.headers, response._answer.header_pairs)
    return jar


def _raw(response: LazyResponse) -> HTTPResponse:
    """The response below requests, as it is when its body has been read."""
    return raw_of(response._answer, BytesIO())


def _next(response: LazyResponse) -> PreparedRequest | None:
    call: Call = response._answer.prepared.extra
    return None if call.follow else call.session.next_request(response)


def _elapsed(response: LazyResponse) -> timedelta:
    return timedelta(microseconds=response._answer.finished_us - response._answer.started_us)


def _request_meta(response: ResponseContextManager) -> dict[str, Any]:
    meta: dict[str, Any] = response._answer.prepared.extra.session.meta(response)
    return meta


ResponseContextManager._fill = {"request_meta": _request_meta}
LazyResponse._fill = {
    "request_meta": _request_meta,
    "status_code": lambda response: response._answer.status,
    "headers": lambda response: joined(response._answer.header_pairs),
    "reason": lambda response: response._answer.reason,
    "url": lambda response: response._answer.prepared.url,
    "encoding": _encoding,
    "history": lambda response: [],
    "elapsed": _elapsed,
    "cookies": _cookies,
    "request": lambda response: request_of(response._answer.prepared),
    "raw": _raw,
    "connection": lambda response: response._answer.prepared.extra.session.get_adapter(response.url),
    "_content": _content,
    "_content_consumed": lambda response: True,
    "_next": _next,
}
