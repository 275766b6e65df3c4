import contextlib
import itertools
import logging
import random
import time
from typing import Any

import gevent
import gevent.event
import pytest

from gregaria.errors import StopTest, StopUser
from gregaria.runner.dispatch import UsersDispatcher
from gregaria.settings import settings
from gregaria.users.declare import NoTasksError, task
from gregaria.users.user import User
from gregaria.users.wait import constant
from tests.runner.conftest import Eventually, MakeRunner
from tests.runner.crowd import Idler, Sleeper, Wire, busy_on

MOMENTS = ("test_start", "spawning_complete", "test_stopping", "test_stop")


def note_moments(runner: Any) -> list[tuple[str, str]]:
    """A list that fills with (event, state) as they come."""
    moments: list[tuple[str, str]] = []
    for name in MOMENTS:
        getattr(runner.environment.events, name).add_listener(
            lambda name=name, **_: moments.append((name, runner.state))
        )
    return moments


def test_a_run_goes_through_its_events_and_states_in_locusts_order(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    assert runner.state == "ready"
    runner.start(3, 1000, wait=True)
    assert runner.state == "running"
    assert runner.user_count == runner.target_user_count == 3
    runner.stop()
    assert moments == [
        ("test_start", "ready"),
        ("spawning_complete", "running"),
        ("test_stopping", "running"),
        ("test_stop", "stopped"),
    ]
    assert runner.user_count == 0
    assert runner.final_user_classes_count == {"Idler": 3}


def test_start_returns_before_the_users_are_there(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.start(2, 1000)
    assert (runner.user_count, runner.state) == (0, "spawning")


def test_changing_the_number_of_users_is_the_same_test(make_runner: MakeRunner, eventually: Eventually) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    runner.start(5, 1000, wait=True)
    runner.start(8, 1000, wait=True)
    assert runner.user_count == 8
    runner.start(2, 1000, wait=True)
    eventually(lambda: runner.user_count == 2)
    assert [name for name, _ in moments].count("test_start") == 1
    assert [name for name, _ in moments].count("spawning_complete") == 3


def test_those_who_finish_their_last_task_on_the_way_down_are_not_told_as_spawned(make_runner: MakeRunner) -> None:
    told: list[int] = []
    runner = make_runner(Idler)
    runner.environment.events.spawning_complete.add_listener(lambda user_count: told.append(user_count))
    for count in (8, 3, 4):
        runner.start(count, 1000, wait=True)
    assert told == [8, 3, 4]


def test_a_new_start_replaces_a_ramp_that_is_not_over(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.start(100, 1)
    gevent.sleep(0.01)
    runner.start(4, 1000, wait=True)
    assert runner.user_count == 4
    gevent.sleep(0.02)
    assert runner.user_count == 4


def test_a_ramp_that_is_replaced_while_a_constructor_takes_its_time_takes_no_step_from_the_next(
    make_runner: MakeRunner, eventually: Eventually
) -> None:
    doors: list[Any] = []

    class Slow(Idler):
        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            if not doors:
                doors.append(gevent.event.Event())
                doors[0].wait()

    runner = make_runner(Slow)
    runner.start(50, 10)
    eventually(lambda: doors)
    runner.start(3, 50)
    gevent.sleep(0.01)
    doors[0].set()
    eventually(lambda: runner.state == "running")
    gevent.sleep(0.05)
    assert (runner.user_count, runner.target_user_classes_count) == (3, {"Slow": 3})


def test_a_listener_of_spawning_complete_is_not_torn_by_a_new_start(
    make_runner: MakeRunner, eventually: Eventually
) -> None:
    heard: list[int] = []

    def listen(user_count: int, **_: Any) -> None:
        gevent.sleep(0.05)
        heard.append(user_count)

    runner = make_runner(Idler)
    runner.environment.events.spawning_complete.add_listener(listen)
    runner.start(1, 1000)
    eventually(lambda: runner.state == "running")
    runner.start(2, 1000)
    eventually(lambda: heard == [1, 2])


def test_a_second_test_begins_from_nothing(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    runner.start(2, 1000, wait=True)
    runner.stats.log_request("GET", "/", 1.0, 1)
    runner.log_exception("local", "x", "trace")
    runner.stop()
    assert runner.stats.num_requests == 1
    runner.start(1, 1000, wait=True)
    assert (runner.stats.num_requests, len(runner.exceptions), runner.user_count) == (0, 0, 1)
    assert [name for name, _ in moments].count("test_start") == 2


def test_users_come_evenly_and_the_last_in_time(make_runner: MakeRunner) -> None:
    births: list[float] = []

    class Newborn(Idler):
        def __init__(self, environment: Any) -> None:
            births.append(time.monotonic())
            super().__init__(environment)

    runner = make_runner(Newborn)
    began_s = time.monotonic()
    runner.start(30, 100, wait=True)
    assert len(births) == 30
    for index, born_s in enumerate(births):
        assert born_s - began_s >= index / 100 - 0.001


def test_quit_lets_the_greenlet_end_and_may_be_called_again(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    runner.start(1, 1000)
    gevent.spawn_later(0.05, runner.quit)
    assert runner.greenlet.join(timeout=5)
    runner.quit()
    runner.stop()
    assert [name for name, _ in moments].count("test_stop") == 1


def test_quit_without_a_test_fires_nothing(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    runner.quit()
    assert runner.greenlet.join(timeout=1)
    assert (moments, runner.state) == ([], "ready")


def test_stop_from_many_sides_at_once_stops_once(make_runner: MakeRunner) -> None:
    runner = make_runner(Sleeper)
    moments = note_moments(runner)
    runner.start(5, 1000, wait=True)
    gevent.joinall([gevent.spawn(end) for end in (runner.stop, runner.quit, runner.stop, runner.quit)])
    assert [name for name, _ in moments] == list(MOMENTS)
    assert runner.greenlet.join(timeout=1)


def test_a_run_may_be_started_again_after_quit(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.start(1, 1000, wait=True)
    runner.quit()
    runner.start(1, 1000, wait=True)
    assert runner.user_count == 1
    assert len(runner.greenlet) > 0


def test_a_user_can_quit_the_run_from_its_task(make_runner: MakeRunner) -> None:
    class Quitter(User):
        @task
        def leave(self) -> None:
            self.environment.runner.quit()
            gevent.sleep(60)

    runner = make_runner(Quitter)
    runner.start(3, 1000)
    assert runner.greenlet.join(timeout=5)
    assert (runner.state, runner.user_count) == ("stopped", 0)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_listener_can_quit_the_run(make_runner: MakeRunner, moment: str) -> None:
    runner = make_runner(Idler)
    moments = note_moments(runner)
    getattr(runner.environment.events, moment).add_listener(lambda **_: runner.quit())
    runner.start(2, 1000)
    gevent.spawn_later(0.05, runner.stop)
    assert runner.greenlet.join(timeout=5)
    assert [name for name, _ in moments][-1] == "test_stop"
    assert runner.user_count == 0


def test_stop_test_in_a_task_ends_the_whole_test(make_runner: MakeRunner, caplog: pytest.LogCaptureFixture) -> None:
    class Ender(User):
        @task
        def end(self) -> None:
            raise StopTest("enough is enough")

    caplog.set_level(logging.INFO)
    runner = make_runner(Ender, Idler)
    runner.start(4, 1000)
    assert runner.greenlet.join(timeout=5)
    assert "enough is enough" in caplog.text
    assert runner.state == "stopped"


@pytest.mark.parametrize("moment", ["test_start", "spawning_complete"])
def test_stop_test_in_a_listener_ends_the_test(make_runner: MakeRunner, moment: str) -> None:
    def end(**_: Any) -> None:
        raise StopTest

    runner = make_runner(Idler)
    getattr(runner.environment.events, moment).add_listener(end)
    runner.start(2, 1000)
    assert runner.greenlet.join(timeout=5)
    assert runner.state == "stopped"


def test_stop_test_in_a_constructor_ends_the_test(make_runner: MakeRunner) -> None:
    class Ender(Idler):
        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            raise StopTest

    runner = make_runner(Ender)
    runner.start(2, 1000)
    assert runner.greenlet.join(timeout=5)


def test_the_run_time_ends_the_test_and_not_early(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.stop_after(0.1)
    began_s = time.monotonic()
    runner.start(2, 1000)
    assert runner.greenlet.join(timeout=5)
    assert 0.1 <= time.monotonic() - began_s < 2
    assert runner.state == "stopped"


def test_a_run_time_given_during_the_test_counts_too(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.start(2, 1000)
    runner.stop_after(0.05)
    assert runner.greenlet.join(timeout=5)


def test_the_timer_of_one_test_does_not_end_the_next(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.stop_after(0.05)
    runner.start(1, 1000, wait=True)
    runner.stop()
    runner.start(1, 1000, wait=True)
    gevent.sleep(0.1)
    assert runner.state == "running"


def test_with_a_web_page_a_test_that_ends_by_itself_leaves_the_runner_alive(
    make_runner: MakeRunner, eventually: Eventually
) -> None:
    runner = make_runner(Idler)
    runner.environment.web_ui = object()
    runner.stop_after(0.02)
    runner.start(1, 1000)
    eventually(lambda: runner.state == "stopped")
    assert len(runner.greenlet) > 0


@pytest.mark.parametrize("rate", [0, -2, float("inf"), float("nan")])
def test_a_spawn_rate_that_cannot_be_is_refused(make_runner: MakeRunner, rate: float) -> None:
    runner = make_runner(Idler)
    with pytest.raises(ValueError, match="spawn rate"):
        runner.start(1, rate)
    assert runner.state == "ready"


def test_a_class_without_tasks_is_refused_at_start(make_runner: MakeRunner) -> None:
    class Lazy(User): ...

    runner = make_runner(Lazy)
    with pytest.raises(NoTasksError, match="Lazy"):
        runner.start(1, 1)
    assert runner.state == "ready"


def test_the_statistics_begin_anew_once_when_all_are_there(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler, reset_stats=True)
    runner.start(1, 1000)
    runner.stats.log_request("GET", "/", 1.0, 1)
    runner.spawning_greenlet.join()
    assert runner.stats.num_requests == 0
    runner.stats.log_request("GET", "/", 1.0, 1)
    runner.start(2, 1000, wait=True)
    assert runner.stats.num_requests == 1


# -- users that end by themselves ----------------------------------------------------------------------------------


def test_when_all_users_have_stopped_by_themselves_the_test_ends(
    make_runner: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    class OneShot(User):
        @task
        def once(self) -> None:
            raise StopUser

    caplog.set_level(logging.INFO)
    runner = make_runner(OneShot)
    runner.start(5, 1000)
    assert runner.greenlet.join(timeout=5)
    assert "all users have ended by themselves" in caplog.text


def test_users_that_stop_by_themselves_are_not_replaced(make_runner: MakeRunner, eventually: Eventually) -> None:
    class OneShot(User):
        @task
        def once(self) -> None:
            raise StopUser

    runner = make_runner(OneShot, Idler)
    runner.start(6, 1000, wait=True)
    eventually(lambda: runner.user_classes_count == {"OneShot": 0, "Idler": 3})
    gevent.sleep(0.02)
    assert runner.user_count == 3
    assert runner.state == "running"


def test_nobody_left_because_nobody_was_wanted_is_no_end(make_runner: MakeRunner, eventually: Eventually) -> None:
    runner = make_runner(Idler)
    runner.start(1, 1000, wait=True)
    runner.start(0, 1000, wait=True)
    eventually(lambda: runner.user_count == 0)
    gevent.sleep(0.02)
    assert runner.state == "running"


def test_users_that_fail_to_start_are_told_once_and_replaced_at_the_spawn_rate(
    make_runner: MakeRunner, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    births: list[float] = []

    class Unlucky(Idler):
        def on_start(self) -> None:
            births.append(time.monotonic())
            if len(births) <= 6:
                raise OSError("no luck")

    runner = make_runner(Unlucky)
    runner.start(1, 50)
    eventually(lambda: len(births) == 7 and runner.user_count == 1)
    assert all(later - earlier > 0.015 for earlier, later in itertools.pairwise(births))
    told = [record.message for record in caplog.records if record.name == "gregaria.runner.faults"]
    assert len(told) == 1
    assert "Unlucky" in told[0]
    assert "test_local.py" in told[0]
    assert sum(row["count"] for row in runner.exceptions.values()) == 6
    runner.stop()
    assert "6 users of Unlucky ended by OSError" in caplog.text


def test_a_constructor_that_always_raises_neither_ends_nor_freezes_the_run(
    make_runner: MakeRunner, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    class Stillborn(Idler):
        def __init__(self, environment: Any) -> None:
            raise KeyError("missing")

    runner = make_runner(Stillborn, Idler)
    runner.start(4, 1_000_000)
    eventually(lambda: sum(row["count"] for row in runner.exceptions.values()) > 4)
    assert runner.state == "running"
    assert runner.user_classes_count == {"Stillborn": 0, "Idler": 2}
    (row,) = runner.exceptions.values()
    assert "KeyError" in row["traceback"]
    assert "test_local.py" in caplog.text


def test_a_user_whose_task_raises_past_it_is_replaced(make_runner: MakeRunner, eventually: Eventually) -> None:
    births: list[int] = []

    class Fragile(User):
        def on_start(self) -> None:
            births.append(1)

        @task
        def fail(self) -> None:
            raise ValueError("task")

    runner = make_runner(Fragile, catch_exceptions=False)
    runner.start(1, 100)
    eventually(lambda: len(births) >= 3)
    assert runner.state == "running"


def test_a_start_after_users_have_gone_counts_from_those_that_are_there(
    make_runner: MakeRunner, eventually: Eventually
) -> None:
    leave = False

    class Leaver(User):
        wait_time = constant(0.001)

        @task
        def maybe(self) -> None:
            nonlocal leave
            if leave:
                leave = False
                raise StopUser

    runner = make_runner(Leaver)
    runner.start(3, 1000, wait=True)
    leave = True
    eventually(lambda: runner.user_count == 2)
    runner.start(3, 1000, wait=True)
    assert runner.user_count == 3


@pytest.mark.parametrize("users", [1, 7, 40])
def test_iterations_are_run_exactly_and_then_the_test_ends(make_runner: MakeRunner, users: int) -> None:
    runs = 0

    class Counter(User):
        wait_time = constant(0.001)

        @task
        def count(self) -> None:
            nonlocal runs
            runs += 1
            gevent.sleep(random.uniform(0, 0.003))

    runner = make_runner(Counter)
    runner.iterations = 25
    runner.start(users, 500)
    assert runner.greenlet.join(timeout=10)
    assert runs == 25
    assert runner.state == "stopped"


def test_the_last_iteration_does_not_wait_for_users_that_wait(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.iterations = 5
    began_s = time.monotonic()
    runner.start(6, 1000)
    assert runner.greenlet.join(timeout=10)
    assert time.monotonic() - began_s < 5


# -- stopping ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["quit", "stop", "stop_after"])
@pytest.mark.parametrize("seed", range(6))
def test_what_the_target_saw_is_counted_or_told_as_interrupted(make_runner: MakeRunner, end: str, seed: int) -> None:
    chance = random.Random(f"{end} {seed}")
    settings.stop_grace_s = 0.05
    wire = Wire(lambda: 10 if chance.random() < 0.01 else chance.uniform(0, 0.02))
    runner = make_runner(busy_on(wire))
    moment_s = chance.uniform(0.005, 0.15)
    if end == "stop_after":
        runner.stop_after(moment_s)
    runner.start(50, 1000)
    if end == "stop_after":
        runner.greenlet.join(timeout=5)
    else:
        gevent.sleep(moment_s)
        getattr(runner, end)()
    assert wire.seen > 0
    assert wire.seen - wire.interrupted == wire.counted
    assert runner.user_count == 0
    seen = wire.seen
    gevent.sleep(0.05)
    assert wire.seen == seen


def test_requests_on_the_wire_get_the_grace_and_nothing_new_is_started(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 2
    wire = Wire(lambda: 0.1)
    runner = make_runner(busy_on(wire))
    runner.start(10, 10_000, wait=True)
    gevent.sleep(0.02)
    began_s = time.monotonic()
    runner.stop()
    assert time.monotonic() - began_s < 1
    assert (wire.seen, wire.counted, wire.interrupted) == (10, 10, 0)


def test_what_is_still_open_after_the_grace_is_interrupted(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 0.1
    wire = Wire(lambda: 60)
    runner = make_runner(busy_on(wire))
    runner.start(10, 10_000, wait=True)
    gevent.sleep(0.02)
    began_s = time.monotonic()
    runner.stop()
    assert 0.1 <= time.monotonic() - began_s < 1
    assert (wire.seen, wire.counted, wire.interrupted) == (10, 0, 10)


def test_users_that_wait_or_compute_do_not_delay_the_stop(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 10
    runner = make_runner(Idler, Sleeper)
    runner.start(20, 10_000, wait=True)
    gevent.sleep(0.01)
    began_s = time.monotonic()
    runner.stop()
    assert time.monotonic() - began_s < 1


def test_with_a_stop_timeout_users_finish_their_task(make_runner: MakeRunner) -> None:
    finished = 0
    wire = Wire(lambda: 0.02)

    class Steady(User):
        @task
        def three_requests(self) -> None:
            nonlocal finished
            for _ in range(3):
                wire.request(self)
            finished += 1

    runner = make_runner(Steady, stop_timeout=5)
    runner.start(10, 10_000, wait=True)
    gevent.sleep(0.005)
    runner.stop()
    assert finished == 10
    assert (wire.seen, wire.counted, wire.interrupted) == (30, 30, 0)


def test_a_task_that_outlasts_the_stop_timeout_ends_at_its_next_request(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 0.2
    wire = Wire(lambda: 0.01)

    class Endless(User):
        @task
        def request(self) -> None:
            while True:
                wire.request(self)

    runner = make_runner(Endless, stop_timeout=0.1)
    runner.start(10, 10_000, wait=True)
    began_s = time.monotonic()
    runner.stop()
    assert 0.1 <= time.monotonic() - began_s < 1
    assert wire.seen == wire.counted
    assert wire.interrupted == 0


@pytest.mark.parametrize("stop_timeout", [0, 5])
def test_on_stop_may_make_requests(make_runner: MakeRunner, stop_timeout: float) -> None:
    wire, logouts = Wire(lambda: 0.01), Wire(lambda: 0.02)

    class Polite(User):
        @task
        def request(self) -> None:
            wire.request(self)

        def on_stop(self) -> None:
            logouts.request(self)
            logouts.request(self)

    class PoliteIdler(Idler):
        def on_stop(self) -> None:
            logouts.request(self)
            logouts.request(self)

    settings.stop_grace_s = 5
    runner = make_runner(Polite, PoliteIdler, stop_timeout=stop_timeout)
    runner.start(20, 10_000, wait=True)
    gevent.sleep(0.015)
    runner.stop()
    assert wire.seen == wire.counted
    assert (logouts.seen, logouts.counted) == (40, 40)


def test_an_on_stop_that_hangs_is_cut_at_the_deadline(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 0.1
    wire = Wire(lambda: 60)

    class Clinging(Idler):
        def on_stop(self) -> None:
            wire.request(self)

    runner = make_runner(Clinging)
    runner.start(3, 1000, wait=True)
    began_s = time.monotonic()
    runner.stop()
    assert time.monotonic() - began_s < 1
    assert (wire.seen, wire.interrupted) == (3, 3)


def test_a_user_that_ignores_its_end_is_left_alone_and_told(
    make_runner: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    settings.stop_grace_s = 0.05
    stubborn = True

    class Stubborn(User):
        @task
        def stay(self) -> None:
            while stubborn:
                try:
                    gevent.sleep(0.02)
                except gevent.GreenletExit:
                    pass

    runner = make_runner(Stubborn)
    runner.start(1, 1000, wait=True)
    gevent.sleep(0.01)
    began_s = time.monotonic()
    runner.stop()
    stubborn = False
    assert time.monotonic() - began_s < 3
    assert runner.user_count == 0
    assert "A user of Stubborn does not end" in caplog.text
    assert "stay" in caplog.text
    assert "test_local.py" in caplog.text


def test_a_cleanup_that_breaks_on_being_cut_short_ends_the_user_without_an_error(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 0.05
    begun = ended = 0
    errors: list[BaseException] = []

    class Connected(User):
        @task
        def ask(self) -> None:
            nonlocal begun
            begun += 1
            try:
                gevent.sleep(60)
            finally:
                raise ConnectionError("already closed")

        def on_stop(self) -> None:
            nonlocal ended
            ended += 1

    runner = make_runner(Connected)
    runner.environment.events.user_error.add_listener(lambda exception, **_: errors.append(exception))
    runner.start(3, 1000, wait=True)
    gevent.sleep(0.01)
    runner.stop()
    assert (begun, ended, errors) == (3, 3, [])


def test_a_user_whose_task_swallows_its_end_ends_after_that_task(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 0.05
    begun = 0

    class Deaf(User):
        @task
        def stay(self) -> None:
            nonlocal begun
            begun += 1
            with contextlib.suppress(gevent.GreenletExit):
                gevent.sleep(60)

    runner = make_runner(Deaf)
    runner.start(3, 1000, wait=True)
    gevent.sleep(0.01)
    runner.stop()
    assert begun == 3


def test_requests_of_greenlets_that_a_user_spawned_itself_are_waited_for(make_runner: MakeRunner) -> None:
    settings.stop_grace_s = 2
    wire = Wire(lambda: 0.1)

    class Parallel(User):
        @task
        def many(self) -> None:
            for _ in range(3):
                gevent.spawn(wire.request, self)
            gevent.sleep(60)

    runner = make_runner(Parallel)
    runner.start(2, 1000, wait=True)
    gevent.sleep(0.02)
    began_s = time.monotonic()
    runner.stop()
    assert (wire.seen, wire.counted) == (6, 6)
    assert time.monotonic() - began_s < 1


def test_a_constructor_at_work_is_given_the_grace_and_its_user_never_runs(make_runner: MakeRunner) -> None:
    wire = Wire(lambda: 0.05)
    started = 0

    class Slow(Idler):
        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            wire.request(self)

        def on_start(self) -> None:
            nonlocal started
            started += 1

    runner = make_runner(Slow)
    runner.start(5, 1000)
    gevent.sleep(0.02)
    runner.stop()
    assert (wire.seen, wire.counted) == (1, 1)
    gevent.sleep(0.1)
    assert (wire.seen, started, runner.user_count) == (1, 0, 0)


def test_stop_users_ends_the_latest_and_waits_for_them(make_runner: MakeRunner) -> None:
    born: list[User] = []

    class Numbered(Idler):
        def on_start(self) -> None:
            born.append(self)

    runner = make_runner(Numbered)
    users = runner.spawn_users({"Numbered": 3})
    gevent.sleep(0.01)
    assert born == users
    runner.stop_users({"Numbered": 2})
    assert [greenlet.args[0] for greenlet in runner.user_greenlets] == users[:1]


def test_going_down_does_not_wait_for_requests_on_the_wire(make_runner: MakeRunner, eventually: Eventually) -> None:
    settings.stop_grace_s = 5
    wire = Wire(lambda: 0.1)
    runner = make_runner(busy_on(wire))
    runner.start(10, 10_000, wait=True)
    gevent.sleep(0.02)
    began_s = time.monotonic()
    runner.start(2, 100, wait=True)
    assert time.monotonic() - began_s < 0.25
    eventually(lambda: runner.user_count == 2)
    runner.stop()
    assert wire.seen == wire.counted


# -- the rest ------------------------------------------------------------------------------------------------------


def test_a_dispatcher_of_ones_own_takes_over(make_runner: MakeRunner) -> None:
    class OnlyA(UsersDispatcher):
        def __next__(self) -> dict[str, dict[str, int]]:
            placement = super().__next__()
            return {worker: {"Idler": sum(counts.values()), "Sleeper": 0} for worker, counts in placement.items()}

    runner = make_runner(Idler, Sleeper, dispatcher_class=OnlyA)
    runner.start(4, 1000, wait=True)
    assert runner.user_classes_count == {"Idler": 4, "Sleeper": 0}


def test_a_dispatcher_that_raises_ends_the_test_with_an_exception(
    make_runner: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(UsersDispatcher):
        def __next__(self) -> dict[str, dict[str, int]]:
            raise RuntimeError("broken dispatcher")

    runner = make_runner(Idler, dispatcher_class=Broken)
    runner.start(1, 1)
    assert runner.greenlet.join(timeout=5)
    assert len(runner.exceptions) == 1
    assert "Broken" in caplog.text


def test_only_the_asked_for_classes_have_users(make_runner: MakeRunner, eventually: Eventually) -> None:
    runner = make_runner(Idler, Sleeper)
    runner.start(4, 1000, wait=True, user_classes=[Idler])
    assert runner.user_classes_count == {"Idler": 4, "Sleeper": 0}
    runner.start(4, 1000, wait=True, user_classes=[Sleeper])
    eventually(lambda: runner.user_classes_count == {"Idler": 0, "Sleeper": 4})
    runner.start(4, 1000, wait=True)
    eventually(lambda: runner.user_classes_count == {"Idler": 2, "Sleeper": 2})


def test_a_class_that_is_not_part_of_the_run_is_refused(make_runner: MakeRunner) -> None:
    with pytest.raises(ValueError, match="Sleeper"):
        make_runner(Idler).start(1, 1, user_classes=[Sleeper])


def test_a_local_runner_answers_for_its_only_node(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    assert (runner.worker_index, runner.worker_count, runner.workers) == (0, 1, ())
    assert list(runner.clients) == [runner.client_id]
    assert runner.stats is runner.environment.stats
    assert runner.errors is runner.stats.errors
    assert runner.user_classes_by_name == {"Idler": Idler}


def test_an_exception_in_a_task_is_in_the_exceptions(make_runner: MakeRunner, eventually: Eventually) -> None:
    class Faulty(User):
        wait_time = constant(60)

        @task
        def fail(self) -> None:
            raise ValueError("in a task")

    runner = make_runner(Faulty)
    runner.start(2, 1000, wait=True)
    eventually(lambda: sum(row["count"] for row in runner.exceptions.values()) == 2)
    (row,) = runner.exceptions.values()
    assert (row["msg"], row["nodes"]) == ("in a task", {"local"})
    assert "test_local.py" in row["traceback"]


def test_a_user_that_cannot_work_at_all_is_not_replaced_and_the_test_ends(
    make_runner: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    class Forgetful(Idler):
        def __init__(self, environment: Any) -> None:
            self.environment = environment

    runner = make_runner(Forgetful)
    runner.start(3, 1000)
    assert runner.greenlet.join(timeout=5)
    assert "super().__init__(environment)" in caplog.text
    assert "It is not replaced" in caplog.text
    assert len(runner.exceptions) > 0


def test_users_that_have_not_begun_are_ended_without_beginning(make_runner: MakeRunner) -> None:
    course: list[str] = []

    class Noted(Idler):
        def on_start(self) -> None:
            course.append("start")

        def on_stop(self) -> None:
            course.append("stop")

    runner = make_runner(Noted)
    runner.spawn_users({"Noted": 3})
    runner.stop_users({"Noted": 3})
    assert (runner.user_count, course) == (0, [])


def test_what_an_ended_user_has_left_behind_sends_nothing_more(make_runner: MakeRunner, eventually: Eventually) -> None:
    # Long enough for the user to have ended before it, on a busy machine, too.
    wire = Wire(lambda: 0.3)

    class Leaver(User):
        @task
        def leave(self) -> None:
            gevent.spawn(self.go_on)
            gevent.sleep(0.005)
            raise StopUser

        def go_on(self) -> None:
            while True:
                wire.request(self)

    runner = make_runner(Leaver, Idler)
    runner.start(2, 1000, wait=True)
    eventually(lambda: runner.user_count == 1)
    eventually(lambda: wire.counted == 1)
    gevent.sleep(0.05)
    assert (wire.seen, wire.counted) == (1, 1)


def test_the_last_request_of_what_an_ended_user_has_left_behind_is_waited_for(
    make_runner: MakeRunner, eventually: Eventually
) -> None:
    settings.stop_grace_s = 2
    wire = Wire(lambda: 0.1)

    class Leaver(User):
        @task
        def leave(self) -> None:
            gevent.spawn(wire.request, self)
            gevent.sleep(0)
            raise StopUser

    runner = make_runner(Leaver, Idler)
    runner.start(2, 1000, wait=True)
    eventually(lambda: runner.user_count == 1)
    runner.stop()
    assert (wire.seen, wire.counted) == (1, 1)


def test_a_constructor_that_raises_stop_user_makes_one_user_less(make_runner: MakeRunner) -> None:
    tries = 0

    class Picky(Idler):
        def __init__(self, environment: Any) -> None:
            nonlocal tries
            super().__init__(environment)
            tries += 1
            if tries % 2:
                raise StopUser

    runner = make_runner(Picky)
    runner.start(6, 1000, wait=True)
    assert (tries, runner.user_count) == (6, 3)
    runner.start(4, 1000, wait=True)
    assert (tries, runner.user_count) == (7, 3)
