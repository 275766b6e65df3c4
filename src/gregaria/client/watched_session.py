"""A ``requests.Session`` that is small, and knows when something changes that goes into its requests."""

from collections.abc import Callable
from typing import Any, ClassVar

from requests import Session
from requests.cookies import RequestsCookieJar
from requests.hooks import default_hooks
from requests.models import DEFAULT_REDIRECT_LIMIT
from requests.structures import CaseInsensitiveDict
from requests.utils import default_headers

from gregaria.client.plain import METHODS_KEPT, REDIRECTING
from gregaria.client.watched import (
    Watched,
    WatchedAdapters,
    WatchedDict,
    WatchedHeaders,
    WatchedJar,
    WatchedList,
)


class WatchedSession(Session):
    """What ``HttpSession`` is built on.

    There may be thousands of sessions, so what all of them have alike stands here, once, and the containers (headers,
    cookies, hooks, ...) are made when somebody asks for them: what is in ``vars(session)`` has been touched.
    """

    __slots__ = ()

    #: changing one of these changes every request
    _STANDING: ClassVar[frozenset[str]] = frozenset(
        (
            *Session.__attrs__,
            "base_url",
            "use_requests",
            "pool_manager",
            "request",
            *METHODS_KEPT,
            *REDIRECTING,
        )
    )

    auth: Any = None
    stream: bool = False
    verify: Any = True
    cert: Any = None
    max_redirects: int = DEFAULT_REDIRECT_LIMIT
    trust_env: bool = False

    def __init__(self) -> None:
        # In place of requests' own, which makes every container at once.
        pass

    def forget(self) -> None:
        """Something that goes into every request has changed."""
        raise NotImplementedError

    def _own_adapters(self) -> WatchedAdapters:
        raise NotImplementedError

    @property
    def jar(self) -> Any:
        """The cookies, or None as long as nobody has asked for them."""
        return self.__dict__.get("cookies")

    def __getattr__(self, name: str) -> Any:
        make = _CONTAINERS.get(name)
        if make is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        container = self.__dict__[name] = self._watch(name, make(self))
        return container

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._STANDING:
            value = self._watch(name, value)
            self.forget()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self.forget()
        super().__delattr__(name)

    def _watch(self, name: str, value: Any) -> Any:
        """Have a container tell of its changes; one that cannot be made to is compared before each request."""
        kind = type(value)
        if kind is CaseInsensitiveDict:
            value.__class__ = WatchedHeaders
        elif kind is RequestsCookieJar:
            value.__class__ = WatchedJar
        elif name == "adapters" and not isinstance(value, WatchedAdapters):
            value = WatchedAdapters(value)
        if isinstance(value, Watched):
            value.watch(self)
            if name == "hooks" and isinstance(value, WatchedDict):
                for hooks in value.values():
                    hooks.watch(self)
        return value


#: how a session's containers begin
_CONTAINERS: dict[str, Callable[[WatchedSession], Any]] = {
    "headers": lambda session: default_headers(),
    "params": lambda session: WatchedDict(),
    "proxies": lambda session: WatchedDict(),
    "hooks": lambda session: WatchedDict({moment: WatchedList(hooks) for moment, hooks in default_hooks().items()}),
    "cookies": lambda session: RequestsCookieJar(),
    "adapters": lambda session: session._own_adapters(),
}
