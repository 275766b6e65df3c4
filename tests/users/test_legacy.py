from typing import Any

import pytest

from gregaria.users.check import check_user_class
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User
from gregaria.users.wait import constant
from tests.support.environments import QuietEnvironment


def nothing(user: Any) -> None: ...


class Old(User):
    tasks = [nothing]
    min_wait = 5000
    max_wait = 15000


def test_min_wait_and_max_wait_are_milliseconds() -> None:
    user = Old(QuietEnvironment())
    seconds = [user.wait_time() for _ in range(500)]
    assert 5 <= min(seconds) < 5.5
    assert 14.5 < max(seconds) <= 15


@pytest.mark.parametrize(
    ("given", "shortest", "longest"),
    [
        ({"min_wait": 3000}, 3, 3),
        ({"max_wait": 4000}, 1, 4),
        ({"min_wait": 0, "max_wait": 0}, 0, 0),
        ({"max_wait": 500}, 0.5, 0.5),
    ],
)
def test_a_side_that_is_missing_is_what_it_was(given: Any, shortest: float, longest: float) -> None:
    user = type("Old", (User,), given)(QuietEnvironment())
    assert all(shortest <= user.wait_time() <= longest for _ in range(50))


def test_they_are_warned_about_once_with_what_to_write(caplog: pytest.LogCaptureFixture) -> None:
    old = type(
        "WebsiteUser", (User,), {"tasks": [nothing], "min_wait": 5000, "max_wait": 15000, "__module__": __name__}
    )
    check_user_class(old)
    check_user_class(old)
    [record] = caplog.records
    assert "min_wait and max_wait of WebsiteUser" in record.getMessage()
    assert "wait_time = between(5, 15)" in record.getMessage()


def test_a_wait_function_answers_in_milliseconds(caplog: pytest.LogCaptureFixture) -> None:
    old = type("Old", (User,), {"tasks": [nothing], "wait_function": lambda self: 2500})
    assert old(QuietEnvironment()).wait_time() == 2.5
    check_user_class(old)
    assert "wait_time(self)" in caplog.text


def test_a_wait_time_wins_and_the_old_names_are_told_to_be_ignored(caplog: pytest.LogCaptureFixture) -> None:
    both = type("Both", (User,), {"tasks": [nothing], "min_wait": 5000, "wait_time": constant(2)})
    assert both(QuietEnvironment()).wait_time() == 2
    check_user_class(both)
    assert "min_wait of Both is ignored" in caplog.text


def test_a_subclass_may_change_either() -> None:
    class Longer(Old):
        min_wait = 15000

    class Modern(Old):
        wait_time = constant(3)

    class FromAMixin(type("Mixin", (), {"max_wait": 2000, "min_wait": 2000}), User): ...  # type: ignore[misc]

    assert Longer(QuietEnvironment()).wait_time() == 15
    assert Modern(QuietEnvironment()).wait_time() == 3
    assert FromAMixin(QuietEnvironment()).wait_time() == 2


def test_a_task_set_may_have_old_names_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    class OldSet(TaskSet):
        tasks = [nothing]
        min_wait = max_wait = 7000

    class Modern(User):
        tasks = [OldSet]
        wait_time = constant(1)

    assert OldSet(Modern(QuietEnvironment())).wait_time() == 7
    check_user_class(Modern)
    assert "of test_a_task_set_may_have_old_names_of_its_own.<locals>.OldSet" in caplog.text
