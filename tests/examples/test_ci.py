"""The pipelines of examples/ci do what they say: their own lines are run, with a real target."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import xmlschema
import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
STATIC = ROOT / "src" / "gregaria" / "web" / "static" / "report.html"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the pipelines need of the repository."""
    shutil.copytree(CI, tmp_path / "examples" / "ci")
    return tmp_path


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def pipeline(name: str, port: int) -> Any:
    text = (CI / name).read_text().replace("8000", str(port))
    # Limits that are kept also where much else is going on.
    return yaml.safe_load(text.replace("p95 > 500ms", "p95 > 30s").replace("2 * baseline", "100 * baseline"))


def run_steps(steps: Iterable[tuple[str, bool]], folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run shell steps as a runner does: each by itself, those that are always run also after one has failed.

    Returns the code of the first that failed, and what all have printed.
    """
    environment = {
        **os.environ,
        **variables,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        # What is to be installed is here already.
        "PIP_NO_INDEX": "1",
        "RUN_TIME": "3s",
        "WARMUP": "1s",
    }
    code, output = 0, ""
    for script, is_always_run in steps:
        if code and not is_always_run:
            continue
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        code, output = code or done.returncode, output + done.stdout + done.stderr
    return code, output


def github_steps(port: int, change: tuple[str, str] = ("", "")) -> tuple[list[tuple[str, bool]], dict[str, str]]:
    job = pipeline("github-actions.yml", port)["jobs"]["load-test"]
    steps = [(step["run"].replace(*change), step.get("if") == "always()") for step in job["steps"] if "run" in step]
    return steps, {**job["env"], "GITHUB_ACTIONS": "true"}


def check_reports(folder: Path) -> None:
    xmlschema.XMLSchema(ROOT / "tests" / "report" / "junit.xsd").validate(folder / "junit.xml")
    assert (folder / "verdict.md").read_text().startswith("### ✅ Load test passed")
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "run.json").is_file()


@pytest.mark.skipif(not STATIC.is_file(), reason="the page was not built, as Node.js is not installed here")
def test_the_workflow_of_github(checkout: Path, port: int) -> None:
    steps, variables = github_steps(port)
    variables["GITHUB_STEP_SUMMARY"] = str(checkout / "summary.md")
    for _ in range(2):
        code, output = run_steps(steps, checkout, variables)
        assert code == 0, output
    # The second run has had the first as baseline.
    assert "✓ p95 > 100 * baseline" in output
    check_reports(checkout / "out")
    assert (checkout / "summary.md").read_text().count("### ✅ Load test passed") == 2
    assert "::error" not in output


@pytest.mark.skipif(not STATIC.is_file(), reason="the page was not built, as Node.js is not installed here")
def test_the_workflow_of_github_fails_when_the_target_does(checkout: Path, port: int) -> None:
    steps, variables = github_steps(port, ("p95 > 30s", "p95 > 1us"))
    code, output = run_steps(steps, checkout, variables)
    assert code == 16, output
    assert "::error title=fail if p95 > 1us::" in output
    # No baseline is kept of a run that was not good enough.
    assert not (checkout / "baseline").exists()


@pytest.mark.skipif(not STATIC.is_file(), reason="the page was not built, as Node.js is not installed here")
def test_the_pipeline_of_gitlab(checkout: Path, port: int) -> None:
    job = pipeline("gitlab-ci.yml", port)["load-test"]
    # GitLab runs all lines in one shell; with the job's container, what is in the background goes.
    lines = [*job["before_script"], *job["script"], "kill %1"]
    code, output = run_steps([("\n".join(["set -m", *lines]), False)], checkout, job["variables"])
    assert code == 0, output
    check_reports(checkout / "out")
    assert job["artifacts"]["reports"]["junit"] == "out/junit.xml"
