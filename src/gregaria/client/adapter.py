"""The adapter at the end of requests' own way: requests decides what is sent, the engine sends it."""

import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gevent import getcurrent
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL, SSLError
from requests.utils import urldefragauth
from urllib3 import PoolManager, Timeout
from urllib3.util import parse_url

from gregaria.client import address, blame, plain
from gregaria.client.call import Call, head_of
from gregaria.client.origins import proxy_for
from gregaria.client.raw import Body, raw_of
from gregaria.client.standing import Headers
from gregaria.context import Trace, Tracer
from gregaria.engine.clock import now_us
from gregaria.engine.exchange import Answer, Prepared, traced_by
from gregaria.engine.gate import Gate
from gregaria.settings import settings

#: how much of a file is sent at a time, as urllib3 has it
PIECE_BYTES = 16384

_NO_TOKEN = re.compile(r"[^-!#$%&'*+.^_`|~0-9a-zA-Z]|^$")
_LINE_BREAK = re.compile(r"[\r\n]")

class Trail:
    """What became of a request that may take several steps.

    Attributes:
        name: the statistics' row; None for the path of the first step.
        answers: of the engine, step by step.
        trace: what the tracer has made for the last step, whoever sent that; None when nobody traces.
        is_begun: its first step has been sent, by whomever.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.answers: list[Answer] = []
        self.trace: Trace | None = None
        self.is_begun = False

    def name_of(self, url: str) -> str:
        """The row's name, for a step to this URL."""
        self.name = self.name or address.path_and_query(url)
        return self.name


#: what has come of the request that each greenlet is making
_trails: dict[Any, Trail] = {}


def trail_here() -> Trail | None:
    """That of this greenlet; None when it has begun none."""
    return _trails.get(getcurrent())


@contextmanager
def trail(name: str | None) -> Iterator[Trail]:
    """What this greenlet gets in a with-block, by way of our adapters, for a request of that name."""
    mine = getcurrent()
    before = _trails.get(mine)
    _trails[mine] = Trail(name)
    try:
        yield _trails[mine]
    finally:
        if before is None:
            del _trails[mine]
        else:
            _trails[mine] = before


def answer_behind(response: Response) -> Answer | None:
    """What the engine got for a response; None when it was another who sent the request."""
    answer: Answer | None = response.__dict__.get("_behind")
    return answer


