"""What a worker does, without any master: what happens to it is made up."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import gevent
import pytest

from gregaria.cluster.happenings import Connected, Held, Item, Resumed, Waiting
from gregaria.cluster.wire import WireError
from gregaria.cluster.worker import WorkerRunner
from gregaria.environment import Environment
from gregaria.errors import ExitCode
from gregaria.users.declare import task
from gregaria.users.user import User


class Calm(User):
    @task
    def rest(self) -> None:
        gevent.sleep(0.01)


@pytest.fixture
def worker() -> Iterator[WorkerRunner]:
    # Nobody listens there.
    runner = Environment(user_classes=[Calm]).create_worker_runner("127.0.0.1", 9)
    yield runner
    # So that it waits for no answer to its goodbye.
    runner._happened(Held("the test is over"))
    runner.quit()


def wait_until(is_so: Callable[[], object], timeout_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s
        gevent.sleep(0.01)


def say(worker: WorkerRunner, kind: str, **payload: Any) -> None:
    worker._happened(Item("", 0, kind, payload))


def spawn(worker: WorkerRunner, run: str, generation: int = 0) -> None:
    say(worker, "spawn", run=run, generation=generation, users={"Calm": 2}, spawn_rate=100.0, host=None)


@pytest.mark.parametrize("is_stopped", [True, False])
def test_the_next_test_begins_though_the_one_before_has_not_ended(worker: WorkerRunner, is_stopped: bool) -> None:
    begun: list[str | None] = []
    worker.environment.events.test_start.add_listener(lambda **_: begun.append(worker._run))
    spawn(worker, "first")
    wait_until(lambda: worker.user_count == 2)
    if is_stopped:
        say(worker, "stop", run="first")
    spawn(worker, "second")
    wait_until(lambda: begun == ["first", "second"] and worker.user_count == 2)
    assert worker._is_testing


def test_a_lease_that_ends_before_users_are_there_holds_them(worker: WorkerRunner) -> None:
    worker.environment.events.test_start.add_listener(lambda **_: worker._happened(Held("nobody answers")))
    spawn(worker, "run")
    wait_until(lambda: worker.user_count == 2)
    assert worker._crew.population.is_paused
    worker._happened(Resumed())
    assert not worker._crew.population.is_paused


def test_a_count_that_was_begun_anew_while_it_was_away_is_begun_anew(worker: WorkerRunner) -> None:
    spawn(worker, "run")
    wait_until(lambda: worker.user_count == 2)
    spawn(worker, "run", generation=1)
    wait_until(lambda: worker._generation == 1)


def test_the_first_sign_of_life_is_whole(worker: WorkerRunner) -> None:
    # Its own greenlet has not had a turn yet; Locust's master wants both numbers.
    assert worker._telling.status_now().keys() >= {"state", "current_cpu_usage", "current_memory_usage", "users"}


def test_a_loop_that_was_held_up_for_a_moment_is_told_with_the_delay_of_that_second(worker: WorkerRunner) -> None:
    telling = worker._telling
    assert telling.status_now()["longest_delay_s"] is None
    spawn(worker, "run")
    wait_until(lambda: worker.user_count == 2)
    until_s = time.monotonic() + 0.4
    while time.monotonic() < until_s:
        pass
    wait_until(lambda: (telling.status_now()["longest_delay_s"] or 0) > 0.3)
    # It turns again, so nobody is to be warned.
    assert "loop_delay_s" not in telling.status_now()
    say(worker, "stop", run="run")
    wait_until(lambda: telling.status_now()["longest_delay_s"] is None)


def test_what_has_never_run_is_said_to_have_stopped(worker: WorkerRunner) -> None:
    told: list[Any] = []
    worker._machine.put = lambda *item: told.append(item)  # type: ignore[method-assign]
    say(worker, "stop", run="another")
    wait_until(lambda: ("stopped", {"run": "another", "unhandled": 0}) in told)


def test_a_worker_that_cannot_start_its_users_says_so(worker: WorkerRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    worker.put = lambda *item: told.append(item)  # type: ignore[method-assign]
    monkeypatch.setattr(Calm, "tasks", [])
    spawn(worker, "run")
    wait_until(lambda: "failed" in [kind for kind, _ in told])
    (failed,) = [payload for kind, payload in told if kind == "failed"]
    assert failed["exit_code"] == ExitCode.LOCUSTFILE_BROKEN
    assert "Calm" in failed["reason"]
    say(worker, "stop", run="run")
    assert worker.failure is None


def test_a_worker_that_goes_on_without_a_master_ends_when_it_has_looked_for_one_long_enough() -> None:
    runner = Environment(user_classes=[Calm]).create_worker_runner("127.0.0.1", 9, on_master_loss="continue")
    spawn(runner, "run")
    wait_until(lambda: runner.user_count == 2)
    runner._happened(Held("nobody answers"))
    assert not runner._crew.population.is_paused
    runner._happened(Waiting(300.0, gives_up=True))
    with gevent.Timeout(5):
        runner.greenlet.join()
    assert runner.user_count == 0
    assert runner.failure is not None
    assert runner.failure.exit_code == ExitCode.CLUSTER


def test_a_worker_whose_link_has_failed_ends_with_its_users_and_says_why(worker: WorkerRunner) -> None:
    def fail(now_s: float) -> None:
        raise RuntimeError("it cannot go on")

    spawn(worker, "run")
    wait_until(lambda: worker.user_count == 2)
    worker._machine.tick = fail  # type: ignore[method-assign]
    with gevent.Timeout(5):
        worker.greenlet.join()
    assert worker.user_count == 0
    assert worker.failure is not None
    assert worker.failure.exit_code == ExitCode.CLUSTER
    assert "it cannot go on" in str(worker.failure)


def test_the_end_of_the_test_is_asked_for_when_the_master_is_back(worker: WorkerRunner) -> None:
    told: list[Any] = []
    spawn(worker, "run")
    wait_until(lambda: worker.user_count == 2)
    worker._happened(Held("nobody answers"))
    worker.put = lambda *item: told.append(item)  # type: ignore[method-assign]
    for _ in range(3):
        worker.stop_test("enough")
    assert [kind for kind, _ in told] == ["stop_test"]
    assert worker._ender is None


def test_who_stops_a_worker_asks_for_the_end_of_the_whole_test_and_the_master_ends_it(worker: WorkerRunner) -> None:
    told: list[Any] = []
    worker.put = lambda *item: told.append(item)  # type: ignore[method-assign]
    worker.environment.events.test_stopping.add_listener(lambda environment, **_: environment.runner.stop())
    worker.stop()
    worker._happened(Connected(1, "gregaria", {}, is_new=True))
    spawn(worker, "run")
    wait_until(lambda: worker.user_count == 2)
    worker.stop()
    worker.stop()
    asked = [payload for kind, payload in told if kind == "stop_test"]
    assert asked == [{"reason": "worker 1: runner.stop() was called"}]
    assert worker.user_count == 2
    say(worker, "stop", run="run")
    wait_until(lambda: not worker._is_testing)
    assert [payload for kind, payload in told if kind == "stop_test"] == asked


@pytest.mark.parametrize("dialect", ["locust", None])
def test_who_stops_a_worker_without_a_master_to_ask_ends_its_users(dialect: str | None) -> None:
    runner = Environment(user_classes=[Calm]).create_worker_runner("127.0.0.1", 9, on_master_loss="continue")
    spawn(runner, "run")
    wait_until(lambda: runner.user_count == 2)
    if dialect is not None:
        runner._happened(Connected(0, dialect, {}, is_new=True))
    runner.stop()
    assert runner.user_count == 0
    runner._happened(Held("the test is over"))
    runner.quit()


@pytest.mark.parametrize("value", [object(), print, Decimal(1), 2**70, [2**70], {1: -(2**64)}])
def test_what_cannot_be_shared_is_refused_and_changes_nothing(worker: WorkerRunner, value: Any) -> None:
    shared = worker.environment.shared_data
    shared["key"] = 1
    for key in ("key", "another"):
        with pytest.raises(WireError, match="whole ones of up to 64 bits"):
            shared[key] = value
    assert shared == {"key": 1}
    assert [change["stamp"] for change in shared.whole()] == [[1, worker.client_id]]


@pytest.mark.parametrize("key", [("a", 1), frozenset("a")])
def test_a_key_that_is_none_elsewhere_is_refused_on_every_node(worker: WorkerRunner, key: Any) -> None:
    master = Environment(user_classes=[Calm]).create_master_runner("127.0.0.1", 0)
    for runner in (worker, master):
        with pytest.raises(WireError, match=r"cannot have the key .* would get a list"):
            runner.environment.shared_data[key] = 1
        assert runner.environment.shared_data == {}
    master.quit()


def test_what_is_shared_is_told_once_and_what_is_not_there_cannot_be_taken_away(worker: WorkerRunner) -> None:
    told: list[Any] = []
    shared = worker.environment.shared_data
    shared.tell = told.append
    shared["key"] = 2**64 - 1
    del shared["key"]
    with pytest.raises(KeyError, match="key"):
        del shared["key"]
    with pytest.raises(TypeError, match="unhashable"):
        shared[[]] = 1  # type: ignore[index]
    assert [(change["value"], change["is_gone"]) for change in told] == [(2**64 - 1, False), (None, True)]


def test_a_master_that_has_begun_again_is_told_what_is_shared(worker: WorkerRunner) -> None:
    told: list[Any] = []
    worker.environment.shared_data["key"] = 1
    worker.put = lambda *item: told.append(item)  # type: ignore[method-assign]
    worker._happened(Connected(0, "gregaria", {}, is_new=True))
    assert [(payload["key"], payload["value"]) for kind, payload in told if kind == "shared"] == [("key", 1)]
