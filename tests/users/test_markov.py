import random
from typing import Any

import pytest

from gregaria.errors import StopUser
from gregaria.users.declare import NoTasksError, WrongDeclarationError, tag
from gregaria.users.markov import (
    InvalidTransitionError,
    MarkovTaskSet,
    MarkovTaskTagError,
    NoMarkovTasksError,
    NonMarkovTaskTransitionError,
    transition,
    transitions,
)
from gregaria.users.user import User
from tests.support.environments import QuietEnvironment, live


@pytest.fixture
def environment() -> QuietEnvironment:
    return QuietEnvironment()


def path(chain: Any, environment: QuietEnvironment, steps: int) -> list[str]:
    """The first so many tasks that a user takes through the chain, by way of its on_task."""
    names: list[str] = []

    def wait_time(user: Any) -> float:
        names.append(user.inside.current)
        if len(names) == steps:
            raise StopUser
        return 0

    class Walker(User):
        tasks = [type("Walked", (chain,), {"on_start": lambda self: setattr(self.user, "inside", self)})]

    Walker.wait_time = wait_time
    user = live(Walker, environment)
    assert user.ended_by is None
    assert not environment.errors
    return names


def test_a_chain_begins_with_the_first_task_and_follows_its_transitions(environment: QuietEnvironment) -> None:
    class Circle(MarkovTaskSet):
        @transition("second")
        def first(self) -> None: ...

        @transition("third")
        def second(self) -> None: ...

        @transition("first")
        def third(self) -> None: ...

    assert path(Circle, environment, 7) == ["first", "second", "third"] * 2 + ["first"]


def test_the_next_task_is_drawn_by_weight(environment: QuietEnvironment) -> None:
    random.seed(11)

    class Walk(MarkovTaskSet):
        @transitions({"home": 3, "shop": 1, "closed": 0})
        def home(self) -> None: ...

        @transition("home")
        def shop(self) -> None: ...

        @transition("home")
        def closed(self) -> None: ...

    names = path(Walk, environment, 5000)
    # home is left for shop in one of four cases, and shop always leads home: 4 of 5 tasks are home.
    assert names.count("home") / 5000 == pytest.approx(0.8, abs=0.03)
    assert names.count("closed") == 0


def test_transitions_take_names_and_pairs_and_several_decorators_add_up() -> None:
    class Walk(MarkovTaskSet):
        @transitions(["b", ("a", 2)])
        @transition("b", weight=3)
        def a(self) -> None: ...

        @transition("a")
        def b(self) -> None: ...

    assert Walk.transitions_of_states == {"a": {"b": 4, "a": 2}, "b": {"a": 1}}
    assert Walk.tasks == []


def test_a_subclass_inherits_the_chain_and_may_replace_a_task(environment: QuietEnvironment) -> None:
    class Base(MarkovTaskSet):
        abstract = True

        @transition("second")
        def first(self) -> None: ...

        @transition("first")
        def second(self) -> None: ...

    class Other(Base):
        @transition("second")
        def second(self) -> None: ...

    assert path(Base, environment, 3) == ["first", "second", "first"]
    assert path(Other, environment, 3) == ["second", "second", "second"]


def test_a_mistake_in_a_task_does_not_stop_the_chain() -> None:
    order = []

    class Walk(MarkovTaskSet):
        wait_time = lambda self: 0  # noqa: E731

        @transition("second")
        def first(self) -> None:
            order.append("first")
            raise KeyError("mistake")

        @transition("first")
        def second(self) -> None:
            order.append("second")
            raise StopUser

    live(type("Walker", (User,), {"tasks": [Walk]}), QuietEnvironment())
    assert order == ["first", "second"]


def task_with(name: str, *decorators: Any) -> Any:
    def function(self: Any) -> None: ...

    function.__name__ = name
    for decorate in decorators:
        decorate(function)
    return function


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        ({}, NoMarkovTasksError, "@transition"),
        ({"a": task_with("a", transition("b"))}, InvalidTransitionError, "no method 'b'"),
        (
            {"a": task_with("a", transition("b")), "b": task_with("b")},
            NonMarkovTaskTransitionError,
            "'b' has no transition",
        ),
        ({"a": task_with("a", transition("a", 0))}, InvalidTransitionError, "add up to 0"),
        ({"a": task_with("a", transition("a"), tag("x"))}, MarkovTaskTagError, "on the class"),
        ({"run": task_with("run", transition("run"))}, WrongDeclarationError, "Rename"),
    ],
)
def test_a_wrong_chain_is_refused_when_its_class_is_made(body: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        type(MarkovTaskSet)("Wrong", (MarkovTaskSet,), dict(body))


def test_a_task_that_no_transition_leads_to_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    class Walk(MarkovTaskSet):
        @transition("a")
        def a(self) -> None: ...

        @transitions({"a": 1})
        def lost(self) -> None: ...

    assert f"{Walk.__name__}: no transition leads to lost" in caplog.text


def test_an_abstract_chain_is_not_checked_and_cannot_be_run() -> None:
    class Unfinished(MarkovTaskSet):
        abstract = True

        @transition("comes_later")
        def a(self) -> None: ...

    assert Unfinished.abstract
    user = live(type("Walker", (User,), {"tasks": [MarkovTaskSet]}), QuietEnvironment())
    assert isinstance(user.ended_by, NoTasksError)


@pytest.mark.parametrize("weight", [1.5, "2"])
def test_a_transitions_weight_is_a_whole_number(weight: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        transition("a", weight)
