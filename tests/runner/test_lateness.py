"""With real threads and a real event loop: who holds it up is named."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import monkey

from gregaria.engine import clock
from gregaria.runner.lateness import Lateness
from gregaria.runner.vitals import Collections, RunQueue
from gregaria.settings import settings
from gregaria.stats.generator import Cause
from gregaria.stats.generator_log import GeneratorLog
from tests.support.clock import JumpingClock

HERE = Path(__file__).name
really_sleep = monkey.get_original("time", "sleep")


class Starved(RunQueue):
    """A queue that says what it is told."""

    def __init__(self) -> None:
        self.us = 0

    def waited_us(self) -> int:
        return self.us

    def close(self) -> None: ...


class Watched:
    def __init__(self) -> None:
        self.log = GeneratorLog()
        self.collections = Collections()
        self.queue = Starved()
        self.lateness = Lateness(self.log, self.collections, self.queue)

    def causes(self) -> tuple[Cause, ...]:
        found = self.log.freeze(0, None)
        return found.causes if found is not None else ()


@pytest.fixture
def watched() -> Iterator[Watched]:
    """The loop of this thread, watched and turning."""
    watched = Watched()
    watched.collections.start()
    watched.lateness.start()
    gevent.sleep(0.05)
    watched.log.clear()
    yield watched
    watched.lateness.stop()
    watched.collections.stop()


def compute(for_s: float) -> int:
    until, count = time.perf_counter() + for_s, 0
    while time.perf_counter() < until:
        count += 1
    return count


def hold_up(watched: Watched, work: Callable[[], Any]) -> Cause:
    """Let ``work`` run in a greenlet, and the loop turn again; the hold-up it was."""
    gevent.spawn(work).join()
    gevent.sleep(0.1)
    return next(cause for cause in watched.causes() if cause.what.kind != "machine")


def test_code_that_computes_is_named_with_its_line_and_how_long_it_took(watched: Watched) -> None:
    cause = hold_up(watched, lambda: compute(0.3))
    assert cause.what.kind == "code"
    assert cause.what.name.endswith(", in compute")
    assert cause.what.file.endswith(HERE)
    first = compute.__code__.co_firstlineno
    assert first < cause.what.line <= first + 3
    assert cause.longest_us >= 270_000
    assert "offload" in cause.what.advice


def test_a_call_that_waits_in_c_is_named(watched: Watched) -> None:
    def wait() -> None:
        really_sleep(0.3)

    cause = hold_up(watched, wait)
    assert cause.what.name == "wait"
    assert cause.what.line == wait.__code__.co_firstlineno + 1
    assert cause.longest_us >= 270_000


def test_a_call_that_keeps_pythons_lock_is_named_right_afterwards(watched: Watched) -> None:
    numbers = list(range(3_000_000))

    def sort() -> None:
        for _ in range(4):
            numbers.sort(key=float)
            numbers.reverse()
        sum(numbers * 3)

    cause = hold_up(watched, sort)
    assert cause.what.name == "sort"
    assert cause.what.file.endswith(HERE)


def test_garbage_collection_is_named_with_the_code_that_was_running(watched: Watched) -> None:
    kept = [[number] for number in range(300_000)]
    gevent.sleep(0.05)
    watched.log.clear()

    def collect() -> None:
        until = time.perf_counter() + 0.3
        while time.perf_counter() < until:
            gc.collect()

    cause = hold_up(watched, collect)
    assert cause.what.kind == "garbage"
    assert cause.what.name == "garbage collection during collect"
    assert cause.what.file.endswith(HERE)
    assert len(kept) == 300_000


def test_a_loop_that_turns_is_not_late(watched: Watched) -> None:
    for _ in range(30):
        gevent.sleep(0.01)
    assert watched.lateness.take_worst_us() >= 0
    assert all(cause.what.kind in ("machine", "unknown") for cause in watched.causes())


def test_the_last_hold_up_is_known_even_if_the_loop_has_not_turned_since(watched: Watched) -> None:
    compute(0.2)
    watched.lateness.stop()
    found = watched.log.freeze(0, None)
    assert found is not None
    assert found.longest_delay_us >= 150_000


def test_a_thread_is_gone_when_it_was_stopped_and_stopping_twice_is_no_mistake(watched: Watched) -> None:
    threads = set(sys._current_frames())
    started = time.perf_counter()
    watched.lateness.stop()
    assert time.perf_counter() - started < 1
    really_sleep(0.05)
    assert len(threads - set(sys._current_frames())) >= 1
    watched.lateness.stop()


# What is judged, on a clock that jumps


class Judged(Watched):
    def __init__(self) -> None:
        super().__init__()
        self.clock = JumpingClock(100.0)
        self.lateness = Lateness(
            self.log, self.collections, self.queue, lambda: round(self.clock.now_s * 1e6), lambda: self.clock.now_s
        )

    def tick_after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.lateness.tick()


def test_delays_below_the_limit_are_known_by_the_largest_and_asked_for_once() -> None:
    judged = Judged()
    judged.tick_after(0.0325)
    judged.tick_after(0.0525)
    judged.tick_after(0.0125)
    assert judged.lateness.take_worst_us() == pytest.approx(40_000, abs=2)
    assert judged.lateness.take_worst_us() == 0
    assert judged.log.is_empty


def test_the_seconds_of_a_hold_up_are_late_ones() -> None:
    judged = Judged()
    judged.tick_after(0.8)
    judged.tick_after(1.5)
    assert [judged.log.late_us(second) > 0 for second in range(99, 104)] == [False, True, True, True, False]


@pytest.mark.parametrize("limit_ms, is_late", [(500, False), (450, True)])
def test_the_limit_is_a_setting(limit_ms: float, is_late: bool) -> None:
    settings.late_limit_ms = limit_ms
    judged = Judged()
    judged.tick_after(0.5)
    assert bool(judged.log.late_us(100)) == is_late


def test_garbage_collection_is_named_and_not_whose_turn_it_was() -> None:
    judged = Judged()
    judged.collections.total_us += 120_000
    judged.tick_after(0.2)
    (cause,) = judged.causes()
    assert (cause.what.kind, cause.what.who) == ("garbage", "garbage collection")
    assert "gc.freeze()" in cause.what.advice


def test_a_machine_that_runs_something_else_is_named() -> None:
    judged = Judged()
    judged.queue.us += 170_000
    judged.tick_after(0.2)
    (cause,) = judged.causes()
    assert cause.what.kind == "machine"
    # more than half of the time, but what remains is too much by itself
    judged.queue.us += 270_000
    judged.tick_after(0.5)
    assert {cause.what.kind for cause in judged.causes()} == {"machine", "unknown"}


def test_a_hold_up_of_each_kind_is_to_be_told_once() -> None:
    judged = Judged()
    judged.tick_after(0.2)
    judged.tick_after(0.2)
    (told,) = judged.lateness.untold
    assert told.count == 1


# Whole processes

BUSY_AT_EXIT = """
import gevent, os, sys
from gregaria.runner.selfwatch import SelfWatch
from gregaria.stats.generator_log import GeneratorLog
{patch}
watch = SelfWatch(GeneratorLog())
gevent.sleep(0.1)
{end}
"""

FORK = """
child = os.fork()
if not child:
    watch.stop()
    os._exit(3)
