from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.runner.dispatch import UsersDispatcher
from gregaria.runner.pace import users_due, users_per_step
from gregaria.runner.seating import Placement
from tests.runner.clock import JumpingClock
from tests.runner.test_mix import a_class


@dataclass
class Node:
    id: str


def dispatcher_of(*classes: Any, workers: int = 1, clock: JumpingClock | None = None) -> UsersDispatcher:
    clock = clock or JumpingClock()
    nodes = [Node(f"host_{index}") for index in range(workers)]
    return UsersDispatcher(nodes, list(classes), now=clock.now, sleep=clock.sleep)


def total(placement: Placement) -> int:
    return sum(sum(counts.values()) for counts in placement.values())


def by_class(placement: Placement) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for worker in placement.values():
        counts.update(worker)
    return {name: count for name, count in counts.items() if count}


A, B, C = a_class("A"), a_class("B"), a_class("C")


def test_the_placement_is_absolute_and_names_every_class() -> None:
    dispatcher = dispatcher_of(A, B)
    dispatcher.new_dispatch(3, 1)
    assert list(dispatcher) == [
        {"host_0": {"A": 1, "B": 0}},
        {"host_0": {"A": 1, "B": 1}},
        {"host_0": {"A": 2, "B": 1}},
    ]


def test_the_first_step_is_at_once_and_nothing_follows_the_last() -> None:
    clock = JumpingClock()
    dispatcher = dispatcher_of(A, clock=clock)
    dispatcher.new_dispatch(3, 0.5)
    next(dispatcher)
    assert clock.now_s == 1000
    list(dispatcher)
    assert clock.now_s == pytest.approx(1004)


def test_a_rate_that_is_no_whole_number_is_kept_exactly() -> None:
    clock = JumpingClock()
    dispatcher = dispatcher_of(A, clock=clock)
    dispatcher.new_dispatch(6, 2.5)
    moments = [(round(clock.now_s - 1000, 6), total(placement)) for placement in dispatcher]
    assert moments == [(0, 1), (0.4, 2), (0.8, 3), (1.2, 4), (1.6, 5), (2.0, 6)]


def test_a_step_that_took_long_is_caught_up() -> None:
    clock = JumpingClock()
    dispatcher = dispatcher_of(A, clock=clock)
    dispatcher.new_dispatch(10, 1)
    next(dispatcher)
    clock.now_s += 4.5
    assert total(next(dispatcher)) == 5
    assert total(next(dispatcher)) == 6
    assert clock.now_s == pytest.approx(1005)


def test_a_loop_that_wakes_early_is_sent_back_to_sleep() -> None:
    clock = JumpingClock()
    dispatcher = UsersDispatcher([Node("x")], [A], now=clock.now, sleep=lambda pause_s: clock.sleep(pause_s / 2))
    dispatcher.new_dispatch(2, 10)
    list(dispatcher)
    assert clock.now_s >= 1000.1


def test_the_last_come_leave_first() -> None:
    dispatcher = dispatcher_of(a_class("A", 2), a_class("B", 1), a_class("F", fixed_count=1))
    dispatcher.new_dispatch(7, 10)
    up = list(dispatcher)
    dispatcher.new_dispatch(1, 10)
    down = list(dispatcher)
    assert down == up[-2::-1]


def test_the_same_target_tells_the_placement_once() -> None:
    dispatcher = dispatcher_of(A)
    dispatcher.new_dispatch(2, 10)
    last = list(dispatcher)[-1]
    dispatcher.new_dispatch(2, 10)
    assert list(dispatcher) == [last]


def test_it_is_in_progress_until_it_has_come_to_its_end() -> None:
    dispatcher = dispatcher_of(A)
    assert not dispatcher.dispatch_in_progress
    dispatcher.new_dispatch(2, 10)
    assert dispatcher.dispatch_in_progress
    list(dispatcher)
    assert not dispatcher.dispatch_in_progress
    assert len(dispatcher.dispatch_iteration_durations) == 2
    assert dispatcher.get_current_user_count() == 2


def test_without_a_dispatch_there_is_nothing_to_iterate() -> None:
    assert list(dispatcher_of(A)) == []


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_no_finite_number_above_0_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="spawn rate"):
        dispatcher_of(A).new_dispatch(1, rate)


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf")])
def test_a_number_of_users_that_cannot_be_is_refused(count: Any) -> None:
    with pytest.raises(ValueError, match="number of users"):
        dispatcher_of(A).new_dispatch(count, 1)


