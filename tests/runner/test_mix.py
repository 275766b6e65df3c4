from collections import Counter
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gregaria.runner.mix import Mix


def a_class(name: str, weight: float = 1, fixed_count: int = 0) -> Any:
    return type(name, (), {"weight": weight, "fixed_count": fixed_count})


def first(mix: Mix, total: int) -> str:
    counts: Counter[str] = Counter()
    names = []
    for _ in range(total):
        name = mix.next_class(counts)
        if name is None:
            break
        counts[name] += 1
        names.append(name)
    return "".join(names)


def test_equal_weights_take_turns() -> None:
    assert first(Mix([a_class("B"), a_class("A"), a_class("C")]), 6) == "ABCABC"


def test_two_to_one_comes_in_the_order_known_from_locust() -> None:
    assert first(Mix([a_class("A", 2), a_class("B", 1)]), 9) == "ABAABAABA"


def test_weights_of_20_and_25_give_20_and_25_users_of_45() -> None:
    assert Mix([a_class("A", 20), a_class("B", 25)]).counts_of(45) == {"A": 20, "B": 25}


def test_fixed_counts_come_first_and_interleaved() -> None:
    mix = Mix([a_class("A", fixed_count=2), a_class("B", fixed_count=4), a_class("C", 5)])
    assert Counter(first(mix, 6)) == {"A": 2, "B": 4}
    assert first(mix, 9)[6:] == "CCC"


def test_only_fixed_classes_end_at_their_sum() -> None:
    mix = Mix([a_class("A", fixed_count=2), a_class("B", fixed_count=1)])
    assert mix.counts_of(10) == {"A": 2, "B": 1}


def test_a_class_without_weight_or_fixed_count_gets_nobody() -> None:
    assert Mix([a_class("A", 0), a_class("B", 1)]).counts_of(3) == {"A": 0, "B": 3}


def test_mixes_are_equal_when_their_shares_are() -> None:
    assert Mix([a_class("A"), a_class("B")]) == Mix([a_class("B"), a_class("A")])
    assert Mix([a_class("A")]) != Mix([a_class("A", 2)])


weights = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@given(weights, st.integers(1, 4))
def test_whenever_whole_users_can_match_the_weights_they_do(parts: list[int], times: int) -> None:
    mix = Mix([a_class(f"U{index}", part) for index, part in enumerate(parts)])
    assert mix.counts_of(sum(parts) * times) == {f"U{index}": part * times for index, part in enumerate(parts)}


@given(weights, st.integers(0, 150))
def test_one_user_more_takes_none_away_from_any_class(parts: list[int], total: int) -> None:
    mix = Mix([a_class(f"U{index}", part) for index, part in enumerate(parts)])
    fewer, more = mix.counts_of(total), mix.counts_of(total + 1)
    assert sum(more.values()) == total + 1
    assert all(more[name] >= fewer[name] for name in fewer)


@given(st.lists(st.floats(0.1, 20, allow_nan=False), min_size=2, max_size=2), st.integers(1, 200))
def test_two_classes_are_never_off_by_a_whole_user(parts: list[float], total: int) -> None:
    mix = Mix([a_class("A", parts[0]), a_class("B", parts[1])])
    share = parts[0] / sum(parts) * total
    assert abs(mix.counts_of(total)["A"] - share) < 1


@given(weights, st.lists(st.integers(1, 10), max_size=4), st.integers(0, 120))
def test_no_fixed_class_is_exceeded(parts: list[int], fixed: list[int], total: int) -> None:
    classes = [a_class(f"U{index}", part) for index, part in enumerate(parts)]
    classes += [a_class(f"F{index}", fixed_count=count) for index, count in enumerate(fixed)]
    counts = SimpleNamespace(**Mix(classes).counts_of(total))
    of_fixed = [getattr(counts, f"F{index}") for index in range(len(fixed))]
    assert all(have <= want for have, want in zip(of_fixed, fixed, strict=True))
    assert sum(of_fixed) == min(total, sum(fixed))


shares = st.lists(
    st.one_of(st.tuples(st.floats(0.01, 50), st.just(0)), st.tuples(st.integers(0, 30), st.integers(0, 8))),
    min_size=1,
    max_size=8,
)


def mix_of(parts: list[tuple[float, int]]) -> Mix:
    return Mix([a_class(f"U{index}", weight, fixed) for index, (weight, fixed) in enumerate(parts)])


@given(shares, st.integers(0, 300))
def test_the_counts_of_a_total_are_those_that_dealing_one_by_one_leads_to(
    parts: list[tuple[float, int]], total: int
) -> None:
    mix = mix_of(parts)
    dealt = dict.fromkeys(mix.names, 0)
    for _ in range(total):
        name = mix.next_class(dealt)
        if name is not None:
            dealt[name] += 1
    assert mix.counts_of(total) == dealt


@given(shares, st.lists(st.integers(0, 40), min_size=8, max_size=8), st.integers(0, 150))
def test_growing_deals_to_those_that_lack_most_and_takes_from_nobody(
    parts: list[tuple[float, int]], haves: list[int], more: int
) -> None:
    mix = mix_of(parts)
    counts = start_of(parts, haves)
    dealt = dict(counts)
    for _ in range(more):
        name = mix.next_class(dealt)
        if name is not None:
            dealt[name] += 1
    assert mix.grown(counts, sum(counts.values()) + more) == dealt
    assert Counter(mix.arrivals(counts, dealt, more)) == Counter(dealt) - Counter(counts)


@given(shares, st.lists(st.integers(0, 40), min_size=8, max_size=8), st.floats(0, 1))
def test_shrinking_takes_those_first_that_came_last(
    parts: list[tuple[float, int]], haves: list[int], part: float
) -> None:
    mix = mix_of(parts)
    counts = start_of(parts, haves)
    total = round(sum(counts.values()) * part)
    left = dict(counts)
    while sum(left.values()) > total:
        left[max((mix.rank(name, count - 1), name) for name, count in left.items() if count)[1]] -= 1
    assert mix.shrunk(counts, total) == left
    assert Counter(mix.departures(counts, left, 10_000)) == Counter(counts) - Counter(left)


def start_of(parts: list[tuple[float, int]], haves: list[int]) -> dict[str, int]:
    """Counts that need not be in proportion, as after users have ended by themselves; within the fixed counts."""
    return {
        f"U{index}": min(have, fixed) if fixed else have * (weight > 0)
        for index, ((weight, fixed), have) in enumerate(zip(parts, haves, strict=False))
    }


def test_arrivals_and_departures_are_each_others_reverse() -> None:
    mix = Mix([a_class("A", 3), a_class("B", 2), a_class("F", fixed_count=2)])
    wanted = mix.counts_of(40)
    came = mix.arrivals({}, wanted, 40)
    assert came[:2] == ["F", "F"]
    assert mix.departures(wanted, {}, 40) == came[::-1]


def test_users_of_a_class_that_has_no_claim_leave_first() -> None:
    mix = Mix([a_class("A")])
    assert mix.departures({"A": 3, "Old": 2}, {"A": 2}, 3) == ["Old", "Old", "A"]
