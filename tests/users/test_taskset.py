from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.pool import Group

from gregaria.errors import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from gregaria.users.declare import NoTasksError, task
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User
from gregaria.users.wait import constant
from tests.support.environments import QuietEnvironment, QuietRunner, StepwiseTaskSet, live, made
from tests.support.ids import shown


@pytest.fixture(params=["quickly", "step by step"])
def environment(request: pytest.FixtureRequest) -> QuietEnvironment:
    """Both ways that the loop can go."""
    return QuietEnvironment(QuietRunner(), stepwise=request.param == "step by step")


@pytest.fixture
def Tasks(environment: QuietEnvironment) -> Any:
    """The class that task sets derive from, to go the same way."""
    return StepwiseTaskSet if environment.stepwise else TaskSet


class Diary:
    """A wait_time that waits nothing and notes that it was asked, among other notes."""

    def __init__(self) -> None:
        self.notes: list[Any] = []

    def wait_time(self, _user: object = None) -> float:
        self.notes.append("wait")
        return 0

    def __call__(self, note: Any) -> None:
        self.notes.append(note)


def user_with(diary: Diary, *steps: Any, **attributes: Any) -> type[User]:
    """A user class whose tasks come in the order given, and that stops after them.

    A step is a function that takes the user, a TaskSet class, or an exception to raise.
    """
    left = list(steps)

    def following(user: Any) -> Any:
        if not left:
            raise StopUser
        step = left.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step(user).run() if isinstance(step, type) else step(user)

    body = {"tasks": [following], "wait_time": lambda user: diary.wait_time(), **attributes}
    return type("Stepper", (User,), body)


def test_a_task_gets_the_user_or_the_task_set(environment: QuietEnvironment, Tasks: Any) -> None:
    seen = []

    class Inner(Tasks):
        @task
        def method(self) -> None:
            seen.append(self)
            assert self.client is self.user.client
            raise StopUser

    class Outer(User):
        client = object()

        @task
        def method(self) -> None:
            seen.append(self)
            self.tasks = [Inner]  # type: ignore[assignment]

    user = live(Outer, environment)
    assert seen[0] is user
    assert isinstance(seen[1], Inner)
    assert seen[1].parent is user
    assert seen[1].user is user


def test_bound_methods_of_the_user_are_called_without_argument(environment: QuietEnvironment) -> None:
    class Dynamic(User):
        def on_start(self) -> None:
            self.tasks = [self.only]

        def only(self) -> None:
            raise StopUser

    assert live(Dynamic, environment).ended_by is None
    assert not environment.errors


def test_a_bound_method_of_something_else_gets_the_user(environment: QuietEnvironment) -> None:
    class Helper:
        def help(self, user: Any) -> None:
            self.helped = user
            raise StopUser

    helper = Helper()
    assert live(type("Helped", (User,), {"tasks": [helper.help]}), environment) is helper.helped


def test_a_nested_task_set_is_made_afresh_each_time(environment: QuietEnvironment, Tasks: Any) -> None:
    instances = []

    class Inner(Tasks):
        def on_start(self) -> None:
            instances.append(self)
            if len(instances) == 3:
                raise StopUser

        @task
        def leave(self) -> None:
            self.interrupt()

    live(type("Visitor", (User,), {"tasks": [Inner]}), environment)
    assert len(set(instances)) == 3


def test_tasks_are_picked_by_weight(environment: QuietEnvironment) -> None:
    counts = {"often": 0, "seldom": 0}

    class Weighted(User):
        @task(3)
        def often(self) -> None:
            counts["often"] += 1
            if counts["often"] == 3000:
                raise StopUser

        @task
        def seldom(self) -> None:
            counts["seldom"] += 1

    live(Weighted, environment)
    assert counts["seldom"] == pytest.approx(1000, rel=0.2)


def test_between_two_tasks_the_user_waits(environment: QuietEnvironment) -> None:
    diary = Diary()
    live(user_with(diary, lambda user: diary(1), lambda user: diary(2)), environment)
    assert diary.notes == [1, "wait", 2, "wait"]


