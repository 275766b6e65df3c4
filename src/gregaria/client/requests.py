"""HttpSession: a ``requests.Session`` whose plain requests take the engine; every request is counted once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from greenlet import GreenletExit
from requests import PreparedRequest, Session
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.exceptions import (
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    RequestException,
)
from requests.structures import CaseInsensitiveDict
from urllib3 import PoolManager

from gregaria.client import blame, body, plain
from gregaria.client.address import Address, join, path_and_query, split, split_credentials
from gregaria.client.call import Call, head_of, headers_of, place_of, request_of, root_of
from gregaria.client.follow import follow
from gregaria.client.jar import CookieHeaders, keep
from gregaria.client.lazy_response import (
    CaughtLazyResponse,
    CaughtResponse,
    LazyResponse,
    ResponseContextManager,
    RestResponseContextManager,
)
from gregaria.client.standing import Headers, Standing
from gregaria.client.tls import context_for
from gregaria.client.watched import (
    Watched,
    WatchedAdapters,
    WatchedDict,
    WatchedHeaders,
    WatchedJar,
    WatchedList,
)
from gregaria.engine.clock import epoch_us_of, now_us
from gregaria.engine.exchange import Answer, Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.events import RequestEvent
from gregaria.settings import settings

#: the statuses that requests follows
REDIRECTS = frozenset((301, 302, 303, 307, 308))

#: finished requests that one session keeps; there may be thousands of sessions
MOST_KEPT = 32

#: a URL that cannot be asked for at all is the locustfile's mistake, not the target's
_MISTAKES = (MissingSchema, InvalidSchema, InvalidURL)


class LocustHttpAdapter(HTTPAdapter):
    """requests' adapter over connections that users may share.

    Args:
        pool_manager: whose connections are used; None for its own.
    """

    def __init__(self, pool_manager: PoolManager | None = None, *args: Any, **kwargs: Any) -> None:
        self._shared = pool_manager
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by HTTPAdapter; makes a pool unless there is a shared one."""
        if self._shared is not None:
            self.poolmanager = self._shared
        else:
            super().init_poolmanager(*args, **kwargs)


