"""A verdict on a cluster: where its rules come from, where it is told, and that the command ends with it."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.on_kubernetes.conftest import Start
from tests.support.kubernetes_api import KubernetesApi

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--fail-if", "requests < 1", "--check-rps", "0.1"), 0),
        (("--fail-if", "p50 >= 0ms", "--check-fail-ratio", "0", "--warmup", "1s"), 16),
        (("--check-avg-response-time", "0"), 3),
    ],
)
def test_the_command_ends_with_the_verdict(
    api: KubernetesApi, run: Start, arguments: tuple[str, ...], code: int
) -> None:
    command = run(*arguments)
    assert command.wait(90) == code, command.output
    assert "Verdict: " in command.output
    assert api.there() == []


def test_every_report_of_a_verdict_comes_to_where_the_command_runs(
    api: KubernetesApi, run: Start, tmp_path: Path
) -> None:
    laptop = tmp_path / "laptop"
    (laptop / "data" / "path.txt").write_text("/status/500")
    page = tmp_path / "step.md"
    page.write_text("# before\n")
    reports = {"junit": "out/junit.xml", "markdown": "out/comment.md", "json-file": "out/report.json"}
    command = run(
        *("--fail-if", "fail_ratio > 1%", *(word for name, path in reports.items() for word in (f"--{name}", path))),
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(page),
    )
    assert command.wait(90) == 16, command.output
    suites = ElementTree.parse(laptop / "out" / "junit.xml").getroot()
    (case,) = [case for case in suites.iter("testcase") if case.get("name") == "fail if fail_ratio > 1%"]
    assert case.find("failure") is not None
    assert json.loads((laptop / "out" / "report.json").read_text())["verdict"]["rules"][0]["state"] == "broken"
    comment = (laptop / "out" / "comment.md").read_text()
    assert "`fail if fail_ratio > 1%`" in comment
    assert page.read_text() == f"# before\n{comment}\n"
    # GitHub reads it at the beginning of a line only.
    assert "\n::error title=fail if fail_ratio > 1%25::" in command.output
    assert f"{page}" in command.output


def test_the_summary_of_a_step_is_written_without_being_asked_for(run: Start, tmp_path: Path) -> None:
    page = tmp_path / "step.md"
    command = run(GITHUB_STEP_SUMMARY=str(page))
    assert command.wait(90) == 0, command.output
    assert "Load test passed" in page.read_text()
    assert "::error" not in command.output
    assert not list((tmp_path / "laptop").glob("*.md"))


def document(run: Start, tmp_path: Path) -> Path:
    """What another run, that was just as fast, has left."""
    command = run("--json-file", str(tmp_path / "before"))
    assert command.wait(90) == 0, command.output
    return tmp_path / "before.json"


def test_the_baseline_goes_along(api: KubernetesApi, run: Start, tmp_path: Path) -> None:
    before = document(run, tmp_path)
    kept, broken = "p50 > 1000 * baseline", "requests > 0.001 * baseline"
    command = run("--fail-if", kept, "--fail-if", broken, "--baseline", str(before))
    assert command.wait(90) == 16, command.output
    assert (f"✓ {kept}" in command.output, f"✗ {broken}" in command.output) == (True, True), command.output
    assert "before.json" not in command.output.partition("Run shop")[0]
    assert api.there() == []


def test_rules_and_reports_of_configuration_files_and_variables_are_heeded(
    api: KubernetesApi, run: Start, tmp_path: Path
) -> None:
    laptop = tmp_path / "laptop"
    (laptop / "locust.conf").write_text(
        "fail-if = requests > 0\nheadless = true\nweb-port = 80\nusers = 7\nmy-path = /\n"
    )
    (laptop / "pyproject.toml").write_text('[tool.gregaria]\nfail-if = ["requests >= 1", "fail_ratio > 1%"]\n')
    (laptop / "more.conf").write_text("junit = out/junit.xml\nspawn-rate = 50\n")
    locustfile = laptop / "locustfile.py"
    locustfile.write_text(
        "from locust import events\n"
        "@events.init_command_line_parser.add_listener\n"
        "def add(parser): parser.add_argument('--my-path')\n"
        "@events.test_start.add_listener\n"
        "def tell(environment, **_): print('my path is', environment.parsed_options.my_path)\n" + locustfile.read_text()
    )
    command = run("--config", "more.conf", LOCUST_MARKDOWN="out/comment.md", LOCUST_RUN_TIME="1h")
    assert command.wait(90) == 16, command.output
    assert "✗ requests >= 1" in command.output
    assert "requests > 0" not in command.output
    assert (laptop / "out" / "junit.xml").exists()
    assert (laptop / "out" / "comment.md").exists()
    assert "web-port is left out: the page of a run is reached with kubectl port-forward" in command.output
    assert "my path is /" in command.output
    assert "my path is /" in api.processes()[1].output
    arguments = api.processes()[0].process.args
    assert isinstance(arguments, list)
    # The command line is stronger.
    assert arguments.count("--users=7") == 0
    assert "--spawn-rate=50" not in arguments
    assert "--run-time=1h" not in arguments


def test_rules_of_the_command_line_take_the_place_of_those_in_files(run: Start, tmp_path: Path) -> None:
    (tmp_path / "laptop" / "gregaria.conf").write_text("fail-if = requests > 0\n")
    command = run("--fail-if", "requests < 1")
    assert command.wait(90) == 0, command.output


def test_workers_get_the_options_that_concern_users(run: Start, tmp_path: Path) -> None:
    locustfile = tmp_path / "laptop" / "locustfile.py"
    locustfile.write_text(
        locustfile.read_text() + "\n    @task(1000)\n    def other(self):\n        self.client.get('/status/500')\n"
    )
    only_one = json.dumps({"user_class_name": "Caller", "tasks": ["call"]})
    (tmp_path / "laptop" / "locust.conf").write_text(f"config-users = '{only_one}'\n")
    command = run()
    assert command.wait(90) == 0, command.output
