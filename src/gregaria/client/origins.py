"""The places that one session talks to, each with its connections."""

from typing import Any, NamedTuple

from requests.exceptions import InvalidProxyURL
from requests.utils import get_auth_from_url, prepend_scheme_if_needed, select_proxy
from urllib3.util import parse_url

from gregaria.client.address import Address
from gregaria.client.standing import basic_authorization
from gregaria.client.tls import context_for
from gregaria.engine.exchange import Origin
from gregaria.events import HostList
from gregaria.settings import settings

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """Where a request goes through.

    Attributes:
        scheme: the engine goes through those that are "http".
        host, port: its own.
        authorization: the Proxy-Authorization header, or None.
    """

    scheme: str
    host: str
    port: int
    authorization: str | None


def proxy_for(url: str, proxies: Any) -> Proxy | None:
    """The proxy that requests would take for a URL, or None.

    Raises:
        requests.exceptions.InvalidProxyURL: its URL names no host.
    """
    chosen = select_proxy(url, proxies) if proxies else None
    if not chosen:
        return None
    chosen = prepend_scheme_if_needed(chosen, "http")  # type: ignore[no-untyped-call]
    parts = parse_url(chosen)
    if not parts.host:
        raise InvalidProxyURL(f"the proxy {chosen!r} names no host: write http://host:port")
    user, password = get_auth_from_url(chosen)
    scheme = str(parts.scheme).lower()
    authorization = basic_authorization((user, password)) if user else None
    return Proxy(scheme, parts.host.strip("[]"), parts.port or _DEFAULT_PORTS.get(scheme, 80), authorization)


class Origins:
    """The connections of one session, by where they lead and whom they trust."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Origin] = {}

    def of(
        self,
        place: Address,
        verify: Any = True,
        cert: Any = None,
        proxy: Proxy | None = None,
        *,
        allowed: HostList | None = None,
    ) -> Origin:
        """The one for a place.

        Args:
            place: where a request goes.
            verify, cert: as requests takes them.
            proxy: where it goes through.
            allowed: the hosts that may be asked; None for any.

        Raises:
            OSError: ``verify`` or ``cert`` names a file that cannot be read.
        """
        if place.scheme == "https":
            trust = (verify or False, tuple(cert) if isinstance(cert, list) else cert)
        else:
            trust = (False, None)
        key = (place.scheme, place.host, place.port, trust, proxy)
        origin = self._known.get(key)
        if origin is None:
            origin = self._known[key] = _made(place, *trust, proxy, allowed)
        return origin

    def close(self) -> None:
        """Close the connections that carry no request now."""
        for origin in self._known.values():
            origin.close()


def _made(place: Address, verify: Any, cert: Any, proxy: Proxy | None, allowed: HostList | None) -> Origin:
    through: dict[str, Any] = {"unix_path": place.unix_path}
    if proxy is not None:
        through["via"] = (proxy.host, proxy.port)
        if place.scheme == "https":
            through["tunnel"] = _connect(place, proxy)
    return Origin(
        place.scheme,
        place.host,
        place.port,
        ssl_context=context_for(verify, cert) if place.scheme == "https" else None,
        connect_timeout_us=int(settings.connect_timeout_s * 1e6),
        read_timeout_us=int(settings.http_user_timeout_s * 1e6),
        refusal=None if allowed is None else allowed.refusal(place),
        **through,
    )


def _connect(place: Address, proxy: Proxy) -> bytes:
    """The request that opens a tunnel."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    lines = [f"CONNECT {host}:{place.port} HTTP/1.1", f"Host: {host}:{place.port}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
