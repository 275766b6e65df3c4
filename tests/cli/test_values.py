"""Texts of options become values, or say what was expected."""

import argparse
from collections.abc import Callable

import pytest

from gregaria.cli import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20),
        ("20s", 20),
        ("3m", 180),
        ("2h", 7200),
        ("1h20m", 4800),
        ("3h30m10s", 12610),
        ("1m30", 90),
        ("0", 0),
        ("0.5s", 0.5),
        ("1H", 3600),
    ],
)
def test_a_duration_is_read_as_locust_reads_it(text: str, seconds: float) -> None:
    assert values.duration_s(text) == seconds


def test_whole_seconds_are_an_int() -> None:
    assert isinstance(values.duration_s("1m"), int)


@pytest.mark.parametrize("text", ["", "5x", "m", "10s5m", "-3", "1 h 5", "nan"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="1h20m"):
        values.duration_s(text)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.rate, "0"),
        (values.rate, "-1"),
        (values.rate, "inf"),
        (values.rate, "nan"),
        (values.rate, "x"),
        (values.count, "-1"),
        (values.count, "1.5"),
        (values.positive_count, "0"),
        (values.exit_code, "256"),
        (values.log_level, "loud"),
        (values.base_url, "http://a b"),
        (values.base_url, "javascript:alert(1)"),
        (values.duration_s, "99999999999999h"),
    ],
)
def test_what_cannot_be_is_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        read(text)


def test_no_users_at_all_and_small_rates_are_fine() -> None:
    assert values.count("0") == 0
    assert values.rate("0.1") == 0.1
    assert values.log_level("debug") == "DEBUG"
