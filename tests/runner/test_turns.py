from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gregaria.runner.turns import Turns


def deal(capacities: list[float], names: str) -> list[int]:
    """Which worker gets each of these users, one letter for a class."""
    counts: list[dict[str, int]] = [{} for _ in capacities]
    turns = Turns(counts, [0] * len(capacities), capacities)
    order = []
    for name in names:
        worker = turns.take(name)
        assert worker is not None
        counts[worker][name] = counts[worker].get(name, 0) + 1
        order.append(worker)
    return order


def test_workers_of_equal_capacity_take_turns_and_each_round_starts_with_another() -> None:
    assert deal([1, 1, 1], "AAAAAAAAA") == [0, 1, 2, 1, 2, 0, 2, 0, 1]
    assert deal([1, 1], "AAAA") == [0, 1, 0, 1]


def test_within_a_round_the_one_with_the_fewest_of_the_class_comes_first() -> None:
    assert deal([1, 1], "ABABAB") == [0, 1, 1, 0, 0, 1]


def test_twice_the_capacity_has_twice_as_many_turns_and_users_of_each_class() -> None:
    order = deal([2, 1, 1], "AB" * 8)
    assert [order.count(worker) for worker in range(3)] == [8, 4, 4]
    assert [order[::2].count(worker) for worker in range(3)] == [4, 2, 2]


def test_whoever_is_behind_comes_first() -> None:
    counts: list[Any] = [{"A": 3}, {"A": 1}, {}]
    turns = Turns(counts, [3, 1, 0], [1, 1, 1])
    order = []
    for _ in range(5):
        worker = turns.take("A")
        assert worker is not None
        counts[worker] = {"A": counts[worker].get("A", 0) + 1}
        order.append(worker)
    assert order[:2] == [2, 1]
    assert sorted(order) == [1, 1, 2, 2, 2]


def test_users_are_taken_back_from_the_fullest() -> None:
    counts: list[Any] = [{"A": 2}, {"A": 1}, {"A": 2}]
    turns = Turns(counts, [2, 1, 2], [1, 1, 1], is_giving_back=True)
    assert turns.take("A") == 2
    counts[2] = {"A": 1}
    assert turns.take("A") == 0


def test_a_class_that_none_of_the_fullest_has_is_told() -> None:
    turns = Turns([{"A": 2}, {"B": 1}], [2, 1], [1, 1], is_giving_back=True)
    assert turns.take("B") is None
    assert not turns.take_from(1)
    assert turns.take_from_anyone() == 0


def test_nobody_gives_back_what_nobody_has() -> None:
    turns = Turns([{}, {}], [0, 0], [1, 1], is_giving_back=True)
    assert turns.take("A") is None
    assert turns.take_from_anyone() is None


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=15), st.integers(1, 300))
def test_with_any_capacities_everybody_is_within_one_of_its_share_at_every_moment(
    capacities: list[float], users: int
) -> None:
    counts = [0] * len(capacities)
    for number, worker in enumerate(deal(capacities, "A" * users), 1):
        counts[worker] += 1
        shares = [number * capacity / sum(capacities) for capacity in capacities]
        assert all(abs(count - share) < 1 + 1e-6 for count, share in zip(counts, shares, strict=True))
