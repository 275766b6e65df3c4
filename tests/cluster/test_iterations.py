"""``--iterations`` over workers: exactly so many, whoever comes and leaves; of a lost worker's as many as are known."""

import random
from collections import deque
from typing import Any

import pytest

from gregaria.cluster.iterations import Iterations, Share


class Worker:
    """A worker, and what is on its way to and from the master: in order, and each once."""

    def __init__(self, name: str, speed: int) -> None:
        self.name = name
        self.speed = speed
        self.up: deque[dict[str, Any]] = deque()
        self.down: deque[dict[str, Any]] = deque()
        self.share = Share(self.up.append, lambda: None)
        self.begun = 0
        self.is_cut = False


class Simulation:
    """A master and workers whose messages take their time."""

    def __init__(self, total: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.pool = Iterations()
        self.pool.begin("run", total)
        self.workers: dict[str, Worker] = {}
        self.left = 0

    def join(self, name: str, speed: int) -> Worker:
        worker = self.workers[name] = Worker(name, speed)
        worker.share.begin("run")
        return worker

    def tell(self, told: list[tuple[str, dict[str, Any]]]) -> None:
        for name, payload in told:
            if name in self.workers:
                self.workers[name].down.append(payload)

    def leave(self, name: str) -> None:
        """It says what it has begun, and goodbye."""
        worker = self.workers.pop(name)
        worker.share.tell()
        for said in worker.up:
            self.tell(self.pool.hear(name, said))
        self.tell(self.pool.lost(name))
        self.left += worker.begun

    def step(self) -> None:
        for worker in self.workers.values():
            for _ in range(self.random.randrange(worker.speed)):
                worker.begun += worker.share.take()
            if worker.is_cut:
                continue
            if worker.up and self.random.random() < 0.5:
                self.tell(self.pool.hear(worker.name, worker.up.popleft()))
            if worker.down and self.random.random() < 0.5:
                worker.share.answer(worker.down.popleft())

    def run(self, steps: int = 5000) -> int:
        for _ in range(steps):
            if all(worker.share.is_over for worker in self.workers.values()):
                break
            self.step()
        assert all(worker.share.is_over for worker in self.workers.values())
        return self.begun

    @property
    def begun(self) -> int:
        return self.left + sum(worker.begun for worker in self.workers.values())


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("total", [1, 7, 1000])
def test_exactly_so_many_are_begun_though_one_worker_comes_late_and_another_leaves(total: int, seed: int) -> None:
    simulation = Simulation(total, seed)
    simulation.join("a", speed=5)
    simulation.join("b", speed=20)
    for _ in range(20):
        simulation.step()
    simulation.join("late", speed=10)
    for _ in range(20):
        simulation.step()
    simulation.leave("b")
    assert simulation.run() == total
    assert simulation.pool.is_over


def test_a_worker_whose_users_have_gone_sits_on_nothing() -> None:
    simulation = Simulation(1000, 1)
    for name in ("a", "b", "c"):
        simulation.join(name, speed=10)
    for _ in range(20):
        simulation.step()
    simulation.workers["b"].speed = simulation.workers["c"].speed = 1
    assert simulation.run() == 1000


def test_what_a_lost_worker_has_not_begun_as_far_as_is_known_is_begun_by_others() -> None:
    simulation = Simulation(1000, 1)
    for name in ("a", "b", "c"):
        simulation.join(name, speed=10)
    for _ in range(20):
        simulation.step()
    lost = simulation.workers["b"]
    lost.is_cut = True
    untold = lost.begun - simulation.pool.snapshot()["b"][1]
    simulation.tell(simulation.pool.lost("b"))
    del simulation.workers["b"]
    simulation.left = lost.begun
    assert simulation.run() == 1000 + untold


@pytest.mark.parametrize("seed", range(10))
def test_a_worker_that_is_back_begins_no_more_than_its_new_limit(seed: int) -> None:
    simulation = Simulation(1000, seed)
    for name in ("a", "b", "c"):
        simulation.join(name, speed=10)
    for _ in range(20):
        simulation.step()
    cut = simulation.workers["b"]
    cut.is_cut, cut.speed = True, 1
    simulation.tell(simulation.pool.lost("b"))
    for _ in range(20):
        simulation.step()
    simulation.tell(simulation.pool.back("b"))
    while cut.down:
        # What was on its way when it was cut comes first, and then what holds; its users have been held until now.
        cut.share.answer(cut.down.popleft())
    cut.is_cut, cut.speed = False, 10
    assert simulation.run() == 1000


def test_another_master_goes_on_with_what_workers_say_that_they_have() -> None:
    simulation = Simulation(1000, 3)
    for name in ("a", "b"):
        simulation.join(name, speed=10)
    for _ in range(15):
        simulation.step()
    notes = simulation.pool.snapshot()
    for _ in range(15):
        simulation.step()
    simulation.pool = Iterations()
    simulation.pool.restore("run", notes)
    for worker in simulation.workers.values():
        worker.up.clear()
        worker.down.clear()
        worker.share.resume()
    for worker in simulation.workers.values():
        while worker.up:
            simulation.tell(simulation.pool.hear(worker.name, worker.up.popleft()))
    simulation.tell(simulation.pool.go_on(1000, simulation.workers))
    assert simulation.run() == 1000


@pytest.mark.parametrize("said", [{}, {"begun": "many", "want": -1}, {"begun": 5}, {"want": None}, {"want": 10**30}])
def test_whatever_a_worker_says_nobody_gets_more_than_there_are(said: dict[str, Any]) -> None:
    pool = Iterations()
    pool.begin("run", 10)
    pool.hear("a", {"run": "run", **said})
    pool.hear("b", {"run": "run", "want": 100})
    pool.hear("b", {"run": "another", "want": 100})
    assert sum(limit for limit, _ in pool.snapshot().values()) <= 10
