"""Requests that a FastHttpSession has worked out and may send again as they are, or with another body."""

from time import time

from gregaria.engine.exchange import Prepared

#: kept by one session, and by all of them; who wants to keep one more drops his own first
MOST_OF_ONE = 2000
MOST_OF_ALL = 300_000

#: method, URL as written, name, catch_response, content type, whether there is a body
Key = tuple[str, str, str | None, bool, str | None, bool]


class Ready:
    """What one session keeps.

    Attributes:
        gets: {URL: a GET with nothing but it}; part of what is kept.
    """

    __slots__ = ("_others", "_until_epoch_s", "gets")

    #: kept by all sessions together
    total = 0

    def __init__(self) -> None:
        self.gets: dict[str, Prepared] = {}
        self._others: dict[Key, Prepared] = {}
        self._until_epoch_s: float | None = None

    def holds(self) -> bool:
        """Whether what is kept is still right; if not, because a cookie has expired since, nothing is kept any more."""
        if self._until_epoch_s is None or time() < self._until_epoch_s:
            return True
        self.clear()
        return False

    def get(self, key: Key) -> Prepared | None:
        """What was kept for the same call, or None."""
        return self._others.get(key) if self.holds() else None

    def keep(self, key: Key, prepared: Prepared, until_epoch_s: float | None) -> None:
        """Keep a request.

        Args:
            key: the call that it was made for.
            prepared: the request.
            until_epoch_s: when a cookie in it may expire, or None.
        """
        if len(self.gets) + len(self._others) >= MOST_OF_ONE or Ready.total >= MOST_OF_ALL:
            self.clear()
            if Ready.total >= MOST_OF_ALL:
                return
        Ready.total += 1
        if key == ("GET", key[1], None, False, None, False):
            self.gets[key[1]] = prepared
        else:
            self._others[key] = prepared
        self._until_epoch_s = until_epoch_s

    def clear(self) -> None:
        """Drop everything."""
        Ready.total -= len(self.gets) + len(self._others)
        self.gets.clear()
        self._others.clear()
        self._until_epoch_s = None

    def __del__(self) -> None:
        Ready.total -= len(self.gets) + len(self._others)
