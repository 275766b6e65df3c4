"""A master's feeds and those of some workers, over links that take time, break and lose a worker; time is a number.

Everything that travels goes through msgpack, as it would.
"""

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgpack

from gregaria.feed.feeder import OVER, ROW, Feeder, Outcome, Waiter
from gregaria.feed.feeds import Feeds
from gregaria.feed.server import Answer, FeedServer
from gregaria.feed.source import IterableSource, Source


@dataclass
class Named:
    """A feed, as a locustfile would make it."""

    name: str
    source: Source
    strategy: str = "unique"
    at_end: str = "stop_user"
    seed: int | None = 1


def numbered(count: int, strategy: str = "unique", at_end: str = "stop_user", name: str = "rows") -> Named:
    return Named(name, IterableSource([{"number": number} for number in range(count)], name), strategy, at_end)


class Worker:
    """A worker, its users, and what they have got.

    Attributes:
        handed_out: numbers of the rows that its users have got, with the moment.
        used: those of them that were used up.
        ended: how many users were told that there are no more rows.
        tests: raising it ends all users.
        messages: how many were sent.
    """

    def __init__(self, simulation: "Simulation", name: str) -> None:
        self.name = name
        self.feeds = Feeds(lambda: simulation.now_s)
        self.feeders: dict[str, Feeder] = {}
        for feed in simulation.make_feeds():
            self.feeders[feed.name] = self.feeds.add(feed)
        self.feeds.connect(self)
        self.handed_out: list[tuple[float, int]] = []
        self.used: list[tuple[float, int]] = []
        self.out: dict[int, int] = {}
        self.ended = 0
        self.errors: list[str] = []
        self.messages = 0
        self.is_dead = False
        self.is_cut = False
        self.tests = 0
        self._simulation = simulation
        self._kept: deque[tuple[str, bytes]] = deque()

    def ask(self, feed_name: str, payload: dict[str, Any]) -> None:
        """What the worker sends; kept while the link is cut, as a channel does."""
        self.messages += 1
        self._kept.append((feed_name, msgpack.packb(payload)))
        self.send()

    def send(self) -> None:
        while self._kept and not self.is_cut:
            name, packed = self._kept.popleft()
            self._simulation.to_master(self, name, packed)

    def add_user(self, think_s: float, *, holds_s: float | None = None, name: str = "rows") -> None:
        """A user that takes a row, does something with it, and takes the next; ``holds_s``: it checks rows out."""
        feeder, simulation = self.feeders[name], self._simulation
        uses = holds_s is None
        test = self.tests

        def get(outcome: Outcome, has_waited: bool) -> None:
            kind, row, ticket = outcome
            if kind == ROW:
                assert isinstance(row, dict)
                if uses and has_waited:
                    feeder.confirm(ticket)
                self.handed_out.append((simulation.now_s, row["number"]))
                if uses:
                    self.used.append(self.handed_out[-1])
                if holds_s is not None:
                    self.out[ticket] = row["number"]
                    simulation.at(holds_s, lambda: give_back(ticket))
                else:
                    simulation.at(think_s, go_on)
            elif kind == OVER:
                self.ended += 1
            else:
                self.errors.append(str(row))

        def give_back(ticket: int) -> None:
            if not self.is_dead:
                del self.out[ticket]
                feeder.give_back(ticket)
                simulation.at(think_s, go_on)

        def go_on() -> None:
            if self.is_dead or test != self.tests:
                return
            outcome = feeder.take(uses)
            if outcome is None:
                # In a greenlet of its own, as a user is.
                feeder.wait(
                    Waiter(lambda outcome: simulation.at(0.0, lambda: self.is_dead or get(outcome, True)), uses)
                )
            else:
                get(outcome, False)

        go_on()


