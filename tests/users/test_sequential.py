from typing import Any

import pytest

from gregaria.errors import StopUser
from gregaria.users.declare import NoTasksError, task
from gregaria.users.sequential import SequentialTaskSet
from gregaria.users.user import User
from tests.support.environments import QuietEnvironment, live


@pytest.fixture
def environment() -> QuietEnvironment:
    return QuietEnvironment()


def from_a_list(task_set: Any) -> None:
    task_set.user.order.append("listed")


def user_of(task_set_class: Any) -> Any:
    class Follower(User):
        tasks = [task_set_class]

        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            self.order: list[str] = []

    return Follower


def test_tasks_run_as_written_weights_repeat_and_a_list_counts_where_it_stands(environment: QuietEnvironment) -> None:
    class Steps(SequentialTaskSet):
        @task
        def zeroth(self) -> None:
            self.user.order.append("zeroth")

        tasks = [from_a_list, (from_a_list, 2)]

        @task(2)
        def twice(self) -> None:
            self.user.order.append("twice")
            if len(self.user.order) == 13:
                raise StopUser

        @task
        class Inner(SequentialTaskSet):
            @task
            def a(self) -> None:
                self.user.order.append("inner")
                self.interrupt()

    once = ["zeroth", "listed", "listed", "listed", "twice", "twice", "inner"]
    assert live(user_of(Steps), environment).order == once + once[:6]


def test_a_mistake_does_not_stop_the_sequence(environment: QuietEnvironment) -> None:
    class Steps(SequentialTaskSet):
        wait_time = lambda self: 0  # noqa: E731

        @task
        def first(self) -> None:
            self.user.order.append("first")
            raise KeyError("mistake")

        @task
        def second(self) -> None:
            self.user.order.append("second")
            raise StopUser

    assert live(user_of(Steps), environment).order == ["first", "second"]


def test_a_sequence_begins_anew_each_time_it_is_entered(environment: QuietEnvironment) -> None:
    class Steps(SequentialTaskSet):
        @task
        def first(self) -> None:
            self.user.order.append("first")
            if len(self.user.order) == 5:
                raise StopUser

        @task
        def leave(self) -> None:
            self.user.order.append("leave")
            self.interrupt()

        @task
        def never(self) -> None:
            self.user.order.append("never")

    assert live(user_of(Steps), environment).order == ["first", "leave"] * 2 + ["first"]


def test_a_subclass_goes_on_where_its_base_ends() -> None:
    class Base(SequentialTaskSet):
        @task
        def first(self) -> None: ...

    class More(Base):
        @task
        def second(self) -> None: ...

    assert [step.__name__ for step in More.tasks] == ["first", "second"]


def test_an_empty_sequence_ends_the_user_with_an_error(environment: QuietEnvironment) -> None:
    class Empty(SequentialTaskSet): ...

    assert isinstance(live(user_of(Empty), environment).ended_by, NoTasksError)
