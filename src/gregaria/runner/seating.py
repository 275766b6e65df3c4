"""Which users are on which worker: seats them, takes them away, moves them, so that each worker has its share."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import heapify, heapreplace

from gregaria.runner.turns import Turns

#: {worker id: {class name: users}}, absolute
Placement = dict[str, dict[str, int]]

# Shares are quotients: what is a whole number must not become the next one by the last bit.
_NUDGE = 1e-9


class Seating:
    """The users of every worker.

    Each worker's number of users is within one of its share, which is in proportion to its capacity, and each class is
    spread over all workers. Only ``even_out`` moves users, and no more than it must.

    Attributes:
        class_counts: {class name: users} on all workers.
        total: users on all workers.
    """

    def __init__(self) -> None:
        self.class_counts: Counter[str] = Counter()
        self.total = 0
        self._placement: Placement = {}
        self._loads: dict[str, int] = {}
        self._capacities: dict[str, float] = {}
        # Worker ids, in the order in which users are dealt.
        self._order: list[str] = []
        # Workers whose dictionary has not been given away yet.
        self._own: set[str] = set()

    @property
    def worker_ids(self) -> Sequence[str]:
        """The workers, in the order in which users are dealt to them."""
        return self._order

    def tell(self) -> Placement:
        """All users. The dictionary of a worker whose users are the same as last time is the same object."""
        self._own.clear()
        return dict(self._placement)

    def add_workers(self, capacities: Mapping[str, float], class_names: Sequence[str]) -> None:
        """More workers, {worker id: capacity}; they have no users yet."""
        for worker_id, capacity in capacities.items():
            self._placement[worker_id] = dict.fromkeys(class_names, 0)
            self._loads[worker_id] = 0
            self._capacities[worker_id] = capacity
        self._order = dealing_order(list(self._placement))

    def remove_worker(self, worker_id: str) -> None:
        """A worker is gone, and its users with it."""
        self.class_counts.subtract(self._placement.pop(worker_id))
        self.total -= self._loads.pop(worker_id)
        del self._capacities[worker_id]
        self._own.discard(worker_id)
        self._order.remove(worker_id)

    def set_capacity(self, worker_id: str, capacity: float) -> None:
        """What a worker can take in comparison with others."""
        self._capacities[worker_id] = capacity

    def name_classes(self, class_names: Sequence[str]) -> None:
        """Name these classes on every worker, with 0 users where it has none."""
        for worker_id in self._order:
            if missing := [name for name in class_names if name not in self._placement[worker_id]]:
                self._counts_to_change(worker_id).update(dict.fromkeys(missing, 0))

    def seat(self, class_names: Sequence[str]) -> None:
        """Users of these classes come, one after the other."""
        if not class_names or not self._order:
            return
        counts = self._counts()
        turns = self._turns(counts)
        for name in class_names:
            place = turns.take(name)
            if place is not None:
                counts[place] = self._change(self._order[place], name, 1)

    def unseat(self, class_names: Sequence[str]) -> None:
        """Users of these classes leave, one after the other."""
        if not class_names:
            return
        counts = self._counts()
        turns = self._turns(counts, is_giving_back=True)
        for name in class_names:
            place = turns.take(name)
            if place is not None:
                counts[place] = self._change(self._order[place], name, -1)
            else:
                self._unseat_elsewhere(name, turns, counts)

    def unseat_one(self, class_name: str, worker_id: str | None = None) -> bool:
        """A user has left by itself; without a worker's id, the fullest that has one of this class. False if none."""
        having = [each for each in self._order if self._placement[each].get(class_name, 0) > 0]
        if worker_id is not None:
            having = [each for each in having if each == worker_id]
        if not having:
            return False
        self._change(max(having, key=self._fullness), class_name, -1)
        return True

    def moves_needed(self, total: int) -> int:
        """How many users have to be moved when there shall be so many, and whoever has to come or go has done so."""
        return self._moves_needed(self._lacks(total), total)

    def even_out(self, total: int, most: int) -> int:
        """Move users from workers that have more than their share of ``total`` to those that have less.

        Returns:
            how many have been moved, ``most`` at most.
        """
        if most <= 0:
            return 0
        lacks = self._lacks(total)
        number = min(most, self._moves_needed(lacks, total))
        takers = [(-lack, place) for place, lack in lacks.items() if lack > 0]
        givers = [(lack, place) for place, lack in lacks.items() if lack < 0]
        heapify(takers)
        heapify(givers)
        for _ in range(number):
            (surplus, giver), (lack, taker) = givers[0], takers[0]
            self._move_one(self._order[giver], self._order[taker])
            heapreplace(givers, (surplus + 1, giver))
            heapreplace(takers, (lack + 1, taker))
        return number

    def _moves_needed(self, lacks: Mapping[int, int], total: int) -> int:
        coming = max(0, total - self.total)
        return max(0, sum(lack for lack in lacks.values() if lack > 0) - coming)

    def _lacks(self, total: int) -> dict[int, int]:
        """{place: users that the worker lacks}, negative for those that have too many; moving as few as possible."""
        if not self._order:
            return {}
        per_capacity = total / sum(self._capacities.values())
        shares = [self._capacities[worker_id] * per_capacity for worker_id in self._order]
        fair = [math.floor(share + _NUDGE) for share in shares]
        # Where a share is no whole number, one more is as fair; first for those that have it already.
        ranked = sorted(
            (self._loads[self._order[place]] <= fair[place], fair[place] - share, place)
            for place, share in enumerate(shares)
            if share - fair[place] > _NUDGE
        )
        for _, _, place in ranked[: total - sum(fair)]:
            fair[place] += 1
        return {place: count - self._loads[self._order[place]] for place, count in enumerate(fair)}

    def _unseat_elsewhere(self, class_name: str, turns: Turns, counts: list[dict[str, int]]) -> None:
        """A user of this class leaves, though the workers that should lose one have none of it."""
        having = [place for place, each in enumerate(counts) if each.get(class_name, 0) > 0]
        if not having:
            return
        holder = max(having, key=lambda place: self._fullness(self._order[place]))
        can_do_with_less = turns.take_from(holder)
        counts[holder] = self._change(self._order[holder], class_name, -1)
        giver = None if can_do_with_less else turns.take_from_anyone()
        if giver is not None:
            # One of another class comes in its place.
            moved = self._move_one(self._order[giver], self._order[holder])
            counts[giver], counts[holder] = self._placement[self._order[giver]], self._placement[self._order[holder]]
            turns.recount(holder, class_name)
            turns.recount(holder, moved)

    def _move_one(self, giver: str, taker: str) -> str:
        here, there = self._placement[giver], self._placement[taker]
        here_capacity, there_capacity = self._capacities[giver], self._capacities[taker]
        name = max(
            (name for name, count in here.items() if count > 0),
            key=lambda name: here[name] / here_capacity - there.get(name, 0) / there_capacity,
        )
        self._change(giver, name, -1)
        self._change(taker, name, 1)
        return name

    def _fullness(self, worker_id: str) -> float:
        return self._loads[worker_id] / self._capacities[worker_id]

    def _turns(self, counts: Sequence[Mapping[str, int]], is_giving_back: bool = False) -> Turns:
        loads = [self._loads[worker_id] for worker_id in self._order]
        capacities = [self._capacities[worker_id] for worker_id in self._order]
        return Turns(counts, loads, capacities, is_giving_back)

    def _counts(self) -> list[dict[str, int]]:
        return [self._placement[worker_id] for worker_id in self._order]

    def _change(self, worker_id: str, class_name: str, by: int) -> dict[str, int]:
        counts = self._counts_to_change(worker_id)
        counts[class_name] = counts.get(class_name, 0) + by
        self._loads[worker_id] += by
        self.class_counts[class_name] += by
        self.total += by
        return counts

    def _counts_to_change(self, worker_id: str) -> dict[str, int]:
        if worker_id not in self._own:
            self._own.add(worker_id)
            self._placement[worker_id] = dict(self._placement[worker_id])
        return self._placement[worker_id]


def dealing_order(worker_ids: Sequence[str]) -> list[str]:
    """Worker ids are ``host_unique``: consecutive users go to different hosts."""
    seen: Counter[str] = Counter()
    ranked = []
    for worker_id in sorted(worker_ids):
        host = worker_id.rpartition("_")[0]
        ranked.append((seen[host], worker_id))
        seen[host] += 1
    return [worker_id for _, worker_id in sorted(ranked)]
