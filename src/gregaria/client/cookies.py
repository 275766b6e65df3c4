"""The cookies of one user: what a response sets, what the next request says."""

import urllib.request
from email.message import Message
from http.client import HTTPMessage
from http.cookiejar import CookieJar


class _Response:
    """What ``http.cookiejar`` wants to see of a response."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._message: Message = HTTPMessage()
        for name, value in pairs:
            self._message[name] = value

    def info(self) -> Message:
        return self._message


def store(jar: CookieJar, url: str, pairs: list[tuple[str, str]]) -> None:
    """Put what a response sets into the jar.

    Args:
        jar: the user's.
        url: what was asked for, absolute.
        pairs: the response's headers.
    """
    cookies = [(name, value) for name, value in pairs if name.lower() in ("set-cookie", "set-cookie2")]
    jar.extract_cookies(_Response(cookies), urllib.request.Request(url))  # type: ignore[arg-type]


def cookie_header(jar: CookieJar, url: str) -> str | None:
    """The Cookie header that the jar has for a URL, or None."""
    request = urllib.request.Request(url)
    jar.add_cookie_header(request)
    return request.get_header("Cookie")
