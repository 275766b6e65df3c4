"""What proves that nothing is lost or counted twice must itself notice when one of its three pillars is missing."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gregaria.cluster.channel import Channel
from gregaria.cluster.happenings import Held, Lost
from gregaria.cluster.worker_machine import WorkerMachine
from tests.cluster.simulation import Simulation, Weather


def is_exact() -> bool:
    """Whether the totals of a stormy run agree."""
    simulation = Simulation(11)
    for _ in range(4):
        simulation.add_worker().weather = Weather(loss=0.2, repeats=0.3, delay_s=1.5)
    simulation.run(
        60, lambda: [setattr(worker, "counted", worker.counted + 1) for worker in simulation.workers.values()]
    )
    for worker in simulation.workers.values():
        worker.weather = Weather()
    simulation.run(10)
    return simulation.total == sum(worker.counted for worker in simulation.workers.values())


def is_never_doubled() -> bool:
    """Whether a worker that is cut off has paused before its users are given to others."""
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(3)
    worker.weather.is_down = True
    for _ in range(400):
        simulation.run(0.05)
        has_paused = any(isinstance(what, Held) for what in worker.happened)
        if any(isinstance(what, Lost) for what in simulation.happened):
            return has_paused
    raise AssertionError("a worker that is cut off is never lost")


def without_deduplication(patch: pytest.MonkeyPatch) -> None:
    def receive(self: Channel, first: int, items: Sequence[Any]) -> list[Any]:
        self.received = max(self.received, first + len(items) - 1)
        return list(enumerate(items, first))

    patch.setattr(Channel, "receive", receive)


def without_acknowledgement(patch: pytest.MonkeyPatch) -> None:
    take = Channel.take

    def forget(self: Channel, now_s: float) -> Any:
        taken = take(self, now_s)
        # As if all that was sent had been received.
        self.acknowledge(self._handed_out, self._handed_out)
        return taken

    patch.setattr(Channel, "take", forget)


def without_lease(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WorkerMachine, "_hold", lambda self, reason: None)


def test_it_holds() -> None:
    assert is_exact()
    assert is_never_doubled()


@pytest.mark.parametrize("pillar", [without_deduplication, without_acknowledgement])
def test_the_totals_are_wrong_without(
    pillar: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pillar(monkeypatch)
    assert not is_exact()


def test_load_doubles_without_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    without_lease(monkeypatch)
    assert not is_never_doubled()
