"""``--iterations`` over several workers: each has a limit of its own, which the master raises while there are any left.

All numbers are absolute: how many tasks a worker has begun, and up to how many it may. So what comes late or is said
twice changes nothing. The master takes the limit of a worker for used up, and of one that is lost or has left only what
it said that it has begun. Blocks become smaller towards the end, and when there are none left while users wait
somewhere, the others are asked to give back what they have not begun.

Both ends are pure: they are told what happens, and say what is to be sent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gregaria.cluster.wire import whole

__all__ = ["Iterations", "Share"]

#: iterations that a worker is given at most at once
_LARGEST_BLOCK = 10_000
_SMALLEST_BLOCK = 4

#: (worker, payload)
Told = tuple[str, dict[str, Any]]


@dataclass(slots=True)
class Holder:
    """A worker.

    Attributes:
        limit: how many iterations it may begin in all.
        begun: how many it has begun, as far as it has said.
        want: how many it would like to have beyond its limit.
        is_lost: it is not heard of, or has left.
        is_told: it knows that there are no more.
        is_recalled: it was asked to give back what it has, and gets no more until it has answered.
    """

    limit: int = 0
    begun: int = 0
    want: int = 0
    is_lost: bool = False
    is_told: bool = False
    is_recalled: bool = False

    @property
    def is_out(self) -> bool:
        """Whether it has begun all that it may."""
        return self.begun >= self.limit


class Iterations:
    """A master's: shares them out."""

    def __init__(self) -> None:
        self._run: str | None = None
        self._total: int | None = None
        self._holders: dict[str, Holder] = {}
        # Those of a master before this one, until it is known what they have.
        self._is_waiting = False

    def begin(self, run: str, total: int | None) -> None:
        """A test begins, of so many iterations; None for any number."""
        self._run, self._total = run, total
        self._holders = {}
        self._is_waiting = False

    @property
    def is_over(self) -> bool:
        """Whether all have been begun."""
        is_nothing_left = self._total is not None and not self._is_waiting and self._left() <= 0
        return is_nothing_left and all(holder.is_out for holder in self._holders.values())

    def hear(self, worker: str, said: Mapping[str, Any]) -> list[Told]:
        """A worker says what it has begun and wants; returns what is to be told to whom."""
        if self._total is None or said.get("run") != self._run:
            return []
        holder = self._holders.setdefault(worker, Holder())
        holder.begun = max(holder.begun, whole(said.get("begun")))
        holder.limit = max(holder.limit, holder.begun)
        if self._is_waiting:
            # The notes may be older than what it was told last.
            holder.limit = max(holder.limit, whole(said.get("limit")))
        elif said.get("gives_back") is True and holder.is_recalled:
            holder.limit, holder.is_recalled = holder.begun, False
        holder.want = 0 if holder.is_lost else min(whole(said.get("want")), _LARGEST_BLOCK)
        holder.is_told = False
        return self.serve()

    def lost(self, worker: str) -> list[Told]:
        """A worker is not heard of any more, or has left: what it has not begun is others'."""
        holder = self._holders.get(worker)
        if holder is None:
            return []
        holder.is_lost = True
        holder.limit, holder.want, holder.is_recalled = holder.begun, 0, False
        return self.serve()

    def back(self, worker: str) -> list[Told]:
        """A lost worker is heard of again: it may begin no more than it is told from now on."""
        holder = self._holders.get(worker)
        if holder is None or not holder.is_lost:
            return []
        holder.is_lost = holder.is_told = False
        return [self._told(worker, holder)]

    def serve(self) -> list[Told]:
        """Give those who want some."""
        if self._is_waiting or self._total is None:
            return []
        told = []
        present = {worker: holder for worker, holder in self._holders.items() if not holder.is_lost}
        # Who has run out is more urgent than who will.
        for worker, holder in sorted(present.items(), key=lambda each: not each[1].is_out):
            left = self._left()
            block = min(holder.want, -(-left // (2 * len(present))))
            if block > 0 and not holder.is_recalled:
                holder.limit += block
                holder.want = 0
                told.append(self._told(worker, holder))
        if self._left() <= 0 and any(holder.want and holder.is_out for holder in present.values()):
            for worker, holder in present.items():
                if not holder.is_out and not holder.is_recalled:
                    holder.is_recalled = True
                    told.append((worker, {"run": self._run, "recall": True}))
        if self.is_over:
            for worker, holder in present.items():
                if not holder.is_told:
                    holder.is_told = True
                    told.append(self._told(worker, holder))
        return told

    def snapshot(self) -> dict[str, Any]:
        """All that ``restore`` needs."""
        return {worker: [holder.limit, holder.begun] for worker, holder in self._holders.items()}

    def restore(self, run: str, snapshot: Mapping[str, Any]) -> None:
        """Go on where another master was, with ``go_on``; until then workers say what they have."""
        self._run, self._total, self._is_waiting = run, 0, True
        self._holders = {worker: Holder(limit, begun) for worker, (limit, begun) in snapshot.items()}

    def go_on(self, total: int | None, workers: Iterable[str]) -> list[Told]:
        """These workers are back, of those of another master."""
        self._total, self._is_waiting = total, False
        here = set(workers)
        gone = [told for worker in self._holders.keys() - here for told in self.lost(worker)]
        return [*gone, *self.serve()]

    def _left(self) -> int:
        return (self._total or 0) - sum(holder.limit for holder in self._holders.values())

    def _told(self, worker: str, holder: Holder) -> Told:
        return worker, {"run": self._run, "limit": holder.limit, "is_over": self.is_over}


class Share:
    """A worker's: what its users may begin.

    Args:
        say: sends a payload to the master.
        changed: called when users that wait may look again.

    Attributes:
        is_over: there are no more, here or elsewhere.
    """

    def __init__(self, say: Callable[[dict[str, Any]], object], changed: Callable[[], object]) -> None:
        self.is_over = False
        self._say = say
        self._changed = changed
        self._run: str | None = None
        self._limit = self._begun = self._told = 0
        self._block = _SMALLEST_BLOCK
        self._is_asking = False

    def begin(self, run: str) -> None:
        """A test begins; one that has begun goes on."""
        if run == self._run:
            return
        self._run, self.is_over = run, False
        self._limit = self._begun = self._told = 0
        self._block = _SMALLEST_BLOCK

    @property
    def left(self) -> int:
        """How many can be begun here without asking."""
        return max(self._limit - self._begun, 0)

    def take(self) -> bool:
        """Begin one; False when there is none here at the moment: more are asked for."""
        if self._begun >= self._limit:
            if not self._is_asking:
                self._ask()
            return False
        self._begun += 1
        if self.left <= self._block // 2 and not self._is_asking:
            self._ask()
        elif self._begun == self._limit:
            # Others may wait to hear that these were the last.
            self._tell()
        return True

    def answer(self, told: Mapping[str, Any]) -> None:
        """The master has said how many may be begun."""
        if told.get("run") != self._run:
            return
        if told.get("recall"):
            self._limit, self._is_asking = self._begun, False
            self._tell(gives_back=True)
            # Some of those whose users had none may wait for these.
            self._changed()
            return
        if self._is_asking and self._begun >= self._limit:
            # They ran out before more came.
            self._block = min(self._block * 2, _LARGEST_BLOCK)
        self._limit, self.is_over = whole(told.get("limit")), bool(told.get("is_over"))
        self._is_asking = False
        self._changed()

    def tell(self) -> None:
        """Say what was begun since that was last said; to be called each second and when a test ends."""
        if self._begun > self._told:
            self._tell()

    def resume(self) -> None:
        """The master is another one."""
        if self._run is not None and not self.is_over:
            self._tell()

    def _ask(self) -> None:
        self._is_asking = True
        self._tell()

    def _tell(self, *, gives_back: bool = False) -> None:
        self._told = self._begun
        want = max(self._block - self.left, 1) if self._is_asking else 0
        said = {"run": self._run, "begun": self._begun, "limit": self._limit, "want": want}
        self._say({**said, "gives_back": True} if gives_back else said)
