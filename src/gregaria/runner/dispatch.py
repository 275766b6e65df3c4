"""How many users of which class run on which worker, step by step, while the number of users changes."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import gevent

from gregaria.runner.mix import Mix
from gregaria.runner.pace import SHORTEST_STEP_OF_SEVERAL_S, SHORTEST_STEP_S, Pace
from gregaria.runner.seating import Placement as Placement
from gregaria.runner.seating import Seating

#: the ways to share users among workers: the same number on each, or in proportion to their capacity
BALANCES = ("equal", "capacity")

#: users at a time; more of them are a slip of the finger, and would be shared out for hours
MOST_USERS = 100_000_000


class Worker(Protocol):
    """Whatever users can be placed on."""

    @property
    def id(self) -> str: ...


def check_load(user_count: float, spawn_rate: float) -> None:
    """Refuse a load that cannot be reached.

    Raises:
        ValueError: a number of users below 0 or above ``MOST_USERS``, or a spawn rate that is not a number above 0.
    """
    if not user_count >= 0 or math.isinf(user_count):
        raise ValueError(f"The number of users must be 0 or more, not {user_count!r}")
    if user_count > MOST_USERS:
        raise ValueError(f"The number of users must be {MOST_USERS:,} at most, not {user_count!r}")
    if not spawn_rate > 0 or math.isinf(spawn_rate):
        raise ValueError(f"The spawn rate must be a finite number of users per second above 0, not {spawn_rate!r}")


class UsersDispatcher(Iterator[Placement]):
    """Moves the population from what it is to a target, at the spawn rate.

    After ``new_dispatch`` it is an iterator: each item is the whole placement after one step, and asking for the next
    one sleeps until that is due. User number i is due at start + i / rate: a late step catches up and nothing drifts.
    On the way down the users that came last go first. The users of classes that the new dispatch does not name leave
    at the same rate at which the others come.

    Workers may come and go at any time. A new one gets its share of the users that come, and when none come any more,
    users are moved to it: started there and stopped elsewhere in the same step. The users of one that is lost start on
    the others. All of this happens at the spawn rate, too, and moves as few users as possible. Outside a dispatch,
    ``add_worker`` and ``remove_worker`` begin one: iterate again.

    An item is not to be changed: the dictionary of a worker whose users are the same as in the item before is the same
    object.

    A class of your own can take its place: ``Environment(dispatcher_class=...)``.

    Args:
        worker_nodes: what users are placed on; each has an ``id`` and, if they differ in what they can take, a
            ``capacity`` above 0, which is looked at when a dispatch begins.
        user_classes: the classes whose users are dispatched.
        now: the clock, in seconds.
        sleep: waits that many seconds.
        balance: "equal" for the same number of users on each worker, "capacity" for shares in proportion to their
            ``capacity``, which is 1 where a worker has none.
        step_s: shortest pause between two steps; higher spawn rates move several users in one. None for 0.01 with one
            worker and 0.1 with several, to which a step may mean a message each.

    Raises:
        ValueError: the balance is unknown, or a capacity is not a finite number above 0.
    """

    def __init__(
        self,
        worker_nodes: Sequence[Worker],
        user_classes: Sequence[Any],
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = gevent.sleep,
        balance: str = "equal",
        step_s: float | None = None,
    ) -> None:
        if balance not in BALANCES:
            raise ValueError(f"The balance must be one of {', '.join(BALANCES)}, not {balance!r}")
        self._now = now
        self._sleep = sleep
        self._balance = balance
        self._step_s = step_s
        self._mix = Mix(user_classes)
        # What decides who leaves first: the mix in which they came.
        self._mix_of_leaving = self._mix
        self._is_changing_mix = False
        self._nodes = {worker.id: worker for worker in worker_nodes}
        self._seating = Seating()
        self._seating.add_workers({node.id: self._capacity(node) for node in worker_nodes}, self._mix.names)
        self._wanted: dict[str, int] = {}
        self._spawn_rate = 1.0
        # Its first user is due now; ``_done`` have come, left or been moved since.
        self._begin_pace(now())
        self._in_progress = False
        self._is_told = False
        self._durations_s: list[float] = []

    def __next__(self) -> Placement:
        while self._is_told or not self._in_progress:
            if not self._in_progress or not self._is_anything_left():
                self._in_progress = False
                raise StopIteration
            pause_s = self._pace.next_step_s(self._done) - self._now()
            if pause_s <= 0:
                break
            # Asked anew afterwards: the event loop may wake early, as its timers start at the time of its last turn,
            # and there may be workers, users or a whole dispatch that are not the same as before.
            self._sleep(max(pause_s, 0.0005))
        self._is_told = True
        return self._step()

    @property
    def dispatch_in_progress(self) -> bool:
        """Whether the iterator has not come to its end since ``new_dispatch``, or since a worker came or went."""
        return self._in_progress

    @property
    def dispatch_iteration_durations(self) -> list[float]:
        """Seconds that each step of this dispatch took to compute, the pauses not included."""
        return self._durations_s

    def get_current_user_count(self) -> int:
        """How many users there are according to the last step."""
        return self._seating.total

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: Sequence[Any] | None = None
    ) -> None:
        """Head for another number of users.

        Args:
            target_user_count: how many users there shall be in the end.
            spawn_rate: users per second, on the way up and on the way down.
            user_classes: the classes there shall be users of; None for the same as before.

        Raises:
            ValueError: the number is negative, the rate is not a finite number above 0, or neither is a worker's
                capacity.
        """
        check_load(target_user_count, spawn_rate)
        for worker_id, node in self._nodes.items():
            self._seating.set_capacity(worker_id, self._capacity(node))
        # Made anew each time: the weights may have been changed since the last dispatch.
        mix = Mix(user_classes) if user_classes is not None else self._mix
        self._head_for(int(target_user_count), mix)
        self._seating.name_classes(mix.names)
        self._spawn_rate = spawn_rate
        self._begin(self._now())

    def go_on_at(self, spawn_rate: float) -> None:
        """Whoever comes, leaves or is moved from now on does so at that rate.

        Raises:
            ValueError: it is not a finite number above 0.
        """
        check_load(0, spawn_rate)
        if spawn_rate != self._spawn_rate:
            self._spawn_rate = spawn_rate
            self._begin_pace(self._now())

    def user_gone(self, class_name: str, worker_id: str | None = None) -> None:
        """A user has ended for good and is not replaced: the next dispatch counts without it."""
        count = self._seating.class_counts[class_name]
        if not self._seating.unseat_one(class_name, worker_id):
            return
        # One of those that were to leave anyway does not count.
        if self._wanted.get(class_name, 0) >= count:
            self._wanted[class_name] -= 1

    def add_worker(self, worker_node: Worker) -> None:
        """Place users on one more worker: it gets its share of them, at the spawn rate."""
        if worker_node.id in self._nodes:
            return
        capacity = self._capacity(worker_node)
        is_at_rest = self._is_at_rest()
        self._nodes[worker_node.id] = worker_node
        self._seating.add_workers({worker_node.id: capacity}, self._mix.names)
        self._go_on(is_at_rest)

    def remove_worker(self, worker_node: Worker) -> None:
        """Place no more users on this worker, which has none any more: others start them, at the spawn rate."""
        if worker_node.id not in self._nodes:
            return
        is_at_rest = self._is_at_rest()
        del self._nodes[worker_node.id]
        self._seating.remove_worker(worker_node.id)
        self._go_on(is_at_rest)

    def _head_for(self, target: int, mix: Mix) -> None:
        counts, old_mix = self._seating.class_counts, self._mix
        # A change of the mix that has not come to its end goes on.
        self._is_changing_mix = mix != old_mix or (self._is_changing_mix and self._coming() + self._leaving() > 0)
        if self._is_changing_mix:
            self._mix_of_leaving = old_mix if mix != old_mix else self._mix_of_leaving
            self._mix = mix
            self._wanted = mix.counts_of(target)
            return
        self._mix_of_leaving = mix
        # Who is on the way, or about to be replaced, is as good as there: whoever has ended for good is not.
        present = {name: max(counts[name], self._wanted.get(name, 0)) for name in mix.names}
        change = mix.grown if target >= sum(present.values()) else mix.shrunk
        self._wanted = change(present, target)

    def _step(self) -> Placement:
        began_s = self._now()
        seating, wanted = self._seating, self._wanted
        most = max(0, self._pace.users_at(began_s, self._done) - self._done)
        coming, leaving = min(most, self._coming()), min(most, self._leaving())
        seating.unseat(self._mix_of_leaving.departures(seating.class_counts, wanted, leaving))
        seating.seat(self._mix.arrivals(seating.class_counts, wanted, coming))
        moved = seating.even_out(sum(wanted.values()), most - coming)
        self._done += max(coming + moved, leaving)
        self._durations_s.append(self._now() - began_s)
        return seating.tell()

    def _is_anything_left(self) -> bool:
        return self._coming() > 0 or self._leaving() > 0 or self._seating.moves_needed(self._seating.total) > 0

    def _coming(self) -> int:
        if not self._nodes:
            return 0
        counts = self._seating.class_counts
        return sum(max(0, count - counts[name]) for name, count in self._wanted.items())

    def _leaving(self) -> int:
        counts = self._seating.class_counts
        return sum(max(0, count - self._wanted.get(name, 0)) for name, count in counts.items())

    def _is_at_rest(self) -> bool:
        return not self._in_progress or (self._is_told and not self._is_anything_left())

    def _begin(self, start_s: float) -> None:
        self._begin_pace(start_s)
        self._durations_s = []
        self._in_progress = True
        self._is_told = False

    def _go_on(self, was_at_rest: bool) -> None:
        """Workers have come or gone: that is part of the dispatch that runs, or begins one."""
        # However often they do, nothing comes before it is due.
        next_step_s = max(self._now(), self._pace.next_step_s(self._done))
        if was_at_rest:
            self._begin(next_step_s)
        elif self._pace.step_s != self._step_now_s():
            self._begin_pace(next_step_s)

    def _begin_pace(self, start_s: float) -> None:
        self._pace = Pace(self._spawn_rate, self._step_now_s(), start_s)
        self._done = 0

    def _step_now_s(self) -> float:
        if self._step_s is not None:
            return self._step_s
        return SHORTEST_STEP_S if len(self._nodes) <= 1 else SHORTEST_STEP_OF_SEVERAL_S

    def _capacity(self, node: Worker) -> float:
        if self._balance == "equal":
            return 1.0
        capacity = float(getattr(node, "capacity", 1.0))
        if not 0 < capacity < math.inf:
            raise ValueError(
                f"The capacity of worker {node.id} must be a finite number above 0, not {capacity!r}: "
                'set it, or share users by the balance "equal"'
            )
        return capacity
