"""HttpSession: a ``requests.Session`` whose plain requests take the engine; every request is counted once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

from requests import PreparedRequest, Response
from requests.exceptions import RequestException
from requests.sessions import merge_setting
from urllib3 import PoolManager

from gregaria.client import blame, body, books, plain
from gregaria.client.adapter import LocustHttpAdapter, trail_here
from gregaria.client.address import Address, is_absolute, join, split_credentials
from gregaria.client.arrival import finish, next_request
from gregaria.client.books import recorder_of
from gregaria.client.call import Call, Trust, head_of, headers_of, place_of, root_of
from gregaria.client.detour import by_requests
from gregaria.client.jar import CookieHeaders
from gregaria.client.lazy_response import (
    CaughtLazyResponse,
    LazyResponse,
    ResponseContextManager,
    RestResponseContextManager,
)
from gregaria.client.origins import Origins
from gregaria.client.standing import Headers, Standing
from gregaria.client.watched import WatchedAdapters
from gregaria.client.watched_session import WatchedSession
from gregaria.engine.exchange import Prepared
from gregaria.engine.gate import Gate
from gregaria.engine.throttle import Throttle
from gregaria.errors import HostNotAllowed
from gregaria.events import RequestEvent
from gregaria.turn import give_turn

#: finished requests that one session keeps; there may be thousands of sessions
MOST_KEPT = 32

NOTHING_KNOWN: frozenset[Any] = frozenset()


_UNIX = "http+unix://"


class HttpSession(WatchedSession):
    """The client of an ``HttpUser``.

    Everything that a ``requests.Session`` has is here and counts. Plain requests (client/plain.py has the list) take
    the engine at once; the others are prepared by requests and sent by the engine, or by urllib3 where somebody has
    replaced the transport. All are counted alike.

    Args:
        base_url: put in front of every URL that names no host; ``user:password@`` in it becomes basic auth.
        request_event: whose statistics count, and whose listeners are told.
        user: whose gate and context count; None for a session on its own.
        pool_manager: urllib3's connections, shared between sessions, in place of the engine's.

    Attributes:
        base_url: without credentials.
        request_name: statistics' name of all requests that are not given one, None for their paths.
        changes: grows with every change of what goes into requests.
        use_requests: True sends everything by urllib3, for those who trace or patch it.
    """

    use_requests: bool = False
    request_name: str | None = None

    __slots__ = (
        "_cookie_headers",
        "_gets",
        "_kept",
        "_listeners",
        "_posts",
        "_standing",
        "base_url",
        "changes",
        "cookies_as_known",
        "gate",
        "origins",
        "pool_manager",
        "request_event",
        "user",
    )

    def __init__(
        self,
        base_url: str | None,
        request_event: RequestEvent,
        user: Any = None,
        *,
        pool_manager: PoolManager | None = None,
    ) -> None:
        super().__init__()
        self.changes = 0
        # Requests by (method, URL as written, name), and GETs by URL alone; valid until `forget`.
        self._kept: dict[tuple[str, str, str | None], Prepared] = {}
        self._gets: dict[str, Prepared] = {}
        # Requests with nothing but a body, by what they are and what the body is made of (None: JSON).
        self._posts: dict[tuple[str, str, str | None, type | None], Prepared] = {}
        self._standing: Standing | None = None
        self._cookie_headers = CookieHeaders()
        #: (URL, cookies its response sets) that the jar has already just so
        self.cookies_as_known: frozenset[tuple[str, tuple[str, ...]]] = NOTHING_KNOWN
        self.origins = Origins()
        self.pool_manager = pool_manager
        self.base_url = base_url or ""
        self.request_event = request_event
        self.user = user
        self.gate: Gate = getattr(user, "gate", None) or Gate()
        if request_event.throttle is not None:
            self.gate.throttle = request_event.throttle
        self._listeners = request_event.listeners
        if _asked_for_requests(user):
            self.use_requests = True
        if base_url:
            self.base_url, auth = split_credentials(base_url)
            if auth is not None:
                self.auth = auth

    def forget(self) -> None:
        """Something that goes into every request has changed."""
        self._standing = None
        self.forget_cookies()

    def forget_cookies(self) -> None:
        """A cookie has changed."""
        self._kept.clear()
        self._gets.clear()
        self._posts.clear()
        self.changes += 1
        self.cookies_as_known = NOTHING_KNOWN
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
        """Why a call with these arguments is left to requests, or None when it is plain and takes the engine at once.

        What is left to requests is still sent by the engine where that can be: ``way`` tells.
        """
        if plain.requests_is_patched():
            return "requests is patched"
        data = arguments.pop("data", None)
        arguments.pop("json", None)
        return self._stand().why_not or plain.why_call_is_not(method.upper(), data, arguments)

    def way(self, method: str = "GET", url: str | None = None, **arguments: Any) -> str:
        """Which way a call with these arguments takes.

        Returns:
            "engine": it is plain. "engine under requests": requests prepares and follows it, the engine sends it.
            "requests": requests and urllib3 do all of it.
        """
        if self.why_requests(method, **arguments) is None:
            return "engine"
        whole = url or self.base_url or "http://"
        if not is_absolute(whole):
            whole = join(self.base_url, whole)
        proxies = merge_setting(arguments.get("proxies"), self.proxies)  # type: ignore[no-untyped-call]
        why_not = getattr(self.get_adapter(whole), "why_not_engine", None)
        return "engine under requests" if why_not is not None and why_not(whole, proxies) is None else "requests"

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
                    return finish(self, response)
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
        if not patched and not kwargs:
            kept = (
                self._kept.get((method, url, name)) if bare else self._with_another_body(method, url, name, data, json)
            )
            if kept is not None:
                return self._send(kept, catch_response, context)
        verb = method.upper()
        if not isinstance(url, str):
            url = url.decode() if isinstance(url, bytes) else str(url)
        if not patched and self._stand().why_not is None and plain.why_call_is_not(verb, data, kwargs) is None:
            try:
                prepared = self._prepare(verb, url, name, data, json, **kwargs)
            except (RequestException, OSError, ValueError):
                # requests knows best how to say it.
                pass
            else:
                if not kwargs:
                    self._keep(prepared, method, url, name, data)
                return self._send(prepared, catch_response, context)
        kwargs.update(data=data, json=json)
        return by_requests(self, super().request, verb, join(self.base_url, url), name, catch_response, context, kwargs)

    def _stand(self) -> Standing:
        standing = self._standing
        if standing is None or not standing.holds():
            self.forget()
            standing = self._standing = Standing(self, root_of(self.base_url))
        return standing

    def _with_another_body(self, method: str, url: str, name: str | None, data: Any, json: Any) -> Prepared | None:
        """A kept request that differs from the one asked for in its body alone, with that body; None for none."""
        kept = self._posts.get((method, url, name, type(data) if data else None))
        if kept is None:
            return None
        try:
            content, _ = body.encode(data, json)
        except (RequestException, ValueError, TypeError):
            return None
        if content is None:
            return None
        prepared = kept.with_body(content)
        # A call of its own, as it remembers what followed this very request.
        call: Call = kept.extra
        prepared.extra = Call(self, call.headers, call.text_body, None, True)
        return prepared

    def _keep(self, prepared: Prepared, method: str, url: str, name: str | None, data: Any) -> None:
        """Keep a request for the next time, if every reason to make it anew would be noticed."""
        standing = self._standing
        if standing is None or not standing.cacheable or self._cookie_headers.may_run_out(self.jar):
            return
        if len(self._kept) + len(self._posts) >= MOST_KEPT:
            self._kept.clear()
            self._gets.clear()
            self._posts.clear()
        if prepared.body is not None:
            kind = type(data) if data else None
            if kind in _KINDS_OF_BODY:
                self._posts[method, url, name, kind] = prepared
            return
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
        verify: Any = None,
        cert: Any = None,
        **_: Any,
    ) -> Prepared:
        """A plain request, ready to be sent."""
        standing = self._standing
        assert standing is not None
        place = place_of(self.base_url, url, params, standing)

        def cookie(others: Headers) -> str | None:
            return self._cookie_headers.header(self.jar, place, others, cookies)

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
        trust = (self.verify if verify is None else verify, self.cert if cert is None else cert)
        prepared = self.as_prepared(method, place, lines, content, name or place.name, trust)
        prepared.extra = Call(self, lines, body.is_text(data, files), cookies, bool(allow_redirects), trust)
        if timeout is not None:
            connect_s, read_s = timeout if isinstance(timeout, tuple) else (timeout, timeout)
            prepared.connect_timeout_us = int((connect_s or 0) * 1e6)
            prepared.read_timeout_us = int((read_s or 0) * 1e6)
        return prepared

    def as_prepared(
        self, method: str, place: Address, lines: Headers, content: bytes | None, name: str, trust: Trust
    ) -> Prepared:
        """A request for the engine, of everything that goes into it."""
        head = head_of(method, place, lines)
        origin = self.origins.of(place, *trust, allowed=self.request_event.allowed_hosts)
        return Prepared(origin, self.gate, recorder_of(self), head, content, method, place.url, name)

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
        return finish(self, response)

    def report(self, response: ResponseContextManager, error: BaseException | None) -> None:
        """Count one finished request; responses call this, once."""
        books.report(self, response, error)

    def meta(self, response: ResponseContextManager) -> dict[str, Any]:
        """The fields of the ``request`` event; responses call this."""
        return books.meta_of(self, response)

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Called by requests for each step of what it sends, whoever's adapter it takes.

        Raises:
            requests.exceptions.RequestException: the host may not be asked, or there is no response.
        """
        allowed = self.request_event.allowed_hosts
        refusal = None if allowed is None else allowed.refusal_of_url(str(request.url))
        if refusal is not None:
            # Others get their turn, even if whoever asks goes on asking.
            give_turn()
            raise blame.as_requests_raises(HostNotAllowed(refusal), request) or HostNotAllowed(refusal)
        if self.gate.throttle is not None:
            self._take_turn(self.gate.throttle)
        return super().send(request, **kwargs)

    def _take_turn(self, throttle: Throttle) -> None:
        under_way = trail_here()
        if under_way is None:
            throttle.take()
        elif under_way.is_begun:
            throttle.owe()
        else:
            # Its turn was waited for before its time began.
            under_way.is_begun = True

    def _own_adapters(self) -> WatchedAdapters:
        adapter = LocustHttpAdapter(self.pool_manager, session=self)
        return WatchedAdapters((prefix, adapter) for prefix in plain.PREFIXES)

    def get_redirect_target(self, resp: Any) -> str | None:
        """Called by requests: where a response redirects to, None when it does not."""
        target: str | None = super().get_redirect_target(resp)
        if target and resp.url.startswith(_UNIX) and not is_absolute(target):
            # The standard library joins no URLs of schemes that it does not know.
            socket, _, path = resp.url.removeprefix(_UNIX).partition("/")
            target = f"{_UNIX}{socket}{urljoin('/' + path, target)}"
        return target

    def next_request(self, response: LazyResponse) -> PreparedRequest | None:
        """What requests would send after a redirect that is not followed; responses call this."""
        return next_request(self, response)

    def redirects_as_known(self) -> bool:
        """Whether a redirect leads to the same request as long as nothing changes."""
        return plain.redirects_are_own(self) and not self._cookie_headers.may_run_out(self.jar)

    def close(self) -> None:
        """Close the idle connections, the engine's too; the session may be used again."""
        if "adapters" in self.__dict__:
            super().close()
        self.origins.close()


_OWN_REQUEST = HttpSession.request
# It adds nothing that a plain request would go without.
plain.KEPT["send"] = HttpSession.send


#: of these, the content type depends on nothing else; None is for JSON
_KINDS_OF_BODY = frozenset((None, dict, str, bytes))


def _asked_for_requests(user: Any) -> bool:
    options = getattr(getattr(user, "environment", None), "parsed_options", None)
    return bool(getattr(user, "use_requests", False) or getattr(options, "use_requests", False))


__all__ = [
    "HttpSession",
    "LocustHttpAdapter",
    "ResponseContextManager",
    "RestResponseContextManager",
]
