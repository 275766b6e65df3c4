"""What the fields of the start form mean."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import pytest

from gregaria.context import CustomOption
from gregaria.web.form import (
    WrongFieldError,
    as_host,
    as_rate,
    as_run_time_s,
    as_user_count,
    as_value,
    extra_option,
    kind_of,
    shown,
)


@pytest.mark.parametrize(
    ("texts", "present", "expected"),
    [
        (["blue"], "red", "blue"),
        (["blue"], None, "blue"),
        (["7"], 3, 7),
        (["7.5"], 3.0, 7.5),
        (["true"], False, True),
        (["on"], False, True),
        (["false"], True, False),
        (["a", "b"], ["c"], ["a", "b"]),
        (["a, b,"], ["c"], ["a", "b"]),
        (["1,2"], [3], [1, 2]),
        ([""], [3], []),
        (["1"], [], ["1"]),
        (["last", "wins"], "red", "wins"),
    ],
)
def test_a_value_keeps_the_type_of_the_present_one(texts: list[str], present: Any, expected: Any) -> None:
    found = as_value(CustomOption(), texts, present)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "present"),
    [("x", 3), ("", 3), ("1.5", 3), ("x", 1.0), ("nan", 1.0), ("inf", 1.0), ("a,b", [1])],
)
def test_a_value_that_cannot_be_is_refused(text: str, present: Any) -> None:
    with pytest.raises(WrongFieldError, match="is not a"):
        as_value(CustomOption(), [text], present)


def shout(text: str) -> str:
    if not text.isalpha():
        raise ArgumentTypeError("letters only")
    return text.upper()


@pytest.mark.parametrize(
    ("option", "texts", "present", "expected"),
    [
        (CustomOption(type=int), ["7"], None, 7),
        (CustomOption(type=float, default=1), ["1.5"], 1, 1.5),
        (CustomOption(type=int), [""], 3, None),
        (CustomOption(choices=("a", "b")), [""], "a", None),
        (CustomOption(choices=("a", "b")), ["b"], "a", "b"),
        (CustomOption(choices=("a", "b"), default="auto"), ["auto"], "a", "auto"),
        (CustomOption(choices=("1", "2"), type=int), ["2"], 1, 2),
        (CustomOption(choices=("A",), type=shout), ["a"], None, "A"),
        (CustomOption(choices=("a", "b"), is_list=True), ["b", "a"], ["a"], ["b", "a"]),
        (CustomOption(type=int, is_list=True), ["1, 2"], None, [1, 2]),
        (CustomOption(type=json.loads), ["{'unchanged': 1}"], {"unchanged": 1}, {"unchanged": 1}),
        (CustomOption(type=lambda text: text.split("-")), ["a-b"], ["c"], ["a", "b"]),
    ],
)
def test_a_value_has_the_type_that_was_declared(
    option: CustomOption, texts: list[str], present: Any, expected: Any
) -> None:
    assert as_value(option, texts, present) == expected


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        (CustomOption(choices=("a", "b"), default="a"), "c", "'c' is none of a, b"),
        (CustomOption(choices=("a", "b"), default="a"), "", "'' is none of a, b"),
        (CustomOption(choices=("1", "2"), type=int), "3", "'3' is none of 1, 2"),
        (CustomOption(choices=("a", "b"), is_list=True), "a,c", "'c' is none of a, b"),
        (CustomOption(type=int), "x", "'x' is not a whole number"),
        (CustomOption(type=float), "nan", "'nan' is not a number"),
        (CustomOption(type=shout), "4", r"'4' is not a value that it takes \(letters only\)"),
        (CustomOption(type=shout, is_secret=True), "pass4word", "^what was given is not a value that it takes$"),
    ],
)
def test_a_value_that_the_option_does_not_take_is_refused(option: CustomOption, text: str, words: str) -> None:
    with pytest.raises(WrongFieldError, match=words):
        as_value(option, [text], None)


def test_what_json_does_not_know_is_shown_as_a_text() -> None:
    assert [shown(value) for value in (None, True, 1, "a", ["a"], Path("a/b"))] == [None, True, 1, "a", ["a"], "a/b"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20),
        ("20s", 20),
        ("3m", 180),
        ("2h", 7200),
        ("1h20m", 4800),
        ("3h30m10s", 12610),
        (" 5m ", 300),
        ("1.5h", 5400),
    ],
)
def test_a_run_time_is_seconds(text: str, seconds: int) -> None:
    assert as_run_time_s(text) == seconds


@pytest.mark.parametrize("text", ["soon", "1d", "m", "-5", "1e5", "5s3m"])
def test_a_run_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WrongFieldError, match="Valid run_time formats"):
        as_run_time_s(text)


@pytest.mark.parametrize("text", ["9999999999999h", "9" * 400])
def test_a_run_time_that_nobody_can_mean_is_refused(text: str) -> None:
    with pytest.raises(WrongFieldError, match="longer than 100 years"):
        as_run_time_s(text)


@pytest.mark.parametrize(
    "text",
    ["", "https://shop.example", "http://me:pw@[::1]:80/a", "shop.example", "localhost:1883", "ws://shop", "a:1,b:2"],
)
def test_hosts_of_all_kinds_of_users(text: str) -> None:
    assert as_host(f" <{text}> ") == text


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "JavaScript://%0aalert(1)", "java<script:alert(1)", "data:1,x", "mailto:me", "http://a b"],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(WrongFieldError, match="write it like https"):
        as_host(text)


def test_users_and_rate() -> None:
    assert as_user_count({"user_count": "0"}) == 0
    assert as_user_count({"user_count": "-1"}) is None
    assert as_user_count({}) is None
    assert as_rate({"spawn_rate": "0.5"}) == 0.5
    for text in ("0", "-1", "inf", "nan"):
        assert as_rate({"spawn_rate": text}) is None
    with pytest.raises(WrongFieldError, match="must be a number"):
        as_rate({"spawn_rate": "fast"})


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        (CustomOption(is_secret=True), "x", "secret"),
        (CustomOption(), True, "bool"),
        (CustomOption(choices=("a", "b")), "a", "choice"),
        (CustomOption(choices=("a", "b"), is_multiple=True), ["a"], "choices"),
        (CustomOption(), 3, "number"),
        (CustomOption(), ["a"], "list"),
        (CustomOption(), None, "text"),
    ],
)
def test_what_a_form_shows(option: CustomOption, value: Any, kind: str) -> None:
    assert kind_of(option, value) == kind


def test_an_option_as_locusts_pages_are_told_of_it() -> None:
    assert extra_option(CustomOption(choices=("p", "q"), help="hh"), "p") == {
        "default_value": "p", "is_secret": False, "is_required": False, "help_text": "hh", "is_multiple": False,
        "choices": ["p", "q"],
    }  # fmt: skip
