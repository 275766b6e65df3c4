import logging
from typing import Any

import gevent
import pytest
from gevent.pool import Group

from gregaria.errors import InterruptTaskSet, StopTest, StopUser
from gregaria.users.declare import WrongDeclarationError, task
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User, run_user
from gregaria.users.wait import constant
from tests.support.environments import QuietEnvironment, QuietRunner, live
from tests.support.ids import shown


@pytest.fixture
def environment() -> QuietEnvironment:
    return QuietEnvironment(QuietRunner())


class Life(User):
    """Notes what is called; ``during`` is the task."""

    abstract = True
    wait_time = constant(0)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.calls: list[str] = []

    def on_start(self) -> None:
        self.calls.append("on_start")

    def on_stop(self) -> None:
        self.calls.append("on_stop")

    @task
    def live(self) -> None:
        self.calls.append("task")
        self.during()

    def during(self) -> None:
        raise StopUser


def started(user_class: Any, environment: QuietEnvironment) -> Any:
    """A user that has been started and has had time to begin."""
    user = user_class(environment)
    user.start(Group())
    gevent.sleep(0.005)
    return user


def test_a_user_starts_runs_tasks_and_stops() -> None:
    user = live(Life, QuietEnvironment())
    assert user.calls == ["on_start", "task", "on_stop"]
    assert user.ended_by is None


def test_the_greenlet_knows_its_user_and_the_user_its_greenlet_and_group(environment: QuietEnvironment) -> None:
    group = Group()
    user = Life(environment)
    greenlet = user.start(group)
    assert greenlet.args[0] is user
    assert user.greenlet is greenlet
    assert user.group is group
    assert greenlet in group
    greenlet.join()


def test_abstract_counts_for_the_class_that_says_so_only() -> None:
    class Base(User):
        abstract = True

    class Concrete(Base): ...

    assert User.abstract
    assert Base.abstract
    assert not Concrete.abstract


def test_the_defaults_are_locusts() -> None:
    class Plain(User): ...

    user = Plain(QuietEnvironment())
    assert (Plain.weight, Plain.fixed_count, Plain.host, Plain.tasks) == (1, 0, None, [])
    assert user.wait_time() == 0
    assert user.context() == {}
    assert Plain.fullname() == f"{__name__}.test_the_defaults_are_locusts.Plain"
    assert Life.json() == {"host": None, "weight": 1, "fixed_count": 0, "tasks": ["live"]}


def test_a_user_in_its_task_is_asked_to_end_and_ends_after_it(environment: QuietEnvironment) -> None:
    go_on = gevent.event.Event()

    class Busy(Life):
        def during(self) -> None:
            go_on.wait()

    user = started(Busy, environment)
    assert not user.stop()
    gevent.sleep(0)
    assert not user.greenlet.ready()
    assert not user.stop(), "being asked again changes nothing"
    go_on.set()
    user.greenlet.join()
    assert user.calls == ["on_start", "task", "on_stop"]
    assert user.stop()


@pytest.mark.parametrize("force", [False, True])
def test_a_waiting_user_is_ended_at_once(environment: QuietEnvironment, force: bool) -> None:
    class Patient(Life):
        wait_time = constant(1000)

        def during(self) -> None: ...

    user = started(Patient, environment)
    assert user._state == "waiting"
    assert user.stop(force)
    assert user.calls == ["on_start", "task", "on_stop"]


def test_a_user_in_its_task_can_be_forced(environment: QuietEnvironment) -> None:
    class Busy(Life):
        def during(self) -> None:
            gevent.sleep(1000)

    user = started(Busy, environment)
    assert user.stop(force=True)
    assert user.calls == ["on_start", "task", "on_stop"]


def test_a_user_that_has_not_begun_is_stopped_without_on_start_and_on_stop(environment: QuietEnvironment) -> None:
    user = Life(environment)
    user.start(Group())
    assert user.stop()
    assert user.calls == []
    assert Life(environment).stop(), "nor is there anything to stop before start"