class HttpSession(Session):
    """The client of an ``HttpUser``.

    Everything that a ``requests.Session`` has is here and counts. Plain requests (client/plain.py has the list) take
    the engine; the others go the way of requests. Both are counted alike.

    Args:
        base_url: put in front of every URL that names no host; ``user:password@`` in it becomes basic auth.
        request_event: whose statistics count, and whose listeners are told.
        user: whose gate and context count; None for a session on its own.
        pool_manager: connections shared between sessions, by way of requests.

    Attributes:
        base_url: without credentials.
        request_name: statistics' name of all requests that are not given one, None for their paths.
        use_requests: True sends everything by way of requests, for those who trace or patch it.
    """

    #: changing one of these changes every request
    _STANDING: ClassVar[frozenset[str]] = frozenset(
        (
            *Session.__attrs__,
            "base_url",
            "use_requests",
            "send",
            "request",
            "prepare_request",
            "get_adapter",
            "resolve_redirects",
        )
    )

    use_requests: bool = False

    def __init__(
        self,
        base_url: str | None,
        request_event: RequestEvent,
        user: Any = None,
        *,
        pool_manager: PoolManager | None = None,
    ) -> None:
        # Requests by (method, URL as written, name), and GETs by URL alone; valid until `forget`.
        self._kept: dict[tuple[str, str, str | None], Prepared] = {}
        self._gets: dict[str, Prepared] = {}
        self._standing: Standing | None = None
        self._cookie_headers = CookieHeaders()
        self._origins: dict[tuple[str, str, int, bool], Origin] = {}
        self._own_adapters: tuple[Any, ...] = ()
        self._is_new = True
        self.pool_manager = pool_manager
        super().__init__()
        self._is_new = False
        self.base_url = base_url or ""
        self.request_event = request_event
        self.user = user
        self.request_name: str | None = None
        self.trust_env = False
        self.gate: Gate = getattr(user, "gate", None) or Gate()
        self._listeners = request_event.listeners
        self.use_requests = _asked_for_requests(user)
        self.mount("https://", LocustHttpAdapter(pool_manager))
        self.mount("http://", LocustHttpAdapter(pool_manager))
        self._own_adapters = tuple(self.adapters.values())
        if base_url:
            self.base_url, self.auth = split_credentials(base_url)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._STANDING:
            value = self._watch(name, value)
            self.forget()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self.forget()
        super().__delattr__(name)

    def _watch(self, name: str, value: Any) -> Any:
        """Have a container tell of its changes; one that cannot be made to is compared before each request."""
        kind = type(value)
        if kind is CaseInsensitiveDict:
            value.__class__ = WatchedHeaders
        elif kind is RequestsCookieJar:
            value.__class__ = WatchedJar
        elif name == "adapters" and not isinstance(value, WatchedAdapters):
            value = WatchedAdapters(value)
        elif self._is_new and name in ("params", "proxies"):
            value = WatchedDict(value)
        elif self._is_new and name == "hooks":
            value = WatchedDict({moment: WatchedList(hooks) for moment, hooks in value.items()})
            for hooks in value.values():
                hooks.watch(self)
        if isinstance(value, Watched):
            value.watch(self)
        return value

    def forget(self) -> None:
        """Something that goes into every request has changed."""
        self._standing = None
        self.forget_cookies()

    def forget_cookies(self) -> None:
        """A cookie has changed."""
        self._kept.clear()
        self._gets.clear()
        self._cookie_headers.forget()

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Name all requests of a with-block; the name before it comes back afterwards."""
        before, self.request_name = self.request_name, name
        try:
            yield
        finally:
            self.request_name = before

    def why_requests(self, method: str = "GET", **arguments: Any) -> str | None:
        """Why a call with these arguments goes the way of requests, or None when it takes the engine."""
        if plain.requests_is_patched():
            return "requests is patched"
        data = arguments.pop("data", None)
        arguments.pop("json", None)
        return self._stand().why_not or plain.why_call_is_not(method.upper(), data, arguments)

    def get(self, url: Any, params: Any = None, **kwargs: Any) -> ResponseContextManager:
        """GET; arguments as for ``request``."""
        if params is None:
            if not kwargs:
                prepared = self._gets.get(url)
                if (
                    prepared is not None
                    and self.request_name is None
                    and not self._listeners
                    and not plain.requests_is_patched()
                ):
                    answer = prepared.perform(True)
                    response: LazyResponse = LazyResponse.__new__(LazyResponse)
                    response._answer = answer
                    if answer.counted and not answer.has_cookie:
                        return response
                    return self._finish(response, answer, None)
        else:
            kwargs["params"] = params
        return self.request("GET", url, **kwargs)

    def options(self, url: Any, **kwargs: Any) -> ResponseContextManager:
        """OPTIONS; arguments as for ``request``."""
        return self.request("OPTIONS", url, **kwargs)

    def head(self, url: Any, **kwargs: Any) -> ResponseContextManager:
        """HEAD; arguments as for ``request``; redirects are not followed unless asked for."""
        kwargs.setdefault("allow_redirects", False)
        return self.request("HEAD", url, **kwargs)

    def post(self, url: Any, data: Any = None, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """POST; arguments as for ``request``."""
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: Any, data: Any = None, **kwargs: Any) -> ResponseContextManager:
        """PUT; arguments as for ``request``."""
        return self.request("PUT", url, data=data, **kwargs)

    def patch(self, url: Any, data: Any = None, **kwargs: Any) -> ResponseContextManager:
        """PATCH; arguments as for ``request``."""
        return self.request("PATCH", url, data=data, **kwargs)

    def delete(self, url: Any, **kwargs: Any) -> ResponseContextManager:
        """DELETE; arguments as for ``request``."""
        return self.request("DELETE", url, **kwargs)

    def request(  # type: ignore[override]
        self,
        method: str,
        url: Any,
        name: str | None = None,
        catch_response: bool = False,
        context: Mapping[str, Any] | None = None,
        *,
        data: Any = None,
        json: Any = None,
        **kwargs: Any,
    ) -> ResponseContextManager:
        """Make one request, wait for its answer and count it.

        Args:
            method: the verb.
            url: a path, put behind the host, or a whole URL.
            name: statistics' name of the request; default, the session's ``request_name``, else path and query.
            catch_response: let a with-block decide what the response counts as.
            context: for the ``request`` event, over the user's.
            data, json: the body, as requests takes it.
            **kwargs: what ``requests.Session.request`` takes.

        Returns:
            the response. If there was none its ``status_code`` is 0 and ``error`` says why.

        Raises:
            NoHost: the URL is relative and there is no host.
            requests.exceptions.InvalidURL, MissingSchema, InvalidSchema: the URL cannot be asked for.
            GreenletExit: the test has ended.
        """
        if name is None:
            name = self.request_name
        patched = plain.requests_is_patched()
        bare = data is None and json is None and not kwargs
        if bare and not patched:
            prepared = self._kept.get((method, url, name))
            if prepared is not None:
                return self._send(prepared, catch_response, context)
        verb = method.upper()
        if isinstance(url, bytes):
            url = url.decode()
        if not patched and self._stand().why_not is None and plain.why_call_is_not(verb, data, kwargs) is None:
            try:
                prepared = self._prepare(verb, url, name, data, json, **kwargs)
            except (RequestException, ValueError):
                # requests knows best how to say it.
                pass
            else:
                if bare:
                    self._keep(prepared, method, url, name)
                return self._send(prepared, catch_response, context)
        place = join(self.base_url, url)
        return self._by_requests(verb, place, name, catch_response, context, {"data": data, "json": json, **kwargs})

    def _stand(self) -> Standing:
        standing = self._standing
        if standing is None or not standing.holds():
            self.forget()
            standing = self._standing = Standing(self, self._own_adapters, root_of(self.base_url))
        return standing

    def _keep(self, prepared: Prepared, method: str, url: str, name: str | None) -> None:
        """Keep a request for the next time, if every reason to make it anew would be noticed."""
        standing = self._standing
        if standing is None or not standing.cacheable or self._cookie_headers.may_run_out(self.cookies):
            return
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
            self._gets.clear()
        self._kept[method, url, name] = prepared
        if method == "GET" and name is None and type(self).request is _OWN_REQUEST and "request" not in self.__dict__:
            self._gets[url] = prepared

    def _prepare(
        self,
        method: str,
        url: str,
        name: str | None,
        data: Any,
        json: Any,
        *,
        params: Any = None,
        headers: Mapping[str, Any] | None = None,
        cookies: Any = None,
        files: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = True,
        verify: bool | None = None,
        **_: Any,
    ) -> Prepared:
        """A plain request, ready to be sent."""
        standing = self._standing
        assert standing is not None
        place = place_of(self.base_url, url, params, standing)

        def cookie(others: Headers) -> str | None:
            return self._cookie_headers.header(self, place, others, cookies)

        content, content_type = (
            (None, None) if data is None and json is None and not files else body.encode(data, json, files)
        )
        lines = headers_of(
            standing,
            method,
            place,
            given=headers,
            cookies=cookie,
            content=content,
            content_type=content_type,
            auth=auth,
        )
        prepared = self._as_prepared(method, place, lines, content, name or place.name, verify)
        prepared.extra = Call(self, lines, body.is_text(data, files), cookies, bool(allow_redirects))
        if timeout is not None:
            connect_s, read_s = timeout if isinstance(timeout, tuple) else (timeout, timeout)
            prepared.connect_timeout_us = int((connect_s or 0) * 1e6)
            prepared.read_timeout_us = int((read_s or 0) * 1e6)
        return prepared

    def _as_prepared(
        self, method: str, place: Address, lines: Headers, content: bytes | None, name: str, verify: bool | None
    ) -> Prepared:
        head = head_of(method, place, lines)
        origin = self._origin(place, verify)
        return Prepared(origin, self.gate, self._recorder(), head, content, method, place.url, name)

    def _recorder(self) -> Any:
        stats: Any = getattr(self.request_event, "stats", None)
        return None if stats is None else stats.recorder

    def _origin(self, place: Address, verify: bool | None) -> Origin:
        checked = place.scheme == "https" and bool(self.verify if verify is None else verify)
        key = (place.scheme, place.host, place.port, checked)
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = Origin(
                place.scheme,
                place.host,
                place.port,
                ssl_context=context_for(checked) if place.scheme == "https" else None,
                connect_timeout_us=int(settings.connect_timeout_s * 1e6),
                read_timeout_us=int(settings.http_user_timeout_s * 1e6),
            )
        return origin

    def _send(
        self, prepared: Prepared, catch_response: bool, context: Mapping[str, Any] | None
    ) -> ResponseContextManager:
        """One plain request: to the engine, and on with what came back."""
        answer = prepared.perform(not catch_response and not self._listeners)
        kind = CaughtLazyResponse if catch_response else LazyResponse
        response = kind.__new__(kind)
        response._answer = answer
        if context:
            response._context = context
        if answer.counted and not answer.has_cookie:
            return response
        return self._finish(response, answer, context)

    def _finish(
        self, response: LazyResponse, answer: Answer, context: Mapping[str, Any] | None
    ) -> ResponseContextManager:
        """What comes after the first answer: cookies, redirects, decoding, the report."""
        error = answer.error
        if error is None:
            try:
                if answer.has_cookie:
                    self.keep_cookies(response)
                if answer.counted:
                    return response
                if answer.status in REDIRECTS and answer.prepared.extra.follow:
                    response = follow(self, response)
                    answer = response._answer
                    error = answer.error
                if answer.has_encoding and error is None:
                    _ = response.content
            except RequestException as failure:
                error = failure
        if error is not None:
            return self._failed(response, error)
        if not response._catching:
            response.report(response.failure_reason(response._name()))
        return response

    def _failed(self, response: LazyResponse, error: BaseException) -> ResponseContextManager:
        """The response that stands for none: status 0, and the error that requests would have raised."""
        response._reported = True
        prepared = response._answer.prepared
        request = request_of(prepared)
        wrapped = blame.as_requests_raises(error, request)
        empty = _empty_response(response._catching, request, prepared.url, wrapped)
        empty.took_engine = True
        empty._answer = response._answer
        empty._first = response._first
        empty._context = response._context
        if wrapped is None:
            # Somebody's own timeout, or a mistake in the engine: counted, and on it goes.
            empty.report(error)
            raise error
        if not empty._catching:
            empty.report(blame.reported(wrapped))
        return empty

    def keep_cookies(self, response: LazyResponse) -> None:
        """Put what a response of the engine sets into the session's jar."""
        keep(self.cookies, response.request, response._answer.header_pairs)

    def prepare_step(self, request: PreparedRequest, before: Prepared) -> Prepared:
        """The next request of a chain of redirects, ready to be sent.

        Raises:
            requests.exceptions.InvalidSchema: it leads elsewhere than to http or https.
        """
        try:
            place = split(str(request.url))
        except ValueError as error:
            raise InvalidSchema(f"No connection adapters were found for {request.url!r}") from error
        lines: Headers = {name.lower(): (name, value) for name, value in request.headers.items()}
        content: Any = request.body
        call: Call = before.extra
        verify = before.origin.ssl_context is context_for(True) if before.origin.ssl_context is not None else None
        prepared = self._as_prepared(
            str(request.method),
            place,
            lines,
            content.encode() if isinstance(content, str) else content,
            before.name,
            verify,
        )
        prepared.connect_timeout_us = before.connect_timeout_us
        prepared.read_timeout_us = before.read_timeout_us
        prepared.extra = Call(self, lines, isinstance(content, str), call.cookies, call.follow)
        prepared.extra.request = request
        return prepared

    def next_request(self, response: LazyResponse) -> PreparedRequest | None:
        """What requests would send next after a redirect, or None."""
        steps: Iterator[Any] = self.resolve_redirects(response, response.request, yield_requests=True)
        return next(steps, None)

    def _by_requests(
        self,
        method: str,
        url: str,
        name: str | None,
        catch_response: bool,
        context: Mapping[str, Any] | None,
        arguments: dict[str, Any],
    ) -> ResponseContextManager:
        """One request by way of requests, timed and counted like the others."""
        if not self.gate.open:
            raise GreenletExit("the test has ended")
        if arguments.get("timeout") is None:
            # requests itself would wait for ever.
            arguments["timeout"] = (settings.connect_timeout_s, settings.http_user_timeout_s)
        started_us = now_us()
        error: BaseException | None = None
        response: Any = None
        self.gate.in_flight += 1
        try:
            response = super().request(method, url, **arguments)
        except _MISTAKES:
            raise
        except GreenletExit:
            self._interrupted(method, name or path_and_query(url))
            raise
        except BaseException as failure:
            error = failure
        finally:
            self.gate.in_flight -= 1
        finished_us = now_us()
        if response is None:
            assert error is not None
            wrapped = error if isinstance(error, RequestException) else None
            request = getattr(error, "request", None) or PreparedRequest()
            response = _empty_response(catch_response, request, url, wrapped)
        else:
            response.__class__ = CaughtResponse if catch_response else ResponseContextManager
        first = response.history[0] if response.history else response
        sent_url = getattr(first.request, "url", None) or url
        response._answer = self._accounted(method, sent_url, name, started_us, finished_us)
        if context:
            response._context = context
        if error is not None and not isinstance(error, RequestException):
            response.report(error)
            raise error
        if not catch_response:
            response.report(response.failure_reason(response._name()))
        return response  # type: ignore[no-any-return]

    def _accounted(self, method: str, url: str, name: str | None, started_us: int, finished_us: int) -> Answer:
        """An answer for the books, of a request that the engine has not seen."""
        origin = Origin("http", "", 80)
        name = name or path_and_query(url)
        prepared = Prepared(origin, self.gate, self._recorder(), b"", None, method, url, name)
        prepared.extra = Call(self, {}, False, None, True)
        answer = Answer.__new__(Answer)
        answer.prepared = prepared
        answer.started_us = started_us
        answer.finished_us = finished_us
        return answer

    def _interrupted(self, method: str, name: str) -> None:
        recorder = self._recorder()
        if recorder is not None:
            recorder.interrupted(recorder.entry(method, name))

    def meta(self, response: ResponseContextManager) -> dict[str, Any]:
        """The fields of the ``request`` event for one response."""
        answer = response._answer
        first = response._first or answer
        context = self.user.context() if self.user is not None else {}
        return {
            "request_type": first.prepared.method,
            "response_time": (answer.finished_us - first.started_us) / 1000,
            "name": first.prepared.name,
            "context": {**context, **(response._context or {})},
            "response": response,
            "exception": None,
            "start_time": epoch_us_of(first.started_us) / 1e6,
            "url": first.prepared.url,
            "response_length": _size_bytes(response),
        }

    def report(self, response: ResponseContextManager, error: BaseException | None) -> None:
        """Count one finished request, then tell whoever listens. Responses call this, once.

        Raises:
            GreenletExit: it was counted, and the test has ended.
        """
        answer = response._answer
        first = response._first or answer
        changed: dict[str, Any] | None = response.__dict__.get("request_meta")
        try:
            if changed is None:
                first.prepared.settle(answer, error, _size_bytes(response), first.started_us)
            else:
                self._count_as(changed, answer, error)
        finally:
            if self._listeners:
                meta = response.request_meta
                meta["exception"] = error
                self.request_event.notify(**meta)

    def _count_as(self, meta: dict[str, Any], answer: Answer, error: BaseException | None) -> None:
        """Count a request whose fields a with-block may have changed."""
        recorder = self._recorder()
        if recorder is not None:
            time_ms = meta["response_time"]
            recorder.record(
                meta["request_type"],
                meta["name"],
                None if time_ms is None else round(time_ms * 1000),
                meta["response_length"] or 0,
                error,
                answer.finished_us,
            )
        if not self.gate.open:
            raise GreenletExit("the test has ended")

    def close(self) -> None:
        """Close the idle connections, the engine's too; the session may be used again."""
        super().close()
        for origin in self._origins.values():
            origin.close()


_OWN_REQUEST = HttpSession.request


def _asked_for_requests(user: Any) -> bool:
    options = getattr(getattr(user, "environment", None), "parsed_options", None)
    return bool(getattr(user, "use_requests", False) or getattr(options, "use_requests", False))


def _empty_response(
    catching: bool, request: PreparedRequest, url: str, error: RequestException | None
) -> ResponseContextManager:
    response = CaughtResponse() if catching else ResponseContextManager()
    response.status_code = 0
    response.url = url
    response.request = request
    if error is not None:
        response.error = error
    return response


def _size_bytes(response: ResponseContextManager) -> int:
    """The body's size as the user sees it; what a stream says of itself, because reading it is the user's to do."""
    if isinstance(response, LazyResponse):
        answer = response._answer
        return len((response.content if answer.has_encoding else answer.body) or b"")
    if response._content_consumed or response.status_code == 0:
        return len(response.content or b"")
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


__all__ = [
    "HttpSession",
    "LocustHttpAdapter",
    "ResponseContextManager",
    "RestResponseContextManager",
]
