"""names.txt is kept: every name in it can be imported, or says what to do instead."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def contract() -> dict[str, bool]:
    """{dotted name: whether it is there}."""
    lines = (HERE / "names.txt").read_text().splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: rest != ["later"] for name, *rest in words}


@pytest.fixture(scope="module")
def answers() -> dict[str, str | None]:
    command = [sys.executable, "-W", "error", "-m", "gregaria.compat", str(HERE / "import_names.py")]
    done = subprocess.run(command, input="\n".join(contract()), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str | None] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", [name for name, there in contract().items() if there])
def test_a_name_of_locust_can_be_imported(name: str, answers: dict[str, str | None]) -> None:
    assert answers[name] is None


@pytest.mark.parametrize("name", [name for name, there in contract().items() if not there])
def test_a_name_that_is_not_there_yet_says_what_to_do(name: str, answers: dict[str, str | None]) -> None:
    answer = answers[name]
    assert answer is not None
    assert answer.startswith("ImportError: ")
    assert "not in this version of Gregaria" in answer
    assert any(advice in answer for advice in (";", ", which")), answer
