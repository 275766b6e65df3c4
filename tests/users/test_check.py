import asyncio
import functools
from typing import Any

import pytest

from gregaria.errors import GregariaError
from gregaria.users.check import check_user_class
from gregaria.users.declare import NoTasksError, WrongDeclarationError, task
from gregaria.users.markov import MarkovTaskSet, transition
from gregaria.users.sequential import SequentialTaskSet
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User
from gregaria.users.wait import between, constant, constant_pacing
from tests.support.ids import shown


def fine(user: Any) -> None: ...


async def asynchronous(user: Any) -> None:
    await asyncio.sleep(0)


def generator(user: Any) -> Any:
    yield


def without_argument() -> None: ...


class NoTaskSet: ...


class Another(User): ...


def made(**body: Any) -> Any:
    return type("Made", (User,), {"tasks": [fine], "__module__": __name__, **body})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"weight": 2.5, "fixed_count": 3, "host": "http://localhost"},
        {"weight": 0},
        {"wait_time": between(1, 2)},
        {"wait_time": constant_pacing(3)},
        {"wait_time": lambda self: 2},
        {"wait_time": staticmethod(lambda: 2)},
        {"tasks": [lambda *everything: None, print, fine]},
        {"tasks": [type("Inner", (TaskSet,), {"tasks": [fine]})]},
        {"tasks": [], "run": lambda self: None},
    ],
    ids=shown,
)
def test_what_can_work_passes(body: Any, caplog: pytest.LogCaptureFixture) -> None:
    check_user_class(made(**body))
    assert not caplog.records


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"weight": "3"}, "weight = '3'"),
        ({"weight": -1}, "weight = -1"),
        ({"weight": float("nan")}, "weight = nan"),
        ({"weight": None}, "weight = None"),
        ({"fixed_count": 1.5}, "fixed_count = 1.5"),
        ({"fixed_count": -2}, "fixed_count = -2"),
        ({"host": 8000}, "host = 8000"),
        ({"wait_time": 5}, r"wait_time = constant\(5\)"),
        ({"wait_time": between}, r"lacks its numbers: write wait_time = between\(1, 5\)"),
        ({"wait_time": constant}, r"lacks its numbers: write wait_time = constant\(1\)"),
        ({"wait_time": "5"}, r"wait_time = between\(1, 5\)"),
        ({"wait_time": lambda: 5}, "must take one argument"),
        ({"wait_time": asynchronous}, "def instead of async def"),
        ({"on_start": asynchronous}, "plain def"),
        ({"on_stop": generator}, "plain def"),
        ({"tasks": [asynchronous]}, "asynchronous: a task must be a plain def"),
        ({"tasks": [generator]}, "generator: a task must be a plain def"),
        ({"tasks": [without_argument]}, r"def without_argument\(self\)"),
        ({"tasks": [NoTaskSet]}, r"class NoTaskSet\(TaskSet\)"),
        ({"tasks": [Another]}, "no task set"),
        ({"tasks": ["fine"]}, "neither a function nor a TaskSet"),
        ({"tasks": [None]}, "neither a function nor a TaskSet"),
    ],
    ids=lambda value: shown(value)[:60],
)
def test_what_cannot_work_is_refused_with_its_place_and_what_to_write(body: Any, text: str) -> None:
    with pytest.raises(WrongDeclarationError, match=text) as caught:
        check_user_class(made(**body))
    assert isinstance(caught.value, GregariaError)
    assert __file__ in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [{"wait_time": 5}, {"on_start": asynchronous}, {"tasks": [without_argument]}, {"tasks": ["fine"]}],
    ids=shown,
)
def test_task_sets_inside_are_looked_over_too(body: Any) -> None:
    inner = type("Inner", (TaskSet,), {"tasks": [fine], "__module__": __name__, **body})
    middle = type("Middle", (TaskSet,), {"tasks": [inner]})
    with pytest.raises(WrongDeclarationError, match=__file__):
        check_user_class(made(tasks=[fine, middle]))


@pytest.mark.parametrize("empty", [TaskSet, SequentialTaskSet, MarkovTaskSet])
def test_users_and_task_sets_without_tasks_are_refused(empty: Any) -> None:
    with pytest.raises(NoTasksError, match=r"Made has no tasks.*--tags.*abstract = True"):
        check_user_class(made(tasks=[]))
    with pytest.raises(NoTasksError, match="has no tasks"):
        check_user_class(made(tasks=[type(empty)("Empty", (empty,), {"abstract": True})]))


def test_task_set_of_old_is_answered_with_what_to_write_today() -> None:
    class WebsiteTasks(TaskSet):
        tasks = [fine]

    with pytest.raises(NoTasksError, match=r"write tasks = \[WebsiteTasks\]"):
        check_user_class(made(tasks=[], task_set=WebsiteTasks))


def test_tasks_that_are_set_or_scheduled_when_a_user_starts_are_believed_in() -> None:
    class Assigning(User):
        def on_start(self) -> None:
            self.tasks = [fine]

    class Scheduling(TaskSet):
        def __init__(self, parent: Any) -> None:
            super().__init__(parent)
            self.schedule_task(fine)

    class Picking(TaskSet):
        def get_next_task(self) -> Any:
            return fine

    class Walking(MarkovTaskSet):
        @transition("on")
        def on(self) -> None: ...

    for user_class in (Assigning, made(tasks=[Scheduling]), made(tasks=[Picking]), made(tasks=[Walking])):
        check_user_class(user_class)


def test_a_task_set_inside_itself_is_checked_once() -> None:
    class Loop(TaskSet):
        @task
        def leave(self) -> None:
            self.interrupt()

    Loop.tasks.append(Loop)
    check_user_class(made(tasks=[Loop]))


def test_a_task_set_that_nothing_leaves_is_warned_about_where_other_tasks_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Trap(TaskSet):
        tasks = [fine]

    class Door(TaskSet):
        @task
        def leave(self) -> None:
            self.interrupt()

    check_user_class(made(tasks=[Trap]))
    check_user_class(made(tasks=[Door, fine]))
    assert not caplog.records
    trapped = made(tasks=[Trap, fine])
    check_user_class(trapped)
    check_user_class(trapped)
    assert caplog.text.count("Trap: nothing in it calls self.interrupt()") == 1


def test_decorators_around_a_task_are_seen_through(caplog: pytest.LogCaptureFixture) -> None:
    def with_database(function: Any) -> Any:
        @functools.wraps(function)
        def with_one(self: Any) -> Any:
            return function(self, "database")

        return with_one

    class Door(TaskSet):
        @task
        @with_database
        def leave(self, database: str) -> None:
            with_database(lambda *_: self.interrupt())

    check_user_class(made(tasks=[Door, fine]))
    assert not caplog.records
