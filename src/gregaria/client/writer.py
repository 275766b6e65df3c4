"""What a FastHttpSession knows, put into requests: host, default headers, credentials, cookies, connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from gregaria.client.address import Address, split, split_credentials
from gregaria.client.body import Pieces
from gregaria.client.cookies import CookieJar
from gregaria.client.heads import WITH_BODY, basic, default, encoded, has, head_of, lines_of, override, text
from gregaria.client.pool import ClientPool, LocustUserAgent, Route
from gregaria.client.ready import MOST_GETS, Ready, Said, family_of
from gregaria.client.response import FastResponse
from gregaria.client.set_cookie import lines_in
from gregaria.client.watched import WatchedHeaders
from gregaria.engine.exchange import Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.events import RequestEvent


class RequestWriter:
    """The part of a session that its requests are made of.

    Args:
        base_url: put in front of every URL that names no host; ``user:password@`` in it becomes basic auth.
        request_event: whose statistics count.
        user: whose gate counts, or None.
        route: how requests get to their host.
        client_pool: where connections are kept.
        headers: sent with every request.
        connect_timeout_us, read_timeout_us: for connecting, and of silence.
    """

    def __init__(
        self,
        base_url: str | None,
        request_event: RequestEvent,
        user: Any,
        route: Route,
        client_pool: ClientPool,
        headers: WatchedHeaders,
        connect_timeout_us: int,
        read_timeout_us: int,
    ) -> None:
        self.request_event = request_event
        self.user = user
        self.gate: Gate = getattr(user, "gate", None) or Gate()
        if request_event.throttle is not None:
            self.gate.throttle = request_event.throttle
        self.route = route
        self.client_pool = client_pool
        self.cookiejar = CookieJar()
        self.cookiejar.watch(self)
        self.client = LocustUserAgent(self.client_pool, self.cookiejar, headers)
        headers.watch(self)
        self._connect_timeout_us = connect_timeout_us
        self._read_timeout_us = read_timeout_us
        self._request_name: str | None = None
        # The default headers' lines, until one of them changes.
        self._lines: str | None = None
        self._ready = Ready()
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
        return self.client_pool.origin(
            address, route, self._connect_timeout_us, self._read_timeout_us, self.request_event.allowed_hosts
        )

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
        if name is None and len(self._ready.gets) < MOST_GETS:
            self._ready.gets[url] = prepared
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
