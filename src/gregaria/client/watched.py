"""The containers of a session that tell it when they change, so that it may keep finished requests until then."""

from collections import OrderedDict
from collections.abc import Callable
from http.cookiejar import Cookie
from typing import Any, Protocol
from weakref import ref

from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict


class Watcher(Protocol):
    """Who wants to know."""

    def forget(self) -> None:
        """Something that goes into every request has changed."""

    def forget_cookies(self) -> None:
        """A cookie has changed."""


class Watched:
    """What the containers share. Copies and pickles of them are plain again."""

    # No room of its own, so that a container that somebody else made can become a watched one by its class alone.
    __slots__ = ()

    _watchers: tuple[ref[Any], ...] = ()

    def watch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` of every change from now on, for as long as it lives."""
        mine = ref(watcher)
        if mine not in self._watchers:
            self._watchers = (*(known for known in self._watchers if known() is not None), mine)  # type: ignore[misc]

    def _changed(self) -> None:
        for known in self._watchers:
            watcher = known()
            if watcher is not None:
                watcher.forget()


class WatchedHeaders(CaseInsensitiveDict[Any], Watched):
    """``session.headers``."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._changed()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._changed()

    def __reduce__(self) -> tuple[Any, ...]:
        return CaseInsensitiveDict, (list(self.items()),)


def _telling(change: Callable[..., Any]) -> Callable[..., Any]:
    def tell(self: Any, *arguments: Any, **keywords: Any) -> Any:
        try:
            return change(self, *arguments, **keywords)
        finally:
            self._changed()

    return tell


class WatchedDict(Watched, dict[str, Any]):
    """``session.params``, ``session.proxies``, ``session.hooks``."""

    __setitem__ = _telling(dict.__setitem__)
    __delitem__ = _telling(dict.__delitem__)
    __ior__ = _telling(dict.__ior__)
    clear = _telling(dict.clear)
    pop = _telling(dict.pop)
    popitem = _telling(dict.popitem)
    setdefault = _telling(dict.setdefault)
    update = _telling(dict.update)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class WatchedList(Watched, list[Any]):
    """The hooks of one moment."""

    __setitem__ = _telling(list.__setitem__)
    __delitem__ = _telling(list.__delitem__)
    __iadd__ = _telling(list.__iadd__)
    append = _telling(list.append)
    extend = _telling(list.extend)
    insert = _telling(list.insert)
    pop = _telling(list.pop)
    remove = _telling(list.remove)
    clear = _telling(list.clear)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


class WatchedAdapters(Watched, OrderedDict[str, Any]):
    """``session.adapters``."""

    __setitem__ = _telling(OrderedDict.__setitem__)
    __delitem__ = _telling(OrderedDict.__delitem__)
    pop = _telling(OrderedDict.pop)
    clear = _telling(OrderedDict.clear)

    def __reduce__(self) -> tuple[Any, ...]:
        return OrderedDict, (list(self.items()),)


class WatchedJar(RequestsCookieJar, Watched):  # type: ignore[misc]
    """``session.cookies``. A cookie set again with the same value, as many servers do on each answer, is no change."""

    def _changed(self) -> None:
        for known in self._watchers:
            watcher = known()
            if watcher is not None:
                watcher.forget_cookies()

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        """Put one cookie in the jar."""
        old = self._cookies.get(cookie.domain, {}).get(cookie.path, {}).get(cookie.name)  # type: ignore[attr-defined]
        super().set_cookie(cookie, *args, **kwargs)
        if old is None or not _goes_out_alike(old, cookie):
            self._changed()

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Drop cookies, all of them or those of a domain, a path or a name."""
        super().clear(domain, path, name)
        self._changed()

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        state.pop("_watchers", None)
        return dict(state)


def _goes_out_alike(old: Cookie, new: Cookie) -> bool:
    """Whether requests made with the old cookie are still right with the new one, for at least as long."""
    if old.expires is None or new.expires is None:
        if old.expires is not new.expires:
            return False
    elif new.expires < old.expires:
        return False
    return (old.value, old.secure, old.version, old.port, old.domain_specified) == (
        new.value,
        new.secure,
        new.version,
        new.port,
        new.domain_specified,
    )
