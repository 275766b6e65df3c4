"""FastHttpSession: the engine's own HTTP client: requests, redirects, cookies; each request reported once."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from gregaria.client.address import join, query_of, split
from gregaria.client.body import JSON, Pieces, encode, encode_json, pieces_of
from gregaria.client.books import count_as
from gregaria.client.chain import follow
from gregaria.client.heads import default, has, standing_headers
from gregaria.client.pool import REDIRECTS, ClientPool, Route
from gregaria.client.ready import Said, remember
from gregaria.client.response import VALID_STATUS, ErrorResponse, FastResponse, ResponseContextManager, size_bytes
from gregaria.client.writer import RequestWriter
from gregaria.engine.clock import epoch_us_of
from gregaria.engine.exchange import Prepared
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


class FastHttpSession(RequestWriter):
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
        self.insecure = insecure
        self.max_redirects = max_redirects
        if proxy_host:
            proxies = {"all": f"http://{proxy_host}:{proxy_port or 80}", **(proxies or {})}
        super().__init__(
            base_url,
            request_event or (environment.events.request if environment is not None else RequestEvent()),
            user,
            Route(
                False if insecure and verify is True else verify,
                cert,
                ssl_context_factory,
                tuple((proxies or {}).items()),
            ),
            client_pool if client_pool is not None else ClientPool(concurrency),
            standing_headers(default_headers),
            _microseconds(connection_timeout, settings.connect_timeout_s),
            _microseconds(network_timeout, settings.network_timeout_s),
        )
        self._listeners = self.request_event.listeners
        # That of a GET with nothing but a URL, which is looked up once per request of the most common kind.
        self._ready_gets = self._ready.gets
        # The headers of the last call that gave any of its own: only those that come again are worth keeping.
        self._own_before: tuple[tuple[str, str], ...] | None = None

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

    def post(
        self, url: str, data: Any = None, json: Any = None, *, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> FastResponse:
        """POST; arguments as for ``request``."""
        if not kwargs and (type(data) is bytes if data else json is not None):
            try:
                own = tuple(headers.items()) if headers else None
                ready = self._ready.get(("POST", url, None, False, None if data else JSON, True, own))
            except TypeError:
                ready = None
            if ready is not None:
                prepared, said = ready
                body = data or encode_json(json)
                if body != prepared.body:
                    prepared = prepared.with_body(body)
                response: FastResponse = prepared.perform(True, False, not self._listeners)  # type: ignore[assignment]
                if response.counted and not response.has_cookie and not self._listeners:
                    return response
                return self._finish(response, True, said, None)
        return self.request("POST", url, data=data, json=json, headers=headers, **kwargs)

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
            not (params or auth or cookies or stream)
            and timeout is None
            and verify is None
            and cert is None
            and proxies is None
        )
        if files or data or json is not None:
            if not files and data:
                body = data if type(data) is bytes else pieces_of(data)
            if body is None:
                body, kind = encode(data, json, files) if files or data else (encode_json(json), JSON)
            keep = keep and not files and isinstance(body, bytes) and len(body) <= MOST_KEPT_BYTES
        if keep:
            own = tuple(headers.items()) if headers else None
            key = (method, url, name, catch_response, kind, body is not None, own)
            try:
                ready = self._ready.get(key)
            except TypeError:
                # A header's value that cannot be a key is none that could be kept.
                ready, keep = None, False
            if ready is not None:
                prepared, said = ready
                if isinstance(body, bytes) and body != prepared.body:
                    prepared = prepared.with_body(body)
                if max_redirects is not None:
                    said = said._replace(max_redirects=max_redirects)
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
            if keep and key == ("GET", url, name, False, None, False, None) and url[:1] == "/":
                remember(self._family, url, address)
            elif keep and (own is None or own == self._own_before) and not _says_how_long(said.headers):
                self._ready.keep(key, prepared, said._replace(max_redirects=None), self.cookiejar.soonest_epoch_s)
            if keep:
                self._own_before = own
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
        # What was thrown into the user, such as a `gevent.Timeout` of its own, passes when it has been counted.
        thrown = None if isinstance(error, Exception) else error
        if isinstance(response, ResponseContextManager):
            response._reported = thrown is not None
            if thrown is None:
                return response
        elif error is not None:
            response.__class__ = ErrorResponse
        elif status not in VALID_STATUS:
            error = response.failure_reason()
        size = size_bytes(response)
        try:
            first.prepared.settle(response, error, size, first.started_us)
        finally:
            if self._listeners:
                self.request_event.call(self._fields(response, first, context, size, error))
        if thrown is not None:
            raise thrown
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
        if response.trace is not None:
            about = {**about, "trace_id": response.trace_id}
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


def _says_how_long(headers: Mapping[str, Any]) -> bool:
    """Whether they tell a body's length, which another body does not have."""
    return has(headers, "content-length") or has(headers, "transfer-encoding")


def _set_timeouts(prepared: Prepared, timeout: float | tuple[float | None, float | None]) -> None:
    connect_s, read_s = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    # 0 would mean the session's own.
    if connect_s is not None:
        prepared.connect_timeout_us = max(int(connect_s * 1e6), 1)
    if read_s is not None:
        prepared.read_timeout_us = max(int(read_s * 1e6), 1)


def _microseconds(seconds: float | None, default_s: float) -> int:
    return int((default_s if seconds is None else seconds) * 1e6)
