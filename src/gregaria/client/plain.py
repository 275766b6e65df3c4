"""The lists that decide which way a request takes.

A *plain* request goes straight to the engine: a test answers True for what ``HttpSession`` does exactly as requests
does it, and the text beside it is what ``HttpSession.why_requests`` tells about a request that fails the test. All
others are left to requests itself, whose adapter hands them to the engine at the end (client/adapter.py), unless
somebody has replaced the transport: ``why_transport_is_not``.
"""

from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar
from os import PathLike
from typing import Any

from requests import PreparedRequest, Session
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.utils import super_len

_Test = Callable[[Any], bool]

#: a file up to this size is read before it is sent
MOST_READ_BYTES = 1024 * 1024

METHODS = frozenset(("GET", "OPTIONS", "HEAD", "POST", "PUT", "PATCH", "DELETE"))


def _anything(value: Any) -> bool:
    return True


def _empty(value: Any) -> bool:
    return not value


def _mapping(value: Any) -> bool:
    return value is None or isinstance(value, Mapping)


def _cookies(value: Any) -> bool:
    return not value or isinstance(value, (dict, CookieJar))


def _basic_auth(value: Any) -> bool:
    return not value or (isinstance(value, tuple) and len(value) == 2) or type(value) is HTTPBasicAuth


def _seconds(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0)