@dataclass
class Simulation:
    """One master and some workers.

    Attributes:
        delay_s: how long a message takes at most; those of one link keep their order.
    """

    make: Callable[[], list[Named]]
    seed: int = 0
    delay_s: float = 0.05
    now_s: float = 1000.0
    workers: dict[str, Worker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._number = itertools.count()
        self._last_s: Counter[tuple[str, str]] = Counter()
        self._waiting: dict[str, list[tuple[str, bytes]]] = {}
        self.server = FeedServer(self.make())
        self.server.begin("run")

    def make_feeds(self) -> list[Named]:
        return self.make()

    def add_workers(self, count: int) -> list[Worker]:
        """Further workers, that have their first rows when this returns."""
        added = [Worker(self, f"worker-{len(self.workers) + number}") for number in range(count)]
        for worker in added:
            self.workers[worker.name] = worker
            self.deliver(self.server.prepare(worker.name))
        self.run(4 * self.delay_s)
        assert self.server.is_ready(worker.name for worker in added)
        return added

    def at(self, after_s: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._queue, (self.now_s + after_s, next(self._number), act))

    def run(self, seconds: float) -> None:
        """Let time pass; each second workers tell what was used."""
        until_s = self.now_s + seconds
        next_tell_s = self.now_s + 1.0
        while (self._queue and self._queue[0][0] <= until_s) or next_tell_s <= until_s:
            if self._queue and self._queue[0][0] <= next_tell_s:
                self.now_s, _, act = heapq.heappop(self._queue)
                act()
            else:
                self.now_s, next_tell_s = next_tell_s, next_tell_s + 1.0
                for worker in self.workers.values():
                    if not worker.is_dead:
                        worker.feeds.tell()
        self.now_s = until_s

    # -- links -----------------------------------------------------------------------------------------------------

    def to_master(self, worker: Worker, name: str, packed: bytes) -> None:
        self._travel(
            (worker.name, "up"), lambda: self.deliver(self.server.take(worker.name, name, msgpack.unpackb(packed)))
        )

    def deliver(self, answers: list[Answer]) -> None:
        for name, feed_name, payload in answers:
            packed = msgpack.packb(payload)
            if self.workers[name].is_cut:
                self._waiting.setdefault(name, []).append((feed_name, packed))
            else:
                self._deliver(self.workers[name], feed_name, packed)

    def _deliver(self, worker: Worker, feed_name: str, packed: bytes) -> None:
        def arrive() -> None:
            if not worker.is_dead:
                worker.feeds.on_answer(feed_name, msgpack.unpackb(packed))

        self._travel((worker.name, "down"), arrive)

    def _travel(self, link: tuple[str, str], arrive: Callable[[], object]) -> None:
        due_s = max(self.now_s + self.random.random() * self.delay_s, self._last_s[link])
        self._last_s[link] = due_s  # type: ignore[assignment]
        self.at(due_s - self.now_s, arrive)

    # -- what befalls workers --------------------------------------------------------------------------------------

    def kill(self, worker: Worker, seen_after_s: float = 5.0) -> None:
        """A worker's process ends, and what it was about to send with it; the master sees it later."""
        worker.is_dead = True
        self.at(seen_after_s, lambda: self.deliver(self.server.lost(worker.name)))

    def cut(self, worker: Worker, seen_after_s: float = 5.0) -> None:
        """Nothing gets through any more; the worker holds before the master takes it for lost."""
        worker.is_cut = True
        self.at(seen_after_s * 0.9, worker.feeds.hold)
        self.at(seen_after_s, lambda: self.deliver(self.server.lost(worker.name)))

    def mend(self, worker: Worker) -> None:
        """The link is back."""
        worker.is_cut = False
        self.server.back(worker.name)
        worker.send()
        for feed_name, packed in self._waiting.pop(worker.name, []):
            self._deliver(worker, feed_name, packed)
        worker.feeds.resume()

    def new_master(self) -> None:
        """The master is killed; another one goes on with its journal. What was on its way to workers is lost."""
        snapshot = msgpack.unpackb(msgpack.packb(self.server.snapshot()), strict_map_key=False)
        self._waiting.clear()
        for worker in self.workers.values():
            if not worker.is_dead:
                worker.feeds.hold()
        self.server = FeedServer(self.make())
        self.server.restore(snapshot)
        for worker in self.workers.values():
            if not worker.is_dead:
                worker.feeds.resume()

    # -- what has come of it ---------------------------------------------------------------------------------------

    @property
    def handed_out(self) -> Counter[int]:
        """How often each row was handed out."""
        return Counter(number for worker in self.workers.values() for _, number in worker.handed_out)
