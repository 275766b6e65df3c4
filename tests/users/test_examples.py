"""The examples about users run, against a real server, and do what they are examples of."""

from pathlib import Path

import pytest

from tests.support.command import ROOT, Run, run_gregaria
from tests.support.servers import Server, target

__all__ = ["target"]

EXAMPLES = ROOT / "examples" / "users"


def run_example(name: str, target: Server, folder: Path, *arguments: str) -> Run:
    load = () if "-u" in arguments else ("-u", "10", "-r", "50", "-i", "200")
    run = run_gregaria(*("-f", EXAMPLES / name, "-H", target.url, "--only-summary", *load), *arguments, folder=folder)
    assert "Traceback" not in run.output, run.output
    return run


def count(run: Run, name: str) -> int:
    """Requests of that name; 0 when there are none."""
    return int(run.row(name)["num_requests"]) if name in run.names() else 0


def test_every_example_is_tested() -> None:
    tests = Path(__file__).read_text()
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in tests] == []


def test_task_sets_are_entered_and_left(target: Server, tmp_path: Path) -> None:
    run = run_example("nested_task_sets.py", target, tmp_path)
    assert run.exit_code == 0, run.output
    # Every user that entered has left: by itself, or as the run ended.
    assert count(run, "archive: enter") == count(run, "archive: leave") > 5
    assert count(run, "archive: browse") > count(run, "archive: article") > 0


def test_a_chain_follows_its_transitions(target: Server, tmp_path: Path) -> None:
    run = run_example("markov_chain.py", target, tmp_path)
    assert run.exit_code == 0, run.output
    assert run.total["num_requests"] == 200
    assert count(run, "item") > count(run, "search") > 0
    assert count(run, "item") > count(run, "pay") > 0


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), {"Visitor reads", "Editor reads", "Admin reads", "Editor writes"}),
        (("--tags", "smoke"), {"Visitor reads", "Editor reads", "Admin reads"}),
        (("--exclude-tags", "write"), {"Visitor reads", "Editor reads", "Admin reads"}),
        (("Editor",), {"Editor reads", "Editor writes"}),
    ],
    ids=["all", "tags", "exclude-tags", "class"],
)
def test_tags_and_names_of_classes_choose_what_runs(
    target: Server, tmp_path: Path, arguments: tuple[str, ...], names: set[str]
) -> None:
    run = run_example("weights_and_tags.py", target, tmp_path, *arguments)
    assert run.exit_code == 0, run.output
    assert run.names() == names
    assert run.total["num_requests"] == 200


def test_pacing_keeps_the_rate(target: Server, tmp_path: Path) -> None:
    run = run_example("pacing.py", target, tmp_path, "-u", "6", "-r", "100", "-t", "3s")
    assert run.exit_code == 0, run.output
    # Two users each. The first gap of all but one user is up to a period longer.
    assert 4 <= count(run, "every second") <= 7
    assert 20 <= count(run, "five times a second") <= 32
    assert count(run, "slower and slower") > 10


def test_members_log_in_and_out_once_and_leave_when_they_have_seen_enough(target: Server, tmp_path: Path) -> None:
    run = run_example("life.py", target, tmp_path, "-u", "5", "-r", "100", "-t", "10s")
    assert run.exit_code == 0, run.output
    assert count(run, "log in") == count(run, "log out") == 5
    assert count(run, "visit") == 100


def test_assertions_in_a_rest_block_are_failures(target: Server, tmp_path: Path) -> None:
    run = run_example("rest_api.py", target, tmp_path)
    assert run.exit_code == 1, run.output
    assert run.row("/getInfo")["num_failures"] == 0
    failing = run.row("fails on purpose")
    assert failing["num_failures"] == failing["num_requests"] > 0
    assert 'expected the moon, response was {"Hello":"World"}' in run.output