gevent.sleep(0.05)
watch.stop()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def mishaps(told: str) -> list[str]:
    """What a process has said, but for what it sees of a machine that is busy with other tests."""
    return [line for line in told.splitlines() if "held up all users" not in line]


@pytest.mark.parametrize("patch", ["", "from gevent import monkey; monkey.patch_all()"])
@pytest.mark.parametrize("end, code", [("sys.exit(7)", 7), ("os._exit(4)", 4), ("watch.stop(); sys.exit(5)", 5)])
def test_a_process_that_is_watched_ends_at_once(patch: str, end: str, code: int) -> None:
    script = BUSY_AT_EXIT.format(patch=patch, end=end)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=10)
    assert (done.returncode, mishaps(done.stderr)) == (code, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("patch", ["", "from gevent import monkey; monkey.patch_all()"])
def test_a_child_process_is_not_waiting_for_a_thread_of_its_parent(patch: str) -> None:
    script = BUSY_AT_EXIT.format(patch=patch, end=FORK)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=10)
    assert (done.returncode, mishaps(done.stderr)) == (3, [])


def test_many_tests_one_after_the_other_leave_nothing_behind(make_runner: Any) -> None:
    from gregaria import User, task

    class Visitor(User):
        @task
        def look(self) -> None:
            gevent.sleep(0.001)

    runner = make_runner(Visitor)
    runner.start(1, 100)
    gevent.sleep(0.02)
    runner.stop()
    threads, callbacks = len(sys._current_frames()), len(gc.callbacks)
    descriptors = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for _ in range(5):
        runner.start(1, 100)
        gevent.sleep(0.02)
        runner.stop()
    really_sleep(0.05)
    assert len(sys._current_frames()) <= threads
    assert len(gc.callbacks) == callbacks
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) <= descriptors
    found = runner.stats.generator.freeze(0, None)
    assert found is not None
    assert 1 <= found.seconds_watched <= 2


def test_the_clock_is_the_engines() -> None:
    lateness = Watched().lateness
    assert abs(lateness._now_us() - clock.now_us()) < 1_000_000
