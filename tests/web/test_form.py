"""What the fields of the start form mean."""

from typing import Any

import pytest

from gregaria.context import CustomOption
from gregaria.web.form import WrongFieldError, as_rate, as_run_time_s, as_user_count, as_value, extra_option, kind_of


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
    found = as_value(texts, present)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "present"),
    [("x", 3), ("", 3), ("1.5", 3), ("x", 1.0), ("nan", 1.0), ("inf", 1.0), ("a,b", [1])],
)
def test_a_value_that_cannot_be_is_refused(text: str, present: Any) -> None:
    with pytest.raises(WrongFieldError, match="is not a"):
        as_value([text], present)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20", 20), ("20s", 20), ("3m", 180), ("2h", 7200), ("1h20m", 4800), ("3h30m10s", 12610), (" 5m ", 300)],
)
def test_a_run_time_is_seconds(text: str, seconds: int) -> None:
    assert as_run_time_s(text) == seconds


@pytest.mark.parametrize("text", ["soon", "1d", "m", "-5", "1.5h", "5s3m"])
def test_a_run_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WrongFieldError, match="Valid run_time formats"):
        as_run_time_s(text)


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
