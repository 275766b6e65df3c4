"""Whoever adds up a test tells its timeline each second, and marks what happens."""

from typing import Any

import gevent
import pytest

from gregaria.environment import Environment
from gregaria.runner.shape import LoadTestShape
from gregaria.runner.timekeeper import Timekeeper
from gregaria.stats.generator import HoldUp
from gregaria.stats.table import RequestStats
from gregaria.users.declare import task
from gregaria.users.user import User
from gregaria.users.wait import constant


class Counting(User):
    wait_time = constant(0.01)

    @task
    def count(self) -> None:
        self.environment.stats.log_request("GET", "/", 5, 10)


class Worker:
    def __init__(self, index: int) -> None:
        self.index, self.host, self.state, self.cpu_warning_emitted = index, f"host{index}", "running", False


class Master:
    cpu_warning_emitted = False
    user_count = 3

    def __init__(self) -> None:
        self.workers = [Worker(0), Worker(1)]


def marks(stats: RequestStats) -> list[tuple[str, str]]:
    """All of them, but for those of a machine that has much else to do."""
    return [
        (mark.kind, mark.text)
        for mark in stats.timeline.marks
        if not mark.text.lower().startswith("other programs on this machine")
    ]


def test_a_run_is_told_from_its_start_to_its_last_request() -> None:
    environment = Environment(user_classes=[Counting])
    runner = environment.create_local_runner()
    runner.start(4, 10)
    gevent.sleep(2.3)
    runner.start(6, 10)
    gevent.sleep(0.5)
    # What listeners count when the test is over belongs to it, too.
    environment.events.test_stop.add_listener(lambda **_: environment.stats.log_request("GET", "/last", 5, 10))
    runner.quit()
    timeline, stats = environment.stats.timeline, environment.stats
    points = timeline.points()
    assert len(points) == 3
    assert sum(point.requests for point in points) == stats.num_requests
    assert sum(point.length_s for point in points) == pytest.approx(2.8, abs=0.4)
    assert timeline.started_epoch_s == pytest.approx(runner.test_started_epoch_s, abs=0.001)
    # Of the last second, too: when it is taken they are gone.
    assert [point.user_count for point in points] == [4, 4, 6]
    assert marks(stats)[0] == ("start", "4 users, 10 per second")
    assert ("edit", "6 users, 10 per second") in marks(stats)
    assert marks(stats)[-1] == ("stop", "it was stopped")


def test_the_next_test_begins_a_timeline_of_its_own() -> None:
    environment = Environment(user_classes=[Counting])
    runner = environment.create_local_runner()
    for _ in range(2):
        runner.start(1, 10)
        gevent.sleep(0.2)
        runner.stop()
        assert sum(point.requests for point in environment.stats.timeline.points()) == environment.stats.num_requests
        kinds = [kind for kind, _ in marks(environment.stats)]
        assert (kinds[0], kinds.count("start"), kinds.count("stop")) == ("start", 1, 1)
    runner.quit()


def test_figures_that_begin_anew_when_all_users_are_there_begin_a_timeline_anew() -> None:
    environment = Environment(user_classes=[Counting], reset_stats=True)
    runner = environment.create_local_runner()
    runner.start(3, 3)
    gevent.sleep(1.6)
    runner.quit()
    assert sum(point.requests for point in environment.stats.timeline.points()) == environment.stats.num_requests
    assert marks(environment.stats)[0] == ("reset", "the statistics begin anew")


def test_what_a_shape_wants_is_a_stage() -> None:
    class Steps(LoadTestShape):
        def tick(self) -> Any:
            return (2, 10) if self.get_run_time() < 1 else (4, 10)

    environment = Environment(user_classes=[Counting], shape_class=Steps())
    runner = environment.create_local_runner()
    runner.start_shape()
    gevent.sleep(1.3)
    runner.quit()
    assert marks(environment.stats)[:3] == [
        ("start", "following the shape Steps"),
        ("stage", "2 users, 10 per second"),
        ("stage", "4 users, 10 per second"),
    ]


def test_workers_that_come_and_go_and_a_generator_that_is_held_up_are_marked() -> None:
    stats, master = RequestStats(), Master()
    stats.timeline.begin(stats.timeline.now_epoch_s)
    keeper = Timekeeper(stats.timeline, stats.generator, master)
    master.workers[0].state = "missing"
    master.workers.append(Worker(2))
    master.workers[1].cpu_warning_emitted = master.cpu_warning_emitted = True
    stats.generator.add_late(1_700_000_000.5, 1_700_000_000.9, 70_000)
    stats.generator.add_hold_up(HoldUp("task", "task T.t"), 70_000)
    gevent.sleep(1.1)
    keeper.stop(3)
    assert marks(stats) == [
        ("warning", "task T.t held up all users for 70 ms"),
        ("worker", "worker 2 (host2) has come"),
        ("worker", "worker 0 (host0) is gone"),
        ("warning", "this process uses more than 90 % of a core"),
        ("warning", "worker 1 (host1) uses more than 90 % of a core"),
    ]
    (point,) = stats.timeline.points()
    assert (point.late_seconds, point.user_count) == (1, 3)


def test_a_master_ticks_at_a_moment_of_each_second_of_the_clock() -> None:
    stats, master = RequestStats(), Master()
    began_s = stats.timeline.now_epoch_s
    stats.timeline.begin(began_s)
    # A moment that is so near that the first block would be too short.
    keeper = Timekeeper(stats.timeline, stats.generator, master, (began_s + 0.45) % 1.0)
    stats.log_request("GET", "/", 5, 10)
    gevent.sleep(2.0)
    stats.log_request("GET", "/", 5, 10)
    keeper.stop(3)
    first, *_ = stats.timeline.points()
    assert first.epoch_s + first.length_s == pytest.approx(began_s + 1.45, abs=0.4)
