"""The cookies of a session: requests' own policy, its results kept until a cookie changes or runs out."""

import time
from http.cookiejar import CookieJar
from typing import Any

from requests import PreparedRequest
from requests.cookies import (
    MockRequest,
    MockResponse,
    RequestsCookieJar,
    cookiejar_from_dict,
    get_cookie_header,
    merge_cookies,
)
from requests.structures import CaseInsensitiveDict

from gregaria.client.address import Address
from gregaria.client.standing import Headers
from gregaria.client.watched import WatchedJar

#: places whose Cookie header is kept, per session
_MOST_PLACES = 64


class CookieHeaders:
    """The Cookie header for each place that one session talks to. A jar may be None: nobody has touched it."""

    __slots__ = ("_by_path", "_deadline_epoch_s", "_known", "_surveyed")

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], str | None] = {}
        self._deadline_epoch_s: float | None = None
        self._by_path = True
        self._surveyed = False

    def forget(self) -> None:
        """A cookie has changed."""
        self._known.clear()
        self._surveyed = False

    def may_run_out(self, jar: CookieJar | None) -> bool:
        """Whether a header that is right now may be wrong later although no cookie was touched."""
        if jar is None:
            return False
        if not isinstance(jar, WatchedJar):
            return True
        if not self._surveyed:
            self._survey(jar)
        return self._deadline_epoch_s is not None

    def header(self, jar: CookieJar | None, place: Address, headers: Headers, cookies: Any) -> str | None:
        """The Cookie header's value for one request, or None for no cookies.

        Args:
            jar: the session's.
            place: where the request goes.
            headers: the request's others; a Host header of its own counts as the host.
            cookies: a dict or jar given with this request, or None.
        """
        if not cookies:
            if jar is None:
                return None
            if isinstance(jar, WatchedJar) and "host" not in headers:
                return self._kept(jar, place)
            return _worked_out(merged(jar, None), place, headers)
        if type(cookies) is dict and (jar is None or not len(jar)):
            pairs = list(cookies.items())
            if all(type(value) is str and value[:1] != '"' for _, value in pairs):
                # Without a domain they go everywhere, as they are and in this order.
                return "; ".join([f"{name}={value}" for name, value in pairs])
        return _worked_out(merged(jar, cookies), place, headers)

    def _kept(self, jar: WatchedJar, place: Address) -> str | None:
        if not self._surveyed:
            self._survey(jar)
        if self._deadline_epoch_s is not None and time.time() >= self._deadline_epoch_s:
            jar.clear_expired_cookies()
            self.forget()
            self._survey(jar)
        key: tuple[str, ...] = (place.scheme, place.authority)
        if self._by_path:
            key += (place.target.partition("?")[0],)
        try:
            return self._known[key]
        except KeyError:
            pass
        if len(self._known) >= _MOST_PLACES:
            self._known.clear()
        header = self._known[key] = _worked_out(jar, place, {})
        return header

    def _survey(self, jar: CookieJar) -> None:
        expiries = [cookie.expires for cookie in jar if cookie.expires is not None]
        self._deadline_epoch_s = min(expiries) if expiries else None
        self._by_path = any(cookie.path != "/" for cookie in jar)
        self._surveyed = True


def merged(jar: CookieJar | None, cookies: Any) -> RequestsCookieJar:
    """A new jar with the session's cookies and those of one call."""
    both = RequestsCookieJar()
    if jar is not None:
        merge_cookies(both, jar)  # type: ignore[no-untyped-call]
    if cookies:
        own = cookies if isinstance(cookies, CookieJar) else cookiejar_from_dict(cookies)  # type: ignore[no-untyped-call]
        merge_cookies(both, own)  # type: ignore[no-untyped-call]
    return both


def _worked_out(jar: CookieJar, place: Address, headers: Headers) -> str | None:
    if not len(jar):
        return None
    header: str | None = get_cookie_header(jar, _asked(place.url, headers))  # type: ignore[no-untyped-call]
    return header


class _Message:
    """What ``http.cookiejar`` reads of a response's headers."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def get_all(self, name: str, default: Any = None) -> Any:
        wanted = name.lower()
        return [value for key, value in self._pairs if key.lower() == wanted] or default


class OriginalResponse:
    """What requests calls ``raw._original_response``: enough of it for its cookie functions."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.msg = _Message(pairs)

    def isclosed(self) -> bool:
        """Always: the body has been read."""
        return True

    def close(self) -> None:
        """Nothing is left to close."""


def keep(jar: CookieJar, url: str, headers: Headers, pairs: list[tuple[str, str]]) -> None:
    """Put what a response sets into a jar, by requests' policy.

    Args:
        jar: a session's or a response's.
        url, headers: of the request.
        pairs: the response's headers.
    """
    request = MockRequest(_asked(url, headers))
    jar.extract_cookies(MockResponse(_Message(pairs)), request)  # type: ignore[arg-type]


def lasting(pairs: list[tuple[str, str]]) -> tuple[str, ...] | None:
    """The cookies that a response sets, as they stand in its headers; None when one of them has an end.

    Those without an end, set once more on a jar that has them, change nothing.
    """
    set_here = tuple([value for name, value in pairs if name.lower() == "set-cookie"])
    text = "".join(set_here).lower()
    return None if "expires" in text or "max-age" in text else set_here


def _asked(url: str, headers: Headers) -> PreparedRequest:
    """As much of a request as the policy looks at."""
    request = PreparedRequest()
    request.url = url
    request.headers = CaseInsensitiveDict(headers.values() if "host" in headers else ())
    return request
