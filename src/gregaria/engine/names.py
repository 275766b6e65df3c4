"""Host names to addresses: by gevent's resolver, remembered for a short while; and which of them are this machine's."""

import ipaddress
import socket
import time
from typing import Any

import gevent
from gevent import socket as gevent_socket

from gregaria.errors import ConnectTimeout, NameNotFound

#: Seconds that an answer is remembered. Short, so that a change in DNS shows; long enough that a thousand users that
#: connect in one second do not ask a thousand times.
NAME_CACHE_S = 10.0

#: names that are remembered at once; whoever asks for more asks again
MOST_NAMES = 1024

Address = tuple[int, Any]

_known: dict[tuple[str, int], tuple[float, list[Address]]] = {}


def resolve(host: str, port: int, timeout_s: float) -> list[Address]:
    """Every (family, socket address) of a host, in the order to be tried.

    Raises:
        NameNotFound: the name is not known, or none.
        ConnectTimeout: no answer within ``timeout_s`` seconds.
    """
    direct = numeric(host, port)
    if direct is not None:
        return [direct]
    key = (host, port)
    known = _known.get(key)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    if not _can_be_a_name(host):
        raise NameNotFound(f"{host[:80]!r} cannot be a host's name")
    with gevent.Timeout(timeout_s, ConnectTimeout(f"no address for {host!r} within the connect timeout")):
        try:
            found = gevent_socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameNotFound(f"no address for {host!r}: {error.strerror}") from None
    addresses: list[Address] = [(int(family), address) for family, _, _, _, address in found]
    if len(_known) >= MOST_NAMES:
        _known.clear()
    _known[key] = (time.monotonic() + NAME_CACHE_S, addresses)
    return addresses


def place_of(host: str, port: int) -> str:
    """Host and port as URLs have them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _can_be_a_name(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def numeric(host: str, port: int) -> Address | None:
    """The address that an IPv4 or IPv6 literal (without brackets) names, or None for a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return int(family), (host, port)
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
