"""Several workers: shares, joins and losses, at the spawn rate."""

import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.runner.dispatch import UsersDispatcher
from gregaria.runner.mix import Mix
from gregaria.runner.seating import Placement
from tests.runner.clock import JumpingClock
from tests.runner.test_dispatch import by_class, total
from tests.runner.test_mix import a_class

A, B = a_class("A"), a_class("B")


@dataclass
class Node:
    id: str
    capacity: float = 1.0


def nodes_of(number: int, hosts: int = 3) -> list[Node]:
    return [Node(f"host{index % hosts}_{index}") for index in range(number)]


def dispatcher_of(
    nodes: list[Node], *classes: Any, clock: JumpingClock | None = None, **arguments: Any
) -> UsersDispatcher:
    clock = clock or JumpingClock()
    return UsersDispatcher(nodes, list(classes), now=clock.now, sleep=clock.sleep, **arguments)


def loads(placement: Placement) -> list[int]:
    return [sum(counts.values()) for counts in placement.values()]


def started(before: Placement, after: Placement) -> int:
    """Users that somebody has to start to get from one to the other."""
    return sum(
        max(0, count - before.get(worker, {}).get(name, 0))
        for worker, counts in after.items()
        for name, count in counts.items()
    )


def stopped(before: Placement, after: Placement) -> int:
    return started({worker: after[worker] for worker in after}, {w: before[w] for w in before if w in after})


def furthest_from_share(placement: Placement, nodes: list[Node], balance: str) -> float:
    """How many users a worker has more or less than its share."""
    capacities = {node.id: node.capacity if balance == "capacity" else 1.0 for node in nodes}
    per_capacity = total(placement) / sum(capacities.values())
    return max(abs(sum(counts.values()) - capacities[worker] * per_capacity) for worker, counts in placement.items())


classes = st.lists(
    st.one_of(st.tuples(st.integers(1, 40), st.just(0)), st.tuples(st.just(1), st.integers(1, 12))),
    min_size=1,
    max_size=6,
).map(lambda parts: [a_class(f"U{index}", weight, fixed) for index, (weight, fixed) in enumerate(parts)])
capacities = st.lists(st.sampled_from([0.5, 1, 1.7, 2, 4, 7.3, 16]), min_size=1, max_size=12)
balances = st.sampled_from(["equal", "capacity"])
rates = st.floats(0.5, 5000)


# -- shares --------------------------------------------------------------------------------------------------------


@given(classes, capacities, balances, st.integers(0, 250), rates)
def test_on_the_way_up_each_step_has_the_exact_shares_and_nobody_is_taken_away(
    user_classes: list[Any], powers: list[float], balance: str, users: int, rate: float
) -> None:
    nodes = [Node(f"host{index % 3}_{index}", power) for index, power in enumerate(powers)]
    dispatcher = dispatcher_of(nodes, *user_classes, balance=balance)
    dispatcher.new_dispatch(users, rate)
    before: Placement = {}
    for placement in dispatcher:
        counts = {name: count for name, count in Mix(user_classes).counts_of(total(placement)).items() if count}
        assert by_class(placement) == counts
        assert stopped(before, placement) == 0
        assert furthest_from_share(placement, nodes, balance) < 1 + 1e-6
        before = placement
    has_weighted = any(not user_class.fixed_count for user_class in user_classes)
    fixed = sum(user_class.fixed_count for user_class in user_classes)
    assert total(before) == (users if has_weighted else min(users, fixed))
    if users >= fixed:
        assert all(
            by_class(before)[user_class.__name__] == user_class.fixed_count
            for user_class in user_classes
            if user_class.fixed_count
        )