def _timeout(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(value) == 2 and _seconds(value[0]) and _seconds(value[1])
    return _seconds(value)


def _trust(value: Any) -> bool:
    return value is None or isinstance(value, (bool, str, PathLike))


def _certificate(value: Any) -> bool:
    return not value or isinstance(value, (str, PathLike)) or (isinstance(value, tuple) and len(value) == 2)


def _no_hooks(value: Any) -> bool:
    return not value or (isinstance(value, Mapping) and not any(value.values()))


def _known_body(value: Any) -> bool:
    if not value or isinstance(value, (str, bytes, bytearray, list, tuple, Mapping)):
        return True
    # A file is read to its end, unless it is large; what does not know its length has to be sent in chunks.
    return hasattr(value, "read") and 0 < super_len(value) <= MOST_READ_BYTES  # type: ignore[no-untyped-call]


#: keyword argument of a call: (test, why not)
CALL: dict[str, tuple[_Test, str]] = {
    "params": (_anything, ""),
    "headers": (_mapping, "headers= is not a dictionary"),
    "cookies": (_cookies, "cookies= is neither a dictionary nor a cookie jar"),
    "files": (_anything, ""),
    "auth": (_basic_auth, "auth= is not a (user, password) pair"),
    "timeout": (_timeout, "timeout= is not a positive number or a pair of them"),
    "allow_redirects": (_anything, ""),
    "proxies": (_empty, "proxies="),
    "hooks": (_no_hooks, "hooks="),
    "stream": (_empty, "stream=True"),
    "verify": (_trust, "verify= is neither True, False nor a path"),
    "cert": (_certificate, "cert= is neither a path nor a pair of them"),
}

#: attribute of a session: (test, why not)
SESSION: dict[str, tuple[_Test, str]] = {
    "use_requests": (_empty, "use_requests is set"),
    "pool_manager": (_empty, "the user shares a pool_manager"),
    "headers": (_mapping, "session.headers is not a dictionary"),
    "params": (_mapping, "session.params is not a dictionary"),
    "auth": (_basic_auth, "session.auth is not a (user, password) pair"),
    "proxies": (_empty, "session.proxies"),
    "hooks": (_no_hooks, "session.hooks"),
    "stream": (_empty, "session.stream"),
    "verify": (_trust, "session.verify is neither True, False nor a path"),
    "cert": (_certificate, "session.cert is neither a path nor a pair of them"),
    "trust_env": (_empty, "session.trust_env"),
}

#: of these, what a session makes when first asked for them
LATE = frozenset(("headers", "params", "proxies", "hooks", "cookies", "adapters"))

#: where a session's own adapter is mounted
PREFIXES = ("http+unix://", "https://", "http://")

#: methods of requests' own session that must be its own: whoever replaces one wants to see the requests
METHODS_KEPT = ("send", "prepare_request", "get_adapter", "resolve_redirects", "merge_environment_settings")

#: what they are when nobody has replaced them; HttpSession puts its own ones there
KEPT: dict[str, Any] = {name: getattr(Session, name) for name in METHODS_KEPT}
_SESSION_REQUEST = Session.request
_SESSION_SEND = Session.send
_SESSION_PREPARE = Session.prepare_request
_PREPARE = PreparedRequest.prepare
_ADAPTER_SEND = HTTPAdapter.send


def _is_foreign(*functions: Any) -> bool:
    """Whether a tracer has been here before us."""
    return any(getattr(function, "__module__", "").partition(".")[0] != "requests" for function in functions)


_TRANSPORT_PATCHED_BEFORE = _is_foreign(_ADAPTER_SEND)
_PATCHED_BEFORE = _TRANSPORT_PATCHED_BEFORE or _is_foreign(_SESSION_REQUEST, _SESSION_SEND, _SESSION_PREPARE, _PREPARE)


#: methods of a session that decide what a redirect leads to
REDIRECTING = ("get_redirect_target", "should_strip_auth", "rebuild_auth", "rebuild_method", "rebuild_proxies")
_OWN_REDIRECTING = ("requests.sessions", "gregaria.client.requests")


def redirects_are_own(session: Session) -> bool:
    """Whether a session follows redirects by requests' own rules."""
    kind = type(session)
    return not any(
        name in session.__dict__ or getattr(kind, name).__module__ not in _OWN_REDIRECTING for name in REDIRECTING
    )


def requests_is_patched() -> bool:
    """Whether somebody (a tracer, a mock) has replaced the functions of requests that every request passes."""
    return (
        HTTPAdapter.send is not _ADAPTER_SEND
        or Session.send is not _SESSION_SEND
        or Session.request is not _SESSION_REQUEST
        or Session.prepare_request is not _SESSION_PREPARE
        or PreparedRequest.prepare is not _PREPARE
        or _PATCHED_BEFORE
    )


def transport_is_patched() -> bool:
    """Whether somebody has replaced what brings a prepared request to its server."""
    return HTTPAdapter.send is not _ADAPTER_SEND or _TRANSPORT_PATCHED_BEFORE


def why_transport_is_not(session: Any) -> str | None:
    """Why the engine must not send what requests has prepared for this HttpSession, or None."""
    for name in ("use_requests", "pool_manager"):
        if getattr(session, name):
            return SESSION[name][1]
    return "requests' adapter is patched" if transport_is_patched() else None


def why_session_is_not(session: Any) -> str | None:
    """Why no request of this HttpSession is plain, or None."""
    kind = type(session)
    touched = session.__dict__
    for name, (test, reason) in SESSION.items():
        if (name not in LATE or name in touched) and not test(getattr(session, name)):
            return reason
    adapters = touched.get("adapters")
    if adapters is not None:
        if any(getattr(adapter, "session", None) is not session for adapter in adapters.values()):
            return "an adapter was mounted"
        if any(prefix not in adapters for prefix in PREFIXES):
            return "an adapter was taken away"
    for name, own in KEPT.items():
        if name in touched or getattr(kind, name) is not own:
            return f"session.{name}() was replaced"
    return None


def why_call_is_not(method: str, data: Any, arguments: Mapping[str, Any]) -> str | None:
    """Why this call is not plain, or None. ``arguments`` are its keyword arguments but for ``data`` and ``json``."""
    if method not in METHODS:
        return f"method {method}"
    if data is not None and not _known_body(data):
        return "data= is produced while it is sent"
    for name, value in arguments.items():
        known = CALL.get(name)
        if known is None:
            return f"{name}= is not known"
        if not known[0](value):
            return known[1]
    return None
