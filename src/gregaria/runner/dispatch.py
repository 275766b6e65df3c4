"""How many users of which class run on which worker, step by step, while the number of users changes."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import gevent

from gregaria.runner.mix import Mix

#: {worker id: {class name: users}}, absolute
Placement = dict[str, dict[str, int]]

#: shortest pause between two steps; higher spawn rates start several users in one step
SHORTEST_STEP_S = 0.01


class Worker(Protocol):
    """Whatever users can be placed on."""

    @property
    def id(self) -> str: ...


def check_load(user_count: float, spawn_rate: float) -> None:
    """Refuse a load that cannot be reached.

    Raises:
        ValueError: a negative number of users, or a spawn rate that is not a number above 0.
    """
    if not user_count >= 0 or math.isinf(user_count):
        raise ValueError(f"The number of users must be 0 or more, not {user_count!r}")
    if not spawn_rate > 0 or math.isinf(spawn_rate):
        raise ValueError(f"The spawn rate must be a finite number of users per second above 0, not {spawn_rate!r}")


def users_per_step(spawn_rate: float) -> int:
    """How many users one step starts or stops, so that there are at most about a hundred steps a second."""
    return max(1, round(spawn_rate * SHORTEST_STEP_S))


def users_due(elapsed_s: float, spawn_rate: float) -> int:
    """How many users are due ``elapsed_s`` after the first, when user number i (from 0) is due after i / rate."""
    # The nudge keeps a step that is due exactly now from being missed by the last bit of a division.
    return math.floor(elapsed_s * spawn_rate + 1e-9) + 1


class UsersDispatcher(Iterator[Placement]):
    """Moves the population from what it is to a target, at the spawn rate.

    After ``new_dispatch`` it is an iterator: each item is the whole placement after one step, and asking for the next
    one sleeps until that is due. User number i is due at start + i / rate: a late step catches up and nothing drifts.
    On the way down the users that came last go first. The users of classes that the new dispatch does not name leave
    at the same rate at which the others come.

    A class of your own can take its place: ``Environment(dispatcher_class=...)``.

    Args:
        worker_nodes: what users are placed on; each has an ``id``.
        user_classes: the classes whose users are dispatched.
        now: the clock, in seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        worker_nodes: Sequence[Worker],
        user_classes: Sequence[Any],
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._mix = Mix(user_classes)
        self._worker_ids = _dealing_order([worker.id for worker in worker_nodes])
        self._placement: Placement = {worker_id: self._no_users() for worker_id in self._worker_ids}
        self._class_counts: Counter[str] = Counter()
        # (class, worker) of every user, the latest last
        self._users: list[tuple[str, str]] = []
        self._steps: Iterator[Placement] = iter(())
        self._in_progress = False
        self._durations_s: list[float] = []

    def __next__(self) -> Placement:
        try:
            return next(self._steps)
        except StopIteration:
            self._in_progress = False
            raise

    @property
    def dispatch_in_progress(self) -> bool:
        """Whether the iterator has not come to its end since ``new_dispatch``."""
        return self._in_progress

    @property
    def dispatch_iteration_durations(self) -> list[float]:
        """Seconds that each step of this dispatch took to compute, the pauses not included."""
        return self._durations_s

    def get_current_user_count(self) -> int:
        """How many users there are according to the last step."""
        return len(self._users)

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: Sequence[Any] | None = None
    ) -> None:
        """Head for another number of users.

        Args:
            target_user_count: how many users there shall be in the end.
            spawn_rate: users per second, on the way up and on the way down.
            user_classes: the classes there shall be users of; None for the same as before.

        Raises:
            ValueError: the number is negative, or the rate is not a finite number above 0.
        """
        check_load(target_user_count, spawn_rate)
        # Made anew each time: the weights may have been changed since the last dispatch.
        mix = Mix(user_classes) if user_classes is not None else self._mix
        leaving, joining = self._changes(target_user_count, mix)
        self._mix = mix
        for counts in self._placement.values():
            for name in mix.names:
                counts.setdefault(name, 0)
        self._durations_s = []
        self._in_progress = True
        self._steps = self._dispatch(leaving, joining, spawn_rate)

    def user_gone(self, class_name: str, worker_id: str | None = None) -> None:
        """A user has ended for good and is not replaced: the next dispatch counts without it."""
        self._remove_last(class_name, worker_id)

    def add_worker(self, worker_node: Worker) -> None:
        """Place users on one more worker: it takes over its share of them."""
        if worker_node.id in self._placement:
            return
        self._worker_ids = _dealing_order([*self._worker_ids, worker_node.id])
        self._placement[worker_node.id] = self._no_users()
        self._spread_evenly()
        self._tell_once()

    def remove_worker(self, worker_node: Worker) -> None:
        """Place no more users on this worker: the others take over those it has."""
        if worker_node.id not in self._placement:
            return
        self._worker_ids.remove(worker_node.id)
        del self._placement[worker_node.id]
        kept = [user for user in self._users if user[1] != worker_node.id]
        orphans = [user[0] for user in self._users if user[1] == worker_node.id]
        self._users = kept
        self._class_counts.subtract(orphans)
        for class_name in orphans:
            self._add(class_name)
        self._tell_once()

    def _changes(self, target: int, mix: Mix) -> tuple[list[str], list[str]]:
        """Names of the classes whose users leave and of those whose users join, in order."""
        if mix == self._mix and target < len(self._users):
            return [name for name, _ in self._users[: target - len(self._users) - 1 : -1]], []
        counts = Counter(self._class_counts)
        leaving = [] if mix == self._mix else self._surplus(mix.counts_of(target))
        counts.subtract(leaving)
        joining = []
        for _ in range(target - len(self._users) + len(leaving)):
            name = mix.next_class(counts)
            if name is None:
                break
            counts[name] += 1
            joining.append(name)
        return leaving, joining

    def _surplus(self, wanted: dict[str, int]) -> list[str]:
        surplus = Counter(self._class_counts)
        surplus.subtract(wanted)
        leaving = []
        for name, _ in reversed(self._users):
            if surplus[name] > 0:
                surplus[name] -= 1
                leaving.append(name)
        return leaving

    def _dispatch(self, leaving: list[str], joining: list[str], spawn_rate: float) -> Iterator[Placement]:
        length = max(len(leaving), len(joining))
        if length == 0:
            yield self._copy()
            return
        start_s = self._now()
        done = 0
        while True:
            began_s = self._now()
            step_end = min(length, max(done + users_per_step(spawn_rate), users_due(began_s - start_s, spawn_rate)))
            for name in leaving[done:step_end]:
                self._remove_last(name)
            for name in joining[done:step_end]:
                self._add(name)
            done = step_end
            self._durations_s.append(self._now() - began_s)
            yield self._copy()
            if done == length:
                return
            self._sleep_until(start_s + done / spawn_rate)

    def _sleep_until(self, due_s: float) -> None:
        # More than once where the event loop wakes early: its timers start at the time of its last turn.
        while (pause_s := due_s - self._now()) > 0:
            self._sleep(max(pause_s, 0.0005))

    def _add(self, class_name: str) -> None:
        if not self._worker_ids:
            return
        worker_id = min(self._worker_ids, key=lambda worker_id: sum(self._placement[worker_id].values()))
        counts = self._placement[worker_id]
        counts[class_name] = counts.get(class_name, 0) + 1
        self._class_counts[class_name] += 1
        self._users.append((class_name, worker_id))

    def _remove_last(self, class_name: str, worker_id: str | None = None) -> None:
        for index in range(len(self._users) - 1, -1, -1):
            name, worker = self._users[index]
            if name == class_name and worker_id in (None, worker):
                del self._users[index]
                self._placement[worker][class_name] -= 1
                self._class_counts[class_name] -= 1
                return

    def _spread_evenly(self) -> None:
        def load(worker_id: str) -> int:
            return sum(self._placement[worker_id].values())

        while True:
            fullest, emptiest = max(self._worker_ids, key=load), min(self._worker_ids, key=load)
            if load(fullest) - load(emptiest) <= 1:
                return
            index = max(i for i, user in enumerate(self._users) if user[1] == fullest)
            class_name = self._users[index][0]
            self._users[index] = (class_name, emptiest)
            self._placement[fullest][class_name] -= 1
            self._placement[emptiest][class_name] = self._placement[emptiest].get(class_name, 0) + 1

    def _tell_once(self) -> None:
        """Outside a dispatch, let the next iteration yield the placement as it has become."""
        if not self._in_progress:
            self._in_progress = True
            self._steps = iter([self._copy()])

    def _no_users(self) -> dict[str, int]:
        return dict.fromkeys(self._mix.names, 0)

    def _copy(self) -> Placement:
        return {worker_id: dict(counts) for worker_id, counts in self._placement.items()}


def _dealing_order(worker_ids: list[str]) -> list[str]:
    """Worker ids are ``host_unique``: consecutive users go to different hosts."""
    seen: Counter[str] = Counter()
    ranked = []
    for worker_id in sorted(worker_ids):
        host = worker_id.rpartition("_")[0]
        ranked.append((seen[host], worker_id))
        seen[host] += 1
    return [worker_id for _, worker_id in sorted(ranked)]
