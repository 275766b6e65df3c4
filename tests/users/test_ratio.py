import json
from typing import Any

import pytest

from gregaria.users.declare import task
from gregaria.users.markov import MarkovTaskSet, transition, transitions
from gregaria.users.ratio import (
    get_ratio,
    print_task_ratio,
    print_task_ratio_json,
    task_ratio_table,
    task_ratios,
    typical_users,
)
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User


class Shopper(User):
    weight = 3

    @task(3)
    def look(self) -> None: ...

    @task
    class Checkout(TaskSet):
        @task(3)
        def pay(self) -> None: ...

        @task
        def leave(self) -> None: ...


class Visitor(User):
    @task
    def look(self) -> None: ...


def test_shares_per_class_are_of_what_a_task_stands_in() -> None:
    assert get_ratio([Shopper, Visitor], {"Shopper": 3, "Visitor": 1}, False) == {
        "Shopper": {
            "ratio": 0.75,
            "tasks": {
                "look": {"ratio": 0.75},
                "Checkout": {"ratio": 0.25, "tasks": {"pay": {"ratio": 0.75}, "leave": {"ratio": 0.25}}},
            },
        },
        "Visitor": {"ratio": 0.25, "tasks": {"look": {"ratio": 1.0}}},
    }


def test_total_shares_are_of_the_whole_run() -> None:
    shopper = get_ratio([Shopper, Visitor], {"Shopper": 3, "Visitor": 1}, True)["Shopper"]
    assert shopper["tasks"]["Checkout"]["ratio"] == pytest.approx(0.75 * 0.25)
    assert shopper["tasks"]["Checkout"]["tasks"]["pay"]["ratio"] == pytest.approx(0.75 * 0.25 * 0.75)


def test_users_are_shared_out_by_weight_after_the_fixed_ones() -> None:
    class Admin(User):
        fixed_count = 2
        tasks = [lambda user: None]

    ratios = task_ratios([Shopper, Visitor, Admin], 10)
    assert {name: entry["ratio"] for name, entry in ratios["per_class"].items()} == {
        "Shopper": 0.6,
        "Visitor": 0.2,
        "Admin": 0.2,
    }


def test_a_run_without_users_has_shares_of_nothing() -> None:
    assert task_ratios([Shopper], 0)["total"]["Shopper"]["ratio"] == 0


def test_a_chain_has_the_shares_it_settles_to() -> None:
    class Chain(MarkovTaskSet):
        @transitions({"home": 3, "shop": 1})
        def home(self) -> None: ...

        @transition("home")
        def shop(self) -> None: ...

    walker: Any = type("Walker", (User,), {"tasks": [Chain]})
    tasks = get_ratio([walker], {"Walker": 1}, True)["Walker"]["tasks"]["Chain"]["tasks"]
    assert tasks["home"]["ratio"] == pytest.approx(0.8, abs=0.001)
    assert tasks["shop"]["ratio"] == pytest.approx(0.2, abs=0.001)


def test_a_task_set_inside_itself_is_shown_once_below_itself() -> None:
    class Loop(TaskSet):
        @task
        def inside(self) -> None: ...

    Loop.tasks.append(Loop)
    looped: Any = type("Looped", (User,), {"tasks": [Loop]})
    assert get_ratio([looped], {"Looped": 1}, False)["Looped"]["tasks"]["Loop"]["tasks"]["Loop"] == {"ratio": 0.5}


def test_the_table_is_indented_by_depth_and_sorted_by_share() -> None:
    lines = task_ratio_table(get_ratio([Visitor, Shopper], {"Shopper": 3, "Visitor": 1}, False)).splitlines()
    assert [line.split() for line in lines] == [
        ["75.0", "Shopper"],
        ["75.0", "look"],
        ["25.0", "Checkout"],
        ["75.0", "pay"],
        ["25.0", "leave"],
        ["25.0", "Visitor"],
        ["100.0", "look"],
    ]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    assert indents[0] == indents[5] < indents[1] == indents[2] < indents[3] == indents[4]


def test_scripts_can_print_both_forms(capsys: pytest.CaptureFixture[str]) -> None:
    print_task_ratio([Shopper, Visitor], 4, True)
    assert "75.0      Shopper" in capsys.readouterr().out
    print_task_ratio_json([Shopper, Visitor], 4)
    assert json.loads(capsys.readouterr().out) == task_ratios([Shopper, Visitor], 4)


def test_without_a_number_of_users_the_weights_show() -> None:
    class Admin(User):
        fixed_count = 2

        @task
        def t(self) -> None: ...

    assert typical_users([Shopper, Visitor]) == 4
    assert typical_users([Shopper, Visitor, Admin]) == 6
    assert typical_users([]) == 1
    ratios = task_ratios([Shopper, Visitor], typical_users([Shopper, Visitor]))["per_class"]
    assert [entry["ratio"] for entry in ratios.values()] == [0.75, 0.25]
