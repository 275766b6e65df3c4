"""Shares of a cap on requests: what workers use decides, and all together never have more than there is."""

import random
from collections import deque
from typing import Any

import pytest

from gregaria.cluster.cap import CapShare, Shares
from gregaria.engine.throttle import Throttle

CAP = 900.0


class Simulated:
    """A worker whose users want ``demand`` requests a second, and the two ways of its messages."""

    def __init__(self, name: str, demand: float) -> None:
        self.name = name
        self.demand = demand
        self.throttle = Throttle()
        self.to_master: deque[dict[str, Any]] = deque()
        self.to_worker: deque[dict[str, Any]] = deque()
        self.share = CapShare(self.to_master.append, self.throttle)

    @property
    def rate(self) -> float:
        return self.throttle.rate or 0.0

    def tell(self) -> None:
        self.share.tell()
        # What the throttle would have counted in a second.
        self.to_master[-1] |= {"used": min(self.demand, self.rate), "waits": self.demand > self.rate}


class Simulation:
    """A master and workers; messages take as long as chance has it."""

    def __init__(self, *demands: float, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.shares = Shares()
        self.shares.begin("run", CAP)
        self.workers: dict[str, Simulated] = {}
        for demand in demands:
            self.add(demand)

    def add(self, demand: float) -> Simulated:
        worker = Simulated(f"worker {len(self.workers)}", demand)
        self.workers[worker.name] = worker
        worker.share.begin("run", CAP, None)
        return worker

    def deliver(self, part: float = 1.0) -> None:
        """Have that part of the messages arrive, those of each way in order."""
        for worker in self.workers.values():
            while worker.to_master and self.random.random() < part:
                self.send(self.shares.hear(worker.name, worker.to_master.popleft(), len(self.workers)))
            while worker.to_worker and self.random.random() < part:
                worker.share.answer(worker.to_worker.popleft())
                self.check()

    def send(self, told: list[tuple[str, dict[str, Any]]]) -> None:
        for name, payload in told:
            if name in self.workers:
                self.workers[name].to_worker.append(payload)

    def check(self) -> None:
        assert sum(worker.rate for worker in self.workers.values()) <= CAP + 1e-6

    def run(self, seconds: int, part: float = 1.0) -> None:
        for _ in range(seconds):
            for worker in self.workers.values():
                worker.tell()
            self.deliver(part)
            self.send(self.shares.share_out(len(self.workers)))
            self.deliver(part)
            self.check()

    @property
    def used(self) -> float:
        return sum(min(worker.demand, worker.rate) for worker in self.workers.values())


def test_nobody_starts_anything_before_it_has_a_share_and_the_first_gets_no_more_than_its_part() -> None:
    simulation = Simulation(1000, 1000, 1000)
    first, *others = simulation.workers.values()
    assert first.throttle.rate == 0
    simulation.send(simulation.shares.hear(first.name, first.to_master.popleft(), 3))
    simulation.deliver()
    assert first.rate == pytest.approx(CAP / 3)
    assert [worker.rate for worker in others] == pytest.approx([CAP / 3] * 2)


@pytest.mark.parametrize(
    ("demands", "rates"),
    [
        ((1000, 1000, 1000), (300, 300, 300)),
        ((10, 1000, 1000), (10, 445, 445)),
        ((10, 10, 1000), (10, 10, 880)),
        ((0, 0, 1000), (0, 0, 900)),
        ((100, 400, 1000), (100, 400, 400)),
    ],
)
def test_what_one_does_not_use_another_gets(demands: tuple[float, ...], rates: tuple[float, ...]) -> None:
    simulation = Simulation(*demands)
    simulation.run(10)
    used = [min(worker.demand, worker.rate) for worker in simulation.workers.values()]
    assert used == pytest.approx(rates, abs=CAP * 0.05)
    assert simulation.used >= min(sum(demands), CAP) * 0.95


def test_one_that_comes_gets_its_part_and_one_that_is_gone_leaves_its_own() -> None:
    simulation = Simulation(1000, 1000)
    simulation.run(5)
    third = simulation.add(1000)
    simulation.run(5)
    assert third.rate == pytest.approx(CAP / 3, rel=0.05)
    del simulation.workers[third.name]
    simulation.shares.lost(third.name)
    simulation.run(5)
    assert simulation.used == pytest.approx(CAP, rel=0.02)


def test_one_that_was_lost_has_nothing_when_it_is_back_whatever_was_under_way() -> None:
    simulation = Simulation(1000, 10)
    simulation.run(5)
    lost, other = simulation.workers.values()
    other.demand = 1000
    lost.to_worker.append({"run": "run", "epoch": 1, "number": 99, "rate": CAP})
    lost.share.let_go()
    simulation.shares.lost(lost.name)
    simulation.run(1)
    assert lost.rate <= CAP / 2
    simulation.run(5)
    assert [lost.rate, other.rate] == pytest.approx([CAP / 2, CAP / 2], rel=0.05)


@pytest.mark.parametrize("seed", range(20))
def test_all_together_never_have_more_whatever_comes_late(seed: int) -> None:
    chance = random.Random(seed)
    simulation = Simulation(*(chance.choice((0, 50, 400, 2000)) for _ in range(4)), seed=seed)
    for _ in range(60):
        for worker in simulation.workers.values():
            if chance.random() < 0.2:
                worker.demand = chance.choice((0, 50, 400, 2000))
            if chance.random() < 0.03:
                worker.share.let_go()
                simulation.shares.lost(worker.name)
        simulation.run(1, part=0.6)
    simulation.run(15)
    wanted = min(sum(worker.demand for worker in simulation.workers.values()), CAP)
    assert simulation.used >= wanted * 0.93


def test_what_another_test_has_said_means_nothing() -> None:
    simulation = Simulation(1000)
    simulation.run(3)
    [worker] = simulation.workers.values()
    assert simulation.shares.hear(worker.name, {"run": "before", "epoch": 5, "rate": 0.0, "used": 0.0}, 1) == []
    worker.share.answer({"run": "before", "epoch": 1, "number": 9, "rate": 5.0})
    assert worker.rate == pytest.approx(CAP)


def test_without_a_cap_of_all_workers_one_keeps_its_own() -> None:
    said: list[object] = []
    throttle = Throttle()
    share = CapShare(said.append, throttle)
    share.begin("run", None, 7.0)
    share.tell()
    share.let_go()
    assert (throttle.rate, said) == (7.0, [])
    share.begin("next", None, None)
    assert throttle.rate is None


def test_a_test_that_goes_on_gets_a_cap_has_it_moved_and_lifted() -> None:
    simulation = Simulation(1000, 1000)
    simulation.run(3)
    simulation.shares.begin("run", CAP / 3)
    # Nobody has to begin anew for that: each is told of less, and then it counts.
    for worker in simulation.workers.values():
        worker.share.follow("run", CAP / 3, None)
    simulation.run(3)
    assert [worker.rate for worker in simulation.workers.values()] == pytest.approx([CAP / 6] * 2, rel=0.05)
    simulation.shares.begin("run", None)
    for worker in simulation.workers.values():
        worker.share.follow("run", None, 7.0)
        worker.share.tell()
    simulation.deliver()
    assert [worker.throttle.rate for worker in simulation.workers.values()] == [7.0, 7.0]
    simulation.shares.begin("run", CAP)
    for worker in simulation.workers.values():
        worker.share.follow("run", CAP, 7.0)
        assert worker.throttle.rate == 0
    simulation.run(3)
    assert [worker.rate for worker in simulation.workers.values()] == pytest.approx([CAP / 2] * 2, rel=0.05)