@given(classes, st.integers(1, 12), st.integers(0, 200), st.integers(0, 200), rates)
def test_on_the_way_down_too_and_workers_stay_within_one(
    user_classes: list[Any], workers: int, users: int, fewer: int, rate: float
) -> None:
    nodes = nodes_of(workers)
    dispatcher = dispatcher_of(nodes, *user_classes)
    dispatcher.new_dispatch(users, rate)
    before = list(dispatcher)[-1]
    dispatcher.new_dispatch(min(users, fewer), rate)
    for placement in dispatcher:
        counts = {name: count for name, count in Mix(user_classes).counts_of(total(placement)).items() if count}
        assert by_class(placement) == counts
        assert max(loads(placement)) - min(loads(placement)) <= 1
        # Somebody is moved only where a worker that has too many has none of the class that leaves.
        assert started(before, placement) <= total(before) - total(placement)
        before = placement


@given(capacities, balances, st.lists(st.tuples(st.integers(0, 200), rates), min_size=1, max_size=5), st.randoms())
def test_whatever_the_loads_were_before_every_dispatch_ends_with_the_shares_of_the_capacities(
    powers: list[float], balance: str, targets: list[tuple[int, float]], chance: Any
) -> None:
    nodes = [Node(f"host{index % 3}_{index}", power) for index, power in enumerate(powers)]
    user_classes = [a_class("A", 3), a_class("B", 2), a_class("F", fixed_count=4)]
    dispatcher = dispatcher_of(nodes, *user_classes, balance=balance)
    for users, rate in targets:
        chance.choice(nodes).capacity = chance.choice(powers)
        dispatcher.new_dispatch(users, rate)
        placement = list(dispatcher)[-1]
        assert {name: by_class(placement).get(name, 0) for name in "ABF"} == Mix(user_classes).counts_of(users)
        assert furthest_from_share(placement, nodes, balance) < 1 + 1e-6


@pytest.mark.parametrize(
    ("weights", "users", "counts"),
    [
        ({"A": 20, "B": 25}, 45, {"A": 20, "B": 25}),
        ({"A": 1, "B": 1, "C": 1}, 30, {"A": 10, "B": 10, "C": 10}),
        ({"A": 0.5, "B": 1.5}, 40, {"A": 10, "B": 30}),
        ({"A": 1, "B": 99}, 5000, {"A": 50, "B": 4950}),
        ({"A": 2, "B": 3, "C": 0}, 10, {"A": 4, "B": 6}),
    ],
)
@pytest.mark.parametrize("workers", [1, 2, 7, 20])
def test_whenever_whole_users_can_match_the_weights_they_do(
    weights: dict[str, float], users: int, counts: dict[str, int], workers: int
) -> None:
    user_classes = [a_class(name, weight) for name, weight in weights.items()]
    dispatcher = dispatcher_of(nodes_of(workers), *user_classes)
    dispatcher.new_dispatch(users, 1000)
    assert by_class(list(dispatcher)[-1]) == counts


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_a_fixed_count_of_one_for_each_worker_puts_one_on_each(workers: int) -> None:
    user_classes = [A, a_class("F", fixed_count=workers), a_class("G", fixed_count=workers)]
    dispatcher = dispatcher_of(nodes_of(workers), *user_classes)
    dispatcher.new_dispatch(20 * workers, 50)
    placement = list(dispatcher)[-1]
    assert all(counts["F"] == counts["G"] == 1 for counts in placement.values())


@given(st.integers(2, 12), st.integers(1, 6), st.integers(1, 300))
def test_each_class_is_spread_over_all_workers(workers: int, number: int, users: int) -> None:
    user_classes = [a_class(f"U{index}", index + 1) for index in range(number)]
    dispatcher = dispatcher_of(nodes_of(workers), *user_classes)
    dispatcher.new_dispatch(users, 100)
    placement = list(dispatcher)[-1]
    for name, count in by_class(placement).items():
        assert all(abs(counts[name] - count / workers) < 3 for counts in placement.values())


