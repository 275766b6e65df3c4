"""Which row comes next."""

from collections import Counter

import pytest

from gregaria.errors import CommandError
from gregaria.feed.deck import Deck
from gregaria.feed.source import IterableSource


def deck(count: int, strategy: str, seed: int = 1) -> Deck:
    return Deck(IterableSource([{"n": number} for number in range(count)], "feed 'x'"), strategy, seed)


def indexes(drawn: list[tuple[int, dict[str, int]]]) -> list[int]:
    assert all(row == {"n": index} for index, row in drawn)
    return [index for index, _ in drawn]


def test_unique_rows_come_in_order_and_end() -> None:
    rows = deck(5, "unique")
    assert indexes(rows.draw(3)) == [0, 1, 2]
    assert not rows.is_over
    assert indexes(rows.draw(3)) == [3, 4]
    assert rows.is_over
    assert rows.draw(1) == []
    rows.begin_again()
    assert indexes(rows.draw(2)) == [0, 1]


def test_a_circle_goes_round_as_often_as_is_wanted() -> None:
    rows = deck(3, "circular")
    assert indexes(rows.draw(8)) == [0, 1, 2, 0, 1, 2, 0, 1]
    assert not rows.is_over


def test_shuffled_rows_come_once_each_and_in_another_order_the_next_time() -> None:
    rows = deck(100, "shuffle")
    first = indexes(rows.draw(60)) + indexes(rows.draw(60))
    assert rows.is_over
    rows.begin_again()
    second = indexes(rows.draw(200))
    assert sorted(first) == sorted(second) == list(range(100))
    assert len({tuple(first), tuple(second), tuple(range(100))}) == 3
    assert indexes(deck(100, "shuffle").draw(100)) == first
    assert indexes(deck(100, "shuffle", seed=2).draw(100)) != first


def test_random_rows_are_drawn_evenly() -> None:
    drawn = Counter(indexes(deck(4, "random").draw(4000)))
    assert set(drawn) == set(range(4))
    assert all(850 < count < 1150 for count in drawn.values())


@pytest.mark.parametrize("strategy", ["unique", "circular", "random", "shuffle"])
def test_a_source_without_rows_is_an_error(strategy: str) -> None:
    with pytest.raises(CommandError, match="feed 'x' has no rows"):
        deck(0, strategy).draw(1)


@pytest.mark.parametrize("strategy", ["unique", "circular", "shuffle"])
def test_a_restored_deck_goes_on_where_it_was(strategy: str) -> None:
    rows = deck(10, strategy)
    rows.draw(7)
    other = deck(10, strategy, seed=99)
    other.restore(rows.snapshot())
    assert other.draw(5) == rows.draw(5)
    assert other.is_over == rows.is_over
