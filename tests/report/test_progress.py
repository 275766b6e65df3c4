from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.report.cells import width
from gregaria.report.progress import bar, progress_lines, progress_sentence, sparkline
from gregaria.report.tables import Look
from tests.report.sample import row, summary, task_exception


def test_the_first_line_tells_time_users_state_and_host() -> None:
    made = summary(row(), state="spawning", user_count=60, duration_s=15.0)
    first, _ = progress_lines(made, Look(width=110), run_time_s=60, target_users=100)
    assert first == f"00:15 {bar(0.25, 40)} 01:00   60/100 users   starting users   http://127.0.0.1:8000"


def test_without_a_run_time_there_is_no_bar() -> None:
    assert progress_lines(summary(row()), Look(width=110))[0] == "00:10   10 users   http://127.0.0.1:8000"


def test_the_second_line_tells_rate_failures_and_times() -> None:
    made = summary(row(num_failures=12, num_requests=24_000), exceptions=(task_exception(),))
    made = replace(made, total=replace(made.total, current_fail_per_s=3.0))
    _, second = progress_lines(made, Look(width=130))
    assert second == (
        "100 req/s   █████████   12 failures (0.05%), 3.0/s   3 exceptions in tasks   median 1.99 ms, 95% 2.94 ms"
    )


@pytest.mark.parametrize("columns", [1, 10, 40, 60, 80, 120, 200])
def test_the_lines_fit_the_terminal(columns: int) -> None:
    made = summary(row(num_failures=12), state="stopping", host="http://" + "long" * 30)
    lines = progress_lines(made, Look(width=columns), run_time_s=3600, target_users=100_000)
    assert max(map(width, lines)) <= columns


def test_one_sentence_serves_a_log_file() -> None:
    made = summary(row(num_failures=1))
    assert progress_sentence(made, run_time_s=60, target_users=20) == (
        "00:10 of 01:00, running, 10 of 20 users, 100.0 req/s, 1 failure (0.10%)"
    )
    assert progress_sentence(summary()) == "00:10, running, 10 users, 0.0 req/s, no failures"


def test_generator_errors_are_told_at_once() -> None:
    made = summary(row(), total=row("Aggregated", "", num_generator_errors=1_200))
    assert "1,200 generator errors" in progress_lines(made, Look(width=160))[1]
    assert progress_sentence(made).endswith("no failures, 1,200 generator errors")
    assert "generator" not in progress_sentence(summary(row()))


def test_a_sparkline_is_as_high_as_its_highest_value() -> None:
    assert sparkline([0, 25, 50, 100]) == "▁▃▅█"
    assert sparkline([0, 0]) == ""
    assert sparkline([]) == ""


def test_the_second_that_is_still_being_filled_is_not_drawn() -> None:
    made = summary(row())
    total = replace(made.total, per_second={100: (50, 0), 102: (100, 0), 103: (100, 0), 104: (1, 0)})
    assert progress_lines(replace(made, total=total), Look(width=110))[1].split()[2] == "▅▁██"


@given(st.floats(-1, 2), st.integers(0, 60))
def test_a_bar_always_has_its_length(part: float, columns: int) -> None:
    assert len(bar(part, columns)) == columns