def test_a_rare_class_does_not_always_come_when_the_same_worker_is_left() -> None:
    # With a fixed order of workers, one of these has 26 users of a class of which its share is 20.
    user_classes = [a_class(f"U{index:02}", index + 1) for index in range(20)]
    dispatcher = dispatcher_of(nodes_of(7), *user_classes)
    dispatcher.new_dispatch(2000, 1000)
    placement = list(dispatcher)[-1]
    for name, count in by_class(placement).items():
        assert all(abs(counts[name] - count / 7) < 2 for counts in placement.values())


def test_a_small_node_gets_fewer_users() -> None:
    nodes = [Node("big_1", 8), Node("small_1", 2), Node("usual_1")]
    dispatcher = dispatcher_of(nodes, A, B, balance="capacity")
    dispatcher.new_dispatch(110, 100)
    placement = list(dispatcher)[-1]
    assert {worker: sum(counts.values()) for worker, counts in placement.items()} == {
        "big_1": 80,
        "small_1": 20,
        "usual_1": 10,
    }
    assert placement["big_1"] == {"A": 40, "B": 40}


def test_unless_asked_for_capacities_do_not_matter() -> None:
    dispatcher = dispatcher_of([Node("big_1", 8), Node("small_1", 2)], A)
    dispatcher.new_dispatch(10, 100)
    assert loads(list(dispatcher)[-1]) == [5, 5]


@pytest.mark.parametrize("capacity", [0, -1, float("nan"), float("inf")])
def test_a_capacity_that_is_no_finite_number_above_0_is_refused(capacity: float) -> None:
    with pytest.raises(ValueError, match="capacity of worker x_1"):
        dispatcher_of([Node("x_1", capacity)], A, balance="capacity")


def test_an_unknown_balance_is_refused() -> None:
    with pytest.raises(ValueError, match="equal, capacity"):
        dispatcher_of(nodes_of(2), A, balance="fair")


# -- the spawn rate ------------------------------------------------------------------------------------------------


@given(st.integers(2, 20), st.floats(0.5, 5000), st.integers(1, 5))
def test_each_second_starts_as_many_users_as_the_rate_says(workers: int, rate: float, seconds: int) -> None:
    clock = JumpingClock()
    dispatcher = dispatcher_of(nodes_of(workers), A, B, clock=clock)
    dispatcher.new_dispatch(max(1, round(rate * seconds)), rate)
    came: Counter[int] = Counter()
    before = 0
    for placement in dispatcher:
        came[int(clock.now_s - 1000 + 1e-6)] += total(placement) - before
        before = total(placement)
    assert all(came[second] == pytest.approx(rate, rel=0.05, abs=1) for second in range(seconds - 1))
    # The shortest of all pauses, but for the rounding of the clock.
    assert all(pause_s > 0.0999 for pause_s in clock.pauses_s)


def test_fifty_thousand_users_at_five_thousand_a_second_are_there_in_ten_seconds() -> None:
    clock = JumpingClock()
    user_classes = [a_class(f"U{index:02}", index + 1) for index in range(20)]
    dispatcher = dispatcher_of(nodes_of(20), *user_classes, clock=clock)
    dispatcher.new_dispatch(50_000, 5000)
    placement = list(dispatcher)[-1]
    assert total(placement) == 50_000
    assert clock.now_s - 1000 == pytest.approx(10, abs=0.5)
    assert set(loads(placement)) == {2500}
    assert len(dispatcher.dispatch_iteration_durations) == 100


