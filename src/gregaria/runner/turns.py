"""Whose turn it is: which worker gets the next user, or gives one up, so that each has its share at every moment."""

import math
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

# Shares are quotients: what is a whole number must not become the next one by the last bit.
_NUDGE = 1e-9

# Users by capacity are compared as whole numbers of this part of a user.
_FINENESS = 1024


class Turns:
    """Deals users to workers, or takes them back.

    The users that a worker has are numbered from 0. For each there is a first and a last moment at which the worker,
    whose share of all users is s, may get it and stay within one user of its share: when there are more than
    number / s users, and when there are (number + 1) / s. Of those workers that may, those come next whose last
    moment is the nearest, and of these the one that has the fewest of the user's class. On the way down, all that is
    turned round. Workers of equal capacity thus take turns, and a worker that is behind is served first.

    What a turn costs does not depend on the number of users, and only by its logarithm on that of workers.

    Args:
        counts: {class name: users} of each worker, in dealing order; the caller brings it up to date after each turn.
        loads: users of each worker.
        capacities: what the shares are in proportion to.
        is_giving_back: whether users are taken back.
    """

    def __init__(
        self,
        counts: Sequence[Mapping[str, int]],
        loads: Sequence[int],
        capacities: Sequence[float],
        is_giving_back: bool = False,
    ) -> None:
        self._counts = counts
        self._loads = list(loads)
        all_together = sum(capacities)
        # All users that there are for each one of a worker.
        self._per_user = [all_together / capacity for capacity in capacities]
        largest = max(capacities, default=1.0)
        self._spans = [round(_FINENESS * largest / capacity) * len(capacities) for capacity in capacities]
        self._sign = -1 if is_giving_back else 1
        # The number of the user that comes or goes, from 1; negative on the way down, so that time runs forwards.
        self._moment = -sum(loads) if is_giving_back else sum(loads) + 1
        self._waiting: list[tuple[int, int]] = []
        self._groups: dict[int, _Group] = {}
        self._last_moments: list[int] = []
        # It comes back when its counts are right again.
        self._latest: int | None = None
        for worker in range(len(self._loads)):
            self._enter(worker)

    def take(self, class_name: str) -> int | None:
        """Which worker's turn it is.

        Returns:
            its place in the sequences; None when users are taken back and none of those whose turn it is has one of
            this class.
        """
        group = self._next_group()
        worker = None if group is None else group.take(class_name)
        if worker is not None:
            self._pass_on(worker)
        return worker

    def take_from(self, worker: int) -> bool:
        """Have this worker take the turn; False when it would be too far from its share then."""
        group = self._group_of(worker)
        if group is None:
            return False
        group.members.remove(worker)
        self._pass_on(worker)
        return True

    def take_from_anyone(self) -> int | None:
        """Have one of those whose turn it is take it, whatever classes it has users of."""
        group = self._next_group()
        if group is None:
            return None
        worker = max(group.members)
        group.members.remove(worker)
        self._pass_on(worker)
        return worker

    def recount(self, worker: int, class_name: str) -> None:
        """The worker has another number of this class than before, though the turn was not its own."""
        group = self._group_of(worker)
        if group is not None:
            group.recount(worker, class_name)

    def _pass_on(self, worker: int) -> None:
        self._loads[worker] += self._sign
        self._moment += 1
        self._latest = worker

    def _group_of(self, worker: int) -> "_Group | None":
        if worker == self._latest:
            return None
        group = self._groups.get(self._moments(worker)[1])
        return group if group is not None and worker in group.members else None

    def _enter(self, worker: int) -> None:
        if self._sign < 0 and self._loads[worker] == 0:
            return
        opens, _ = self._moments(worker)
        if opens > self._moment:
            heappush(self._waiting, (opens, worker))
        else:
            self._admit(worker)

    def _moments(self, worker: int) -> tuple[int, int]:
        """First and last moment for the user that the worker gets or gives up next."""
        number = self._loads[worker] if self._sign > 0 else self._loads[worker] - 1
        per_user = self._per_user[worker]
        first, last = math.floor(number * per_user + _NUDGE) + 1, math.ceil((number + 1) * per_user - _NUDGE)
        return (first, last) if self._sign > 0 else (-last, -first)

    def _admit(self, worker: int) -> None:
        _, closes = self._moments(worker)
        group = self._groups.get(closes)
        if group is None:
            workers = len(self._loads)
            # Each round starts with another worker: always the same one would be left over for the last class of a
            # round, which may be the same each time. With two, one would have two turns in a row.
            start = (abs(closes) // workers - 1) % workers if workers > 2 else 0
            group = self._groups[closes] = _Group(self._counts, self._spans, self._sign, start)
            heappush(self._last_moments, closes)
        group.add(worker)

    def _next_group(self) -> "_Group | None":
        if self._latest is not None:
            latest, self._latest = self._latest, None
            self._enter(latest)
        while self._waiting and self._waiting[0][0] <= self._moment:
            self._admit(heappop(self._waiting)[1])
        while True:
            while self._last_moments:
                group = self._groups[self._last_moments[0]]
                if group.members:
                    return group
                del self._groups[heappop(self._last_moments)]
            if not self._waiting:
                return None
            # Nobody's share allows for it: with shares that are no whole numbers, the last bit may be to blame.
            self._admit(heappop(self._waiting)[1])


class _Group:
    """Workers whose last moment is the same.

    Attributes:
        members: their places.
    """

    def __init__(self, counts: Sequence[Mapping[str, int]], spans: Sequence[int], sign: int, start: int) -> None:
        self.members: set[int] = set()
        self._counts = counts
        self._spans = spans
        self._sign = sign
        self._start = start
        # For each class that has been asked for; what is no longer true is found out when it comes up. Numbers in
        # which users by capacity come first and the place last: they are compared faster than tuples.
        self._by_class: dict[str, list[int]] = {}

    def add(self, worker: int) -> None:
        self.members.add(worker)
        for class_name, heap in self._by_class.items():
            heappush(heap, self._key(worker, class_name))

    def recount(self, worker: int, class_name: str) -> None:
        heap = self._by_class.get(class_name)
        if heap is not None:
            heappush(heap, self._key(worker, class_name))

    def take(self, class_name: str) -> int | None:
        heap = self._by_class.get(class_name)
        if heap is None:
            heap = self._by_class[class_name] = [self._key(worker, class_name) for worker in self.members]
            heapify(heap)
        workers = len(self._spans)
        while heap:
            key = heappop(heap)
            worker = (key * self._sign % workers + self._start) % workers
            if worker not in self.members or key != self._key(worker, class_name):
                # No member any more, or its count has changed and it is in here once more.
                continue
            if self._sign < 0 and self._counts[worker].get(class_name, 0) == 0:
                # Neither has any other.
                return None
            self.members.remove(worker)
            return worker
        return None

    def _key(self, worker: int, class_name: str) -> int:
        count = self._counts[worker].get(class_name, 0)
        return self._sign * (count * self._spans[worker] + (worker - self._start) % len(self._spans))
