"""The test that a master runs, and the master itself, as the pieces see them that its runner is made of."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from gevent import Greenlet
from gevent.pool import Group

from gregaria.cluster.journal import Notes
from gregaria.cluster.roster import WorkerNode
from gregaria.events import EventHook
from gregaria.stats.failures import ExceptionTable
from gregaria.stats.table import RequestStats

__all__ = ["Master", "RunningTest"]


@dataclass(slots=True)
class RunningTest:
    """The current or last test of a master.

    Attributes:
        run: its name among master and workers; None before the first one.
        generation: how often its statistics have begun anew.
        options: what workers are told in it of the command's options; None until one is.
        is_over: it has come to its end.
        stopped: ids of workers that have said that it has ended there.
        settled: ids of workers of Locust's that have reported since they said so.
        notes: sentences that belong beside the figures.
        continued: what a master before this one has written down of it, until it is gone on with; None for a new one.
    """

    run: str | None = None
    generation: int = 0
    options: dict[str, Any] | None = None
    is_over: bool = False
    stopped: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    continued: Notes | None = None


class Master(Protocol):
    """The runner, as its pieces see it."""

    environment: Any
    dispatcher: Any
    greenlet: Group
    exceptions: ExceptionTable
    iterations: int | None
    target_user_count: int
    target_user_classes_count: dict[str, int]
    spawn_rate: float
    spawning_greenlet: Greenlet | None
    test_started_epoch_s: float | None
    worker_cpu_warning_emitted: bool

    @property
    def stats(self) -> RequestStats: ...

    @property
    def is_testing(self) -> bool:
        """Whether a test runs, or is about to end."""

    @property
    def is_ending(self) -> bool:
        """Whether the test, or all work, is about to end."""

    def fire(self, event: EventHook, **arguments: Any) -> None:
        """Tell listeners."""

    def stop_test(self, reason: str) -> None:
        """End the test."""

    def give_up(self, reason: str, exit_code: int) -> None:
        """End the test, as it cannot go on."""

    def finish_iterations(self) -> None:
        """All of them have been begun: the test is over when the users are."""

    def user_gone(self, class_name: str, node_id: str) -> None:
        """A user of a worker has ended for good."""

    def note_unhandled(self, node: WorkerNode, told: object) -> None:
        """A worker has told how many exceptions have escaped its listeners and greenlets."""

    def deliver(self, kind: str, data: Any, node_id: str) -> None:
        """A message of a worker's has come."""
