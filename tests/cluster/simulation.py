"""A master's and some workers' machines over a link that loses, repeats, delays and breaks; time is a number."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gregaria.cluster.happenings import Back, Item, Joined, Left
from gregaria.cluster.master_machine import MasterMachine
from gregaria.cluster.timing import Timing
from gregaria.cluster.worker_machine import WorkerMachine

STEP_S = 0.05


@dataclass
class Weather:
    """What the link does to frames.

    Attributes:
        loss: share of frames that never come.
        repeats: share that come twice.
        delay_s: the longest that one takes.
        is_down: nothing comes, and nobody is told.
    """

    loss: float = 0.0
    repeats: float = 0.0
    delay_s: float = 0.0
    is_down: bool = False


@dataclass
class Worker:
    """A worker that counts requests, and its machine."""

    machine: WorkerMachine
    weather: Weather = field(default_factory=Weather)
    counted: int = 0
    reported: int = 0
    is_dead: bool = False
    happened: list[Any] = field(default_factory=list)


class Simulation:
    """One master, some workers, and their links.

    Attributes:
        total: what the master has added up of the workers' reports.
        happened: what has happened at the master.
    """

    def __init__(self, seed: int = 0, timing: Timing | None = None) -> None:
        self.now_s = 1000.0
        self.timing = timing or Timing()
        self.random = random.Random(seed)
        self.workers: dict[str, Worker] = {}
        self.total = 0
        self.happened: list[Any] = []
        self.deals = True
        self.seen: list[tuple[str, int]] = []
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._masters = 0
        self.master = self.new_master()

    def new_master(self, known: dict[str, tuple[str, int, int]] | None = None) -> MasterMachine:
        """A master that has begun (again)."""
        self._masters += 1
        self.master = MasterMachine(f"master-{self._masters}", self.timing, known)
        return self.master

    def add_worker(self, name: str = "", incarnation: str = "", report_at_s: float = 0.0) -> Worker:
        """One more worker."""
        name = name or f"host_{len(self.workers)}"
        worker: Worker

        def report() -> Any:
            new = worker.counted - worker.reported
            worker.reported = worker.counted
            return {"count": new} if new else None

        machine = WorkerMachine(
            name,
            incarnation or f"process-{name}",
            dict,
            report,
            lambda: {"state": "running"},
            self.now_s,
            self.timing,
            report_at_s,
        )
        worker = self.workers[name] = Worker(machine)
        return worker

    def run(self, seconds: float, each_step: Callable[[], object] = lambda: None) -> None:
        """Let time pass."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += STEP_S
            each_step()
            while self._queue and self._queue[0][0] <= self.now_s:
                heapq.heappop(self._queue)[2]()
            for name, worker in self.workers.items():
                if not worker.is_dead:
                    worker.machine.tick(self.now_s)
                    self._carry_up(name, worker)
            self.master.tick(self.now_s)
            self._carry_down()
            self._look_at_master()

    def _carry_up(self, name: str, worker: Worker) -> None:
        frames, worker.machine.outbox = worker.machine.outbox, []
        for body in frames:
            self._send(worker.weather, lambda body=body: self.master.receive(name.encode(), body, self.now_s))
        worker.happened += worker.machine.happenings
        for what in worker.machine.happenings:
            if isinstance(what, Item):
                worker.machine.deal(what.number)
        worker.machine.happenings.clear()

    def _carry_down(self) -> None:
        frames, self.master.outbox = self.master.outbox, []
        for identity, body in frames:
            worker = self.workers.get(identity.decode())
            if worker is None or worker.is_dead:
                self.master.unreachable(identity, self.now_s)
                continue
            self._send(worker.weather, lambda worker=worker, body=body: worker.machine.receive(body, self.now_s))

    def _look_at_master(self) -> None:
        master = self.master
        happenings, master.happenings = master.happenings, []
        for what in happenings:
            self.happened.append(what)
            if isinstance(what, Item) and what.kind == "report":
                self.total += what.payload["count"]
                self.seen.append((what.node_id, what.number))
            if isinstance(what, Item | Left) and self.deals:
                master.deal(what.node_id, what.number)
            if isinstance(what, (Back, Joined)):
                master.welcome(what.node_id)

    def _send(self, weather: Weather, deliver: Callable[[], object]) -> None:
        if weather.is_down or self.random.random() < weather.loss:
            return
        for _ in range(2 if self.random.random() < weather.repeats else 1):
            self._number += 1
            due_s = self.now_s + self.random.random() * weather.delay_s
            heapq.heappush(self._queue, (due_s, self._number, deliver))
