from dataclasses import replace
from typing import Any

import pytest

from gregaria.report.cells import width
from gregaria.report.tables import (
    Look,
    error_report,
    exception_report,
    generator_error_report,
    intended_percentile_table,
    percentile_table,
    stats_table,
)
from gregaria.settings import settings
from tests.report.sample import failure, generator_error, row, silent_row, summary, task_exception


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "stats_name_width", 80)
    monkeypatch.setattr(settings, "stats_autoresize", True)


def words(line: str) -> str:
    return " ".join(line.split())


def test_the_table_has_locusts_columns_and_a_row_for_each_name_and_the_total() -> None:
    made = summary(row("/cart"), row("/", num_requests=234_567, num_failures=1_000))
    heading, rule, first, second, second_rule, total = stats_table(made, current=True)
    assert words(heading) == "Type Name # reqs # fails | Avg Min Max Med | req/s failures/s"
    assert rule == second_rule
    assert words(first) == "GET / 234,567 1,000(0.43%) | 2.35 0.21 48.2 1.99 | 100.00 0.00"
    assert words(second) == "GET /cart 1,000 0(0.00%) | 2.35 0.21 48.2 1.99 | 100.00 0.00"
    assert words(total) == "Aggregated 235,567 1,000(0.42%) | 2.35 0.21 48.2 1.99 | 200.00 0.00"


def test_rates_are_those_of_the_last_seconds_or_of_the_whole_run() -> None:
    made = summary(row(current_rps=10.0, total_rps=20.0, current_fail_per_s=1.0, total_fail_per_s=2.0))
    assert stats_table(made, current=True)[2].endswith("   10.00        1.00")
    assert stats_table(made, current=False)[2].endswith("   20.00        2.00")


def test_times_that_are_not_there_are_not_told_as_zero() -> None:
    made = summary(silent_row(num_requests=5, num_none_requests=5))
    assert stats_table(made, current=True)[2].split()[2:9] == ["5", "0(0.00%)", "|", "-", "-", "-", "-"]


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_tables_fit_the_terminal(columns: int) -> None:
    made = summary(
        row("/a/long/name/" * 9, num_failures=3),
        failures=(failure("long " * 50, sample="other " * 40),),
    )
    look = Look(width=columns)
    lines = stats_table(made, True, look, tail=True) + percentile_table(made, look) + error_report(made, look)
    assert max(width(line) for line in lines) <= columns


def test_what_is_not_a_terminal_gets_names_of_the_set_width() -> None:
    made = summary(row("n" * 100))
    assert "n" * 39 + "…" + "n" * 40 + " " in stats_table(made, True)[2]


def test_a_set_name_width_is_kept_on_a_terminal_when_autoresize_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "stats_autoresize", False)
    monkeypatch.setattr(settings, "stats_name_width", 21)
    line = stats_table(summary(row("n" * 100)), True, Look(width=200))[2]
    assert line.split()[1] == "n" * 10 + "…" + "n" * 10


def test_the_tail_is_added_where_there_is_room_for_it() -> None:
    made = summary(row())
    assert " 95% " in stats_table(made, True, Look(width=120), tail=True)[0]
    assert " 95% " not in stats_table(made, True, Look(width=80), tail=True)[0]


def test_failures_are_red_where_there_are_colours() -> None:
    look = Look(width=120, colour=True)
    assert "\x1b[31m" in stats_table(summary(row(num_failures=1)), True, look)[2]
    assert "\x1b[31m" not in stats_table(summary(row()), True, look)[2]
    assert "\x1b" not in "".join(stats_table(summary(row(num_failures=1)), True))


def test_the_percentile_table_follows_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "percentiles_to_report", [0.5, 0.975, 1.0])
    title, heading, _, line, *_ = percentile_table(summary(row()))
    assert title == "Response time percentiles (ms)"
    assert heading.split() == ["Type", "Name", "|", "50%", "97.5%", "100%", "|", "#", "reqs"]
    assert line.split() == ["GET", "/", "|", "2.49", "1.99", "48.2", "|", "1,000"]


def test_the_percentile_table_says_what_it_has_no_room_for() -> None:
    title = percentile_table(summary(row("/a/name/that/needs/room")), Look(width=80))[0]
    assert "too narrow here for" in title
    for each in ("50%", "95%", "99%,", "100%"):
        assert each not in title


def test_times_from_the_intended_start_have_a_table_of_their_own_if_there_are_any() -> None:
    made = summary(row("/paced", intended_percentiles_us={0.5: 7_000, 1.0: 9_400_000}), row("/other"))
    made = replace(made, total=replace(made.total, intended_percentiles_us={0.5: 7_000}))
    title, _, _, paced, _, total = intended_percentile_table(made)
    assert title == "Response time percentiles from the intended start (ms)"
    assert words(paced) == "GET /paced | 7.00 - - - - - - - - - 9,400 | 1,000"
    assert words(total).startswith("Aggregated | 7.00")
    assert intended_percentile_table(summary(row())) == []


def test_failures_are_told_with_count_group_and_sample() -> None:
    made = summary(row(), failures=(failure("no item <id>", sample="no item 123456", occurrences=1_234),))
    assert error_report(made)[:5] == [
        "Error report",
        "# occurrences      Error",
        "------------------|" + "-" * 81,
        "1,234              GET /: no item <id>",
        "                   for example: no item 123456",
    ]


def test_the_commonest_failures_and_exceptions_come_first() -> None:
    failures = (failure("rare", occurrences=2), failure("common", occurrences=30))
    exceptions = (task_exception("rare", count=2), task_exception("common", count=30))
    made = summary(row(), failures=failures, exceptions=exceptions)
    for report in (error_report(made), exception_report(made)):
        counts = [line.split()[0] for line in report if line[:1].isdigit()]
        assert counts == ["30", "2"]


def test_a_sample_that_says_nothing_new_is_not_repeated() -> None:
    assert len(error_report(summary(failures=(failure("x"),)))) == 5


def test_a_server_cannot_steer_the_terminal_with_an_error() -> None:
    made = summary(
        row("/\x1b[2Jname", method="G\nET"),
        failures=(failure("\x1b]0;title\x07", sample="\x1b[1A\r"),),
        exceptions=(task_exception("\x1b[5m", nodes=("\x1b[6m",)),),
    )
    lines = stats_table(made, True) + percentile_table(made) + error_report(made) + exception_report(made)
    assert all(line.isprintable() for line in lines)


def test_exceptions_are_told_with_count_and_traceback() -> None:
    assert exception_report(summary(exceptions=(task_exception(count=21, nodes=("w1", "w2")),)))[3:8] == [
        "21                 ValueError: oops [w1, w2]",
        "    Traceback (most recent call last):",
        '      File "users.py", line 9, in buy',
        "        raise X",
        "    ValueError: oops",
    ]


def test_generator_errors_are_told_with_what_to_raise() -> None:
    errors = (generator_error("no <number> ports", sample="no 65536 ports", occurrences=3), generator_error("files"))
    assert generator_error_report(summary(generator_errors=errors))[:5] == [
        "Generator errors: limits of this machine, in no other figure",
        "# occurrences      Error",
        "------------------|" + "-" * 81,
        "5                  GET /: files",
        "3                  GET /: no 65536 ports",
    ]


@pytest.mark.parametrize("report", [error_report, exception_report, generator_error_report])
def test_where_nothing_went_wrong_there_is_no_report_of_it(report: Any) -> None:
    assert report(summary(row())) == []