@pytest.mark.parametrize(
    ("error", "notes"),
    [
        (RescheduleTask(), ["wait", "next", "wait"]),
        (RescheduleTaskImmediately(), ["next", "wait"]),
        (InterruptTaskSet(), ["next", "wait"]),
        (InterruptTaskSet(reschedule=False), ["wait", "next", "wait"]),
        (KeyError("mistake"), ["wait", "next", "wait"]),
        (gevent.Timeout(3), ["wait", "next", "wait"]),
        (StopUser(), []),
        (StopTest(), []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "-".join(value),
)
def test_what_a_users_task_raises_decides_what_comes_next(
    environment: QuietEnvironment, error: BaseException, notes: list[str]
) -> None:
    diary = Diary()
    user = live(user_with(diary, error, lambda user: diary("next")), environment)
    assert diary.notes == notes
    assert user.ended_by is None


def test_a_mistake_in_a_task_is_told_with_the_user_and_its_own_frames_only(
    environment: QuietEnvironment, Tasks: Any
) -> None:
    def culprit(user: Any) -> None:
        raise KeyError("mistake")

    class Inner(Tasks):
        tasks = [culprit]

        def wait_time(self) -> float:
            raise StopUser

    user = live(type("Clumsy", (User,), {"tasks": [Inner]}), environment)
    [told] = environment.error_events
    assert told["user_instance"] is user
    assert repr(told["exception"]) == "KeyError('mistake')"
    assert told["tb"].tb_frame.f_code is culprit.__code__


def test_a_mistake_ends_the_user_when_the_environment_does_not_catch_it(
    environment: QuietEnvironment, Tasks: Any
) -> None:
    environment.catch_exceptions = False
    mistake = KeyError("mistake")

    def fail(task_set: Any) -> None:
        raise mistake

    class Inner(Tasks):
        tasks = [fail]

    user = live(type("Strict", (User,), {"tasks": [Inner]}), environment)
    assert user.ended_by is mistake
    assert environment.errors == [mistake]
    with pytest.raises(KeyError):
        type(user)(environment).run()


@pytest.mark.parametrize(
    ("reschedule", "notes"), [(True, ["in", "out", "next", "wait"]), (False, ["in", "out", "wait", "next", "wait"])]
)
def test_interrupting_leaves_the_task_set_with_or_without_a_wait(
    environment: QuietEnvironment, Tasks: Any, reschedule: bool, notes: list[str]
) -> None:
    diary = Diary()

    class Inner(Tasks):
        def on_start(self) -> None:
            diary("in")

        def on_stop(self) -> None:
            diary("out")

        @task
        def leave(self) -> None:
            self.interrupt(reschedule=reschedule)

    live(user_with(diary, Inner, lambda user: diary("next")), environment)
    assert diary.notes == notes


@pytest.mark.parametrize("error", [InterruptTaskSet(), KeyError("mistake"), StopUser(), RescheduleTask()], ids=shown)
def test_a_task_set_whose_on_start_raises_is_left_with_one_on_stop(
    environment: QuietEnvironment, Tasks: Any, error: BaseException
) -> None:
    diary = Diary()

    class Inner(Tasks):
        tasks = [lambda task_set: diary("never")]

        def on_start(self) -> None:
            raise error

        def on_stop(self) -> None:
            diary("out")

    live(user_with(diary, Inner), environment)
    assert diary.notes.count("out") == 1
    assert "never" not in diary.notes
    assert environment.errors == ([error] if isinstance(error, KeyError) else [])


@pytest.mark.parametrize("end", [StopUser, StopTest, gevent.GreenletExit])
def test_every_level_is_left_from_the_inside_out_when_the_user_ends(
    environment: QuietEnvironment, Tasks: Any, end: type[BaseException]
) -> None:
    left = []

    class Inner(Tasks):
        @task
        def last(self) -> None:
            raise end

        def on_stop(self) -> None:
            left.append("inner")

    class Middle(Tasks):
        tasks = [Inner]

        def on_stop(self) -> None:
            left.append("middle")

    class Outer(User):
        tasks = [Middle]

        def on_stop(self) -> None:
            left.append("user")

    live(Outer, environment)
    assert left == ["inner", "middle", "user"]


def test_a_mistake_in_on_stop_is_told_and_changes_nothing_else(environment: QuietEnvironment, Tasks: Any) -> None:
    diary = Diary()

    class Inner(Tasks):
        @task
        def leave(self) -> None:
            self.interrupt(reschedule=False)

        def on_stop(self) -> None:
            raise KeyError("mistake")

    live(user_with(diary, Inner, lambda user: diary("next")), environment)
    assert [type(error) for error in environment.errors] == [KeyError]
    assert diary.notes == ["wait", "next", "wait"]


def test_scheduled_tasks_come_before_picked_ones(environment: QuietEnvironment, Tasks: Any) -> None:
    order = []

    class Inner(Tasks):
        def on_start(self) -> None:
            self.schedule_task(self.second)
            self.schedule_task(Inner.third)
            self.schedule_task(self.first, first=True)

        def first(self) -> None:
            order.append(1)

        def second(self) -> None:
            order.append(2)

        def third(self) -> None:
            order.append(3)

        @task
        def picked(self) -> None:
            order.append(4)
            raise StopUser

    live(type("Planner", (User,), {"tasks": [Inner]}), environment)
    assert order == [1, 2, 3, 4]


def test_a_task_set_waits_as_its_user_unless_it_says_otherwise(environment: QuietEnvironment, Tasks: Any) -> None:
    asked = []

    def note(whom: str) -> Any:
        def wait_time(holder: Any) -> float:
            asked.append(whom)
            if len(asked) == 3:
                raise StopUser
            return 0

        return wait_time

    class Own(Tasks):
        wait_time = note("task set")

        @task
        def nothing(self) -> None: ...

        def on_stop(self) -> None:
            self.user.wait_time = constant(0)

    class Plain(Tasks):
        tasks = [Own]

        def on_start(self) -> None:
            self.wait()

    live(type("Waiter", (User,), {"tasks": [Plain], "wait_time": note("user")}), environment)
    assert asked == ["user", "task set", "task set"]


def test_a_wait_time_set_in_the_middle_counts_from_then_on(environment: QuietEnvironment) -> None:
    diary = Diary()

    class Changing(User):
        wait_time = constant(0)
        rounds = 0

        @task
        def change(self) -> None:
            self.rounds += 1
            diary(self.rounds)
            if self.rounds == 2:
                self.wait_time = diary.wait_time
            if self.rounds == 4:
                raise StopUser

    live(Changing, environment)
    assert diary.notes == [1, 2, "wait", 3, "wait", 4]


def test_a_task_set_left_by_its_wait_time_is_no_longer_waiting(environment: QuietEnvironment, Tasks: Any) -> None:
    states = []

    class Brief(Tasks):
        tasks = [doing_nothing]

        def wait_time(self) -> float:
            self.interrupt()

    live(user_with(Diary(), Brief, lambda user: states.append(user._state)), environment)
    assert states == ["running"]


@pytest.mark.parametrize("answer", ["text", None, float("nan"), KeyError("mistake")], ids=shown)
def test_a_wait_time_that_does_not_answer_with_seconds_is_told_and_does_not_spin(
    environment: QuietEnvironment, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    rounds = []

    class Wrong(User):
        def wait_time(self) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        @task
        def count(self) -> None:
            rounds.append(1)

    user = made(Wrong, environment)
    user.start(Group())
    gevent.sleep(0.05)
    assert rounds == [1]
    assert user._state == "waiting"
    assert user.stop()
    [error] = environment.errors
    assert f"{__file__}:" in str(error)
    assert "Wrong: its wait_time" in str(error)
    assert "between(1, 5)" in str(error)
    assert caplog.text.count("its wait_time") == 1


def interrupting(task_set: Any) -> None:
    task_set.interrupt()


def interrupting_with_a_wait(task_set: Any) -> None:
    task_set.interrupt(reschedule=False)


def doing_nothing(task_set: Any) -> None: ...


def failing(task_set: Any) -> None:
    raise KeyError("mistake")


@pytest.mark.parametrize("where", ["task", "on_start"])
@pytest.mark.parametrize("act", [interrupting, interrupting_with_a_wait, doing_nothing, failing])
def test_tasks_that_never_yield_do_not_freeze_the_process(
    environment: QuietEnvironment, Tasks: Any, act: Callable[[Any], None], where: str
) -> None:
    rounds = 0

    def act_again(task_set: Any) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 100_000:
            # Nobody else has had a turn all the while; without this the test would never end.
            raise StopUser
        act(task_set)

    body = {"tasks": [act_again]} if where == "task" else {"tasks": [interrupting], "on_start": act_again}
    user = made(type("Restless", (User,), {"tasks": [type("Inner", (Tasks,), body)]}), environment)
    user.start(Group())
    gevent.sleep(0.01)
    user.stop(force=True)
    assert 1 < rounds < 100_000


def test_a_user_that_is_left_without_tasks_ends_with_an_error_and_does_not_spin(environment: QuietEnvironment) -> None:
    class Emptied(User):
        @task
        def empty(self) -> None:
            self.tasks = []

    user = live(Emptied, environment)
    assert isinstance(user.ended_by, NoTasksError)
    assert environment.errors == [user.ended_by]
    assert "Emptied has no tasks" in str(user.ended_by)


@pytest.mark.parametrize(
    "step", ["get_next_task", "schedule_task", "execute_next_task", "execute_task", "wait", "_sleep"]
)
def test_each_step_of_the_loop_may_be_replaced(step: str) -> None:
    seen = []

    def replaced(self: Any, *arguments: Any, **keywords: Any) -> Any:
        seen.append(step)
        return getattr(TaskSet, step)(self, *arguments, **keywords)

    class Plain(TaskSet):
        rounds = 0

        @task
        def count(self) -> None:
            self.rounds += 1
            if self.rounds == 3:
                raise StopUser

    stepwise = type("Stepwise", (Plain,), {step: replaced})
    environment = QuietEnvironment()
    live(type("OfClass", (User,), {"tasks": [stepwise]}), environment)
    assert len(seen) == (2 if step in ("wait", "_sleep") else 3)

    def replace(self: Any) -> None:
        setattr(self, step, lambda *arguments, **keywords: replaced(self, *arguments, **keywords))

    seen.clear()
    live(type("OfInstance", (User,), {"tasks": [type("Late", (Plain,), {"on_start": replace})]}), environment)
    assert len(seen) == (2 if step in ("wait", "_sleep") else 3)
    assert not environment.errors


@pytest.mark.parametrize("stepwise", [False, True])
def test_exactly_so_many_leaf_tasks_run_as_iterations_were_given(stepwise: bool) -> None:
    runner = QuietRunner(iterations_left=50)
    environment = QuietEnvironment(runner, stepwise=stepwise)
    ran = []
    ended = []

    class Inner(StepwiseTaskSet if stepwise else TaskSet):  # type: ignore[misc]
        @task(5)
        def leaf(self) -> None:
            ran.append(1)
            gevent.sleep(0)

        @task
        def leave(self) -> None:
            ran.append(1)
            self.interrupt()

    class Counted(User):
        tasks = [Inner]
        wait_time = constant(0)

        def on_stop(self) -> None:
            ended.append(1)

    group = Group()
    users = [made(Counted, environment) for _ in range(7)]
    for user in users:
        user.start(group)
    group.join(timeout=5)
    assert len(ran) == 50
    assert runner.iterations_left == 0
    assert len(ended) == 7
    assert [user.ended_by for user in users] == [None] * 7


@pytest.mark.parametrize("stepwise", [False, True])
def test_after_the_last_iteration_nobody_waits_or_enters_a_task_set(stepwise: bool) -> None:
    entered = []

    class Inner(TaskSet):
        tasks = [doing_nothing]

        def on_start(self) -> None:
            entered.append(1)

    class Hasty(User):
        @task
        def only(self) -> None:
            self.tasks = [Inner]

    class Patient(User):
        wait_time = constant(1000)
        tasks = [doing_nothing]

    for user_class in (Hasty, Patient):
        live(user_class, QuietEnvironment(QuietRunner(iterations_left=1), stepwise=stepwise))
    assert not entered
