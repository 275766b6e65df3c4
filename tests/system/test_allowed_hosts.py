"""--allow-host, given to the real command: what may not be tested is not begun, and workers keep to their master's."""

from pathlib import Path

import pytest

from tests.support.command import run_gregaria
from tests.support.nodes import Cluster
from tests.support.servers import Server

#: real processes that start, wait and end
pytestmark = pytest.mark.timeout(60)

ASKER = """
from locust import FastHttpUser, HttpUser, constant, task

class Fast(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def ask(self):
        self.client.get("/allowed")
        self.client.get("http://live.invalid/order", name="live")

class Slow(HttpUser):
    wait_time = constant(0.1)

    @task
    def ask(self):
        self.client.get("/allowed")
        self.client.get("http://live.invalid/order", name="live")
"""

HOSTED = """
from locust import FastHttpUser, task

class Hosted(FastHttpUser):
    host = "https://live.invalid"

    @task
    def ask(self):
        self.client.get("/")
"""

FAILURE = "HostNotAllowed"


@pytest.mark.parametrize(("locustfile", "options"), [(ASKER, ("-H", "https://live.invalid")), (HOSTED, ())])
def test_a_target_that_is_not_on_the_list_is_refused_before_the_first_user(
    locustfile: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "locustfile.py").write_text(locustfile)
    run = run_gregaria(*options, "--allow-host", "*.staging.example", "--allow-host", "10.0.0.0/8", folder=tmp_path)
    assert run.exit_code == 2, run.output
    for words in ("live.invalid:443", "*.staging.example, 10.0.0.0/8", "--allow-host live.invalid"):
        assert words in run.output
    assert "Ramping" not in run.output


def test_the_list_may_stand_in_a_file_or_in_the_environment(server: Server, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(ASKER)
    (tmp_path / "pyproject.toml").write_text('[tool.gregaria]\nallow-host = ["shop.example", "10.0.0.0/8"]\n')
    words = ("-H", server.url, "-t", "1s")
    run = run_gregaria(*words, folder=tmp_path)
    assert (run.exit_code, "shop.example, 10.0.0.0/8" in run.output) == (2, True), run.output
    run = run_gregaria(*words, folder=tmp_path, environment={"GREGARIA_ALLOW_HOST": "shop.example 127.0.0.1"})
    assert run.row("/allowed")["num_requests"] > 0


def test_an_entry_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(ASKER)
    run = run_gregaria("--allow-host", "http://shop.example", folder=tmp_path)
    assert run.exit_code == 2
    assert "--allow-host" in run.output
    assert "write shop.example" in run.output


def test_workers_keep_to_the_masters_list_and_the_report_tells_it(server: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, ASKER) as cluster:
        words = ("-u", "4", "-r", "100", "-t", "2s", "--expect-workers", "2", "-H", server.url)
        master = cluster.start_master(*words, "--allow-host", "127.0.0.1")
        for _ in range(2):
            cluster.start_worker()
        assert master.wait() == 1, master.output
        report = cluster.report
    failures = report["failures"]
    assert {failure["name"] for failure in failures} == {"live"}
    assert all(failure["error"].startswith(FAILURE) for failure in failures), failures
    assert any("127.0.0.1" in note and "--allow-host" in note for note in report["notes"])
    assert [row["num_failures"] for row in report["requests"] if row["name"] == "/allowed"] == [0]
