"""Which hosts a test may ask: names, addresses and ranges of addresses; whatever is not among them is refused."""

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from gregaria.client.address import Address
from gregaria.engine.names import place_of

__all__ = ["AllowedHosts", "check_entry"]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: ``[fd00::1]:443``, ``[fd00::/8]``
_BRACKETS = re.compile(r"\[(?P<host>[^][]+)\](?::(?P<port>\d+))?")
#: a label of a name, and the last one, which no address ends in
_NAME = re.compile(r"(?:[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*(?!\d+$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_ANY_BELOW = "*."
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
#: a Unix socket leads to a program of this machine
_UNIX_HOST = "localhost"
#: entries that a refusal quotes
_MOST_SHOWN = 10


class Entry(NamedTuple):
    """One entry of the list.

    Attributes:
        name: of the one host that is meant, or None.
        below: the end of all names that are meant, with a dot in front, or None.
        network: the addresses that are meant, or None.
        port: the only one that is meant, None for any.
    """

    name: str | None
    below: str | None
    network: _Network | None
    port: int | None

    def allows(self, name: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
        """Whether a host is meant; ``address`` is the one that its name is, None for a name."""
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address is not None and address in self.network
        return name == self.name or (self.below is not None and name.endswith(self.below))


class AllowedHosts:
    """The hosts that may be asked.

    Names are compared as names and nobody is asked for their addresses: a name on the list may lead anywhere, and a
    range of addresses allows no names.

    Args:
        texts: the entries, as ``--allow-host`` takes them.

    Attributes:
        texts: the same.

    Raises:
        ValueError: one is none.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        self._entries = [_entry(text) for text in self.texts]

    def __str__(self) -> str:
        more = len(self.texts) - _MOST_SHOWN
        return ", ".join(self.texts[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def refusal(self, place: Address) -> str | None:
        """Why a request may not go there, in words that say what to do; None when it may."""
        if place.unix_path is not None:
            return self._refusal(_UNIX_HOST, 0)
        return self._refusal(place.host, place.port)

    def refusal_of_url(self, url: str) -> str | None:
        """The same of a URL, or of the host of a test, which may lack its scheme."""
        parts = urlsplit(url if "://" in url else f"//{url}")
        if parts.scheme == "http+unix":
            return self._refusal(_UNIX_HOST, 0)
        try:
            return self._refusal(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
        except ValueError:
            return self._refusal(parts.netloc, 0)

    def _refusal(self, host: str, port: int) -> str | None:
        name, address = _plain(host), _address(host)
        if any(entry.allows(name, address, port) for entry in self._entries):
            return None
        place = place_of(host, port) if port else host
        return (
            f"{place} is not among the hosts that this test may ask ({self}): write --allow-host {host} as well if it "
            "may be asked"
        )


def check_entry(text: str) -> None:
    """Refuse what cannot be an entry of the list.

    Raises:
        ValueError: the text says what to write.
    """
    _entry(text)


def _entry(text: str) -> Entry:
    match = _BRACKETS.fullmatch(text)
    if match:
        host, port = match["host"], match["port"]
    elif text.count(":") > 1:
        host, port = text, None
    else:
        host, colon, port = text.partition(":")
        port = port if colon else None
    if "//" in text or "@" in text or not host or (port is not None and not _is_port(port)):
        raise _no_entry(text)
    number = None if port is None else int(port)
    if host.startswith(_ANY_BELOW):
        return Entry(None, f".{_name(host[len(_ANY_BELOW) :], text)}", None, number)
    if "/" in host:
        return Entry(None, None, _network(host), number)
    address = _address(host)
    if address is not None:
        return Entry(None, None, ipaddress.ip_network(address), number)
    return Entry(_name(host, text), None, None, number)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 65535


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        nearest = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _no_entry(text) from None
    raise ValueError(f"{text!r} is an address inside a range: write {nearest} for the range")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is written as, None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _name(host: str, text: str) -> str:
    name = _plain(host)
    if not _NAME.fullmatch(name):
        raise _no_entry(text)
    return name


def _plain(host: str) -> str:
    """A name as names are compared: small letters, no dot at its end, in the alphabet of DNS."""
    name = host.removesuffix(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _no_entry(text: str) -> ValueError:
    return ValueError(
        f"{text[:200]!r} is no host to allow: write shop.example, *.shop.example, 10.0.0.7, 10.0.0.0/8 or [fd00::/8], "
        "with :8080 behind it if only that port is meant"
    )
