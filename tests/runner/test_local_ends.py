"""Ends that come from where nobody expects them: each moment is told once, and the run ends."""

from typing import Any

import gevent
import pytest
from gevent import GreenletExit
from gevent.threadpool import ThreadPool

from gregaria.errors import CommandError, StopTest
from gregaria.events import Events
from gregaria.users.declare import task
from gregaria.users.user import User
from tests.runner.conftest import Eventually, MakeRunner
from tests.runner.crowd import Idler

TOLD = ["test_start", "test_stopping", "test_stop"]


def note_moments(runner: Any) -> list[str]:
    moments: list[str] = []
    for name in TOLD:
        getattr(runner.environment.events, name).add_listener(lambda name=name, **_: moments.append(name))
    return moments


def raising(error: type[BaseException]) -> Any:
    def listener(**_: Any) -> None:
        raise error

    return listener


@pytest.mark.parametrize("moment", [*TOLD, "spawning_complete"])
def test_a_listener_whose_client_is_closed_does_not_keep_the_run_from_ending(
    make_runner: MakeRunner, eventually: Eventually, moment: str
) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    getattr(runner.environment.events, moment).add_listener(raising(GreenletExit))
    runner.start(2, 1000)
    eventually(lambda: runner.state == "running")
    runner.quit()
    assert runner.greenlet.join(timeout=5)
    assert (moments, runner.user_count) == (TOLD, 0)


@pytest.mark.parametrize("moment", ["test_stopping", "test_stop"])
def test_a_listener_of_the_end_that_exits_does_so_when_the_end_is_complete(
    make_runner: MakeRunner, moment: str
) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    getattr(runner.environment.events, moment).add_listener(raising(SystemExit))
    runner.start(2, 1000, wait=True)
    with pytest.raises(SystemExit):
        runner.quit()
    assert runner.greenlet.join(timeout=5)
    assert (moments, runner.user_count, runner.state) == (TOLD, 0, "stopped")


def test_stop_test_in_a_listener_of_the_monitor_ends_the_test(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.start(1, 1000, wait=True)
    runner.environment.events.usage_monitor.add_listener(raising(StopTest))
    runner.fire(runner.environment.events.usage_monitor)
    assert runner.greenlet.join(timeout=5)
    assert runner.state == "stopped"


def test_an_exception_counts_though_a_listener_that_came_first_ends_the_test(make_runner: MakeRunner) -> None:
    class Failing(User):
        @task
        def fail(self) -> None:
            raise IndexError("no seat")

    events = Events()
    events.user_error.add_listener(raising(StopTest))
    runner = make_runner(Failing, events=events)
    runner.start(1, 1000)
    assert runner.greenlet.join(timeout=5)
    assert [error["count"] for error in runner.exceptions.values()] == [1]


def test_a_test_that_cannot_begin_tells_nobody_of_its_end(make_runner: MakeRunner) -> None:
    class Untagged(User):
        @task
        def nothing(self) -> None: ...

    runner = make_runner(Untagged, tags=["nowhere"])
    moments = note_moments(runner)
    with pytest.raises(CommandError, match="nowhere"):
        runner.start(1, 1)
    runner.quit()
    assert (moments, runner.state) == ([], "ready")


def test_another_thread_can_quit_the_run(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    runner.start(2, 1000, wait=True)
    pool = ThreadPool(1)
    pool.spawn(runner.quit).get(timeout=5)
    assert runner.greenlet.join(timeout=5)
    pool.kill()
    assert (moments, runner.user_count) == (TOLD, 0)


def test_a_user_that_exits_in_its_on_stop_lets_the_others_end(make_runner: MakeRunner) -> None:
    ended: list[User] = []

    class Leaver(Idler):
        def on_stop(self) -> None:
            ended.append(self)
            raise SystemExit(3)

    runner = make_runner(Leaver)
    runner.start(3, 1000, wait=True)
    gevent.sleep(0)
    runner.quit()
    assert (len(ended), runner.environment.process_exit_code) == (3, 3)
