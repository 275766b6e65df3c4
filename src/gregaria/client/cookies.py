"""The cookies of a FastHttpSession: RFC 6265, behind the interface of requests' jar."""

import itertools
import time
from collections.abc import Iterable, Iterator
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any

from requests.cookies import RequestsCookieJar

from gregaria.client.address import Address, split
from gregaria.client.set_cookie import cookie_from, domain_matches, make, path_matches
from gregaria.client.watched import Watched

#: how many are kept; of too many, the oldest are dropped
MOST_PER_DOMAIN = 50
MOST = 3000

#: places whose Cookie header is kept, per jar
_MOST_PLACES = 64

_AGES = itertools.count()


class CookieJar(RequestsCookieJar, Watched):
    """Cookies by RFC 6265; read and changed as those of requests.

    A cookie without a domain, as ``jar["name"] = value`` makes, goes to every host. One that is set again as it was is
    no change, so those who watch are not told.

    Attributes:
        by_path: where on a host a request goes matters, not only which host it is.
        soonest_epoch_s: no cookie expires before this moment; None when none of them ever does.
    """

    # One for all: the rules are in this file, and greenlets do not interrupt each other.
    _policy = DefaultCookiePolicy()

    def __init__(self) -> None:
        self._cookies: dict[str, dict[str, dict[str, Cookie]]] = {}
        self._headers: dict[Any, str | None] = {}
        self.by_path = False
        self.soonest_epoch_s: float | None = None

    def take(self, lines: Iterable[str], address: Address, now_epoch_s: float | None = None) -> None:
        """Do what Set-Cookie lines say.

        Args:
            lines: the headers' values, in their order.
            address: of the request that was answered.
            now_epoch_s: when the answer came; default, now.
        """
        now_epoch_s = time.time() if now_epoch_s is None else now_epoch_s
        for line in lines:
            cookie = cookie_from(line, address, now_epoch_s)
            if cookie is None:
                continue
            if cookie.expires is not None and cookie.expires <= now_epoch_s:
                self._drop(cookie)
            else:
                self.set_cookie(cookie)

    def header(self, address: Address, own: Any = None) -> str | None:
        """The value of a request's Cookie header, or None when no cookie goes there.

        Args:
            address: where it goes.
            own: a dictionary or a jar of this request's; its cookies take the place of those of the same name.
        """
        self.expire()
        if own:
            return self._header_with(address, own)
        if not self._cookies:
            return None
        key: Any = (address.scheme, address.host, address.target.partition("?")[0] if self.by_path else "")
        try:
            return self._headers[key]
        except KeyError:
            pass
        if len(self._headers) >= _MOST_PLACES:
            self._headers.clear()
        header = self._headers[key] = _written(self.for_place(address)) or None
        return header

    def for_place(self, address: Address) -> list[Cookie]:
        """The cookies that go there, in the order of RFC 6265, 5.4: longer paths first, then older ones."""
        host = address.host.lower()
        path = address.target.partition("?")[0]
        secure = address.scheme == "https"
        found = [
            cookie
            for domain, paths in self._cookies.items()
            if not domain or domain_matches(host, domain.removeprefix(".").lower())
            for cookie_path, names in paths.items()
            if path_matches(path, cookie_path)
            for cookie in names.values()
            if (secure or not cookie.secure) and (not domain or cookie.domain_specified or domain == host)
        ]
        found.sort(key=_precedence)
        return found

    def expire(self) -> None:
        """Drop the cookies whose time has come."""
        if self.soonest_epoch_s is not None and time.time() >= self.soonest_epoch_s:
            self.clear_expired_cookies()

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        """Put one cookie in the jar; it takes the place, and the age, of one with the same name, domain and path."""
        names = self._cookies.setdefault(cookie.domain, {}).setdefault(cookie.path, {})
        old = names.get(cookie.name)
        cookie.age = next(_AGES) if old is None else _age(old)  # type: ignore[attr-defined]
        names[cookie.name] = cookie
        sooner = cookie.expires is not None and (self.soonest_epoch_s is None or cookie.expires < self.soonest_epoch_s)
        if sooner:
            self.soonest_epoch_s = cookie.expires
        if cookie.path != "/":
            self.by_path = True
        if old is None:
            self._make_room(cookie.domain)
        if old is None or sooner or _seen_of(old) != _seen_of(cookie):
            self._changed()

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Drop cookies: all of them, or those of a domain, of a path in it, or one by its name.

        Raises:
            KeyError: there is none such.
            ValueError: a path without a domain, or a name without both.
        """
        super().clear(domain, path, name)
        for empty in [known for known, paths in self._cookies.items() if not any(paths.values())]:
            del self._cookies[empty]
        self._changed()

    def clear_expired_cookies(self) -> None:
        """Drop the cookies whose time has come."""
        now_epoch_s = time.time()
        for cookie in [one for one in self if one.expires is not None and one.expires <= now_epoch_s]:
            self.clear(cookie.domain, cookie.path, cookie.name)
        self._survey()

    def clear_session_cookies(self) -> None:
        """Drop the cookies that end with the session."""
        for cookie in [one for one in self if one.discard]:
            self.clear(cookie.domain, cookie.path, cookie.name)

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Do what a response's Set-Cookie lines say; takes what urllib and requests have as response and request."""
        self.take(response.info().get_all("Set-Cookie") or (), split(request.get_full_url()))

    def add_cookie_header(self, request: Any) -> None:
        """Give a request of ``urllib`` or requests its Cookie header, unless it has one."""
        header = self.header(split(request.get_full_url()))
        if header is not None and not request.has_header("Cookie"):
            request.add_unredirected_header("Cookie", header)

    def copy(self) -> "CookieJar":
        """A jar of its own with the same cookies."""
        other = CookieJar()
        other.update(self)
        return other

    __copy__ = copy

    def __len__(self) -> int:
        return sum([len(names) for paths in self._cookies.values() for names in paths.values()])

    def __bool__(self) -> bool:
        return bool(self._cookies) and len(self) > 0

    def __iter__(self) -> Iterator[Cookie]:  # type: ignore[override]
        return iter([one for paths in self._cookies.values() for names in paths.values() for one in names.values()])

    def __getstate__(self) -> dict[str, Any]:
        return {"_cookies": self._cookies}  # those who watch are not taken along

    def __setstate__(self, state: dict[str, Any]) -> None:
        CookieJar.__init__(self)
        self._cookies = state["_cookies"]
        self._survey()

    def _header_with(self, address: Address, own: Any) -> str | None:
        if hasattr(own, "items") and not isinstance(own, RequestsCookieJar):
            given = [make(str(name), str(value)) for name, value in own.items() if value is not None]
        else:
            jar = CookieJar()
            for cookie in own:
                jar.set_cookie(cookie)
            given = jar.for_place(address)
        names = {cookie.name for cookie in given}
        return _written([one for one in self.for_place(address) if one.name not in names] + given) or None

    def _drop(self, cookie: Cookie) -> None:
        if cookie.name in self._cookies.get(cookie.domain, {}).get(cookie.path, {}):
            self.clear(cookie.domain, cookie.path, cookie.name)

    def _make_room(self, domain: str) -> None:
        """RFC 6265, 5.3: too many of a domain, or too many at all; what has expired goes first."""
        paths = self._cookies[domain]
        too_many = sum(map(len, paths.values())) > MOST_PER_DOMAIN
        if not too_many and (len(self._cookies) * MOST_PER_DOMAIN <= MOST or len(self) <= MOST):
            return
        self.clear_expired_cookies()
        while sum(map(len, paths.values())) > MOST_PER_DOMAIN:
            oldest = min((one for names in paths.values() for one in names.values()), key=_age)
            self.clear(oldest.domain, oldest.path, oldest.name)
        while len(self) > MOST:
            oldest = min(iter(self), key=_age)
            self.clear(oldest.domain, oldest.path, oldest.name)

    def _survey(self) -> None:
        expiries = [cookie.expires for cookie in self if cookie.expires is not None]
        self.soonest_epoch_s = min(expiries) if expiries else None
        self.by_path = any(cookie.path != "/" for cookie in self)

    def _changed(self) -> None:
        self._headers.clear()
        for known in self._watchers:
            watcher = known()
            if watcher is not None:
                watcher.forget_cookies()


def _written(cookies: list[Cookie]) -> str:
    return "; ".join([_pair(cookie) for cookie in cookies])


def _pair(cookie: Cookie) -> str:
    if not cookie.name:
        return str(cookie.value)
    return cookie.name if cookie.value is None else f"{cookie.name}={cookie.value}"


def _age(cookie: Cookie) -> int:
    """A number that is the higher the later the cookie was made."""
    age: int = getattr(cookie, "age", 0)
    return age


def _precedence(cookie: Cookie) -> tuple[int, int]:
    return -len(cookie.path), _age(cookie)


def _seen_of(cookie: Cookie) -> tuple[Any, ...]:
    """What requests show of a cookie."""
    return cookie.value, cookie.secure, cookie.domain_specified
