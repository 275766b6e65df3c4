"""What another process has sent is what it should be, or refused with a word of what it is."""

from collections.abc import Callable
from typing import Any

import pytest

from gregaria.stats.fields import (
    dictionary_of,
    integer_of,
    list_of,
    moment_of,
    number_of,
    row_of,
    sendable,
    text_of,
)


def test_what_is_as_it_should_be_is_passed_on() -> None:
    assert dictionary_of({"a": 1}, "it") == {"a": 1}
    assert list_of([1, 2], "it", 2) == [1, 2]
    assert row_of([1, 2], "it", 2) == [1, 2]
    assert [integer_of(value, "it") for value in (0, 2**62)] == [0, 2**62]
    assert [number_of(value, "it") for value in (0, 1.5)] == [0.0, 1.5]
    assert [moment_of(value, "it", 10) for value in (None, 5, 5.5)] == [None, 15, 15.5]
    assert text_of("ü", "it") == "ü"


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: dictionary_of([], "it"), "it is no dictionary but a list"),
        (lambda: list_of("ab", "it", 2), "it is no list but a str"),
        (lambda: list_of([1, 2, 3], "it", 2), "it has 3 items, and 2 are the most"),
        (lambda: row_of([1], "it", 2), "it has 1 items instead of 2"),
        (lambda: integer_of(True, "it"), "whole number from 0 to 2^62 but True"),
        (lambda: integer_of(-1, "it"), "but -1"),
        (lambda: integer_of(1.0, "it"), "but 1.0"),
        (lambda: number_of(float("nan"), "it"), "but nan"),
        (lambda: number_of("1", "it"), "but a str"),
        (lambda: moment_of(float("inf"), "it", 0), "it is no moment but inf"),
        (lambda: moment_of(5, "it", -10), "it is -5, and moments are seconds since 1970"),
        (lambda: text_of(b"a", "it"), "but a bytes"),
        (lambda: text_of("a" * (2**20 + 1), "it"), "at most 1,048,576 characters"),
    ],
)
def test_anything_else_is_refused_and_named(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        call()
    assert said in str(refused.value)


def test_a_text_is_made_to_fit_what_can_be_sent() -> None:
    assert sendable("plain") == "plain"
    assert sendable("ü\ud800") == "ü?"
    assert sendable("abc", 2) == "ab"
    assert sendable("abc", 3) == "abc"
