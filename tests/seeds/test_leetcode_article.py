"""The LeetCode article, whose Locust was older than 1.0: today's spelling runs, the old one is answered."""

from pathlib import Path

import pytest

from gregaria.errors import ExitCode
from tests.support.command import run_gregaria
from tests.support.servers import Server

LOCUSTFILES = Path(__file__).parent / "locustfiles"


def test_todays_spelling_runs(shop: Server, tmp_path: Path) -> None:
    run = run_gregaria(
        *("-f", LOCUSTFILES / "leetcode_today.py", "-u", "5", "-r", "5", "-t", "2s", "-H", shop.url),
        folder=tmp_path,
        environment={"FASTER": "100"},
    )
    assert run.exit_code == 0, run.output
    assert run.row("/auth/login", "POST")["num_requests"] == 5
    assert run.row("/health")["num_requests"] > 10
    assert run.row("/search?q=about")["num_requests"] > 10


def test_waits_in_milliseconds_are_honoured_with_one_warning(shop: Server, tmp_path: Path) -> None:
    run = run_gregaria(
        *("-f", LOCUSTFILES / "leetcode_old_waits.py", "-u", "5", "-r", "5", "-t", "2s", "-H", shop.url), folder=tmp_path
    )
    assert run.exit_code == 0, run.output
    # 5 users that wait 75 ms on average for 2 s; without waits it would be thousands
    assert 50 < run.total["num_requests"] < 200
    assert run.stderr.count("min_wait") == 1
    assert "between(0.05, 0.1)" in run.stderr


@pytest.mark.parametrize(
    ("locustfile", "answers"),
    [
        (
            "leetcode_as_printed.py",
            ["HttpUser", "tasks = [WebsiteTasks]", "wait_time = between(5, 15)", "leetcode_as_printed.py"],
        ),
        ("leetcode_half_renamed.py", ["task_set", "tasks = [WebsiteTasks]", "leetcode_half_renamed.py"]),
    ],
)
def test_the_old_spelling_is_answered_with_what_to_write_today(
    locustfile: str, answers: list[str], tmp_path: Path
) -> None:
    run = run_gregaria("-f", LOCUSTFILES / locustfile, "-t", "1s", "-H", "http://127.0.0.1:1", folder=tmp_path)
    assert run.exit_code == ExitCode.LOCUSTFILE_BROKEN, run.output
    for answer in answers:
        assert answer in run.stderr


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--slave"], "--worker"),
        (["--expect-slaves", "2"], "--expect-workers"),
        (["--hatch-rate", "5"], "--spawn-rate"),
        (["--no-web"], "--headless"),
    ],
)
def test_the_old_options_are_answered_with_todays(arguments: list[str], answer: str, tmp_path: Path) -> None:
    run = run_gregaria("-f", LOCUSTFILES / "leetcode_today.py", *arguments, folder=tmp_path)
    assert run.exit_code == ExitCode.USAGE, run.output
    assert answer in run.stderr
