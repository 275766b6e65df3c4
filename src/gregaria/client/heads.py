"""The head of a FastHttpSession's request: default headers, the call's own, credentials, cookies."""

from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from requests.utils import default_headers

from gregaria.client.watched import WatchedHeaders

#: a body is expected with these, so even an empty one is announced (RFC 9110, 8.6)
WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


def standing_headers(headers: Mapping[str, str] | None) -> WatchedHeaders:
    """What a session sends with every request: the usual ones, with ``headers`` over them."""
    standard = WatchedHeaders(
        {
            "User-Agent": "gregaria",
            "Accept-Encoding": _accepted_encodings(),
            "Accept": "*/*",
        }
    )
    standard.update(headers or {})
    return standard


@lru_cache(maxsize=1)
def _accepted_encodings() -> str:
    """Those that can be undone here; requests knows."""
    return str(default_headers()["Accept-Encoding"])


@lru_cache(maxsize=256)
def lines_of(headers: tuple[tuple[str, Any], ...]) -> str:
    """Header lines, each with its end; those whose value is None are left out.

    Raises:
        ValueError: one of them has a line break.
    """
    return "".join([f"{text(key)}: {text(value)}\r\n" for key, value in headers if value is not None])


@lru_cache(maxsize=4096)
def head_of(method: str, target: str, host: str, lines: str) -> bytes:
    """A request's head; kept, because the users of a class ask for the same things.

    Args:
        method, target: of the request line.
        host: the Host header's value; "" when there is one among the lines.
        lines: the other headers, each with its line end.

    Returns:
        latin-1, or UTF-8 when it has other characters.
    """
    named = f"Host: {host}\r\n" if host else ""
    return encoded(f"{method} {target} HTTP/1.1\r\n{named}{lines}\r\n")


def encoded(head: str) -> bytes:
    """Latin-1, or UTF-8 when it has other characters."""
    try:
        return head.encode("latin-1")
    except UnicodeEncodeError:
        return head.encode()


def basic(user: str, password: str) -> str:
    """The Authorization header's value for basic auth (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def override(headers: dict[str, Any], key: str, value: Any) -> None:
    """Set a header whatever the case it stands there in."""
    if key not in headers:
        wanted = key.lower()
        for present in headers:
            if present.lower() == wanted:
                del headers[present]
                break
    headers[key] = value


def default(headers: dict[str, Any], key: str, value: Any) -> None:
    """Set a header unless it stands there, in whatever case."""
    wanted = key.lower()
    if not any(present.lower() == wanted for present in headers):
        headers[key] = value


def has(headers: Mapping[str, Any], lower_key: str) -> bool:
    """Whether a header stands there, in whatever case."""
    return any(present.lower() == lower_key for present in headers)


def text(value: object) -> str:
    """A header's name or value as text.

    Raises:
        ValueError: it has a line break.
    """
    content = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if "\r" in content or "\n" in content:
        raise ValueError(f"a header must not contain a line break: {content[:60]!r}")
    return content
