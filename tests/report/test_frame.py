import pytest

from gregaria.report.frame import live_frame
from gregaria.report.tables import Look
from tests.report.sample import failure, generator_error, row, summary, task_exception

LOOK = Look(width=120)


def names(frame: list[str]) -> list[str]:
    return [line.split()[1] for line in frame if line.startswith("GET")]


def test_on_a_high_terminal_everything_is_shown() -> None:
    made = summary(row("/a"), row("/b"), failures=(failure(),), exceptions=(task_exception(),))
    frame = live_frame(made, LOOK, rows=40)
    assert names(frame) == ["/a", "/b"]
    assert frame[-2:] == ["        7 x GET /: 500 Server Error", "        3 x in a task: ValueError: oops"]


@pytest.mark.parametrize("count", [0, 1, 5, 40])
def test_the_frame_never_has_more_lines_than_the_terminal_and_leaves_one_for_the_cursor(count: int) -> None:
    problems = tuple(failure(str(each)) for each in range(9))
    made = summary(*(row(f"/{each}") for each in range(count)), failures=problems)
    for rows in range(1, 60):
        frame = live_frame(made, LOOK, rows)
        assert 1 <= len(frame) <= max(rows - 1, 1), rows
        assert any("Aggregated" in line for line in frame) == (rows >= 9), rows


def test_names_that_find_no_place_are_told_and_failing_and_frequent_ones_keep_theirs() -> None:
    rows = [row(f"/{each:02}", num_requests=each) for each in range(30)]
    rows[3] = row("/03", num_requests=3, num_failures=1)
    frame = live_frame(summary(*rows), LOOK, rows=20)
    assert names(frame) == ["/03", "/24", "/25", "/26", "/27", "/28", "/29"]
    hidden = sum(range(24)) - 3
    assert f"... and 23 more names with {hidden} requests" in frame


def test_failures_that_find_no_place_are_told_too() -> None:
    rows = [row(f"/{each:02}", num_failures=2) for each in range(30)]
    assert "... and 23 more names with 23,000 requests, 46 failures" in live_frame(summary(*rows), LOOK, rows=20)


def test_many_names_do_not_push_the_problems_away() -> None:
    made = summary(*(row(f"/{each}") for each in range(99)), failures=(failure(), failure("Timeout", occurrences=9)))
    frame = live_frame(made, LOOK, rows=40)
    assert [line.strip() for line in frame[-2:]] == ["9 x GET /: Timeout", "7 x GET /: 500 Server Error"]


def test_generator_errors_are_among_the_problems() -> None:
    made = summary(row(), generator_errors=(generator_error("no 65536 ports", occurrences=3),))
    assert live_frame(made, Look(width=100), 24)[-1] == "        3 x GET /: no 65536 ports"


def test_a_problem_that_is_too_wide_still_says_what_it_is() -> None:
    place = "/catalogue/items?page=[n]&sort=[order]&currency=[code]&and=more"
    error = f"HTTPError('503 Server Error: Service Unavailable for url: {place}')"
    frame = live_frame(summary(row(), failures=(failure(error, name=place),)), Look(width=79), rows=24)
    assert "503 Server Error" in frame[-1]
    assert "GET /cat" in frame[-1]
    assert len(frame[-1]) == 79
    short = live_frame(summary(row(), failures=(failure("HTTPError('503')", name=place),)), Look(width=79), rows=24)
    assert short[-1].endswith(": HTTPError('503')")
