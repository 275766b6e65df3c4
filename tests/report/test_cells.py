import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.report.cells import clock, fit, milliseconds, padded, plain_letters, printable, share, width


@pytest.mark.parametrize(
    ("time_us", "text"),
    [
        (None, "-"),
        (0, "0"),
        (4, "0.004"),
        (99, "0.099"),
        (99.6, "0.10"),
        (210, "0.21"),
        (9_990, "9.99"),
        (9_996, "10.0"),
        (99_949, "99.9"),
        (99_960, "100"),
        (1_234_567, "1,235"),
    ],
)
def test_a_time_is_told_with_the_digits_that_matter(time_us: float | None, text: str) -> None:
    assert milliseconds(time_us) == text


@given(st.integers(1, 10**10))
def test_a_time_is_never_off_by_more_than_its_last_digit(time_us: int) -> None:
    told_ms = float(milliseconds(time_us).replace(",", ""))
    assert abs(told_ms * 1000 - time_us) <= max(0.005 * time_us, 5)


def test_durations_counts_and_shares_read_naturally() -> None:
    assert clock(0) == "00:00"
    assert clock(65.9) == "01:05"
    assert clock(7200) == "2:00:00"
    assert share(35, 0.2011) == "35(20.11%)"
    assert share(1_234, 1.0) == "1,234(100.00%)"


def test_what_could_steer_a_terminal_is_written_as_an_escape() -> None:
    assert printable("a\x1b[31mb\r\n\x9bc\u202ed") == "a\\x1b[31mb\\r\\n\\x9bc\\u202ed"
    assert printable("plain ünïcode 日本") == "plain ünïcode 日本"


@given(st.text())
def test_nothing_printed_has_a_control_character(text: str) -> None:
    assert printable(text).isprintable()


def test_a_long_name_is_shortened_in_the_middle() -> None:
    assert fit("/abcdefghij", 7) == "/ab…hij"
    assert fit("/short", 7) == "/short"
    assert fit("日本語日本語", 7) == "日…本語"


@given(st.text().map(printable), st.integers(0, 30))
def test_a_shortened_text_is_never_too_wide(text: str, columns: int) -> None:
    assert width(fit(text, columns)) <= columns


def test_padding_counts_columns_and_not_characters() -> None:
    assert padded("日本", 6) == "  日本"
    assert padded("ab", 4, left=True) == "ab  "
    assert width("e\u0301") == 1


def test_a_terminal_that_knows_only_ascii_gets_ascii() -> None:
    assert plain_letters("█░ a…b ü", "ascii") == "#. a~b \\xfc"
    assert plain_letters("█ ü", "utf-8") == "█ ü"
    assert plain_letters("lone \ud800", None) == "lone \\ud800"
