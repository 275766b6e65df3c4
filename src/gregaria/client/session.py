"""FastHttpSession: the engine's own HTTP client: requests, redirects, cookies; each request reported once."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urljoin

from requests.utils import default_headers as requests_default_headers

from gregaria.client.address import Address, join, query_of, split, split_credentials
from gregaria.client.body import encode
from gregaria.client.books import count_as
from gregaria.client.jar import CookieHeaders, keep
from gregaria.client.response import ErrorResponse, FastResponse, ResponseContextManager
from gregaria.client.standing import Headers
from gregaria.client.tls import context_for
from gregaria.client.watched import WatchedHeaders, WatchedJar
from gregaria.engine.clock import epoch_us_of
from gregaria.engine.exchange import Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.errors import GregariaError, ProtocolError, TooManyRedirects
from gregaria.events import RequestEvent
from gregaria.settings import settings

REDIRECTS = frozenset((301, 302, 303, 307, 308))

#: more requests than this with URLs of their own, and what was kept of the earlier ones is dropped
MOST_READY = 2000

#: a body is expected with these, so even an empty one is announced (RFC 9110, 8.6)
WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class ClientPool:
    """Connections shared by all users of a class: ``client_pool = ClientPool()``.

    Attributes:
        origins: {(scheme, host, port): Origin}.
    """

    def __init__(self, concurrency: int = 0, **_: Any) -> None:
        self.concurrency = concurrency
        self.origins: dict[tuple[str, str, int], Origin] = {}

    def close(self) -> None:
        """Drop every idle connection; the next request opens a new one."""
        for origin in self.origins.values():
            origin.close()


class LocustUserAgent:
    """What a session has of its transport, by the names Locust gives it: ``session.client``."""

    def __init__(self, clientpool: ClientPool, cookiejar: WatchedJar, default_headers: WatchedHeaders) -> None:
        self.clientpool = clientpool
        self.cookiejar = cookiejar
        self.default_headers = default_headers
        self.redirect_response_codes = sorted(REDIRECTS)


class FastHttpSession:
    """The client of a ``FastHttpUser``.

    Args:
        base_url: put in front of every URL that names no host; ``user:password@`` in it becomes basic auth.
        request_event: whose statistics count, and whose listeners are told; default, the environment's.
        user: whose gate and context count.
        insecure: whether certificates are not verified.
        client_pool: connections shared with other sessions.
        ssl_context_factory: makes the ``ssl.SSLContext``; wins over ``insecure``.
        default_headers: sent with every request.
        network_timeout, connection_timeout: seconds of silence, and for connecting.
        max_redirects: how many steps a chain may have.
        max_retries: accepted for Locust's sake; a request that was received is never sent twice.
        concurrency: connections to one host at a time.
        environment: in place of ``request_event``, as older Locusts had it.
    """

    def __init__(
        self,
        base_url: str | None = None,
        request_event: RequestEvent | None = None,
        user: Any = None,
        insecure: bool = True,
        client_pool: ClientPool | None = None,
        ssl_context_factory: Callable[[], ssl.SSLContext] | None = None,
        *,
        default_headers: Mapping[str, str] | None = None,
        network_timeout: float | None = None,
        connection_timeout: float | None = None,
        max_redirects: int = 30,
        max_retries: int = 0,
        concurrency: int = 10,
        proxy_host: str | None = None,
        proxy_port: int | None = None,
        environment: Any = None,
    ) -> None:
        if proxy_host or proxy_port:
            raise GregariaError("proxies are not supported by FastHttpUser yet: use HttpUser and its client.proxies")
        self.environment = environment
        self.base_url = base_url
        self.auth: tuple[str, str] | None = None
        if base_url:
            self.base_url, self.auth = split_credentials(base_url)
        self.user = user
        self.max_redirects = max_redirects
        self.insecure = insecure
        self.request_event: RequestEvent = request_event or (
            environment.events.request if environment is not None else RequestEvent()
        )
        self.cookiejar = WatchedJar()
        self.cookiejar.watch(self)
        self._cookie_headers = CookieHeaders()
        self.gate: Gate = getattr(user, "gate", None) or Gate()
        self.client_pool = client_pool if client_pool is not None else ClientPool(concurrency)
        self.client = LocustUserAgent(self.client_pool, self.cookiejar, _defaults(default_headers))
        self._ssl_context_factory = ssl_context_factory
        self._connect_timeout_us = _microseconds(connection_timeout, settings.connect_timeout_s)
        self._read_timeout_us = _microseconds(network_timeout, settings.network_timeout_s)
        self._request_name: str | None = None
        self._listeners = self.request_event.listeners
        # Requests without a body or headers of their own, ready to be sent again, by (method, URL as written, name,
        # catch_response); dropped when anything that went into them changes.
        self._ready: dict[tuple[str, str, str | None, bool], Prepared] = {}
        # The same for a GET with nothing but a URL, which is looked up once per request of the most common kind.
        self._ready_gets: dict[str, Prepared] = {}
        self.client.default_headers.watch(self)

    @property
    def request_name(self) -> str | None:
        """The statistics' name of every request that is not given one of its own."""
        return self._request_name

    @request_name.setter
    def request_name(self, name: str | None) -> None:
        self._request_name = name
        self.forget()

    def forget(self) -> None:
        """What is kept ready is no longer right: a default header or the name has changed."""
        self._ready.clear()
        self._ready_gets.clear()

    def forget_cookies(self) -> None:
        """What is kept ready is no longer right: a cookie has changed."""
        self._cookie_headers.forget()
        self.forget()

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Name all requests of a with-block; the name before it comes back afterwards."""
        before, self.request_name = self.request_name, name
        try:
            yield
        finally:
            self.request_name = before

    def get(self, url: str, **kwargs: Any) -> FastResponse:
        """GET; arguments as for ``request``."""
        prepared = None if kwargs else self._ready_gets.get(url)
        if prepared is None:
            return self.request("GET", url, **kwargs)
        response: FastResponse = prepared.perform(True, False, not self._listeners)  # type: ignore[assignment]
        if response.counted and not response.has_cookie and not self._listeners:
            return response
        return self._finish(response, True, {}, None)

    def head(self, url: str, **kwargs: Any) -> FastResponse:
        """HEAD; arguments as for ``request``."""
        return self.request("HEAD", url, **kwargs)

    def options(self, url: str, **kwargs: Any) -> FastResponse:
        """OPTIONS; arguments as for ``request``."""
        return self.request("OPTIONS", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> FastResponse:
        """DELETE; arguments as for ``request``."""
        return self.request("DELETE", url, **kwargs)

    def post(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> FastResponse:
        """POST; arguments as for ``request``."""
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> FastResponse:
        """PUT; arguments as for ``request``."""
        return self.request("PUT", url, data=data, json=json, **kwargs)

    def patch(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> FastResponse:
        """PATCH; arguments as for ``request``."""
        return self.request("PATCH", url, data=data, json=json, **kwargs)

    def iter_lines(self, url: str, method: str = "GET", **kwargs: Any) -> Iterator[Any]:
        """The lines of a response, one by one."""
        yield from self.request(method, url, **kwargs).iter_lines(decode_unicode=True)

    def request(
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Any = None,
        catch_response: bool = False,
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        json: Any = None,
        allow_redirects: bool = True,
        context: Mapping[str, Any] | None = None,
        *,
        params: Any = None,
        files: Any = None,
        timeout: float | None = None,
        max_redirects: int | None = None,
        max_retries: int | None = None,
    ) -> FastResponse:
        """Make one request, wait for its answer and count it.

        Args:
            method: the verb.
            url: a path, put behind the host, or a whole URL.
            name: the statistics' row; default, the URL as written.
            data: body: text, bytes, a file, or a dict, which is form-encoded.
            catch_response: let a with-block decide what the response counts as.
            stream: accepted for Locust's sake; the body is read all the same.
            headers: this request's own, over the session's.
            auth: (user, password) for basic auth.
            json: body, as JSON.
            allow_redirects: follow them; a chain is one request.
            context: for the ``request`` event, over the user's.
            params: a dict, added to the URL's query.
            files: as requests takes them; the body becomes multipart.
            timeout: seconds of silence, for this request.
            max_redirects: for this request.
            max_retries: accepted for Locust's sake.

        Returns:
            the response; ``status_code`` 0 and ``error`` when there was none.

        Raises:
            CommandError: the URL is relative and there is no host.
            ValueError: the URL cannot be understood.
        """
        bare = not (data or json is not None or files or headers or params or auth or timeout)
        key = (method, url, name, catch_response)
        prepared = self._ready.get(key) if bare else None
        own: dict[str, Any] = {}
        if prepared is None:
            own = {_text(key): value for key, value in headers.items()} if headers else own
            method = method.upper()
            address = split(join(self.base_url, url))
            if params:
                address = query_of(address, params if isinstance(params, str) else urlencode(params, doseq=True))
            body, content_type = encode(data, json, files)
            if content_type is not None:
                _default(own, "Content-Type", content_type)
            if json is not None and not data and not files:
                _default(own, "Accept", "application/json")
            kind: type[FastResponse] = ResponseContextManager if catch_response else FastResponse
            prepared = self._prepare(
                method, address, own, auth or self.auth, body, str(name or self._request_name or url), kind
            )
            if timeout is not None:
                prepared.read_timeout_us = int(timeout * 1e6)
            if bare and not self._cookie_headers.may_run_out(self.cookiejar):
                if len(self._ready) >= MOST_READY:
                    self.forget()
                self._ready[key] = prepared
                if key == ("GET", url, None, False):
                    self._ready_gets[url] = prepared
        count, leave = not catch_response, not self._listeners
        response: FastResponse = prepared.perform(count, False, leave)  # type: ignore[assignment]
        if response.counted and leave and not response.has_cookie:
            return response
        return self._finish(response, allow_redirects, own, context, max_redirects)

    def report(self, response: FastResponse, error: BaseException | None) -> None:
        """Count a finished request and tell whoever listens; ``error`` is its failure, None a success."""
        first = response.history[0] if response.history else response
        changed: dict[str, Any] | None = getattr(response, "_meta", None)
        try:
            if changed is None:
                first.prepared.settle(response, error, _size_bytes(response), first.started_us)
            else:
                count_as(self, changed, response, error)
        finally:
            if self._listeners:
                fields = response.request_meta
                fields["exception"] = error
                self.request_event.call(fields)

    def meta(self, response: FastResponse) -> dict[str, Any]:
        """The fields of the ``request`` event; responses call this."""
        first = response.history[0] if response.history else response
        prepared = first.prepared
        return {
            "request_type": prepared.method,
            "response_time": (response.finished_us - first.started_us) / 1000,
            "name": prepared.name,
            "context": self._context(getattr(response, "_context", None)),
            "response": response,
            "exception": None,
            "start_time": epoch_us_of(first.started_us) / 1e6,
            "url": prepared.url,
            "response_length": _size_bytes(response),
        }

    def _context(self, own: Mapping[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = self.user.context() if self.user is not None else {}
        return {**context, **own} if own else context

    def _finish(
        self,
        response: FastResponse,
        follow: bool,
        own: dict[str, Any],
        context: Mapping[str, Any] | None,
        max_redirects: int | None = None,
    ) -> FastResponse:
        """What comes after the first answer: cookies, redirects, decoding, the report."""
        if context:
            response._context = context
        if response.has_cookie:
            keep(self.cookiejar, response.prepared.url, {}, response.header_pairs)
        if response.counted:
            if self._listeners:
                self.request_event.call(self.meta(response))
            response.prepared.end_if_closed()
            return response
        if follow and response.status in REDIRECTS:
            response = self._follow(response, own, self.max_redirects if max_redirects is None else max_redirects)
        if response.has_encoding and response.error is None:
            try:
                _ = response.content
            except ProtocolError as error:
                response.error = error
        if isinstance(response, ResponseContextManager):
            response._reported = False
            return response
        failure = response.failure_reason()
        if response.error is not None:
            response.__class__ = ErrorResponse
        self.report(response, failure)
        return response

    def _follow(self, response: FastResponse, own: dict[str, Any], most: int) -> FastResponse:
        """Walk a chain of redirects to its end."""
        steps: list[FastResponse] = []
        auth = self.auth
        body = response.prepared.body
        while response.status in REDIRECTS and response.headers.get("location"):
            before = response.prepared
            steps.append(response)
            if len(steps) > most:
                response.error = TooManyRedirects(f"more than {most} redirects")
                break
            try:
                address = split(urljoin(before.url, _location(response)))
            except ValueError as error:
                response.error = ProtocolError(f"the redirect leads nowhere: {_location(response)[:200]!r} ({error})")
                break
            method = before.method
            if response.status in (301, 302, 303) and method not in ("GET", "HEAD"):
                method, body = "GET", None
                own = {key: value for key, value in own.items() if not key.lower().startswith("content-")}
            if self._origin(address) is not before.origin:
                # Credentials are for the host they were given for.
                auth = None
                own = {key: value for key, value in own.items() if key.lower() not in ("authorization", "cookie")}
                own["Authorization"] = None
            step = self._prepare(method, address, own, auth, body, before.name, type(response))
            step.read_timeout_us = before.read_timeout_us
            context = getattr(response, "_context", None)
            response = step.perform(False, True)  # type: ignore[assignment]
            if context:
                response._context = context
            if response.has_cookie:
                keep(self.cookiejar, step.url, {}, response.header_pairs)
        response._history = [step for step in steps if step is not response]
        return response

    def _prepare(
        self,
        method: str,
        address: Address,
        own: dict[str, Any],
        auth: tuple[str, str] | None,
        body: bytes | None,
        name: str,
        kind: type[FastResponse],
    ) -> Prepared:
        """The request's bytes, with everything that the session adds."""
        headers = dict(self.client.default_headers.items())
        for key, value in own.items():
            _override(headers, key, value)
        if auth is not None:
            _default(headers, "Authorization", basic(*auth))
        if len(self.cookiejar):
            others: Headers = {key.lower(): (key, value) for key, value in own.items() if key.lower() == "host"}
            cookie = self._cookie_headers.header(self.cookiejar, address, others, None)
            if cookie is not None:
                _default(headers, "Cookie", cookie)
        if body is not None or method in WITH_BODY:
            _override(headers, "Content-Length", str(len(body or b"")))
        lines = [f"{method} {address.target} HTTP/1.1"]
        if not any(key.lower() == "host" for key in own):
            lines.append(f"Host: {address.authority}")
        lines += [f"{key}: {_text(value)}" for key, value in headers.items() if value is not None]
        head = "\r\n".join(lines) + "\r\n\r\n"
        stats: Any = self.request_event.stats
        prepared = Prepared(
            self._origin(address),
            self.gate,
            None if stats is None else stats.recorder,
            _encoded(head),
            body,
            method,
            address.url,
            name,
            kind,
        )
        prepared.extra = self
        return prepared

    def _origin(self, address: Address) -> Origin:
        key = (address.scheme, address.host, address.port)
        origins = self.client_pool.origins
        origin = origins.get(key)
        if origin is None:
            origin = origins[key] = Origin(
                address.scheme,
                address.host,
                address.port,
                ssl_context=self._ssl_context() if address.scheme == "https" else None,
                connect_timeout_us=self._connect_timeout_us,
                read_timeout_us=self._read_timeout_us,
                connections=self.client_pool.concurrency,
            )
        return origin

    def _ssl_context(self) -> ssl.SSLContext:
        if self._ssl_context_factory is not None:
            return self._ssl_context_factory()
        return context_for(not self.insecure)


