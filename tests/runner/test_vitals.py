import gc
import os
import sys
from dataclasses import replace

import psutil
import pytest

from gregaria.runner.vitals import Collections, ProcessGauge, Reading, RunQueue, Vitals
from gregaria.settings import settings
from gregaria.stats.generator import Cause, Generator, HoldUp, Second
from gregaria.stats.generator_log import GeneratorLog
from tests.support.clock import JumpingClock

READING = Reading(42.0, 80.0, 60.0, 5_000, 50_000_000, 12, 1024)


class Gauge:
    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> Reading:
        self.reads += 1
        return replace(READING, memory_bytes=self.reads)


class Watch:
    def __init__(self) -> None:
        self.is_busy = False
        self.untold: list[Cause] = []
        self.worst_us = 0
        self.loads: list[HoldUp | None] = []

    def take_worst_us(self) -> int:
        worst_us, self.worst_us = self.worst_us, 0
        return worst_us

    def take_loads(self) -> list[HoldUp | None]:
        loads, self.loads = self.loads, []
        return loads


class Watched:
    """Vitals on a clock that jumps."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.clock = JumpingClock(now_s)
        self.log = GeneratorLog()
        self.watch = Watch()
        self.collections = Collections()
        self.gauge = Gauge()
        self.vitals = Vitals(self.log, self.watch, self.collections, self.gauge, self.clock)

    def found(self) -> Generator:
        found = self.log.freeze(0, None)
        assert found is not None
        return found

    def seconds(self) -> tuple[Second, ...]:
        return self.found().seconds


def test_each_second_of_the_clock_has_a_line() -> None:
    watched = Watched(1000.7)
    pauses: list[float] = []

    class EnoughError(Exception): ...

    def sleep(pause_s: float) -> None:
        if len(pauses) == 3:
            raise EnoughError
        pauses.append(round(pause_s, 3))
        watched.clock.advance(pause_s)
        watched.watch.worst_us = 1000 * len(pauses)

    with pytest.raises(EnoughError):
        watched.vitals.run(sleep)
    assert pauses == [0.301, 1.0, 1.0]
    assert [(each.epoch_s, each.number, each.delay_us) for each in watched.seconds()] == [
        (1000, 1, 1000),
        (1001, 2, 2000),
        (1002, 3, 3000),
    ]
    (first, *_) = watched.seconds()
    assert (first.cpu_percent, first.core_percent, first.machine_percent) == (42.0, 80.0, 60.0)
    assert (first.starved_us, first.descriptors, first.descriptor_limit) == (5_000, 12, 1024)


def test_seconds_in_which_the_loop_stood_still_are_told_afterwards_as_late_ones() -> None:
    watched = Watched()
    watched.clock.advance(3.4)
    watched.log.add_late(1001.1, 1003.4, 2_300_000)
    watched.vitals.take()
    watched.clock.advance(0.7)
    watched.vitals.take()
    assert [(each.epoch_s, each.is_late, each.delay_us) for each in watched.seconds()] == [
        (1000, False, 0),
        (1001, True, 2_300_000),
        (1002, True, 2_300_000),
        (1003, True, 2_300_000),
    ]


def test_what_garbage_collection_took_is_counted_once() -> None:
    watched = Watched()
    for pauses in ([3_000, 5_000], [], [1_000]):
        for pause_us in pauses:
            watched.collections.count += 1
            watched.collections.total_us += pause_us
            watched.collections.longest_us = max(watched.collections.longest_us, pause_us)
        watched.clock.advance(1)
        watched.vitals.take()
    told = [(each.collections, each.collecting_us, each.longest_collection_us) for each in watched.seconds()]
    assert told == [(2, 8_000, 5_000), (0, 0, 0), (1, 1_000, 1_000)]


def test_a_process_that_cannot_be_looked_at_has_the_figures_of_the_last_look() -> None:
    watched = Watched()
    readings: list[Reading | OSError] = [
        OSError(24, "Too many open files"),
        READING,
        OSError(24, "Too many open files"),
    ]

    def read() -> Reading:
        found = readings.pop(0)
        if isinstance(found, OSError):
            raise found
        return found

    watched.gauge.read = read  # type: ignore[method-assign]
    for _ in range(3):
        watched.clock.advance(1)
        watched.vitals.take()
    # The first second is told with the second look.
    assert [second.epoch_s for second in watched.seconds()] == [1000, 1001, 1002]
    assert {second.memory_bytes for second in watched.seconds()} == {READING.memory_bytes}


def test_the_second_that_has_begun_is_told_at_the_end_only() -> None:
    watched = Watched(1000.2)
    watched.clock.advance(0.3)
    watched.vitals.take()
    assert watched.log.is_empty
    watched.vitals.take(is_last=True)
    assert [each.epoch_s for each in watched.seconds()] == [1000]


@pytest.mark.parametrize("jump_s", [-5000.0, 5000.0])
def test_a_clock_that_is_set_makes_neither_hours_of_lines_nor_none(jump_s: float) -> None:
    watched = Watched()
    watched.clock.advance(jump_s)
    watched.vitals.take()
    watched.clock.advance(1)
    watched.vitals.take()
    assert [each.epoch_s for each in watched.seconds()] == [999 + jump_s, 1000 + jump_s]


def test_a_process_near_the_limit_is_looked_at_and_what_was_seen_is_kept() -> None:
    watched = Watched()
    settings.cpu_warning_threshold = 40
    watched.watch.loads = [HoldUp("task", "task Visitor.buy"), None]
    watched.clock.advance(1)
    watched.vitals.take()
    assert watched.watch.is_busy
    assert [(load.who, load.share) for load in watched.found().loads] == [("task Visitor.buy", 0.5)]
    settings.cpu_warning_threshold = 50
    watched.clock.advance(1)
    watched.vitals.take()
    assert not watched.watch.is_busy


def test_the_first_hold_up_of_each_kind_is_logged_and_not_without_end(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    for number in range(30):
        watched.watch.untold.append(Cause(HoldUp("task", f"task V.t{number}", "Do less."), 1, 70_000, 70_000))
        watched.clock.advance(1)
        watched.vitals.take()
    assert len(caplog.records) == 10
    assert caplog.messages[0] == "Task V.t0 held up all users for 70 ms. Do less."


def test_collections_of_garbage_are_timed_until_it_stops() -> None:
    collections = Collections()
    before = list(gc.callbacks)
    collections.start()
    gc.collect()
    collections.stop()
    assert gc.callbacks == before
    assert collections.count >= 1
    assert 0 < collections.longest_us <= collections.total_us
    collections.stop()


def test_the_gauge_reads_this_process() -> None:
    queue = RunQueue()
    gauge = ProcessGauge(queue)
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    first = gauge.read()
    for file in files:
        os.close(file)
    sum(range(1_000_000))
    queue.close()
    assert first.memory_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert 0 <= first.machine_percent <= first.core_percent <= 100
    assert first.descriptors is None or first.descriptors >= 20
    if sys.platform != "win32":
        import resource

        assert first.descriptor_limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert gauge.read().starved_us is None, "a queue that was closed tells nothing"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_waiting_for_a_core_is_known_and_only_grows() -> None:
    queue = RunQueue()
    before, after = queue.waited_us(), queue.waited_us()
    queue.close()
    queue.close()
    assert before is not None
    assert after is not None
    assert 0 <= before <= after