def calls_in(step: Iterator[Placement]) -> int:
    """How many functions the next step calls, those of the interpreter included."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        next(step)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("workers", [1, 20])
def test_a_step_costs_the_same_whatever_the_number_of_users(workers: int) -> None:
    user_classes = [a_class(f"U{index:02}", index + 1) for index in range(20)]
    costs = []
    for users in (500, 50_000):
        dispatcher = dispatcher_of(nodes_of(workers), *user_classes)
        dispatcher.new_dispatch(users, 1e6)
        list(dispatcher)
        dispatcher.new_dispatch(users + 2000, 1000)
        costs.append(calls_in(dispatcher))
    assert costs[1] < 1.2 * costs[0]


def test_a_worker_whose_users_are_the_same_as_before_has_the_same_dictionary() -> None:
    dispatcher = dispatcher_of(nodes_of(3), A, B)
    dispatcher.new_dispatch(7, 1)
    for before, after in itertools.pairwise(dispatcher):
        changed = [worker for worker in after if after[worker] is not before[worker]]
        assert changed == [worker for worker in after if after[worker] != before[worker]]
        assert len(changed) == 1


# -- workers that join and leave -----------------------------------------------------------------------------------


def test_a_worker_that_joins_takes_over_its_share_at_the_spawn_rate() -> None:
    clock = JumpingClock()
    dispatcher = dispatcher_of(nodes_of(2), A, B, clock=clock)
    dispatcher.new_dispatch(9, 10)
    list(dispatcher)
    clock.now_s = 2000
    dispatcher.add_worker(Node("new_1"))
    assert dispatcher.dispatch_in_progress
    seen = [
        (round(clock.now_s - 2000, 6), sum(placement["new_1"].values()), total(placement)) for placement in dispatcher
    ]
    assert seen == [(0, 1, 9), (0.1, 2, 9), (0.2, 3, 9)]
    assert not dispatcher.dispatch_in_progress


def test_the_users_of_a_worker_that_is_lost_come_back_on_the_others_at_the_spawn_rate() -> None:
    clock = JumpingClock()
    nodes = nodes_of(3)
    dispatcher = dispatcher_of(nodes, A, B, clock=clock)
    dispatcher.new_dispatch(9, 10)
    list(dispatcher)
    clock.now_s = 2000
    dispatcher.remove_worker(nodes[1])
    assert dispatcher.get_current_user_count() == 6
    placements = list(dispatcher)
    assert [total(placement) for placement in placements] == [7, 8, 9]
    assert clock.now_s - 2000 == pytest.approx(0.2)
    assert sorted(loads(placements[-1])) == [4, 5]
    assert by_class(placements[-1]) == {"A": 5, "B": 4}


def test_a_worker_that_joins_while_there_are_no_users_is_told_so() -> None:
    dispatcher = dispatcher_of(nodes_of(1), A)
    dispatcher.add_worker(Node("new_1"))
    assert list(dispatcher) == [{"host0_0": {"A": 0}, "new_1": {"A": 0}}]


def test_when_the_only_worker_is_lost_its_users_wait_for_the_next_one() -> None:
    clock = JumpingClock()
    dispatcher = dispatcher_of(nodes_of(1), A, clock=clock)
    dispatcher.new_dispatch(3, 10)
    list(dispatcher)
    dispatcher.remove_worker(Node("host0_0"))
    assert list(dispatcher) == [{}]
    clock.now_s = 2000
    dispatcher.add_worker(Node("new_1"))
    assert [placement["new_1"]["A"] for placement in dispatcher] == [1, 2, 3]


def test_who_is_known_joins_once_and_who_is_unknown_cannot_leave() -> None:
    nodes = nodes_of(2)
    dispatcher = dispatcher_of(nodes, A)
    dispatcher.add_worker(nodes[0])
    dispatcher.remove_worker(Node("nobody_1"))
    assert not dispatcher.dispatch_in_progress


def test_after_a_fixed_user_was_lost_a_smaller_load_has_it_again() -> None:
    nodes = nodes_of(3)
    dispatcher = dispatcher_of(nodes, A, a_class("F", fixed_count=3))
    dispatcher.new_dispatch(30, 10)
    list(dispatcher)
    dispatcher.remove_worker(nodes[0])
    dispatcher.new_dispatch(10, 10)
    assert by_class(list(dispatcher)[-1]) == {"A": 7, "F": 3}


def test_workers_that_are_lost_one_after_the_other_do_not_raise_the_rate() -> None:
    clock = JumpingClock()
    nodes = nodes_of(6)
    dispatcher = dispatcher_of(nodes, A, clock=clock)
    dispatcher.new_dispatch(6, 1)
    before = list(dispatcher)[-1]
    clock.now_s = 2000
    starts = []
    for node in nodes[:3]:
        # Each of them comes when the users of the one before have just been placed again.
        dispatcher.remove_worker(node)
        before.pop(node.id)
        for placement in dispatcher:
            starts += [round(clock.now_s - 2000, 6)] * started(before, placement)
            before = placement
    assert starts == [0, 1, 2, 3, 4, 5][: len(starts)]
    assert total(before) == 6


event = st.tuples(st.sampled_from(["add", "remove", "add", "remove", "load"]), st.integers(0, 30), st.integers(0, 200))


@given(classes, st.integers(1, 6), st.integers(0, 150), st.floats(2, 2000), st.lists(event, max_size=6), balances)
def test_workers_may_come_and_go_at_any_time(
    user_classes: list[Any],
    workers: int,
    users: int,
    rate: float,
    events: list[tuple[str, int, int]],
    balance: str,
) -> None:
    clock = JumpingClock()
    nodes = [Node(f"host{index % 3}_{index}", 1 + index % 4) for index in range(40)]
    present, absent = nodes[:workers], nodes[workers:]
    dispatcher = dispatcher_of(list(present), *user_classes, clock=clock, balance=balance)
    dispatcher.new_dispatch(users, rate)
    before: Placement = {}
    per_step = rate * 0.1 + 1
    for what, steps, number in [*events, ("end", 10**6, 0)]:
        for placement in itertools.islice(dispatcher, steps):
            assert set(placement) == {node.id for node in present}
            assert started(before, placement) <= per_step + 1e-6
            assert stopped(before, placement) <= 2 * per_step + 1e-6
            before = placement
        if what == "add":
            present.append(absent.pop(0))
            dispatcher.add_worker(present[-1])
        elif what == "remove" and len(present) > 1:
            lost = present.pop(number % len(present))
            dispatcher.remove_worker(lost)
            before = {worker: counts for worker, counts in before.items() if worker != lost.id}
        elif what == "load":
            users = number
            dispatcher.new_dispatch(users, rate)
    if not before:
        return
    wanted = {name: count for name, count in Mix(user_classes).counts_of(users).items() if count}
    assert by_class(before) == wanted
    assert furthest_from_share(before, present, balance) < 1 + 1e-6


@given(classes, st.integers(1, 10), st.integers(1, 300), st.floats(2, 2000))
def test_a_join_keeps_the_total_and_moves_nobody_who_need_not_move(
    user_classes: list[Any], workers: int, users: int, rate: float
) -> None:
    *nodes, new = nodes_of(workers + 1)
    dispatcher = dispatcher_of(nodes, *user_classes)
    dispatcher.new_dispatch(users, rate)
    first = before = list(dispatcher)[-1]
    dispatcher.add_worker(new)
    moved = 0
    for placement in dispatcher:
        assert by_class(placement) == by_class(first)
        moved += started(before, placement)
        before = placement
    assert max(loads(before)) - min(loads(before)) <= 1
    assert moved == sum(before[new.id].values()) == total(first) // (workers + 1)
    assert all(before[worker][name] <= count for worker, counts in first.items() for name, count in counts.items())


def test_workers_that_join_while_users_are_moved_are_part_of_the_same_move() -> None:
    dispatcher = dispatcher_of(nodes_of(2), A, B)
    dispatcher.new_dispatch(120, 10)
    before = list(dispatcher)[-1]
    dispatcher.add_worker(Node("new_1"))
    moved = []
    for step, placement in enumerate(dispatcher):
        assert total(placement) == 120
        moved.append(started(before, placement))
        before = placement
        if step == 5:
            dispatcher.add_worker(Node("new_2"))
    assert loads(before) == [30, 30, 30, 30]
    assert sum(moved) == 60
    assert max(moved) == 1


@given(classes, st.integers(2, 10), st.integers(1, 300), st.floats(2, 2000), st.data())
def test_after_a_loss_the_total_comes_back_at_the_spawn_rate(
    user_classes: list[Any], workers: int, users: int, rate: float, data: st.DataObject
) -> None:
    clock = JumpingClock()
    nodes = nodes_of(workers)
    dispatcher = dispatcher_of(nodes, *user_classes, clock=clock)
    dispatcher.new_dispatch(users, rate)
    first = list(dispatcher)[-1]
    clock.now_s = 5000
    lost = data.draw(st.sampled_from(nodes))
    dispatcher.remove_worker(lost)
    left = dispatcher.get_current_user_count()
    assert left == total(first) - sum(first[lost.id].values())
    before = {worker: counts for worker, counts in first.items() if worker != lost.id}
    for placement in dispatcher:
        back, due = total(placement) - left, (clock.now_s - 5000) * rate
        assert min(total(first) - left, int(due)) <= back <= max(due + rate * 0.1 + 1, 1)
        assert stopped(before, placement) == 0
        assert lost.id not in placement
        before = placement
    assert by_class(before) == by_class(first)
    assert max(loads(before)) - min(loads(before)) <= 1


def test_what_changes_while_the_iterator_sleeps_counts_from_its_next_step_on() -> None:
    clock = JumpingClock()
    nodes = nodes_of(3)
    changes: list[Any] = []

    def sleep(pause_s: float) -> None:
        clock.sleep(pause_s)
        if changes:
            changes.pop(0)()

    dispatcher = UsersDispatcher(nodes[:2], [A], now=clock.now, sleep=sleep)
    changes += [
        lambda: dispatcher.add_worker(nodes[2]),
        lambda: dispatcher.user_gone("A", nodes[0].id),
        lambda: dispatcher.remove_worker(nodes[0]),
        lambda: dispatcher.new_dispatch(4, 10),
    ]
    dispatcher.new_dispatch(9, 10)
    placements = list(dispatcher)
    assert len(placements) == 6
    assert [set(placement) for placement in placements[1:3]] == [{node.id for node in nodes}] * 2
    assert set(placements[3]) == {node.id for node in nodes[1:]}
    assert loads(placements[-1]) == [2, 2]


def test_a_worker_that_joins_during_a_ramp_gets_the_users_that_come() -> None:
    dispatcher = dispatcher_of(nodes_of(2), A)
    dispatcher.new_dispatch(30, 10)
    for _ in range(10):
        before = next(dispatcher)
    dispatcher.add_worker(Node("new_1"))
    for placement in dispatcher:
        assert stopped(before, placement) == 0
        before = placement
    assert loads(before) == [10, 10, 10]


def test_a_worker_that_joins_during_a_slow_descent_is_used_at_once() -> None:
    dispatcher = dispatcher_of(nodes_of(2), A)
    dispatcher.new_dispatch(100, 1000)
    list(dispatcher)
    dispatcher.new_dispatch(60, 1)
    next(dispatcher)
    dispatcher.add_worker(Node("new_1"))
    for _ in range(20):
        placement = next(dispatcher)
    assert total(placement) == 79
    assert sum(placement["new_1"].values()) == 20


def test_users_that_are_gone_leave_a_gap_that_the_next_dispatch_closes() -> None:
    nodes = nodes_of(3)
    dispatcher = dispatcher_of(nodes, A)
    dispatcher.new_dispatch(30, 100)
    list(dispatcher)
    for _ in range(6):
        dispatcher.user_gone("A", nodes[0].id)
    dispatcher.user_gone("A", "nobody_1")
    assert list(dispatcher) == []
    dispatcher.new_dispatch(24, 100)
    placements = list(dispatcher)
    assert {total(placement) for placement in placements} == {24}
    assert loads(placements[-1]) == [8, 8, 8]
