"""``environment.shared_data``: one dictionary for all processes of a test; the last write to a key wins, everywhere."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["SharedData"]

#: more than anybody writes; what is beyond would leave no room for later writes
_MOST_WRITES = 2**53


class SharedData(dict[Any, Any]):
    """A dictionary that tells of its changes, and takes those of others.

    Every write has a stamp: a count that is higher than any that was seen before, and the writer's name. Of two writes
    to one key the one with the higher stamp stays, wherever and in whichever order they come; so in the end all nodes
    have the same. What is *inside* a value is not watched: ``shared_data["list"].append(1)`` is seen by nobody else,
    ``shared_data["list"] = [*shared_data["list"], 1]`` is.

    Attributes:
        tell: called with each change of this process, as ``{"key", "value", "stamp", "is_gone"}``, before it is made;
            what it raises refuses the change. None while nobody listens.
        writer: this process's name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tell: Callable[[dict[str, Any]], object] | None = None
        self.writer = ""
        self._stamps: dict[Any, tuple[int, str]] = {}
        self._highest = 0

    def __setitem__(self, key: Any, value: Any) -> None:
        hash(key)
        self._tell(key, value, is_gone=False)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        if key not in self:
            raise KeyError(key)
        self._tell(key, None, is_gone=True)
        super().__delitem__(key)

    def update(self, *others: Any, **more: Any) -> None:
        for key, value in dict(*others, **more).items():
            self[key] = value

    def __ior__(self, other: Any) -> "SharedData":  # type: ignore[misc]
        self.update(other)
        return self

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[Any, Any]:
        if not self:
            raise KeyError("popitem(): shared_data is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        for key in list(self):
            del self[key]

    def whole(self) -> Iterator[dict[str, Any]]:
        """Every change that still counts, for a node that has just come."""
        for key, (count, writer) in list(self._stamps.items()):
            yield _change(key, self.get(key), (count, writer), is_gone=key not in self)

    def take(self, change: Any) -> Iterable[dict[str, Any]]:
        """Take another node's change; returns it again if it was news.

        Raises:
            ValueError: it is none.
        """
        try:
            key, stamp, is_gone = change["key"], (int(change["stamp"][0]), str(change["stamp"][1])), change["is_gone"]
            value = change["value"]
            hash(key)
        except (KeyError, TypeError, IndexError, ValueError):
            raise ValueError("no change of shared data") from None
        if not 0 < stamp[0] < _MOST_WRITES:
            raise ValueError("no change of shared data")
        self._highest = max(self._highest, stamp[0])
        if stamp <= self._stamps.get(key, (0, "")):
            return []
        self._stamps[key] = stamp
        if is_gone:
            super().pop(key, None)
        else:
            super().__setitem__(key, value)
        return [change]

    def _tell(self, key: Any, value: Any, *, is_gone: bool) -> None:
        self._highest += 1
        stamp = (self._highest, self.writer)
        if self.tell is not None:
            # What cannot be sent has no stamp, either.
            self.tell(_change(key, value, stamp, is_gone=is_gone))
        self._stamps[key] = stamp


def _change(key: Any, value: Any, stamp: tuple[int, str], *, is_gone: bool) -> dict[str, Any]:
    return {"key": key, "value": value, "stamp": list(stamp), "is_gone": is_gone}
