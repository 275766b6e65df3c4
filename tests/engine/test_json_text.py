"""engine/json_text.pyx beside ``json.dumps``."""

import json
import math
import sys
from collections import OrderedDict
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from gregaria.engine.json_text import json_text

#: every plane, surrogates included, and often what is escaped
TEXTS = some.text(
    some.one_of(
        some.characters(categories=None),
        some.sampled_from(
            '"\\/\b\f\n\r\t\x00\x1f \x7e\x7f\x80\xff\u0100\u2028\ud800\udbff\udc00\udfff\uffff\U00010000\U0010ffff'
        ),
        some.characters(min_codepoint=0x20, max_codepoint=0x7E),
    ),
    max_size=80,
)
SCALARS = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(),
    some.integers(-(2**63) - 2, -(2**63) + 2),
    some.integers(2**63 - 2, 2**64 + 2),
    some.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
VALUES = some.recursive(
    SCALARS,
    lambda inner: some.one_of(some.lists(inner), some.lists(inner).map(tuple), some.dictionaries(TEXTS, inner)),
    max_leaves=40,
)


def by_json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


@given(VALUES)
@example({"": [{}, [], (), ""], "a": {"b": [0, -0.0, 1e16, 1e-7, 5e-324, 1.7976931348623157e308]}})
@example([10**400, -(10**30), 2**63, -(2**63), 0, -1])
def test_every_plain_value_is_written_as_json_writes_it(value: Any) -> None:
    assert json_text(value) == by_json(value)


@given(TEXTS, some.integers(0, 9))
def test_text_is_escaped_wherever_it_stands_among_what_is_copied_eight_bytes_at_once(text: str, before: int) -> None:
    value = "x" * before + text + "y" * 20
    assert json_text(value) == by_json(value)
    assert json_text({value: value}) == by_json({value: value})


@given(some.integers(-(10**16), 10**16), some.integers(0, 8), some.integers(-2, 2))
def test_numbers_with_few_decimals_and_their_neighbours_are_written_as_json_writes_them(
    digits: int, decimals: int, steps: int
) -> None:
    number = float(f"{digits}e-{decimals}")
    for _ in range(abs(steps)):
        number = math.nextafter(number, math.copysign(math.inf, steps))
    assert json_text(number) == by_json(number)


def test_a_hundred_thousand_prices_are_written_as_json_writes_them() -> None:
    prices = [cents / 100 for cents in range(100_000)] + [0.001, 0.0009, -0.001, 1e9, 999999999.999999, 0.1 + 0.2]
    assert json_text(prices) == by_json(prices)


@pytest.mark.parametrize("first", range(0, sys.maxunicode + 1, 0x10000))
def test_every_character_of_every_plane_is_written_as_json_writes_it(first: int) -> None:
    plane = "".join(map(chr, range(first, first + 0x10000)))
    assert json_text(plane) == by_json(plane)
    if not first:
        # Each alone, as one that is escaped sends all after it another way.
        for number in range(0x180):
            for value in (chr(number), "a" * 7 + chr(number), chr(number) + "a" * 9):
                assert json_text(value) == by_json(value)


@pytest.mark.parametrize("size", [0, 1, 4000, 4096, 70_000, 1_000_000])
def test_a_text_of_any_size_is_written_and_the_next_one_too(size: int) -> None:
    for value in ({"a": "x" * size, "b": ["é" * size]}, list(range(size // 10)), "\U0001f600" * (size // 10)):
        assert json_text(value) == by_json(value)


class Text(str): ...


class Number(IntEnum):
    ONE = 1


class Real(float): ...


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def circular() -> Any:
    # What goes round twice at every level would take for ever, if it was not left at once.
    value: list[Any] = []
    value.extend([value, {"again": value}])
    return value


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        Text("a"),
        Number.ONE,
        Real(1),
        OrderedDict(a=1),
        {1: 2},
        {None: 1},
        {Text("a"): 1},
        {"a", "b"},
        b"bytes",
        object(),
        circular(),
        nested(101),
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_all_else_is_left_to_the_standard_library_however_deep_it_stands(value: Any) -> None:
    assert json_text(value) is None
    assert json_text({"a": [1, ("x" * 5000, value)]}) is None
    assert json_text([1]) == b"[1]"


def test_nesting_is_written_down_to_its_limit() -> None:
    assert json_text(nested(100)) == by_json(nested(100))