def insecure_ssl_context_factory() -> ssl.SSLContext:
    """An SSL context that verifies nothing."""
    return context_for(False)


def basic(user: str, password: str) -> str:
    """The Authorization header's value for basic auth (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def _defaults(headers: Mapping[str, str] | None) -> WatchedHeaders:
    standard = WatchedHeaders(
        {
            "User-Agent": "gregaria",
            "Accept-Encoding": requests_default_headers()["Accept-Encoding"],
            "Accept": "*/*",
        }
    )
    standard.update(headers or {})
    return standard


def _size_bytes(response: FastResponse) -> int:
    """The body's size as the user sees it."""
    return len((response.body if response.error is not None else response.content) or b"")


def _location(response: FastResponse) -> str:
    """Where a redirect leads; what is not ASCII there is UTF-8 with most servers."""
    location = response.headers["location"]
    try:
        return location.encode("latin-1").decode()
    except UnicodeError:
        return location


def _override(headers: dict[str, Any], key: str, value: Any) -> None:
    """Set a header whatever the case it stands there in."""
    if key not in headers:
        wanted = key.lower()
        for present in headers:
            if present.lower() == wanted:
                del headers[present]
                break
    headers[key] = value


def _default(headers: dict[str, Any], key: str, value: str) -> None:
    """Set a header unless it stands there, in whatever case."""
    wanted = key.lower()
    if not any(present.lower() == wanted for present in headers):
        headers[key] = value


def _encoded(head: str) -> bytes:
    try:
        return head.encode("latin-1")
    except UnicodeEncodeError:
        return head.encode()


def _text(value: object) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if "\r" in text or "\n" in text:
        raise ValueError(f"a header must not contain a line break: {text[:60]!r}")
    return text


def _microseconds(seconds: float | None, default_s: float) -> int:
    return int((default_s if seconds is None else seconds) * 1e6)