@pytest.mark.parametrize("error", [KeyError("mistake"), InterruptTaskSet(), gevent.Timeout(1)], ids=str)
def test_a_mistake_in_on_start_ends_the_user_is_told_once_and_followed_by_one_on_stop(
    environment: QuietEnvironment, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    class Broken(Life):
        def on_start(self) -> None:
            raise error

    user = live(Broken, environment)
    assert user.calls == ["on_stop"]
    assert user.ended_by is error
    [told] = environment.error_events
    assert told["user_instance"] is user
    assert told["exception"] is error
    assert "Broken" in caplog.text
    assert f'File "{__file__}"' in caplog.text
    assert environment.runner is not None
    assert environment.runner.stopped == []


@pytest.mark.parametrize("end", [StopUser(), gevent.GreenletExit()], ids=shown)
def test_a_user_that_ends_in_on_start_is_no_mistake(environment: QuietEnvironment, end: BaseException) -> None:
    class Brief(Life):
        def on_start(self) -> None:
            raise end

    user = live(Brief, environment)
    assert user.calls == ["on_stop"]
    assert user.ended_by is None
    assert not environment.errors


def test_a_mistake_in_on_stop_is_told(environment: QuietEnvironment) -> None:
    class Clumsy(Life):
        def on_stop(self) -> None:
            raise KeyError("mistake")

    assert live(Clumsy, environment).ended_by is None
    assert [type(error) for error in environment.errors] == [KeyError]


@pytest.mark.parametrize("where", ["on_start", "during", "on_stop"])
def test_stop_test_anywhere_stops_the_test_after_the_users_own_on_stop(
    environment: QuietEnvironment, where: str
) -> None:
    def stop(self: Any) -> None:
        self.calls.append(where)
        raise StopTest("enough")

    user = live(type("Deciding", (Life,), {where: stop}), environment)
    assert environment.runner is not None
    assert environment.runner.stopped == ["enough"]
    assert user.calls.count("on_stop") == 1
    assert user.ended_by is None


def test_stop_test_without_a_reason_names_the_class(environment: QuietEnvironment) -> None:
    class Deciding(Life):
        def during(self) -> None:
            raise StopTest

    live(Deciding, environment)
    assert environment.runner is not None
    assert "Deciding" in environment.runner.stopped[0]


def test_stop_test_without_a_runner_ends_the_user() -> None:
    class Deciding(Life):
        def during(self) -> None:
            raise StopTest

    assert live(Deciding, QuietEnvironment()).calls == ["on_start", "task", "on_stop"]


@pytest.mark.parametrize(("code", "expected"), [(3, 3), (None, 0), ("no more", 1)])
def test_sys_exit_ends_the_test_with_that_code(
    environment: QuietEnvironment, caplog: pytest.LogCaptureFixture, code: Any, expected: int
) -> None:
    class Leaving(Life):
        def during(self) -> None:
            raise SystemExit(code)

    user = live(Leaving, environment)
    assert user.calls[-1] == "on_stop"
    assert environment.process_exit_code == expected
    assert environment.runner is not None
    assert len(environment.runner.stopped) == 1
    assert ("no more" in caplog.text) == (code == "no more")


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_in_the_foreground_leaving_the_program_leaves_it_after_on_stop(end: type[BaseException]) -> None:
    class Leaving(Life):
        def during(self) -> None:
            raise end

    user = Leaving(QuietEnvironment())
    with pytest.raises(end):
        user.run()
    assert user.calls == ["on_start", "task", "on_stop"]


def test_on_stop_may_make_requests_though_the_gate_was_closed_and_closes_it_again(
    environment: QuietEnvironment,
) -> None:
    class Polite(Life):
        wait_time = constant(1000)

        def during(self) -> None: ...

        def on_stop(self) -> None:
            self.calls.append(f"gate open: {self.gate.open}")

    user = started(Polite, environment)
    user.gate.open = False
    user.stop()
    assert user.calls[-1] == "gate open: True"
    assert not user.gate.open


def test_the_gate_stays_open_for_a_user_that_ends_by_itself() -> None:
    assert live(Life, QuietEnvironment()).gate.open


def test_a_user_killed_in_an_on_stop_gets_no_more_requests_through_but_every_on_stop_runs(
    environment: QuietEnvironment,
) -> None:
    gates = []

    class Inner(TaskSet):
        @task
        def rest(self) -> None:
            gevent.sleep(1000)

        def on_stop(self) -> None:
            gates.append(self.user.gate.open)
            gevent.sleep(1000)

    class Polite(User):
        tasks = [Inner]

        def on_stop(self) -> None:
            gates.append(self.gate.open)

    user = started(Polite, environment)
    user.greenlet.kill(block=False)
    gevent.sleep(0.005)
    user.greenlet.kill(timeout=1)
    assert gates == [True, False]
    assert not user.gate.open


def test_a_runner_may_cut_a_user_short_before_it_ends_it(environment: QuietEnvironment) -> None:
    class Polite(Life):
        wait_time = constant(1000)

        def during(self) -> None: ...

        def on_stop(self) -> None:
            self.calls.append(f"gate open: {self.gate.open}")

    user = started(Polite, environment)
    user.cut_short()
    user.stop()
    assert user.calls[-1] == "gate open: False"


def test_a_constructor_that_forgets_its_base_is_told_so() -> None:
    class Forgetful(User):
        def __init__(self, environment: Any) -> None: ...

    with pytest.raises(WrongDeclarationError, match=rf"{__file__}:\d+: .*Forgetful.*super\(\).__init__"):
        Forgetful(QuietEnvironment()).start(Group())


def test_users_without_tasks_end_with_an_error_that_is_logged_once_without_a_traceback(
    environment: QuietEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    class Idle(User): ...

    users = [live(Idle, environment) for _ in range(3)]
    assert all("has no tasks" in str(user.ended_by) for user in users)
    assert len(environment.errors) == 3
    assert caplog.text.count("has no tasks") == 1
    assert "Traceback" not in caplog.text


def test_errors_that_repeat_are_all_told_to_listeners_but_seldom_to_the_log(
    environment: QuietEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(Life):
        rounds = 0

        def during(self) -> None:
            self.rounds += 1
            if self.rounds > 500:
                raise StopUser
            if self.rounds % 2:
                raise KeyError("one")
            raise ValueError("two")

    live(Clumsy, environment)
    assert len(environment.errors) == 500
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert 2 <= len(logged) <= 6


def test_an_error_with_a_whole_page_in_its_text_is_cut_in_the_log(
    environment: QuietEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    class Verbose(Life):
        def during(self) -> None:
            if "task" in self.calls[:-1]:
                raise StopUser
            raise ValueError("page " * 100_000)

    live(Verbose, environment)
    assert "page page" in caplog.text
    assert len(caplog.text) < 30_000


def test_a_user_without_a_client_says_where_clients_come_from() -> None:
    class Plain(User): ...

    class Own(User):
        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            self.client = "mine"

    assert Own(QuietEnvironment()).client == "mine"
    assert not hasattr(Plain, "client")
    with pytest.raises(AttributeError, match="Plain has no client: derive it from HttpUser"):
        _ = Plain(QuietEnvironment()).client


def test_a_listener_of_user_error_may_end_the_user(environment: QuietEnvironment) -> None:
    def end(**_: Any) -> None:
        raise StopUser

    class Clumsy(Life):
        def during(self) -> None:
            raise KeyError("mistake")

    environment.events.user_error.add_listener(end)
    assert live(Clumsy, environment).calls == ["on_start", "task", "on_stop"]


def test_running_a_user_never_lets_a_mistake_escape_from_its_greenlet(environment: QuietEnvironment) -> None:
    class Broken(Life):
        def on_start(self) -> None:
            raise KeyError("mistake")

    user = Broken(environment)
    run_user(user)
    assert isinstance(user.ended_by, KeyError)
