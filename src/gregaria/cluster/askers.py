"""Those who ask a master for the files of its test, before anybody knows who they are: in turn, and not too often."""

__all__ = ["Askers"]

#: answers a second, for all of them
_ANSWERS_PER_S = 20
#: how many may wait for theirs
_MOST_WAITING = 1000
#: seconds in which nobody gets a second one: whoever has not read the first would have it twice
_AGAIN_S = 5.0


class Askers:
    """A queue in which everybody is once, and whose pace nobody changes by asking more.

    Pure: it is told the time.
    """

    def __init__(self) -> None:
        self._waiting: dict[bytes, bool] = {}
        # In the order in which they were answered.
        self._answered_s: dict[bytes, float] = {}
        self._due_s = 0.0

    def ask(self, identity: bytes, is_ours: bool, now_s: float) -> bool:
        """Somebody asks, ``is_ours`` in our dialect; False when that is left out."""
        while self._answered_s and now_s - next(iter(self._answered_s.values())) >= _AGAIN_S:
            del self._answered_s[next(iter(self._answered_s))]
        if identity in self._answered_s or len(self._waiting) >= _MOST_WAITING:
            return False
        is_new = identity not in self._waiting
        self._waiting.setdefault(identity, is_ours)
        return is_new

    def due(self, now_s: float) -> list[tuple[bytes, bool]]:
        """Who is to be answered now."""
        found = []
        # What nobody has asked for in quiet times is not made up for.
        self._due_s = max(self._due_s, now_s - 1.0)
        while self._waiting and self._due_s <= now_s:
            self._due_s += 1.0 / _ANSWERS_PER_S
            identity = next(iter(self._waiting))
            found.append((identity, self._waiting.pop(identity)))
            self._answered_s[identity] = now_s
        return found