def test_a_new_dispatch_takes_over_in_the_middle_of_another() -> None:
    dispatcher = dispatcher_of(A)
    dispatcher.new_dispatch(10, 1)
    next(dispatcher)
    next(dispatcher)
    dispatcher.new_dispatch(3, 1)
    assert [total(placement) for placement in dispatcher] == [3]


def test_classes_that_are_not_named_any_more_leave_as_the_others_come() -> None:
    dispatcher = dispatcher_of(A, B)
    dispatcher.new_dispatch(4, 10, [A])
    list(dispatcher)
    dispatcher.new_dispatch(4, 10, [B])
    assert [by_class(placement) for placement in dispatcher] == [
        {"A": 3, "B": 1},
        {"A": 2, "B": 2},
        {"A": 1, "B": 3},
        {"B": 4},
    ]


def test_when_all_classes_are_named_again_the_mix_is_that_of_the_weights() -> None:
    dispatcher = dispatcher_of(A, B)
    dispatcher.new_dispatch(4, 10, [B])
    list(dispatcher)
    dispatcher.new_dispatch(6, 10, [A, B])
    assert by_class(list(dispatcher)[-1]) == {"A": 3, "B": 3}


def test_a_user_that_is_gone_for_good_is_not_replaced_by_the_same_dispatch() -> None:
    dispatcher = dispatcher_of(A)
    dispatcher.new_dispatch(4, 1)
    next(dispatcher)
    dispatcher.user_gone("A")
    assert [total(placement) for placement in dispatcher] == [1, 2, 3]
    dispatcher.new_dispatch(4, 1)
    assert [total(placement) for placement in dispatcher] == [4]


def test_users_are_dealt_evenly_and_alternate_between_hosts() -> None:
    nodes = [Node("a_1"), Node("a_2"), Node("b_1")]
    clock = JumpingClock()
    dispatcher = UsersDispatcher(nodes, [A], now=clock.now, sleep=clock.sleep)
    dispatcher.new_dispatch(3, 1)
    order = [[worker for worker, counts in placement.items() if counts["A"]] for placement in dispatcher]
    assert [set(workers) for workers in order] == [{"a_1"}, {"a_1", "b_1"}, {"a_1", "a_2", "b_1"}]


def test_without_any_worker_left_nobody_runs() -> None:
    dispatcher = dispatcher_of(A)
    dispatcher.new_dispatch(2, 10)
    list(dispatcher)
    dispatcher.remove_worker(Node("host_0"))
    assert list(dispatcher) == [{}]
    assert dispatcher.get_current_user_count() == 0


@given(st.integers(1, 400), st.floats(0.05, 5000))
def test_every_user_comes_at_its_moment_and_at_most_a_step_early(users: int, rate: float) -> None:
    clock = JumpingClock()
    dispatcher = dispatcher_of(a_class("A", 3), a_class("B", 2), clock=clock)
    dispatcher.new_dispatch(users, rate)
    step = users_per_step(rate)
    before = 0
    for placement in dispatcher:
        elapsed_s = clock.now_s - 1000
        due = min(users, users_due(elapsed_s, rate))
        assert due <= total(placement) <= min(users, due + step)
        assert total(placement) > before
        before = total(placement)
    assert before == users
    assert all(pause_s >= 0.005 for pause_s in clock.pauses_s[:-1])


def test_a_change_of_the_mix_that_was_interrupted_goes_on() -> None:
    dispatcher = dispatcher_of(A, B)
    dispatcher.new_dispatch(4, 10, [A])
    list(dispatcher)
    dispatcher.new_dispatch(4, 10, [B])
    next(dispatcher)
    dispatcher.new_dispatch(4, 10, [B])
    assert by_class(list(dispatcher)[-1]) == {"B": 4}


def test_a_user_that_is_gone_while_its_class_leaves_is_one_of_those_that_leave() -> None:
    dispatcher = dispatcher_of(A)
    dispatcher.new_dispatch(6, 10)
    list(dispatcher)
    dispatcher.new_dispatch(3, 10)
    next(dispatcher)
    dispatcher.user_gone("A")
    assert [total(placement) for placement in dispatcher] == [3]


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 500), st.sampled_from(["AB", "A", "ABC"])), max_size=6))
def test_whatever_the_sequence_of_targets_each_is_reached(targets: list[tuple[int, float, str]]) -> None:
    classes = {"A": a_class("A", 2), "B": a_class("B", 1), "C": a_class("C", fixed_count=3)}
    dispatcher = dispatcher_of(*classes.values(), workers=2)
    for target, rate, names in targets:
        dispatcher.new_dispatch(target, rate, [classes[name] for name in names])
        last = list(dispatcher)[-1]
        assert total(last) == target == dispatcher.get_current_user_count()
        assert set(by_class(last)) <= set(names)
