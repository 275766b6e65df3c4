"""One feed, where its users are: a few rows at hand, more asked for before they run out, and word of what was used.

Rows that are *open* can be handed out at once; *leased* ones are here, and are opened in time. See ``feed/pool.py``.

Pure: what is to be said is given to ``send``, what is answered to ``answer``; both may happen in one call. Whoever
waits is called back.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from gregaria.feed.pool import LARGEST_BLOCK
from gregaria.feed.source import Row

__all__ = ["FEED_ERROR", "OVER", "ROW", "Feeder", "Outcome", "Waiter"]

#: what a user may get
ROW, OVER, FEED_ERROR = "row", "over", "error"

#: rows that are asked for before anything is known of how fast they are used
_FIRST_BLOCK = 8
#: seconds that a block of rows shall last
_BLOCK_S = 1.0
#: of a block, the share that is open
_OPEN_SHARE = 4

Ticketed = tuple[int, Row]
#: what a user has got: ``ROW`` with a row and its ticket, ``OVER``, or ``FEED_ERROR`` with its text
Outcome = tuple[str, Row | str | None, int]


class Waiter:
    """A user that waits for a row.

    Attributes:
        deliver: called once with what it gets.
        uses: whether the row is used up, and not returned.
    """

    __slots__ = ("deliver", "uses")

    def __init__(self, deliver: Callable[[Outcome], object], uses: bool) -> None:
        self.deliver = deliver
        self.uses = uses


class Feeder:
    """The rows of one feed in one process.

    Args:
        is_exclusive: whether a row goes to one user only.
        send: called with what the pool shall be asked; its answers are given to ``answer``, in order, each once.
        now_s: tells the time, for how fast rows are used.

    Attributes:
        is_ready: whether the pool has answered since ``begin``.
        handed_out: how many rows users have got.
    """

    def __init__(
        self, is_exclusive: bool, send: Callable[[dict[str, Any]], object], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_exclusive = is_exclusive
        self._send = send
        self._now_s = now_s
        self._epoch = 0
        self._waiters: deque[Waiter] = deque()
        self.begin()

    def begin(self) -> None:
        """Forget everything: the feed begins anew."""
        while self._waiters:
            self._waiters.popleft().deliver((OVER, None, 0))
        self.is_ready = False
        self.handed_out = 0
        self._open: deque[Ticketed] = deque()
        self._leased: deque[Ticketed] = deque()
        self._opening: dict[int, Row] = {}
        self._out: dict[int, Row] = {}
        self._used: list[int] = []
        self._used_count = 0
        self._block = _FIRST_BLOCK
        self._block_handed_out = 0
        self._block_since_s = self._now_s()
        self._want = 0
        self._told_waiting = 0
        self._has_waited = False
        self._debt = 0
        # Until somebody checks a row out, rows are taken to be used: that is what must never be assumed wrongly.
        self._only_returns: bool | None = None
        self._is_promise_heard = True
        self._is_held = self._is_syncing = False
        self._is_over = False
        self._error: str | None = None
        self._epoch += 1

    # -- users -----------------------------------------------------------------------------------------------------

    def take(self, uses: bool) -> Outcome | None:
        """What a user gets at once; None when it has to ``wait``.

        Args:
            uses: the row is used up; else it comes back with ``give_back``.
        """
        if self._error is not None:
            return (FEED_ERROR, self._error, 0)
        if self._waiters or not self._may_hand_out(uses):
            return (OVER, None, 0) if self._is_over and not self._open else None
        ticket, row = self._open.popleft()
        self._hand_out(ticket, row, uses)
        if len(self._open) <= self._block // (2 * _OPEN_SHARE) or self._debt:
            self._ask()
        return (ROW, row, ticket)

    def wait(self, waiter: Waiter) -> None:
        """Call the waiter back when there is something for it. What it gets it must ``confirm``, or ``give_back``."""
        self._waiters.append(waiter)
        self._hand_to_waiters()
        self._has_waited = self._has_waited or bool(self._waiters)
        self._ask()

    def cancel(self, waiter: Waiter) -> None:
        """It does not wait any more."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def confirm(self, ticket: int) -> None:
        """The user that waited has got its row, and uses it up."""
        if self._out.pop(ticket, None) is not None:
            self._used.append(ticket)
            if self._debt or self._waiters:
                self._ask()

    def give_back(self, ticket: int) -> None:
        """A user does not need its row any more, and has not used it up."""
        row = self._out.pop(ticket, None)
        if row is None:
            # It was taken away while this process was not heard of, or belongs to a test that is over.
            return
        if self._debt and not self._is_held:
            # Users elsewhere have waited for longer than those here.
            self._debt -= 1
            self._say({"returned": [ticket]})
        else:
            self._open.append((ticket, row))
        self._hand_to_waiters()
        self._ask()

    # -- the pool --------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Have the first rows brought, before anybody needs them."""
        self._ask(at_least=True)

    def tell(self) -> None:
        """Say what was used since the last ask; to be called each second."""
        if self._used or self._used_count:
            self._say({})

    def hold(self) -> None:
        """The rows here may belong to others by now: none is handed out until ``resume`` was answered."""
        self._is_held, self._is_syncing = self._is_exclusive, False

    def resume(self) -> None:
        """The pool is heard of again, or is another one: compare with it what is here."""
        self._is_held = self._is_syncing = self._is_exclusive
        self._epoch += 1
        self._leased.extend(self._opening.items())
        self._opening.clear()
        self._want = self._told_waiting = self._debt = 0
        ask: dict[str, Any] = {}
        if self._is_exclusive:
            ask["sync"] = [ticket for ticket, _ in (*self._open, *self._leased)] + list(self._out)
            ask["only_returns"] = bool(self._only_returns)
        self._say(ask)

    def leave(self) -> None:
        """Give back what nobody has got; nobody asks for rows any more."""
        self._epoch += 1
        for rows in (self._open, self._leased, self._opening):
            rows.clear()
        self._is_over = True
        # What is on its way here comes back, too.
        self._say({"sync": list(self._out)} if self._is_exclusive else {})

    def fail(self, error: str) -> None:
        """There are no rows to be had, for this reason."""
        self._error = error
        self.is_ready = True
        self._hand_to_waiters()

    def answer(self, answer: Mapping[str, Any]) -> None:
        """The pool has answered, or has something to say."""
        if answer.get("epoch") != self._epoch:
            # From before ``resume`` or ``begin``; the pool takes back what was in it.
            return
        self.is_ready = True
        for ticket in answer.get("gone", ()):
            self._forget(ticket)
        if "only_returns" in answer:
            self._is_promise_heard = answer["only_returns"] == bool(self._only_returns)
        if self._is_syncing:
            # The first answer of an epoch is that to what has begun it.
            self._is_held = self._is_syncing = False
        self._receive(answer)
        if "recall" in answer:
            self._debt = answer["recall"]
        if answer.get("is_over"):
            self._is_over = True
            self._want = self._told_waiting = 0
        if "error" in answer:
            self._error = str(answer["error"])
        self._hand_to_waiters()
        self._ask()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _may_hand_out(self, uses: bool) -> bool:
        if not self._open or self._is_held:
            return False
        if not self._is_exclusive:
            return True
        if self._only_returns is None:
            self._only_returns = not uses
            if self._only_returns:
                self._say({"only_returns": True})
        elif self._only_returns and uses:
            # What is open at a lost worker that only returns rows comes back: nothing is used up before that is heard.
            self._only_returns = self._is_promise_heard = False
            self._say({"only_returns": False})
        return bool(self._open) and (self._is_promise_heard or not uses)

    def _hand_out(self, ticket: int, row: Row, uses: bool) -> None:
        self.handed_out += 1
        if not self._is_exclusive:
            self._used_count += 1
        elif uses:
            self._used.append(ticket)
        else:
            self._out[ticket] = row

    def _hand_to_waiters(self) -> None:
        while self._waiters:
            waiter = self._waiters[0]
            if self._error is not None:
                self._waiters.popleft().deliver((FEED_ERROR, self._error, 0))
            elif self._may_hand_out(waiter.uses):
                if not self._waiters or self._waiters[0] is not waiter:
                    # What was asked was answered at once, and whoever was first has got its row.
                    continue
                self._waiters.popleft()
                ticket, row = self._open.popleft()
                self._hand_out(ticket, row, uses=False)
                waiter.deliver((ROW, row, ticket))
            elif self._is_over and not self._open:
                self._waiters.popleft().deliver((OVER, None, 0))
            else:
                return

    def _receive(self, answer: Mapping[str, Any]) -> None:
        opened = set(answer.get("opened", ()))
        for ticket in answer.get("opened", ()):
            row = self._opening.pop(ticket, None)
            if row is not None:
                self._open.append((ticket, row))
        rows = answer.get("rows", ())
        for ticket, row in rows:
            if ticket in opened or not self._is_exclusive:
                self._open.append((ticket, row))
            else:
                self._leased.append((ticket, row))
        if rows:
            self._debt = 0
            self._is_over = False
            self._want = answer.get("want", 0)
            self._told_waiting = max(self._told_waiting - len(rows), 0)

    def _forget(self, ticket: int) -> None:
        self._opening.pop(ticket, None)
        self._out.pop(ticket, None)
        for rows in (self._open, self._leased):
            for each in [each for each in rows if each[0] == ticket]:
                rows.remove(each)

    def _ask(self, at_least: bool = False) -> None:
        """Say what is to be said, if there is something; ``at_least``: in any case."""
        if self._is_held or self._error is not None:
            return
        ask: dict[str, Any] = {}
        self._open_some(ask)
        self._give_back_some(ask)
        if not self._is_over and "returned" not in ask:
            self._want_some(ask)
        # Others, or users here, wait for what it means.
        if ask or at_least or (self._used and (self._debt or self._waiters)):
            self._say(ask)

    def _open_some(self, ask: dict[str, Any]) -> None:
        missing = self._missing_open()
        if self._leased and not self._opening and missing:
            for _ in range(min(missing, len(self._leased))):
                ticket, row = self._leased.popleft()
                self._opening[ticket] = row
            ask["open"] = list(self._opening)

    def _give_back_some(self, ask: dict[str, Any]) -> None:
        spare = len(self._open) + len(self._leased) + len(self._opening) - len(self._waiters)
        count = min(self._debt, spare)
        if count <= 0:
            return
        returned = ask["returned"] = []
        for rows in (self._leased, self._open):
            while rows and len(returned) < count:
                returned.append(rows.pop()[0])
        self._debt -= len(returned)
        if not returned:
            del ask["returned"]

    def _want_some(self, ask: dict[str, Any]) -> None:
        there = len(self._open) + len(self._leased) + len(self._opening)
        waiting = max(len(self._waiters) - there, 0)
        # Each doubling is told, not each user: what comes is followed by the next ask.
        is_urgent = waiting > 0 and waiting >= 2 * self._told_waiting
        if not is_urgent and (self._want or there > self._block // 2):
            return
        if not self._want and self.handed_out:
            self._choose_block()
        want = min(max(self._block - there, waiting), LARGEST_BLOCK)
        ask.update(want=want, waiting=waiting, opens=max(self._missing_open() - len(self._opening), waiting))
        self._want, self._told_waiting = want, waiting

    def _missing_open(self) -> int:
        """How many more rows should be open: none until half of them are gone."""
        wanted = max(self._block // _OPEN_SHARE, len(self._waiters), 1)
        there = len(self._open)
        return wanted - there if there <= wanted // 2 else 0

    def _choose_block(self) -> None:
        now_s = self._now_s()
        elapsed_s = max(now_s - self._block_since_s, 1e-6)
        wanted = (self.handed_out - self._block_handed_out) / elapsed_s * _BLOCK_S
        # Rows that are waited for are used more slowly than they would be, were the link faster or the block larger.
        wanted = max(wanted, 2 * self._block if self._has_waited else 0)
        self._has_waited = False
        # Not by more than a factor of two: one quiet or busy moment says little.
        self._block = int(min(max(wanted, self._block / 2, 1), self._block * 2, LARGEST_BLOCK))
        self._block_since_s, self._block_handed_out = now_s, self.handed_out

    def _say(self, ask: dict[str, Any]) -> None:
        if self._used:
            ask["used"], self._used = self._used, []
        elif self._used_count:
            ask["used"], self._used_count = self._used_count, 0
        ask["epoch"] = self._epoch
        self._send(ask)
