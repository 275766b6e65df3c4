"""``--max-rps`` over several workers: each has a share, and what one does not use another gets.

The shares never add up to more than the cap: a worker's is taken for in force from when it is sent, and for given up
only when the worker has said so. Whoever begins, or was not heard of for a while, has none until it is told.

Both ends are pure: they are told what happens, and say what is to be sent.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gregaria.cluster.roster import number_of
from gregaria.cluster.wire import whole
from gregaria.engine.throttle import Throttle
from gregaria.runner.cap import Usage

__all__ = ["CapShare", "Shares"]

#: of its share, the part from which on a worker that has users waiting wants more
_HUNGRY = 0.97
#: what a worker gets beyond what it used last: times that, and of the cap
_ROOM_TIMES = 1.05
_ROOM = 0.005
#: how fast it is forgotten that a worker has used more, in a second
_FORGET = 0.8
#: reports under its first share after which it is known what a worker uses
_SETTLED = 2
#: changes of a share that are not worth a message, of the share and of the cap
_SMALL = 0.01
_SMALLEST = 0.0005
#: requests per second that a worker may say it has made
_MOST_RPS = 1e9

#: (worker, payload)
Told = tuple[str, dict[str, Any]]


@dataclass(slots=True)
class Holder:
    """A worker.

    Attributes:
        epoch: how often it has begun without a share.
        number: of the share that it was told last.
        share: that one, in requests per second.
        most: the largest share that may be in force there.
        used: requests per second that it has started, in the last second.
        lately: the same, or of a second before it that had more.
        waits: users of its had to wait in the last second.
        reports: how often it has said what it does with a share, since it has had one.
    """

    epoch: int = 0
    number: int = 0
    share: float = 0.0
    most: float = 0.0
    used: float = 0.0
    lately: float = 0.0
    waits: bool = False
    reports: int = 0

    def need(self, cap: float) -> float:
        """What it can make use of, in requests per second."""
        if self.reports < _SETTLED:
            # Nobody knows yet.
            return self.share if self.number else math.inf
        if self.waits and self.used >= self.share * _HUNGRY:
            return math.inf
        return self.lately * _ROOM_TIMES + cap * _ROOM


class Shares:
    """A master's: shares a cap out."""

    def __init__(self) -> None:
        self._run: str | None = None
        self._cap: float | None = None
        self._holders: dict[str, Holder] = {}

    def begin(self, run: str | None, cap: float | None) -> None:
        """A test begins with so many requests per second at most, or goes on with as many; None for any number."""
        if run != self._run or cap is None or self._cap is None:
            self._holders = {}
        self._run, self._cap = run, cap

    @property
    def used_per_s(self) -> float:
        """Requests per second that workers have started, all together."""
        return sum(holder.used for holder in self._holders.values())

    @property
    def has_waiting(self) -> bool:
        """Whether users had to wait somewhere."""
        return any(holder.waits for holder in self._holders.values())

    @property
    def most(self) -> float:
        """What may be in force at this moment, all together."""
        return sum(holder.most for holder in self._holders.values())

    def hear(self, worker: str, said: Mapping[str, Any], num_workers: int) -> list[Told]:
        """A worker says which share it has and what it does with it.

        Args:
            worker: which one.
            said: what it says.
            num_workers: how many run users, those included that have said nothing yet.

        Returns:
            what is to be told to whom: those who have none need not wait for the next second.
        """
        if self._cap is None or said.get("run") != self._run:
            return []
        holder = self._holders.setdefault(worker, Holder())
        epoch = whole(said.get("epoch"))
        rate = number_of(said.get("rate"), _MOST_RPS)
        if epoch != holder.epoch:
            # It has let go of what it had, and takes nothing that was sent before.
            holder.epoch, holder.number, holder.share, holder.most, holder.reports = epoch, 0, 0.0, rate, 0
        elif whole(said.get("number")) == holder.number:
            holder.most = holder.share
            holder.reports += holder.number > 0
        holder.used, holder.waits = number_of(said.get("used"), _MOST_RPS), said.get("waits") is True
        holder.lately = max(holder.used, holder.lately * _FORGET)
        return self.share_out(num_workers) if holder.share == 0.0 else []

    def lost(self, worker: str) -> None:
        """A worker is not heard of any more, or has left: its users start nothing, and its share is others'."""
        self._holders.pop(worker, None)

    def share_out(self, num_workers: int) -> list[Told]:
        """Give each its share; to be called each second. What is taken from one can be given to another in the next."""
        cap = self._cap
        if cap is None or not self._holders:
            return []
        needs = {worker: holder.need(cap) for worker, holder in self._holders.items()}
        wanted = _filled(cap, needs, max(num_workers - len(needs), 0))
        told = []
        for worker, holder in self._holders.items():
            if wanted[worker] < holder.share * (1 - _SMALL) - cap * _SMALLEST:
                told.append(self._tell(worker, holder, wanted[worker]))
        for worker, holder in sorted(self._holders.items(), key=lambda each: each[1].share):
            share = min(wanted[worker], holder.most + max(cap - self.most, 0.0))
            if share > holder.share * (1 + _SMALL) + cap * _SMALLEST:
                told.append(self._tell(worker, holder, share))
        return told

    def _tell(self, worker: str, holder: Holder, share: float) -> Told:
        holder.number += 1
        holder.share = share
        holder.most = max(holder.most, share)
        return worker, {"run": self._run, "epoch": holder.epoch, "number": holder.number, "rate": share}


