import logging
from typing import Any

import pytest

from gregaria.errors import CommandError, ExitCode
from gregaria.users.declare import WrongDeclarationError, filter_tasks_by_tags, tag, task, where
from gregaria.users.markov import MarkovTaskSet, transition
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User


def one(user: Any) -> None: ...


def two(user: Any) -> None: ...


def three(user: Any) -> None: ...


def names(holder: Any) -> list[str]:
    return [of_holder.__name__ for of_holder in holder.tasks]


def test_a_weight_repeats_a_task() -> None:
    class Weighted(User):
        @task
        def once(self) -> None: ...

        @task(3)
        def thrice(self) -> None: ...

        @task(0)
        def never(self) -> None: ...

        def helper(self) -> None: ...

    assert names(Weighted) == ["once", "thrice", "thrice", "thrice"]


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([one, two], ["one", "two"]),
        ((one, two), ["one", "two"]),
        ({one: 2, two: 1}, ["one", "one", "two"]),
        ([(one, 2), two, (three, 0)], ["one", "one", "two"]),
        ({one}, ["one"]),
        ([], []),
        (None, []),
    ],
)
def test_tasks_may_be_a_list_of_tasks_or_of_pairs_or_a_dictionary(tasks: Any, expected: list[str]) -> None:
    assert names(type("Listed", (User,), {"tasks": tasks})) == expected
    assert names(type("ListedSet", (TaskSet,), {"tasks": tasks})) == expected


def test_tasks_and_marked_methods_add_up_in_the_order_written_after_the_bases() -> None:
    class First(TaskSet):
        @task
        def a(self) -> None: ...

    class Second(TaskSet):
        tasks = [one]

    class Both(First, Second):
        @task
        def b(self) -> None: ...

        tasks = [two]

        @task
        def c(self) -> None: ...

    assert names(Both) == ["a", "one", "b", "two", "c"]
    assert names(First) == ["a"]


def test_a_nested_task_set_is_a_task_when_marked() -> None:
    class Outer(User):
        @task(2)
        class Inner(TaskSet):
            tasks = [one]

        class NotMarked(TaskSet):
            tasks = [one]

    assert Outer.tasks == [Outer.Inner, Outer.Inner]


def test_an_object_that_has_every_attribute_is_no_task() -> None:
    class Yes:
        def __getattr__(self, name: str) -> Any:
            return "anything"

    assert type("WithProxy", (User,), {"proxy": Yes()}).tasks == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("weight", [1.5, "3", None])
def test_a_task_weight_that_is_no_whole_number_is_a_type_error(weight: Any) -> None:
    with pytest.raises(TypeError, match=r"one is .* whole number"):
        task(weight)(one)
    with pytest.raises(TypeError, match=r"one is .* whole number"):
        type("Weighted", (User,), {"tasks": {one: weight}})


def test_a_negative_task_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="not be below 0"):
        task(-1)(one)


@pytest.mark.parametrize("tasks", [one, 5, "one"])
def test_tasks_that_are_no_collection_are_refused_with_what_to_write(tasks: Any) -> None:
    with pytest.raises(TypeError, match=r"tasks = \["):
        type("Wrong", (User,), {"tasks": tasks})


def test_a_pair_must_be_one() -> None:
    with pytest.raises(TypeError, match="pair"):
        type("Wrong", (User,), {"tasks": [(one, 1, 2)]})


def test_a_task_named_run_is_refused_with_its_place() -> None:
    def run(user: Any) -> None: ...

    with pytest.raises(WrongDeclarationError, match=rf"{__file__}:\d+: .*run.*Rename") as caught:
        task(run)
    assert isinstance(caught.value, CommandError)
    assert caught.value.exit_code == ExitCode.LOCUSTFILE_BROKEN


def test_marking_on_start_works_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(User):
        @task
        def on_start(self) -> None: ...

    assert names(Odd) == ["on_start"]
    assert "called when its user starts" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


def test_tags_add_up_and_a_task_sets_tags_go_to_its_tasks() -> None:
    @tag("outer")
    class Tagged(TaskSet):
        @tag("a", "b")
        @tag("c")
        @task
        def several(self) -> None: ...

        @task
        class Inner(TaskSet):
            @task
            def innermost(self) -> None: ...

    several, inner = Tagged.tasks
    assert several.locust_tag_set == {"a", "b", "c", "outer"}
    assert inner.tasks[0].locust_tag_set == {"outer"}


@pytest.mark.parametrize("tags", [(), (one,)])
def test_a_tag_needs_a_name(tags: Any) -> None:
    with pytest.raises(ValueError, match="as text"):
        tag(*tags)


def tagged_user() -> Any:
    class Shopper(User):
        @tag("read")
        @task(2)
        def look(self) -> None: ...

        @tag("read", "slow")
        @task
        def search(self) -> None: ...

        @task
        def untagged(self) -> None: ...

        @task
        class Checkout(TaskSet):
            @tag("write")
            @task
            def pay(self) -> None: ...

            @tag("slow")
            @task
            def read_terms(self) -> None: ...

        @task
        class Chain(MarkovTaskSet):
            @transition("again")
            def again(self) -> None: ...

    return Shopper


@pytest.mark.parametrize(
    ("tags", "excluded", "left", "left_inside"),
    [
        (None, None, ["look", "look", "search", "untagged", "Checkout", "Chain"], ["pay", "read_terms"]),
        ({"read"}, None, ["look", "look", "search", "Chain"], []),
        ({"write"}, None, ["Checkout", "Chain"], ["pay"]),
        (None, {"slow"}, ["look", "look", "untagged", "Checkout", "Chain"], ["pay"]),
        ({"read", "slow"}, {"slow"}, ["look", "look", "Chain"], []),
        (None, {"slow", "write"}, ["look", "look", "untagged", "Chain"], []),
    ],
)
def test_tags_choose_tasks_exclusion_wins_and_empty_task_sets_go(
    tags: Any, excluded: Any, left: list[str], left_inside: list[str]
) -> None:
    shopper = tagged_user()
    filter_tasks_by_tags(shopper, tags, excluded)
    assert names(shopper) == left
    assert names(shopper.Checkout) == left_inside


def test_a_chain_goes_as_a_whole_by_the_tags_of_its_class() -> None:
    shopper = tagged_user()
    tag("chained")(shopper.Chain)
    filter_tasks_by_tags(shopper, None, {"chained", "read"})
    assert names(shopper) == ["untagged", "Checkout"]


def test_filtering_a_task_set_that_contains_itself_ends() -> None:
    class Loop(TaskSet):
        @tag("a")
        @task
        def inside(self) -> None: ...

        @task
        def dropped(self) -> None: ...

    Loop.tasks.append(Loop)
    user_class: Any = type("Loops", (User,), {"tasks": [Loop]})
    filter_tasks_by_tags(user_class, {"a"})
    assert names(Loop) == ["inside", "Loop"]


def test_where_names_file_and_line_of_classes_and_functions() -> None:
    assert where(one) == f"{__file__}:{one.__code__.co_firstlineno}: one"
    assert where(tagged_user()).startswith(f"{__file__}:")
    assert where(type("Made", (), {"__module__": __name__})).endswith("Made")
    assert where(len) == "len"
