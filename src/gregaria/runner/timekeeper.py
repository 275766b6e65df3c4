"""Tells the timeline of a test each second that it has passed, and what has happened in it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import gevent
from gevent import Greenlet

from gregaria.runner.beat import next_beat_s
from gregaria.runner.state import STATE_MISSING
from gregaria.settings import settings
from gregaria.stats.generator_log import GeneratorLog
from gregaria.stats.timeline import Timeline

#: seconds between two ticks
_TICK_S = 1.0


class Observed(Protocol):
    """The runner, as its timekeeper sees it."""

    cpu_warning_emitted: bool

    @property
    def user_count(self) -> int:
        """How many users there are right now."""

    @property
    def workers(self) -> Sequence[Any]:
        """The workers of a master."""


class Timekeeper:
    """Ticks from the moment it is made until ``stop``.

    Args:
        timeline: of the test that begins.
        generator: what the generator observes about itself.
        runner: whose users are counted, and whose workers come and go.
        at_s: the part of each second of the clock at which to tick; None for whole seconds from now.
    """

    def __init__(
        self, timeline: Timeline, generator: GeneratorLog, runner: Observed, at_s: float | None = None
    ) -> None:
        self._timeline = timeline
        self._generator = generator
        self._runner = runner
        self._num_late = generator.num_late_seconds
        self._num_causes = len(generator.causes)
        self._workers = _present(runner.workers)
        self._warned: set[str] = set()
        self._at_s = timeline.now_epoch_s if at_s is None else at_s
        self._greenlet: Greenlet = gevent.spawn(self._run)

    def stop(self, user_count: int) -> None:
        """Keep what there is of the last second, in which there were so many users, and end."""
        self._greenlet.kill(block=False)
        self._tick(user_count)

    def _run(self) -> None:
        # The first block is half a second at least.
        last_s = self._timeline.now_epoch_s + _TICK_S / 2
        while True:
            due_s = next_beat_s(max(last_s, self._timeline.now_epoch_s), _TICK_S, self._at_s)
            gevent.sleep(max(due_s - self._timeline.now_epoch_s, 0))
            self._tick(self._runner.user_count)
            last_s = due_s

    def _tick(self, user_count: int) -> None:
        num_late, self._num_late = self._num_late, self._generator.num_late_seconds
        # Fewer than before: the statistics have been cleared.
        late_seconds = max(self._num_late - num_late, 0)
        self._timeline.tick(self._timeline.now_epoch_s, user_count, late_seconds)
        self._mark_causes()
        self._mark_workers()
        self._mark_busy()

    def _mark_causes(self) -> None:
        causes = self._generator.causes
        for cause in causes[self._num_causes :]:
            self._timeline.mark("warning", cause.sentence)
        self._num_causes = len(causes)

    def _mark_workers(self) -> None:
        before, self._workers = self._workers, _present(self._runner.workers)
        for worker in _not_in(before, self._workers):
            self._timeline.mark("worker", f"{worker} has come")
        for worker in _not_in(self._workers, before):
            self._timeline.mark("worker", f"{worker} is gone")

    def _mark_busy(self) -> None:
        busy = {_name_of(node) for node in self._runner.workers if node.cpu_warning_emitted}
        if self._runner.cpu_warning_emitted:
            busy.add("this process")
        for who in _not_in(self._warned, sorted(busy)):
            self._timeline.mark("warning", f"{who} uses more than {settings.cpu_warning_threshold:g} % of a core")
        self._warned |= busy


def _present(workers: Sequence[Any]) -> list[str]:
    return [_name_of(node) for node in workers if node.state != STATE_MISSING]


def _name_of(node: Any) -> str:
    return f"worker {node.index} ({node.host})"


def _not_in(known: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if name not in known)
