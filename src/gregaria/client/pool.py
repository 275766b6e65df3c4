"""Connections of FastHttpSession: which way a request goes, and the pool that keeps what leads there."""

import os
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

from gregaria.client.address import Address
from gregaria.client.cookies import CookieJar
from gregaria.client.tls import context_for
from gregaria.client.watched import WatchedHeaders
from gregaria.engine.exchange import Origin

REDIRECTS = frozenset((301, 302, 303, 307, 308))

#: where people say which authorities they trust instead of the usual ones; the first one that is set counts
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Route(NamedTuple):
    """How a request gets to its host.

    Attributes:
        verify: whether certificates are verified, or the path of the authorities' to verify them against.
        cert: the client's own certificate: path, or (path, path of the key).
        factory: makes the ``ssl.SSLContext``; wins over both.
    """

    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    factory: Callable[[], ssl.SSLContext] | None = None

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


class ClientPool:
    """Connections shared by all users of a class: ``client_pool = ClientPool()``.

    Attributes:
        concurrency: connections to one host at a time, 0 for no limit.
        origins: {(scheme, host, port, Route): Origin}.
    """

    def __init__(self, concurrency: int = 0, **_: Any) -> None:
        self.concurrency = concurrency
        self.origins: dict[tuple[str, str, int, Route], Origin] = {}

    def origin(self, address: Address, route: Route, connect_timeout_us: int, read_timeout_us: int) -> Origin:
        """Where connections to an address by a route are kept; the timeouts are for those that it opens.

        Raises:
            OSError: a certificate that the route names is not there.
        """
        key = (address.scheme, address.host, address.port, route)
        origin = self.origins.get(key)
        if origin is None:
            origin = self.origins[key] = Origin(
                address.scheme,
                address.host,
                address.port,
                ssl_context=route.ssl_context() if address.scheme == "https" else None,
                connect_timeout_us=connect_timeout_us,
                read_timeout_us=read_timeout_us,
                connections=self.concurrency,
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
