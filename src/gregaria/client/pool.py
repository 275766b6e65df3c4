"""Connections of FastHttpSession: which way a request goes, and the pool that keeps what leads there."""

import os
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

from requests.utils import select_proxy

from gregaria.client.address import Address, split, split_credentials
from gregaria.client.cookies import CookieJar
from gregaria.client.heads import basic
from gregaria.client.tls import context_for
from gregaria.client.watched import WatchedHeaders
from gregaria.engine.exchange import Origin
from gregaria.errors import GregariaError
from gregaria.events import HostList

REDIRECTS = frozenset((301, 302, 303, 307, 308))

#: where people say which authorities they trust instead of the usual ones; the first one that is set counts
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Proxy(NamedTuple):
    """Where a proxy is.

    Attributes:
        host, port: what is connected to.
        authorization: the Proxy-Authorization header's value, or None.
    """

    host: str
    port: int
    authorization: str | None

    def tunnel(self, address: Address) -> bytes:
        """The request that has it connect to an address."""
        host = f"[{address.host}]" if ":" in address.host else address.host
        place = f"{host}:{address.port}"
        lines = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n"
        if self.authorization is not None:
            lines += f"Proxy-Authorization: {self.authorization}\r\n"
        return f"{lines}\r\n".encode("latin-1")


class Route(NamedTuple):
    """How a request gets to its host.

    Attributes:
        verify: whether certificates are verified, or the path of the authorities' to verify them against.
        cert: the client's own certificate: path, or (path, path of the key).
        factory: makes the ``ssl.SSLContext``; wins over both.
        proxies: (scheme, or scheme and host, or "all"; the proxy's URL) pairs, as requests takes them in a dictionary.
    """

    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    factory: Callable[[], ssl.SSLContext] | None = None
    proxies: tuple[tuple[str, str], ...] = ()

    def proxy_for(self, address: Address) -> Proxy | None:
        """What a request goes through; None for nothing.

        Raises:
            GregariaError: it is a kind of proxy that the engine does not speak.
        """
        if not self.proxies or address.unix_path is not None:
            return None
        url = select_proxy(address.url, dict(self.proxies))
        return proxy_at(url) if url else None

    def ssl_context(self) -> ssl.SSLContext:
        """The context for https.

        Raises:
            OSError: a file is not there, or not what it should be.
        """
        if self.factory is not None:
            return self.factory()
        verify = self.verify
        if verify is True:
            verify = next((path for name in _BUNDLE_VARIABLES if (path := os.environ.get(name))), True)
        return context_for(verify, self.cert)


def proxy_at(url: str) -> Proxy:
    """The proxy that a URL, or a host and port, means.

    Raises:
        GregariaError: it is none that the engine can speak to.
    """
    bare, auth = split_credentials(url if "://" in url else f"http://{url}")
    if not bare.lower().startswith("http://"):
        raise GregariaError(f"the proxy {bare!r} is not supported by FastHttpUser, only http://host:port; use HttpUser")
    try:
        place = split(bare)
    except ValueError as error:
        raise GregariaError(f"the proxy {bare!r} is not understood, write http://host:port: {error}") from error
    return Proxy(place.host, place.port, None if auth is None else basic(*auth))


class ClientPool:
    """Connections shared by all users of a class: ``client_pool = ClientPool()``.

    Attributes:
        concurrency: connections to one host at a time, 0 for no limit.
        origins: {(scheme, host, port, Route): Origin}.
    """

    def __init__(self, concurrency: int = 0, **_: Any) -> None:
        self.concurrency = concurrency
        self.origins: dict[tuple[str, str, int, Route], Origin] = {}

    def origin(
        self,
        address: Address,
        route: Route,
        connect_timeout_us: int,
        read_timeout_us: int,
        allowed: HostList | None = None,
    ) -> Origin:
        """Where connections to an address by a route are kept; the rest is for the one that is made when there is none.

        Args:
            address, route: where requests go, and how.
            connect_timeout_us, read_timeout_us: for connecting, and of silence.
            allowed: the hosts that may be asked; None for any.

        Raises:
            OSError: a certificate that the route names is not there.
            GregariaError: it names a kind of proxy that the engine does not speak.
        """
        key = (address.scheme, address.host, address.port, route)
        origin = self.origins.get(key)
        if origin is None:
            proxy = route.proxy_for(address)
            origin = self.origins[key] = Origin(
                address.scheme,
                address.host,
                address.port,
                ssl_context=route.ssl_context() if address.scheme == "https" else None,
                via=None if proxy is None else (proxy.host, proxy.port),
                tunnel=proxy.tunnel(address) if proxy is not None and address.scheme == "https" else None,
                unix_path=address.unix_path,
                connect_timeout_us=connect_timeout_us,
                read_timeout_us=read_timeout_us,
                connections=self.concurrency,
                refusal=None if allowed is None else allowed.refusal(address),
            )
        return origin

    def close(self) -> None:
        """Drop every idle connection; the next request opens a new one."""
        for origin in self.origins.values():
            origin.close()


class LocustUserAgent:
    """What a session has of its transport, by the names Locust gives it: ``session.client``."""

    def __init__(self, clientpool: ClientPool, cookiejar: CookieJar, default_headers: WatchedHeaders) -> None:
        self.clientpool = clientpool
        self.cookiejar = cookiejar
        self.default_headers = default_headers

    @property
    def redirect_response_codes(self) -> list[int]:
        """The statuses that are followed."""
        return sorted(REDIRECTS)


def insecure_ssl_context_factory() -> ssl.SSLContext:
    """An SSL context that verifies nothing."""
    return context_for(False)
