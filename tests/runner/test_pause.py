"""Users that are paused start nothing, lose nothing, go on where they were, and can be ended all the same."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import Greenlet
from gevent.event import Event
from requests.adapters import HTTPAdapter

from gregaria.engine.gate import Gate
from gregaria.environment import Environment
from gregaria.errors import StopUser
from gregaria.runner.local import LocalRunner
from gregaria.runner.population import Population
from gregaria.users.declare import task
from gregaria.users.http import FastHttpUser, HttpUser
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User
from gregaria.users.wait import constant
from tests.runner.conftest import Eventually, MakeRunner
from tests.support.servers import Server, process_that_prints_its_port

#: how long it is watched that nothing happens; thousands of requests would fit in
WATCHED_S = 0.1


class ByRequests(HttpUser):
    """Requests and urllib3 do all of it."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client.mount("http://", HTTPAdapter())


class UnderRequests(HttpUser):
    """Requests prepares, the engine sends."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client.hooks["response"].append(lambda response, *args, **kwargs: None)


BY_ENGINE = [FastHttpUser, HttpUser, UnderRequests]
WAYS = pytest.mark.parametrize("base", [*BY_ENGINE, ByRequests])


@pytest.fixture(scope="module")
def target() -> Iterator[Server]:
    with process_that_prints_its_port(["-m", "tests.support.target"]) as port:
        yield Server(f"http://127.0.0.1:{port}")


@pytest.fixture
def seen(target: Server) -> Callable[[], int]:
    """How many requests the target has been asked since the test began."""

    def total() -> int:
        counts = target.get_json("/__count")
        assert isinstance(counts, dict)
        return sum(counts.values())

    before = total()
    return lambda: total() - before


@pytest.mark.parametrize(
    ("base", "way"), [(HttpUser, "engine"), (UnderRequests, "engine under requests"), (ByRequests, "requests")]
)
def test_the_users_of_these_tests_go_the_ways_that_they_are_named_for(base: Any, way: str) -> None:
    user_class = busy(base, "http://127.0.0.1:1")
    assert user_class(Environment(user_classes=[user_class])).client.way() == way


def population_of(runner: LocalRunner) -> Population:
    return runner._crew.population


def users_of(runner: LocalRunner) -> list[Any]:
    return [greenlet.args[0] for greenlet in runner.user_greenlets]


def settle(runner: LocalRunner, eventually: Eventually) -> None:
    """Let what is on the wire come back."""
    eventually(lambda: not any(user.gate.in_flight for user in users_of(runner)))


def busy(base: Any, url: str) -> Any:
    class Busy(base):  # type: ignore[misc]
        host = url

        @task
        def several(self) -> None:
            self.client.get("/a")
            with self.client.get("/b", catch_response=True) as response:
                response.success()
            self.client.get("/redirect/2")
            self.client.post("/c", json={"a": 1})

    return Busy


@WAYS
def test_paused_users_start_nothing_and_go_on_with_nothing_lost_or_counted_twice_over_many_pauses(
    make_runner: MakeRunner, eventually: Eventually, target: Server, seen: Callable[[], int], base: Any
) -> None:
    runner = make_runner(busy(base, target.url))
    runner.start(10, 1000)
    population = population_of(runner)
    for turn in range(12):
        before = runner.stats.num_requests
        eventually(lambda before=before: runner.stats.num_requests > before + 20)  # type: ignore[misc]
        population.pause()
        if turn % 2:
            population.pause()
        if turn % 3 == 0:
            settle(runner, eventually)
            counted, asked = runner.stats.num_requests, seen()
            gevent.sleep(WATCHED_S)
            assert (runner.stats.num_requests, seen()) == (counted, asked)
            assert runner.user_count == 10
        population.resume()
        if turn % 2:
            population.resume()
    population.pause()
    settle(runner, eventually)
    # A chain of two redirects is one request in the report, and three at the target.
    chains = runner.stats.get("/redirect/2", "GET").num_requests
    assert chains > 0
    assert runner.stats.num_requests + 2 * chains == seen()
    began = time.monotonic()
    runner.quit()
    assert time.monotonic() - began < 5
    assert runner.stats.num_requests + 2 * chains == seen()
    assert (runner.stats.interrupted, runner.stats.num_failures, runner.user_count) == (0, 0, 0)


@WAYS
def test_the_time_held_is_in_no_response_time(
    make_runner: MakeRunner, eventually: Eventually, target: Server, base: Any
) -> None:
    runner = make_runner(busy(base, target.url))
    runner.start(3, 1000)
    eventually(lambda: runner.stats.num_requests > 20)
    population_of(runner).pause()
    settle(runner, eventually)
    runner.stats.reset_all()
    gevent.sleep(0.4)
    population_of(runner).resume()
    eventually(lambda: runner.stats.num_requests > 20)
    assert runner.stats.total.max_response_time < 400


# Without gevent's patches, urllib3 lets nobody else run while it waits.
@pytest.mark.parametrize("base", BY_ENGINE)
def test_a_request_on_the_wire_is_counted_as_it_comes_and_its_user_is_held_then(
    make_runner: MakeRunner, eventually: Eventually, target: Server, base: Any
) -> None:
    after: list[str] = []

    class Slow(base):  # type: ignore[misc]
        host = target.url

        @task
        def ask(self) -> None:
            self.client.get("/slow?ms=100", name="slow")
            after.append("answered")
            self.client.get("/fast", name="fast")
            after.append("again")

    runner = make_runner(Slow)
    runner.start(1, 1)
    eventually(lambda: any(user.gate.in_flight for user in users_of(runner)))
    population_of(runner).pause()
    eventually(lambda: runner.stats.num_requests == 1)
    gevent.sleep(WATCHED_S)
    assert after == ["answered"]
    assert runner.stats.num_requests == 1
    population_of(runner).resume()
    eventually(lambda: "again" in after)


class Quick(User):
    """Has nothing to do with HTTP, and waits for nobody."""

    runs = 0

    @task
    def run_once(self) -> None:
        type(self).runs += 1


class WithStep(Quick):
    """Its loop asks for each step by name."""

    @task
    class Inner(TaskSet):
        def wait(self) -> None:
            gevent.sleep(0.001)

        @task
        def run_once(self) -> None:
            WithStep.runs += 1


class Waiting(Quick):
    wait_time = constant(0.001)


@pytest.mark.parametrize("user_class", [Quick, WithStep, Waiting])
def test_a_plain_user_begins_no_task_while_it_is_paused(
    make_runner: MakeRunner, eventually: Eventually, user_class: Any
) -> None:
    user_class.runs = 0
    runner = make_runner(user_class)
    runner.start(5, 1000)
    for _ in range(5):
        before = user_class.runs
        eventually(lambda before=before: user_class.runs > before + 20)  # type: ignore[misc]
        population_of(runner).pause()
        # Whoever is in a task has ended it by the time that all have had their turn.
        gevent.sleep(0)
        paused_at = user_class.runs
        gevent.sleep(0.03)
        assert user_class.runs == paused_at
        population_of(runner).resume()
    population_of(runner).pause()
    gevent.sleep(0.01)
    began = time.monotonic()
    runner.quit()
    assert time.monotonic() - began < 0.3
    assert runner.user_count == 0


@pytest.mark.parametrize("stop_timeout", [0, 5])
@WAYS
def test_a_stop_while_paused_ends_everybody_with_on_stop_and_lets_tasks_finish_if_they_may(
    make_runner: MakeRunner,
    eventually: Eventually,
    target: Server,
    seen: Callable[[], int],
    base: Any,
    stop_timeout: int,
) -> None:
    stops: list[str] = []
    finished: list[int] = []

    class Busy(base):  # type: ignore[misc]
        host = target.url

        @task
        def two(self) -> None:
            self.client.get("/one")
            self.client.get("/two")
            finished.append(1)

        def on_stop(self) -> None:
            self.client.get("/logout")
            stops.append("stopped")

    runner = make_runner(Busy, stop_timeout=stop_timeout)
    runner.start(10, 1000)
    eventually(lambda: len(finished) > 20)
    population_of(runner).pause()
    settle(runner, eventually)
    began = time.monotonic()
    runner.quit()
    assert time.monotonic() - began < 1
    assert stops == ["stopped"] * 10
    assert runner.stats.num_requests == seen()
    assert runner.stats.interrupted == 0
    if stop_timeout:
        assert runner.stats.get("/one", "GET").num_requests == runner.stats.get("/two", "GET").num_requests


@pytest.mark.parametrize("stop_timeout", [0, 5])
def test_users_that_are_dismissed_while_all_are_paused_leave_and_the_others_stay_held(
    make_runner: MakeRunner, eventually: Eventually, target: Server, stop_timeout: int
) -> None:
    runner = make_runner(busy(FastHttpUser, target.url), stop_timeout=stop_timeout)
    runner.start(10, 1000)
    eventually(lambda: runner.stats.num_requests > 20)
    population_of(runner).pause()
    settle(runner, eventually)
    runner.stop_users({"Busy": 4})
    assert runner.user_count == 6
    counted = runner.stats.num_requests
    gevent.sleep(WATCHED_S)
    assert runner.stats.num_requests == counted
    population_of(runner).resume()
    eventually(lambda: runner.stats.num_requests > counted + 20)


def test_users_that_come_while_all_are_paused_are_held_before_they_begin(
    make_runner: MakeRunner, eventually: Eventually, target: Server
) -> None:
    began: list[int] = []

    class Late(FastHttpUser):
        host = target.url

        def on_start(self) -> None:
            began.append(1)
            self.client.get("/login")

        @task
        def get(self) -> None:
            self.client.get("/")

    runner = make_runner(Late)
    runner.start(1, 1)
    eventually(lambda: runner.stats.num_requests > 5)
    population_of(runner).pause()
    runner.spawn_users({"Late": 3})
    gevent.sleep(WATCHED_S)
    assert (len(began), runner.user_count) == (1, 4)
    population_of(runner).resume()
    eventually(lambda: len(began) == 4)
    population_of(runner).pause()
    runner.spawn_users({"Late": 3})
    gevent.sleep(0)
    runner.quit()
    assert (len(began), runner.user_count) == (4, 0)


def test_a_user_that_ends_by_itself_is_held_in_its_on_stop_until_it_is_ended(
    make_runner: MakeRunner, eventually: Eventually, target: Server
) -> None:
    life: list[str] = []
    go = Event()

    class Leaving(FastHttpUser):
        host = target.url

        @task
        def leave(self) -> None:
            go.wait()
            raise StopUser

        def on_stop(self) -> None:
            life.append("leaving")
            self.client.get("/logout")
            life.append("left")

    runner = make_runner(Leaving)
    runner.start(2, 100)
    eventually(lambda: runner.user_count == 2)
    gevent.sleep(0)
    population_of(runner).pause()
    go.set()
    eventually(lambda: life == ["leaving"] * 2)
    gevent.sleep(WATCHED_S)
    assert life == ["leaving"] * 2
    runner.quit()
    assert life == ["leaving"] * 2 + ["left"] * 2
    assert runner.stats.num_requests == 2


@pytest.mark.parametrize("force", [False, True])
def test_a_user_that_is_told_to_stop_is_not_held_any_more(
    make_runner: MakeRunner, eventually: Eventually, target: Server, force: bool
) -> None:
    runner = make_runner(busy(FastHttpUser, target.url))
    runner.start(1, 1)
    eventually(lambda: runner.stats.num_requests > 5)
    population_of(runner).pause()
    settle(runner, eventually)
    [user] = users_of(runner)
    user.stop(force)
    population_of(runner).pause()
    eventually(lambda: runner.user_count == 0)


def test_greenlets_that_a_user_has_left_behind_at_its_gate_end_with_it(
    make_runner: MakeRunner, eventually: Eventually, target: Server, seen: Callable[[], int]
) -> None:
    left_behind: list[Greenlet] = []
    go = Event()

    class Spawning(FastHttpUser):
        host = target.url

        @task
        def spawn(self) -> None:
            go.wait()
            left_behind.append(gevent.spawn(self.client.get, "/behind"))
            gevent.sleep(60)

    runner = make_runner(Spawning)
    runner.start(1, 1)
    eventually(lambda: runner.user_count == 1)
    gevent.sleep(0)
    population_of(runner).pause()
    go.set()
    eventually(lambda: left_behind)
    gevent.sleep(0.01)
    runner.quit()
    gevent.joinall(left_behind, timeout=1)
    assert left_behind[0].dead
    assert seen() == 0


def test_a_new_run_is_not_paused(make_runner: MakeRunner, eventually: Eventually) -> None:
    Quick.runs = 0
    runner = make_runner(Quick)
    runner.start(1, 1)
    eventually(lambda: Quick.runs > 0)
    population_of(runner).pause()
    runner.stop()
    Quick.runs = 0
    runner.start(1, 1)
    eventually(lambda: Quick.runs > 0)
    assert not population_of(runner).is_paused


def test_a_gate_that_is_held_again_before_those_at_it_have_woken_keeps_them() -> None:
    gate, passed = Gate(), []

    def enter(number: int) -> None:
        gate.enter()
        passed.append(number)

    gate.hold()
    waiting = [gevent.spawn(enter, number) for number in range(3)]
    gevent.sleep(0)
    gate.release()
    gate.hold()
    gevent.sleep(0.01)
    assert passed == []
    assert (gate.open, gate.held) == (False, True)
    gate.release()
    gevent.joinall(waiting, timeout=1)
    assert sorted(passed) == [0, 1, 2]


def test_a_gate_that_is_closed_for_good_cannot_be_held_or_released() -> None:
    gate = Gate()
    gate.hold()
    waiting = gevent.spawn(gate.enter)
    gevent.sleep(0)
    gate.close()
    gate.hold()
    gate.release()
    assert (gate.open, gate.held) == (False, False)
    waiting.join(timeout=1)
    assert isinstance(waiting.value, gevent.GreenletExit)
