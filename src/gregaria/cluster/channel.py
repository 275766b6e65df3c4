"""A channel between two processes: each item arrives once and in order, whatever the link between them does.

Pure: it is told the time, and hands out what is to be sent. One object serves both directions of one end.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Channel"]

Item = tuple[str, Any]


class Channel:
    """One end of a channel.

    Items that are put are numbered from 1 and kept until the other end has dealt with them. Whatever comes is handed
    out once and in order. What the other end has not received when it should have is sent again.

    Args:
        retry_s: seconds after which what was sent and has not been received is sent again.
        window: how many items may be on their way; further ones wait here.
        most_bytes: of the items of one frame, unless a single one has more.

    Attributes:
        received: number of the last item that came, all before it included.
        dealt: number of the last item that has been dealt with here; it can be forgotten over there.
    """

    def __init__(self, retry_s: float = 1.0, window: int = 500, most_bytes: int = 8 * 1024 * 1024) -> None:
        self.received = 0
        self.dealt = 0
        self._retry_s = retry_s
        self._window = window
        self._most_bytes = most_bytes
        # With the number and the size of each.
        self._kept: deque[tuple[int, Item, int]] = deque()
        self._last = 0
        self._handed_out = 0
        self._theirs_received = 0
        self._handed_out_s = 0.0

    # -- what goes there -------------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """The number of the item that was put last."""
        return self._last

    @property
    def first(self) -> int:
        """The number of the first item that is still kept; that of the next one when none is."""
        return self._kept[0][0] if self._kept else self._last + 1

    @property
    def is_empty(self) -> bool:
        """Whether all that was put has been dealt with over there."""
        return not self._kept

    def waiting(self, kind: str) -> int:
        """How many items of this kind have not been dealt with."""
        return sum(item[0] == kind for _, item, _ in self._kept)

    def put(self, kind: str, payload: Any, size: int = 0) -> int:
        """Have an item of so many bytes sent; returns its number."""
        self._last += 1
        self._kept.append((self._last, (kind, payload), size))
        return self._last

    def take(self, now_s: float) -> tuple[int, list[Item]]:
        """What is to be sent now: the number of the first item, and the items. Nothing to send is ``(0, [])``."""
        if self._handed_out > self._theirs_received and now_s - self._handed_out_s >= self._retry_s:
            self._handed_out = self._theirs_received
        items: list[Item] = []
        first = total_bytes = 0
        for number, item, size in self._kept:
            if number <= self._handed_out:
                continue
            if number > self._theirs_received + self._window:
                break
            total_bytes += size
            if items and total_bytes > self._most_bytes:
                break
            first = first or number
            items.append(item)
        if items:
            self._handed_out = first + len(items) - 1
            self._handed_out_s = now_s
        return first, items

    def acknowledge(self, received: int, dealt: int) -> None:
        """The other end has received the items up to one number, and dealt with those up to another."""
        if not 0 <= dealt <= received <= self._last:
            return
        self._theirs_received = max(self._theirs_received, received)
        self._handed_out = max(self._handed_out, self._theirs_received)
        while self._kept and self._kept[0][0] <= dealt:
            self._kept.popleft()

    def begin_again(self, received: int) -> None:
        """The link is a new one, or its other end is: what that has not received is sent again."""
        self._theirs_received = min(max(received, 0), self._last)
        self._handed_out = self._theirs_received

    def forget_theirs(self) -> None:
        """The other end has begun again: what it sends is numbered from 1."""
        self.received = self.dealt = 0

    def expect_from(self, number: int) -> None:
        """The other end has forgotten what came before the item of that number."""
        self.received = self.dealt = max(number - 1, 0)

    def told(self, first: int, items: list[Item]) -> dict[str, Any]:
        """What a frame says of this end: the items that it takes along, and what has come here."""
        return {"f": first, "m": items, "r": self.received, "a": self.dealt}

    # -- what comes here -------------------------------------------------------------------------------------------

    def receive(self, first: int, items: Sequence[Item]) -> list[tuple[int, Item]]:
        """Take what has come; returns what is new, each with its number.

        What came before is left out, and what has come too early: that is sent again, after what is missing.
        """
        if first > self.received + 1:
            return []
        new = list(enumerate(items, first))[self.received + 1 - first :]
        if new:
            self.received = new[-1][0]
        return new

    def deal(self, numbers: Iterable[int]) -> None:
        """These have been dealt with here."""
        # Those of an end that has begun again since have higher numbers, and mean nothing any more.
        self.dealt = max([self.dealt, *(number for number in numbers if number <= self.received)])
