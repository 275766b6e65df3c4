"""What a session adds to each of its requests, worked out once and again only after a change."""

import base64
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from http.cookiejar import CookieJar
from typing import Any

from requests import Session
from requests.auth import HTTPBasicAuth
from requests.utils import check_header_validity, default_headers

from gregaria.client import plain
from gregaria.client.address import Address
from gregaria.client.watched import Watched

#: names and values that need no closer look; what else is right, requests' own check knows
_CLEAN_NAME = re.compile(r"[A-Za-z0-9\-_]+", re.ASCII)
_CLEAN_VALUE = re.compile(r"[!-~][ -~]*", re.ASCII)

#: a request's headers while they are put together: {lower-case name: (name, value)}, in the order they go out
Headers = dict[str, tuple[str, str]]


def put(headers: Headers, name: str | bytes, value: str | bytes | None) -> None:
    """Set one header as requests does: it keeps its place if it was there, and None takes it away.

    Raises:
        requests.exceptions.InvalidHeader: the name or the value cannot be a header's.
    """
    if value is None:
        headers.pop((name if isinstance(name, str) else name.decode("latin-1")).lower(), None)
        return
    if type(name) is str and type(value) is str and _CLEAN_NAME.fullmatch(name) and _CLEAN_VALUE.fullmatch(value):
        headers[name.lower()] = (name, value)
        return
    check_header_validity((name, value))  # type: ignore[type-var]
    if not isinstance(name, str):
        name = name.decode("latin-1")
    headers[name.lower()] = (name, value if isinstance(value, str) else value.decode("latin-1"))


def basic_authorization(auth: Any) -> str | None:
    """The Authorization header for a (user, password) pair or an HTTPBasicAuth; None for nothing."""
    if not auth:
        return None
    user, password = (auth.username, auth.password) if isinstance(auth, HTTPBasicAuth) else auth
    pair = b":".join(part if isinstance(part, bytes) else str(part).encode("latin-1") for part in (user, password))
    return "Basic " + base64.b64encode(pair).decode()


class Standing:
    """One state of a session.

    Attributes:
        why_not: why none of its requests is plain, or None.
        headers: the session's, checked.
        params: the session's, None if there are none.
        root: where the user's host leads, if nothing in its URL has to be put right, so that paths may be hung onto it.
        authorization: the Authorization header for the session's ``auth``, or None.
        cacheable: the session would tell of every change, so finished requests may be kept.
    """

    __slots__ = ("_snapshots", "authorization", "cacheable", "headers", "params", "root", "why_not")

    def __init__(self, session: Session, root: Address | None) -> None:
        touched = session.__dict__
        self.root = root
        self.why_not = plain.why_session_is_not(session)
        self.headers: Headers = {}
        self.params: Mapping[str, Any] | None = touched.get("params") or None
        self.authorization: str | None = None
        self._snapshots: tuple[tuple[Any, Any], ...] = ()
        self.cacheable = False
        if self.why_not is None:
            self._snapshots = _untold(touched)
            self.cacheable = not self._snapshots
            self.authorization = basic_authorization(session.auth)
            self.headers = _checked(session.headers or {}) if "headers" in touched else _usual_headers()

    def holds(self) -> bool:
        """Whether nothing has changed that nobody tells of: in containers that somebody else made."""
        return self.why_not is None and all(container == copy for container, copy in self._snapshots)


def _checked(headers: Mapping[Any, Any]) -> Headers:
    checked: Headers = {}
    for name, value in headers.items():
        put(checked, name, value)
    return checked


@cache
def _usual_headers() -> Headers:
    """Those of a session that nobody has touched, shared by all of them."""
    return _checked(default_headers())


def _untold(touched: Mapping[str, Any]) -> tuple[tuple[Any, Any], ...]:
    """Containers of a session that somebody else made, each with a copy to compare it with.

    Args:
        touched: the session's own attributes; a container that is not there is as it was made.
    """
    params = touched.get("params")
    hooks = touched.get("hooks")
    containers = [touched.get(name) for name in ("headers", "params", "proxies", "hooks", "cookies")]
    containers += (hooks or {}).values()
    untold = [
        (container, _copy(container))
        for container in containers
        if container is not None and not isinstance(container, Watched)
    ]
    if params and any(isinstance(value, (list, dict, set)) for value in params.values()):
        # A list in it may be changed without the dictionary noticing.
        untold.append((params, deepcopy(dict(params))))
    return tuple(untold)


def _copy(container: Any) -> Any:
    if isinstance(container, CookieJar):
        # Never equal: its header is worked out anew for each request.
        return None
    return deepcopy(dict(container)) if isinstance(container, Mapping) else deepcopy(container)
