"""Requests that a FastHttpSession has worked out and may send again as they are, or with another body."""

from time import time
from typing import Any, NamedTuple

from gregaria.client.address import Address
from gregaria.client.pool import Route
from gregaria.engine.exchange import Prepared

#: kept by one session: GETs with nothing but a URL, and others
MOST_GETS = 64
MOST_OTHERS = 64

#: hosts, and paths of each, of which the beginning of a request is kept for all sessions
MOST_FAMILIES = 256
MOST_BEGINNINGS = 4096

#: method, URL as written, name, catch_response, content type, whether there is a body, headers
Key = tuple[str, str, str | None, bool, str | None, bool, tuple[tuple[str, str], ...] | None]

#: {URL as written: (its address, request line and Host header of a GET)}
Family = dict[str, tuple[Address, bytes]]

_families: dict[str, Family] = {}


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


class Ready:
    """What one session keeps.

    Attributes:
        gets: {URL: a GET with nothing but it}.
        rest: what follows the beginning of a GET with nothing but a path: headers, cookies, blank line; None when it
            has to be worked out, or is not the same for all paths.
    """

    __slots__ = ("_others", "_until_epoch_s", "gets", "rest")

    def __init__(self) -> None:
        self.gets: dict[str, Prepared] = {}
        self.rest: bytes | None = None
        self._others: dict[Key, tuple[Prepared, Said]] = {}
        self._until_epoch_s: float | None = None

    def holds(self) -> bool:
        """Whether what is kept is still right; if not, because a cookie has expired since, nothing is kept any more."""
        if self._until_epoch_s is None or time() < self._until_epoch_s:
            return True
        self.clear()
        return False

    def get(self, key: Key) -> tuple[Prepared, Said] | None:
        """What was kept for the same call and is no bare GET, and what was said in that; or None."""
        return self._others.get(key) if self.holds() else None

    def keep(self, key: Key, prepared: Prepared, said: Said, until_epoch_s: float | None) -> None:
        """Keep a request that was made for a call; ``until_epoch_s`` is when a cookie in it may expire, or None."""
        if key == ("GET", key[1], None, False, None, False, None):
            if len(self.gets) >= MOST_GETS:
                self.gets.clear()
            self.gets[key[1]] = prepared
        else:
            if len(self._others) >= MOST_OTHERS:
                self._others.clear()
            self._others[key] = prepared, said
        self._until_epoch_s = until_epoch_s

    def clear(self) -> None:
        """Drop everything."""
        self.gets.clear()
        self.rest = None
        self._others.clear()
        self._until_epoch_s = None

    def keep_rest(self, rest: bytes, until_epoch_s: float | None) -> None:
        """Keep what follows the beginning of a GET; ``until_epoch_s`` is when a cookie in it may expire, or None."""
        self.rest = rest
        self._until_epoch_s = until_epoch_s


def family_of(base_url: str | None) -> Family:
    """The beginnings that sessions with this host have in common."""
    family = _families.get(base_url or "")
    if family is None:
        if len(_families) >= MOST_FAMILIES:
            _families.clear()
        family = _families[base_url or ""] = {}
    return family


def remember(family: Family, url: str, address: Address) -> None:
    """Keep the beginning of a GET."""
    if len(family) >= MOST_BEGINNINGS:
        family.clear()
    family[url] = address, f"GET {address.target} HTTP/1.1\r\nHost: {address.authority}\r\n".encode("latin-1")
