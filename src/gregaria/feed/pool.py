"""One feed, where its rows are kept: who has which row, who waits for one, and what comes back of a lost worker.

Of a feed whose rows go to one user each, a row is *free*, *leased* to a worker, *open* there, or *used*. A worker hands
out only rows that it has been told are open, so a leased row of a lost worker has certainly been used by nobody and
comes back. Of an open row nobody knows: it is not handed out again but reported. Where rows are only checked out and
returned it comes back, too, as a lost worker's users hold until it is heard of again.

Pure: it is asked, and says what is to be answered to whom. All of it can be packed by msgpack. Only ``ask`` and
``serve`` read the source, which may wait where it runs code of the locustfile's: one of them at a time. Everything else
may be called meanwhile, and what ``snapshot`` tells is whole at each moment.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgpack

from gregaria.errors import CommandError, shortened
from gregaria.feed.deck import EXCLUSIVE, Deck
from gregaria.feed.source import Row

__all__ = ["AGAIN", "LARGEST_BLOCK", "STOP_TEST", "STOP_USER", "Answers", "Pool"]

#: what happens when rows run out
STOP_USER, STOP_TEST, AGAIN = "stop_user", "stop_test", "again"
#: rows that one worker is given at once, and bytes after which no more are
LARGEST_BLOCK = 1000
_LARGEST_BLOCK_BYTES = 1024 * 1024
_MOST_NAMED = 10

#: what is to be sent to which worker
Answers = list[tuple[str, dict[str, Any]]]


@dataclass(slots=True)
class Held:
    """A row that a worker has.

    Attributes:
        index: which row of the source it is.
        row: the row.
        is_open: whether the worker may hand it out, and nobody can know whether it has.
    """

    index: int
    row: Row
    is_open: bool = False


@dataclass(slots=True)
class Holder:
    """A worker.

    Attributes:
        held: what it has, by ticket: the number of one handing out.
        doubtful: what was open there when it was lost.
        want: rows that it would like to have; waiting: users that wait for one; opens: rows of those it gets that it
            may hand out at once.
        only_returns: its users have only checked rows out so far.
        is_lost: it is not heard of.
        epoch: what its answers carry, so that it knows those of before it began again.
        debt: rows that it was asked to give back as soon as it does not need them, and has not given back yet.
        is_told: it was told that there are no more rows.
    """

    held: dict[int, Held] = field(default_factory=dict)
    doubtful: dict[int, Held] = field(default_factory=dict)
    want: int = 0
    waiting: int = 0
    opens: int = 0
    only_returns: bool = False
    is_lost: bool = False
    epoch: int = 0
    debt: int = 0
    is_told: bool = False


class Pool:
    """The rows of one feed.

    Args:
        deck: which row comes next.
        strategy: the deck's.
        at_end: what happens when rows run out; only ``again`` matters here.

    Attributes:
        used: how many rows users have got.
        error: why no rows can be had any more.
    """

    def __init__(self, deck: Deck, strategy: str, at_end: str) -> None:
        self.used = 0
        self.error: str | None = None
        self._deck = deck
        self._is_exclusive = strategy in EXCLUSIVE
        self._at_end = at_end
        self._free: deque[tuple[int, Held]] = deque()
        self._tickets = 0
        # Where the deck stood before a drawing that is under way: its rows are nowhere yet.
        self._stood: dict[str, Any] | None = None
        self._holders: dict[str, Holder] = {}
        # Those that want rows, who has waited longest first.
        self._wanting: dict[str, None] = {}

    # -- what workers say ------------------------------------------------------------------------------------------

    def ask(self, worker: str, ask: Mapping[str, Any]) -> Answers:
        """``hear`` and ``serve`` in one: what is to be answered, to others as well."""
        answers = self._hear(worker, ask)
        return self._serve(answers) if answers else []

    def hear(self, worker: str, ask: Mapping[str, Any]) -> Answers:
        """A worker says what it has done and what it needs; returns what can be answered without the source.

        Args:
            worker: its name.
            ask: all but ``epoch`` may be missing. ``used``: tickets of rows that users have got (their number, where
                rows are for everybody). ``want``, ``waiting``, ``opens``: see ``Holder``. ``open``: tickets that it
                wants to hand out. ``returned``: tickets of rows that nobody has there. ``only_returns``: whether
                ``used`` will stay empty. ``sync``: all tickets that it has, after it has lost touch.
        """
        return [(worker, answer) for worker, answer in self._hear(worker, ask).items() if len(answer) > 1]

    def serve(self, worker: str | None = None) -> Answers:
        """Hand out what workers want; ``worker`` is answered in any case."""
        answers: dict[str, dict[str, Any]] = {}
        if worker in self._holders and not self._holders[worker].is_lost:
            self._answer_to(worker, answers)
        return self._serve(answers)

    def _hear(self, worker: str, ask: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        holder = self._holders.setdefault(worker, Holder())
        self._use(holder, ask.get("used"))
        if holder.is_lost:
            # It says all of this again when it begins again.
            return {}
        holder.epoch = ask["epoch"]
        answer: dict[str, Any] = {"epoch": holder.epoch}
        if "only_returns" in ask:
            holder.only_returns = answer["only_returns"] = bool(ask["only_returns"])
        if "sync" in ask:
            answer["gone"] = self._sync(holder, ask["sync"])
        for ticket in ask.get("returned", ()):
            held = holder.held.pop(ticket, None)
            if held is not None:
                holder.debt = max(holder.debt - 1, 0)
                self._take_back(ticket, held)
        if "open" in ask:
            answer["opened"] = [ticket for ticket in ask["open"] if ticket in holder.held]
            answer["gone"] = [*answer.get("gone", ()), *(ticket for ticket in ask["open"] if ticket not in holder.held)]
            for ticket in answer["opened"]:
                holder.held[ticket].is_open = True
        if "want" in ask:
            holder.want = min(int(ask["want"]), LARGEST_BLOCK)
            holder.waiting, holder.opens = int(ask.get("waiting", 0)), int(ask.get("opens", 0))
            self._wanting.setdefault(worker)
        return {worker: answer}

    def lost(self, worker: str) -> None:
        """A worker is not heard of any more, or has left; ``serve`` gives others what it has certainly not used."""
        holder = self._holders.get(worker)
        if holder is None or holder.is_lost:
            return
        holder.is_lost = True
        self._wanting.pop(worker, None)
        holder.want = holder.waiting = holder.opens = 0
        for ticket, held in holder.held.items():
            if held.is_open and not holder.only_returns:
                holder.doubtful[ticket] = held
            else:
                self._take_back(ticket, held)
        holder.held.clear()

    def back(self, worker: str) -> None:
        """A lost worker is heard of again; it says what it has with its next ask."""
        holder = self._holders.get(worker)
        if holder is not None:
            holder.is_lost = False

    # -- what is known of the rows ---------------------------------------------------------------------------------

    @property
    def doubtful(self) -> dict[str, list[int]]:
        """{lost worker: indexes of the rows that were open there}, which it may or may not have handed out."""
        return {
            worker: sorted(held.index for held in holder.doubtful.values())
            for worker, holder in self._holders.items()
            if holder.doubtful
        }

    def notes(self, name: str) -> list[str]:
        """Sentences about rows of which nobody knows whether they were used."""
        told = []
        for worker, indexes in self.doubtful.items():
            numbers = ", ".join(str(index + 1) for index in indexes[:_MOST_NAMED])
            more = f" and {len(indexes) - _MOST_NAMED} more" if len(indexes) > _MOST_NAMED else ""
            told.append(
                f"{len(indexes)} rows of the feed {name!r} were open at the lost worker {worker} and may or may not "
                f"have been used; they are handed out to nobody else: rows {numbers}{more}."
            )
        return told

    def figures(self) -> dict[str, int]:
        """How many rows were used, are held by workers, were open at lost ones, and have been drawn in this pass."""
        return {
            "used": self.used,
            "held": sum(len(holder.held) for holder in self._holders.values()),
            "doubtful": sum(len(holder.doubtful) for holder in self._holders.values()),
            "drawn": self._deck.drawn,
        }

    def snapshot(self) -> dict[str, Any]:
        """All that ``restore`` needs, for a journal."""
        return {
            "deck": self._stood or self._deck.snapshot(),
            "used": self.used,
            "tickets": self._tickets,
            "free": [[ticket, held.index, held.row] for ticket, held in self._free],
            "holders": {
                worker: {
                    "held": [[ticket, held.index, held.row, held.is_open] for ticket, held in holder.held.items()],
                    "doubtful": [[ticket, held.index, held.row] for ticket, held in holder.doubtful.items()],
                    "only_returns": holder.only_returns,
                    "is_lost": holder.is_lost,
                }
                for worker, holder in self._holders.items()
            },
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on where a pool of the same feed was; its workers begin again with ``sync``."""
        self._deck.restore(snapshot["deck"])
        self.used, self._tickets = snapshot["used"], snapshot["tickets"]
        self._wanting.clear()
        self._free = deque((ticket, Held(index, row)) for ticket, index, row in snapshot["free"])
        self._holders = {
            worker: Holder(
                {ticket: Held(index, row, is_open) for ticket, index, row, is_open in told["held"]},
                {ticket: Held(index, row, True) for ticket, index, row in told["doubtful"]},
                only_returns=told["only_returns"],
                is_lost=told["is_lost"],
            )
            for worker, told in snapshot["holders"].items()
        }

    # -- handing out -----------------------------------------------------------------------------------------------

    def _use(self, holder: Holder, used: Any) -> None:
        if not self._is_exclusive:
            self.used += used or 0
            return
        for ticket in used or ():
            if holder.held.pop(ticket, None) is not None or holder.doubtful.pop(ticket, None) is not None:
                self.used += 1

    def _sync(self, holder: Holder, tickets: Iterable[int]) -> list[int]:
        """Believe a worker what it has; returns what is no longer its own."""
        has = set(tickets)
        holder.debt = holder.want = holder.waiting = holder.opens = 0
        for ticket in [ticket for ticket in holder.doubtful if ticket in has]:
            holder.held[ticket] = holder.doubtful.pop(ticket)
        for ticket in [ticket for ticket in holder.held if ticket not in has]:
            # It was on its way there and has not come.
            self._take_back(ticket, holder.held.pop(ticket))
        for ticket in list(holder.doubtful):
            self._take_back(ticket, holder.doubtful.pop(ticket))
        return sorted(has - holder.held.keys())

    def _take_back(self, ticket: int, held: Held) -> None:
        held.is_open = False
        self._free.append((ticket, held))

    def _serve(self, answers: dict[str, dict[str, Any]]) -> Answers:
        if self.error is None:
            try:
                self._hand_out(answers)
            except CommandError as error:
                self.error = str(error)
            except Exception as error:
                self.error = f"the next row cannot be had: {type(error).__name__}: {shortened(str(error), 500)}"
        if self.error is not None:
            for worker, holder in self._holders.items():
                if not holder.is_lost and (worker in answers or holder.want or holder.waiting):
                    self._answer_to(worker, answers)["error"] = self.error
        # What was granted before a worker began again has been taken back.
        return [item for item in answers.items() if item[1]["epoch"] == self._holders[item[0]].epoch]

    def _answer_to(self, worker: str, answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
        epoch = self._holders[worker].epoch
        if worker not in answers or answers[worker]["epoch"] != epoch:
            answers[worker] = {"epoch": epoch}
        return answers[worker]

    def _hand_out(self, answers: dict[str, dict[str, Any]]) -> None:
        # A user that waits is more urgent than a block that is getting low.
        for worker in list(self._wanting):
            holder = self._holders[worker]
            if holder.waiting and self._grant(worker, holder, answers, is_urgent=True):
                # The next row that comes back is somebody else's.
                self._wanting[worker] = self._wanting.pop(worker)
        for worker in list(self._wanting):
            holder = self._holders[worker]
            if holder.want:
                self._grant(worker, holder, answers, is_urgent=False)
            if not holder.want and not holder.waiting:
                self._wanting.pop(worker, None)
        waiting = sum(self._holders[worker].waiting for worker in self._wanting)
        # Those who came while the source took its time have their turn next, if anything is left.
        if waiting and self._is_exclusive and self._deck.is_over and not self._free:
            self._run_dry(waiting, answers)

    def _grant(self, worker: str, holder: Holder, answers: dict[str, dict[str, Any]], *, is_urgent: bool) -> bool:
        self._draw(holder.waiting if is_urgent else holder.want)
        # Asked anew: while rows were drawn it may have been lost, or have begun again.
        rows, is_cut = self._take_free(holder.waiting if is_urgent else holder.want)
        if not rows:
            return False
        answer = self._answer_to(worker, answers)
        granted: list[Any] = answer.setdefault("rows", [])
        opened: list[int] = answer.setdefault("opened", [])
        for ticket, held in rows:
            granted.append([ticket, held.row])
            if self._is_exclusive:
                holder.held[ticket] = held
                held.is_open = holder.opens > 0
                if held.is_open:
                    holder.opens -= 1
                    opened.append(ticket)
        # Of a block that is cut short, the rest is asked for when it is needed.
        holder.want = answer["want"] = 0 if is_cut else max(holder.want - len(rows), 0)
        holder.waiting = max(holder.waiting - len(rows), 0)
        holder.debt = 0
        holder.is_told = False
        return True

    def _take_free(self, count: int) -> tuple[list[tuple[int, Held]], bool]:
        """That many free rows or fewer, and whether more would be too much for one message."""
        found: list[tuple[int, Held]] = []
        size = 0
        while self._free and len(found) < count:
            if size >= _LARGEST_BLOCK_BYTES:
                return found, True
            found.append(self._free.popleft())
            size += len(msgpack.packb(found[-1][1].row))
        return found, False

    def _draw(self, count: int) -> None:
        """Have that many free rows, or as many as there are."""
        while len(self._free) < count:
            if self._deck.is_over:
                is_all_used = not self._free and not any(holder.held for holder in self._holders.values())
                if self._at_end != AGAIN or not is_all_used:
                    return
                self._deck.begin_again()
            self._stood = self._deck.snapshot()
            try:
                drawn = self._deck.draw(count - len(self._free))
            finally:
                self._stood = None
            for index, row in drawn:
                self._tickets += 1
                self._free.append((self._tickets, Held(index, row)))

    def _run_dry(self, waiting: int, answers: dict[str, dict[str, Any]]) -> None:
        """Users wait and no row is free: fetch back what others have and do not need, or say that this was all."""
        if any(holder.held for holder in self._holders.values()):
            wanted = sum(holder.want for holder in self._holders.values() if holder.waiting)
            for worker, holder in self._holders.items():
                others = waiting - holder.waiting
                if holder.held and holder.debt < others:
                    holder.debt = max(others, min(wanted, len(holder.held) // 2))
                    self._answer_to(worker, answers)["recall"] = holder.debt
            return
        for worker, holder in self._holders.items():
            if not holder.is_lost and (holder.waiting or not holder.is_told):
                holder.is_told = True
                holder.want = holder.waiting = 0
                self._wanting.pop(worker, None)
                self._answer_to(worker, answers)["is_over"] = True
