"""FastHttpSession: the engine's own HTTP client: requests, redirects, cookies; each request reported once."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from gregaria.client.address import Address, join, query_of, split, split_credentials
from gregaria.client.body import JSON, Pieces, encode, encode_json, pieces_of
from gregaria.client.books import count_as
from gregaria.client.chain import follow
from gregaria.client.cookies import CookieJar
from gregaria.client.heads import (
    WITH_BODY,
    basic,
    default,
    encoded,
    has,
    head_of,
    lines_of,
    override,
    standing_headers,
    text,
)
from gregaria.client.pool import REDIRECTS, ClientPool, LocustUserAgent, Route
from gregaria.client.ready import MOST_GETS, Ready, family_of, remember
from gregaria.client.response import VALID_STATUS, ErrorResponse, FastResponse, ResponseContextManager, size_bytes
from gregaria.client.set_cookie import lines_in
from gregaria.engine.clock import epoch_us_of
from gregaria.engine.exchange import Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.errors import CertificateError, ProtocolError
from gregaria.events import RequestEvent
from gregaria.settings import settings

#: what a failed verification is followed by
UNVERIFIED = (
    "if that is as it should be, trust its authority with verify = 'ca.pem', or accept any certificate with "
    "insecure = True, on the FastHttpUser"
)

#: a request with a larger body is not kept
MOST_KEPT_BYTES = 65536

Timeout = float | tuple[float | None, float | None] | None


class Said(NamedTuple):
    """What one call said, for the further steps of a chain of redirects.

    Attributes:
        headers: its own.
        auth: (user, password), or None.
        cookies: a dictionary or a jar, or None.
        route: how to get to the host.
        max_redirects: None for the session's.
    """

    headers: dict[str, Any]
    auth: tuple[str, str] | None
    cookies: Any
    route: Route
    max_redirects: int | None


class FastHttpSession:
    """The client of a ``FastHttpUser``.

    Args:
        base_url: put in front of every URL that names no host; ``user:password@`` in it becomes basic auth.
        request_event: whose statistics count, and whose listeners are told; default, the environment's.
        user: whose gate and context count.
        insecure: whether certificates are not verified.
        client_pool: connections shared with other sessions.
        ssl_context_factory: makes the ``ssl.SSLContext``; wins over ``insecure``, ``verify`` and ``cert``.
        default_headers: sent with every request.
        network_timeout, connection_timeout: seconds of silence, and for connecting.
        max_redirects: how many steps a chain may have.
        max_retries: accepted for Locust's sake; a request that was received is never sent twice.
        concurrency: connections to one host at a time.
        environment: in place of ``request_event``, as older Locusts had it.
        verify: as for requests: True, False, or the path of a file or folder of certificates to trust.
        cert: the client's own certificate: the path of a file with its key, or a pair of paths.
        proxy_host, proxy_port: of an HTTP proxy that everything goes through.
        proxies: as for requests: {"http": "http://user:password@host:port", ...}.
    """

    def __init__(
        self,
        base_url: str | None = None,
        request_event: RequestEvent | None = None,
        user: Any = None,
        insecure: bool = False,
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
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        self.environment = environment
        self.user = user
        self.max_redirects = max_redirects
        self.insecure = insecure
        self.request_event: RequestEvent = request_event or (
            environment.events.request if environment is not None else RequestEvent()
        )
        self.cookiejar = CookieJar()
        self.cookiejar.watch(self)
        self.gate: Gate = getattr(user, "gate", None) or Gate()
        self.client_pool = client_pool if client_pool is not None else ClientPool(concurrency)
        self.client = LocustUserAgent(self.client_pool, self.cookiejar, standing_headers(default_headers))
        self.client.default_headers.watch(self)
        if proxy_host:
            proxies = {"all": f"http://{proxy_host}:{proxy_port or 80}", **(proxies or {})}
        #: how requests get to their host; see ``pool.Route``
        self.route = Route(
            False if insecure and verify is True else verify, cert, ssl_context_factory, tuple((proxies or {}).items())
        )
        self._connect_timeout_us = _microseconds(connection_timeout, settings.connect_timeout_s)
        self._read_timeout_us = _microseconds(network_timeout, settings.network_timeout_s)
        self._request_name: str | None = None
        self._listeners = self.request_event.listeners
        # The default headers' lines, until one of them changes.
        self._lines: str | None = None
        self._ready = Ready()
        # That of a GET with nothing but a URL, which is looked up once per request of the most common kind.
        self._ready_gets = self._ready.gets
        # What the last answer from a URL set: {URL: (head, its Set-Cookie lines, the second they have to be set anew)}.
        self._set_by: dict[str, tuple[bytes, tuple[bytes, ...], int | None]] = {}
        self._auth: tuple[str, str] | None = None
        self.base_url = base_url

    @property
    def base_url(self) -> str | None:
        """Put in front of every URL that names no host; credentials in it become ``auth``."""
        return self._base_url

    @base_url.setter
    def base_url(self, base_url: str | None) -> None:
        auth = None
        if base_url:
            base_url, auth = split_credentials(base_url)
        self._base_url = base_url
        self._family = family_of(base_url)
        self.auth = auth or self._auth

    @property
    def auth(self) -> tuple[str, str] | None:
        """(user, password) for basic auth of every request that is not given others."""
        return self._auth

    @auth.setter
    def auth(self, auth: tuple[str, str] | None) -> None:
        self._auth = auth
        self.forget()

    @property
    def request_name(self) -> str | None:
        """The statistics' name of every request that is not given one of its own."""
        return self._request_name

    @request_name.setter
    def request_name(self, name: str | None) -> None:
        self._request_name = name
        self.forget()

    def forget(self) -> None:
        """What is kept ready is no longer right: a default header, a cookie or the name has changed."""
        self._ready.clear()
        self._lines = None

    def forget_cookies(self) -> None:
        """A cookie has changed."""
        self._set_by.clear()
        self._ready.clear()

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Name all requests of a with-block; the name before it comes back afterwards."""
        before, self.request_name = self.request_name, name
        try:
            yield
        finally:
            self.request_name = before

    def get(self, url: str, *, name: str | None = None, **kwargs: Any) -> FastResponse:
        """GET; arguments as for ``request``."""
        if not kwargs:
            prepared = self._ready_gets.get(url) if name is None else None
            if prepared is None or not self._ready.holds():
                prepared = self._familiar(url, name)
            if prepared is not None:
                response: FastResponse = prepared.perform(True, False, not self._listeners)  # type: ignore[assignment]
                if response.counted and not response.has_cookie and not self._listeners:
                    return response
                return self._finish(response, True, None, None)
        return self.request("GET", url, name, **kwargs)

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
        if json is not None and not data and not kwargs:
            ready = self._ready.get(("POST", url, None, False, JSON, True))
            if ready is not None:
                response: FastResponse
                response = ready.with_body(encode_json(json)).perform(True, False, not self._listeners)  # type: ignore[assignment]
                if response.counted and not response.has_cookie and not self._listeners:
                    return response
                return self._finish(response, True, None, None)
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> FastResponse:
        """PUT; arguments as for ``request``."""
        return self.request("PUT", url, data=data, json=json, **kwargs)

    def patch(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> FastResponse:
        """PATCH; arguments as for ``request``."""
        return self.request("PATCH", url, data=data, json=json, **kwargs)

    def iter_lines(self, url: str, method: str = "GET", **kwargs: Any) -> Iterator[Any]:
        """The lines of a response, one by one."""
        response = self.request(method, url, stream=True, **kwargs)
        try:
            yield from response.iter_lines(decode_unicode=True)
        finally:
            response.close()

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
        timeout: Timeout = None,
        max_redirects: int | None = None,
        max_retries: int | None = None,
        cookies: Any = None,
        verify: bool | str | None = None,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> FastResponse:
        """Make one request, wait for its answer and count it.

        Args:
            method: the verb.
            url: a path, put behind the host, or a whole URL.
            name: the statistics' row; default, the URL as written.
            data: body: text, bytes, a dict or list of pairs, which is form-encoded, a file or an iterator of bytes,
                which is sent as it is read.
            catch_response: let a with-block decide what the response counts as.
            stream: come back when the head is here; the body is read when it is asked for. The response time is
                that of the head, the length what Content-Length says.
            headers: this request's own, over the session's.
            auth: (user, password) for basic auth.
            json: body, as JSON.
            allow_redirects: follow them; a chain is one request.
            context: for the ``request`` event, over the user's.
            params: a dict, added to the URL's query.
            files: as requests takes them; the body becomes multipart.
            timeout: seconds, for connecting and of silence; a pair sets them apart.
            max_redirects: for this request.
            max_retries: accepted for Locust's sake.
            cookies: a dict or jar, for this request, beside the session's.
            verify, cert, proxies: for this request, as the session's.

        Returns:
            the response; ``status_code`` 0 and ``error`` when there was none.

        Raises:
            CommandError: the URL is relative and there is no host.
            ValueError: the URL cannot be understood.
        """
        said: Said | None = None
        prepared: Prepared | None = None
        body: bytes | Pieces | None = None
        kind: str | None = None
        keep = (
            not (headers or params or auth or cookies or stream)
            and timeout is None
            and verify is None
            and cert is None
            and proxies is None
        )
        if files or data or json is not None:
            if data and not files:
                body = pieces_of(data)
            if body is None:
                body, kind = encode(data, json, files) if files or data else (encode_json(json), JSON)
            keep = keep and not files and isinstance(body, bytes) and len(body) <= MOST_KEPT_BYTES
        if keep:
            key = (method, url, name, catch_response, kind, body is not None)
            prepared = self._ready.get(key)
            if prepared is not None and isinstance(body, bytes):
                prepared = prepared.with_body(body)
        if prepared is None:
            said = self._said(headers, auth, cookies, self._route(verify, cert, proxies), max_redirects)
            if kind is not None:
                default(said.headers, "Content-Type", kind)
            if kind == JSON:
                default(said.headers, "Accept", "application/json")
            address = split(join(self.base_url, url))
            if params:
                address = query_of(address, params if isinstance(params, str) else urlencode(params, doseq=True))
            prepared = self.prepare(
                method.upper(),
                address,
                said,
                body,
                str(name or self._request_name or url),
                ResponseContextManager if catch_response else FastResponse,
            )
            if timeout is not None:
                _set_timeouts(prepared, timeout)
            if keep and key == ("GET", url, name, False, None, False) and url[:1] == "/":
                remember(self._family, url, address)
            elif keep:
                self._ready.keep(key, prepared, self.cookiejar.soonest_epoch_s)
        elif max_redirects is not None:
            said = self._said(None, None, None, self.route, max_redirects)
        leave = not self._listeners
        response: FastResponse
        response = prepared.perform(not (catch_response or stream), False, leave, stream)  # type: ignore[assignment]
        if response.counted and leave and not response.has_cookie:
            return response
        return self._finish(response, allow_redirects, said, context)

    def report(self, response: FastResponse, error: BaseException | None) -> None:
        """Count a finished request and tell whoever listens; ``error`` is its failure, None a success."""
        first = response.history[0] if response.history else response
        changed: dict[str, Any] | None = getattr(response, "_meta", None)
        try:
            if changed is None:
                first.prepared.settle(response, error, size_bytes(response), first.started_us)
            else:
                count_as(self, changed, response, error)
        finally:
            if self._listeners:
                fields = response.request_meta if changed is None else changed
                fields["exception"] = error
                self.request_event.call(fields)

    def meta(self, response: FastResponse, error: BaseException | None = None) -> dict[str, Any]:
        """The fields of the ``request`` event; responses call this."""
        first = response.history[0] if response.history else response
        return self._fields(response, first, getattr(response, "_context", None), size_bytes(response), error)

    def prepare(
        self,
        method: str,
        address: Address,
        said: Said,
        body: bytes | Pieces | Any | None,
        name: str,
        kind: type[FastResponse],
    ) -> Prepared:
        """The request's bytes, with everything that the session adds."""
        whole = body if isinstance(body, bytes) else None
        own = said.headers
        host = address.authority
        lines = "" if own or said.auth != self._auth else (self._lines if self._lines is not None else self._standing())
        headers: dict[str, Any] = {}
        if not lines:
            headers.update(self.client.default_headers.items())
            for key, value in own.items():
                override(headers, key, value)
            if said.auth is not None:
                default(headers, "Authorization", basic(*said.auth))
            lines = lines_of(tuple(headers.items()))
            if has(headers, "host"):
                host = ""
        cookie = self.cookiejar.header(address, said.cookies)
        if cookie is not None and not has(headers, "cookie"):
            lines = f"{lines}Cookie: {text(cookie)}\r\n"
        if whole is not None or (body is None and method in WITH_BODY):
            if not has(headers, "content-length"):
                lines = f"{lines}Content-Length: {len(whole or b'')}\r\n"
        elif body is not None and not (has(headers, "content-length") or has(headers, "transfer-encoding")):
            known = getattr(body, "length", None)
            how = "Transfer-Encoding: chunked" if known is None else f"Content-Length: {known}"
            lines = f"{lines}{how}\r\n"
        target = address.target
        if said.route.proxies and address.scheme == "http" and (proxy := said.route.proxy_for(address)) is not None:
            target = f"http://{address.authority}{target}"
            if proxy.authorization is not None:
                lines = f"{lines}Proxy-Authorization: {proxy.authorization}\r\n"
        stats: Any = self.request_event.stats
        prepared = Prepared(
            self.origin(address, said.route),
            self.gate,
            None if stats is None else stats.recorder,
            head_of(method, target, host, lines),
            whole,
            method,
            address.url,
            name,
            kind,
        )
        prepared.extra = self
        if whole is None and body is not None:
            prepared.pieces = cast(Any, body)
        return prepared

    def origin(self, address: Address, route: Route) -> Origin:
        """Where the connections to an address are kept."""
        return self.client_pool.origin(address, route, self._connect_timeout_us, self._read_timeout_us)

    def _familiar(self, url: str, name: str | None) -> Prepared | None:
        """A GET of a path that some session with this host has asked for before; None when it has to be worked out."""
        known = self._family.get(url)
        if known is None or self.route.proxies:
            return None
        address, beginning = known
        rest = self._ready.rest if self._ready.holds() else None
        if rest is None:
            jar = self.cookiejar
            lines = self._lines if self._lines is not None else self._standing()
            if not lines or jar.by_path:
                return None
            cookie = jar.header(address)
            rest = encoded(f"{lines}\r\n" if cookie is None else f"{lines}Cookie: {text(cookie)}\r\n\r\n")
            self._ready.keep_rest(rest, jar.soonest_epoch_s)
        stats: Any = self.request_event.stats
        prepared = Prepared(
            self.origin(address, self.route),
            self.gate,
            None if stats is None else stats.recorder,
            beginning + rest,
            None,
            "GET",
            address.url,
            str(name or self._request_name or url),
            FastResponse,
        )
        prepared.extra = self
        if name is None and len(self._ready_gets) < MOST_GETS:
            self._ready_gets[url] = prepared
        return prepared

    def _standing(self) -> str:
        """The lines of what every request has in common; "" when a call has to look at them closely."""
        headers = dict(self.client.default_headers.items())
        if self._auth is not None:
            default(headers, "Authorization", basic(*self._auth))
        special = any(has(headers, key) for key in ("host", "cookie", "content-length", "transfer-encoding"))
        self._lines = "" if special else lines_of(tuple(headers.items()))
        return self._lines

    def _said(
        self,
        headers: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
        cookies: Any,
        route: Route,
        max_redirects: int | None,
    ) -> Said:
        own = {text(key): value for key, value in headers.items()} if headers else {}
        return Said(own, auth or self._auth, cookies, route, max_redirects)

    def _route(
        self, verify: bool | str | None, cert: str | tuple[str, str] | None, proxies: Mapping[str, str] | None
    ) -> Route:
        route = self.route
        if verify is not None or cert is not None:
            # A context of the user's own making knows nothing of what this call asks for.
            route = route._replace(
                verify=route.verify if verify is None else verify, cert=cert or route.cert, factory=None
            )
        return route if proxies is None else route._replace(proxies=tuple(proxies.items()))

    def keep_cookies(self, response: FastResponse) -> None:
        """Put what a response sets into the jar."""
        url, head = response.prepared.url, response.head
        lines = lines_in(head)
        second = response.finished_us // 1_000_000
        known = self._set_by.get(url)
        if known is None or known[1] != lines or (known[2] is not None and known[2] != second):
            values = [value for name, value in response.header_pairs if name.lower() == "set-cookie"]
            self.cookiejar.take(values, split(url))
        # Whatever has an age is as young again as on the first day.
        renewed = second if any(b"max-age" in line.lower() for line in lines) else None
        if len(self._set_by) >= 64:
            self._set_by.clear()
        self._set_by[url] = (head, lines, renewed)

    def _finish(
        self, response: FastResponse, may_follow: bool, said: Said | None, context: Mapping[str, Any] | None
    ) -> FastResponse:
        """What comes after the first answer: cookies, redirects, decoding, the report."""
        if context:
            response._context = context
        if response.has_cookie:
            known = self._set_by.get(response.prepared.url)
            if (
                known is None
                or known[0] != response.head
                or (known[2] is not None and known[2] != response.finished_us // 1_000_000)
            ):
                self.keep_cookies(response)
        if response.counted:
            if self._listeners:
                self.request_event.call(self._fields(response, response, context, len(response.body or b""), None))
            response.prepared.end_if_closed()
            return response
        first = response
        status = response.status
        if may_follow and status in REDIRECTS:
            response = follow(self, response, said or self._said(None, None, None, self.route, None))
            status = response.status
        error = response.error
        if error is None:
            if response.has_encoding and response.reader is None:
                try:
                    response.decode()
                except ProtocolError as mistake:
                    error = response.error = mistake
        elif isinstance(error, CertificateError):
            error = response.error = type(error)(f"{error}; {UNVERIFIED}")
        if isinstance(response, ResponseContextManager):
            response._reported = False
            return response
        if error is not None:
            response.__class__ = ErrorResponse
        elif status not in VALID_STATUS:
            error = response.failure_reason()
        size = size_bytes(response)
        try:
            first.prepared.settle(response, error, size, first.started_us)
        finally:
            if self._listeners:
                self.request_event.call(self._fields(response, first, context, size, error))
        return response

    def _fields(
        self,
        response: FastResponse,
        first: FastResponse,
        context: Mapping[str, Any] | None,
        size: int,
        error: BaseException | None,
    ) -> dict[str, Any]:
        prepared = first.prepared
        started_us = first.started_us
        about: dict[str, Any] = {} if self.user is None else self.user.context()
        phases = response.phases
        if phases is not None:
            # A new one, as what the user gives may be one and the same each time.
            about = {**about, "phases": phases.as_ms()}
        return {
            "request_type": prepared.method,
            "response_time": (response.finished_us - started_us) / 1000,
            "name": prepared.name,
            "context": {**about, **context} if context else about,
            "response": response,
            "exception": error,
            "start_time": epoch_us_of(started_us) / 1e6,
            "url": prepared.url,
            "response_length": size,
        }


def _set_timeouts(prepared: Prepared, timeout: float | tuple[float | None, float | None]) -> None:
    connect_s, read_s = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    # 0 would mean the session's own.
    if connect_s is not None:
        prepared.connect_timeout_us = max(int(connect_s * 1e6), 1)
    if read_s is not None:
        prepared.read_timeout_us = max(int(read_s * 1e6), 1)


def _microseconds(seconds: float | None, default_s: float) -> int:
    return int((default_s if seconds is None else seconds) * 1e6)