def _filled(cap: float, needs: Mapping[str, float], num_silent: int) -> dict[str, float]:
    """Each its need, as far as an equal part of what others leave goes; what is left over in equal parts.

    ``num_silent`` workers more will need as much as they can get.
    """
    left, count = cap, len(needs) + num_silent
    shares = {}
    for place, (worker, need) in enumerate(sorted(needs.items(), key=lambda each: each[1])):
        shares[worker] = min(need, left / (count - place))
        left -= shares[worker]
    spare = 0.0 if num_silent else left / count
    return {worker: share + spare for worker, share in shares.items()}


class CapShare:
    """A worker's: its part of the cap.

    Args:
        say: sends a payload to the master.
        throttle: of its users.
    """

    def __init__(self, say: Callable[[dict[str, Any]], object], throttle: Throttle) -> None:
        self._say = say
        self._throttle = throttle
        self._run: str | None = None
        self._usage = Usage(throttle)
        self._epoch = self._number = 0

    def begin(self, run: str, cap: float | None, own_cap: float | None) -> None:
        """A test begins: under a cap of all workers, or else under the one that this worker was started with."""
        self._run = None if cap is None else run
        self._throttle.rate = own_cap
        if self._run is not None:
            self.let_go()
            self.tell()

    def follow(self, run: str, cap: float | None, own_cap: float | None) -> None:
        """The test goes on: begin anew if it has a cap since then, or has none any more."""
        if (cap is None) != (self._run is None):
            self.begin(run, cap, own_cap)

    def let_go(self) -> None:
        """Start nothing until there is a share again: the master gives this one to others."""
        if self._run is not None:
            self._epoch += 1
            self._number = 0
            self._throttle.rate = 0

    def answer(self, told: Mapping[str, Any]) -> None:
        """The master has said what the share is."""
        if told.get("run") == self._run and told.get("epoch") == self._epoch:
            self._number = whole(told.get("number"))
            self._throttle.rate = number_of(told.get("rate"), _MOST_RPS)

    def tell(self) -> None:
        """Say how it is; to be called each second."""
        if self._run is None:
            return
        used, waits = self._usage.since_last()
        self._say(
            {
                "run": self._run,
                "epoch": self._epoch,
                "number": self._number,
                "rate": self._throttle.rate,
                "used": used,
                "waits": waits,
            }
        )