class LocustHttpAdapter(HTTPAdapter):
    """requests' adapter, with the engine below when a session has made it for itself.

    Args:
        pool_manager: connections that users share; None for its own.
        session: the HttpSession whose connections the engine uses; None sends by urllib3.

    Attributes:
        session: as above.
    """

    def __init__(self, pool_manager: PoolManager | None = None, *args: Any, session: Any = None, **kwargs: Any) -> None:
        self._shared = pool_manager
        self._made_with: Any = (args, kwargs)
        self.session = session

    def __getattr__(self, name: str) -> Any:
        # What urllib3 needs is made when it is first needed: most sessions never use it.
        made_with = self.__dict__.get("_made_with")
        if made_with is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._made_with = None
        super().__init__(*made_with[0], **made_with[1])
        return getattr(self, name)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by HTTPAdapter; makes a pool unless there is a shared one."""
        if self._shared is not None:
            self.poolmanager = self._shared
        else:
            super().init_poolmanager(*args, **kwargs)

    def close(self) -> None:
        """Close the connections that are not shared."""
        if self._made_with is None:
            super().close()

    def why_not_engine(self, url: str, proxies: Any) -> str | None:
        """Why a request goes by urllib3, or None."""
        if self.session is None:
            return "an adapter was mounted"
        why_not = plain.why_transport_is_not(self.session)
        if why_not is None and proxies:
            proxy = proxy_for(url, proxies)
            if proxy is not None and proxy.scheme != "http":
                return f"the proxy speaks {proxy.scheme}"
        return why_not

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send one request, no redirects, and return when the head of the response is here.

        Args:
            request: prepared.
            stream: whether the time ends with the head; the body is the session's to read either way.
            timeout, verify, cert, proxies: as requests takes them.

        Raises:
            requests.exceptions.RequestException: there was no response.
            OSError: ``verify`` or ``cert`` names a file that cannot be read.
        """
        under_way = trail_here() or Trail()
        if self.why_not_engine(str(request.url), proxies) is not None:
            tracer = traced_by()
            if tracer is None:
                return super().send(request, stream, timeout, verify, cert, proxies)
            return self._send_traced(tracer, under_way, request, stream, timeout, verify, cert, proxies)
        name = under_way.name_of(str(request.url))
        prepared = self._prepare(request, name, timeout, verify, cert, proxies)
        answer = prepared.perform(False, True, True, True, under_way.answers[-1] if under_way.answers else None)
        under_way.answers.append(answer)
        under_way.trace = answer.trace
        if answer.error is not None:
            raise blame.as_requests_raises(answer.error, request) or answer.error
        raw = raw_of(answer, Body(answer, timed=not stream))
        if not stream:
            raw.most_bytes = settings.max_body_bytes
        response = self.build_response(request, raw)
        response._behind = answer  # type: ignore[attr-defined]
        return response

    def _send_traced(self, tracer: Tracer, under_way: Trail, request: PreparedRequest, *how: Any) -> Response:
        """Send by urllib3 what somebody traces."""
        method, url = str(request.method), str(request.url)
        head = "".join(f"{name}: {value}\r\n" for name, value in _headers_of(request).values())
        trace = tracer.begin(method, url, under_way.name_of(url), head.encode("latin-1", "replace"), under_way.trace)
        under_way.trace = trace
        # A copy, as after a redirect the request before is sent again with all its headers.
        request = request.copy()
        for line in trace.lines.decode("latin-1").splitlines():
            name, _, value = line.partition(": ")
            request.headers[name] = value
        status, failure, started_us = 0, None, now_us()
        try:
            response = super().send(request, *how)
            status = response.status_code
            return response
        except Exception as error:
            failure = error
            raise
        finally:
            trace.end(status, failure, started_us, now_us())

    def _prepare(
        self, request: PreparedRequest, name: str, timeout: Any, verify: Any, cert: Any, proxies: Any
    ) -> Prepared:
        url, method = str(request.url), str(request.method)
        if _NO_TOKEN.search(method):
            raise ValueError(f"{method!r} is no method: it contains more than letters, digits and a few signs")
        try:
            place = address.split(url)
        except ValueError as error:
            raise InvalidURL(error, request=request) from error
        proxy = None if place.unix_path else proxy_for(url, proxies)
        try:
            origin = self.session.origins.of(
                place, verify, cert, proxy, allowed=self.session.request_event.allowed_hosts
            )
        except ssl.SSLError as error:
            raise SSLError(error, request=request) from error
        headers = _headers_of(request)
        content, pieces = _body_of(request.body)
        if "content-length" not in headers and "transfer-encoding" not in headers and request.body is not None:
            headers["transfer-encoding"] = ("Transfer-Encoding", "chunked")
            content, pieces = None, pieces if content is None else (content,)
        if proxy is not None and place.scheme == "http":
            place = place._replace(target=parse_url(urldefragauth(url)).url)
            if proxy.authorization is not None:
                headers["proxy-authorization"] = ("Proxy-Authorization", proxy.authorization)
        head = head_of(method, place, headers)
        prepared = Prepared(origin, Gate(), None, head, content, method, url, name)
        prepared.pieces = pieces
        prepared.extra = Call(self.session, headers, isinstance(request.body, str), None, False)
        prepared.connect_timeout_us, prepared.read_timeout_us = timeouts_us(timeout)
        return prepared


def _headers_of(request: PreparedRequest) -> Headers:
    """A request's headers as they go out.

    Raises:
        ValueError: one contains a line break.
    """
    headers: Headers = {}
    given: Any = request.headers
    for name, value in given.items():
        name, value = (part.decode("latin-1") if isinstance(part, bytes) else str(part) for part in (name, value))
        if _LINE_BREAK.search(name) or _LINE_BREAK.search(value):
            raise ValueError(f"the header {name!r} contains a line break: {value!r}")
        headers[name.lower()] = (name, value)
    return headers


def timeouts_us(timeout: Any) -> tuple[int, int]:
    """For connecting and of silence, as requests takes them; 0 for none given.

    Raises:
        ValueError: it is no number above 0 and no pair of them.
    """
    if isinstance(timeout, Timeout):
        limits = timeout.clone()
    elif isinstance(timeout, tuple):
        if len(timeout) != 2:
            raise ValueError(f"timeout={timeout} is neither a number nor a pair for connecting and reading")
        limits = Timeout(connect=timeout[0], read=timeout[1])
    else:
        limits = Timeout(connect=timeout, read=timeout)
    limits.start_connect()
    return _us(limits.connect_timeout), _us(limits.read_timeout)


def _us(seconds: Any) -> int:
    return int(seconds * 1e6) if isinstance(seconds, (int, float)) else 0


def _body_of(body: Any) -> tuple[bytes | None, Iterable[bytes] | None]:
    """A request's body whole, or in the pieces that it is to be read in."""
    if body is None or isinstance(body, bytes):
        return body, None
    if isinstance(body, str):
        return body.encode(), None
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body), None
    return None, _pieces(_read(body) if hasattr(body, "read") else body)


def _read(file: Any) -> Iterator[Any]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _pieces(pieces: Iterable[Any]) -> Iterator[bytes]:
    for piece in pieces:
        if piece:
            yield piece.encode() if isinstance(piece, str) else bytes(memoryview(piece))
