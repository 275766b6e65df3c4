"""The web interface of a master with two workers."""

import signal
import sys

import pytest

from tests.support.servers import Server
from tests.web.conftest import Events, Site, Starter


@pytest.fixture
def cluster(starter: Starter, target: Server) -> Site:
    return starter.start("-H", target.url, "--processes", "2", "--expect-workers", "2")


def test_workers_are_shown_and_counted_and_their_logs_come(cluster: Site) -> None:
    assert cluster.hello()["run"]["expected_workers"] == 2
    assert cluster.json("/api/form")["expected_workers"] == 2
    cluster.until(lambda: cluster.json("/worker-count") == {"worker_count": 2})
    assert cluster.json("/api/form")["worker_count"] == 2
    answer = cluster.swarm(user_count=4, number="11")
    assert answer["success"] is True
    stats = cluster.until(
        lambda: (found := cluster.json("/stats/requests"))["user_count"] == 4 and found["state"] == "running" and found
    )
    assert stats["worker_count"] == 2
    assert [set(worker) for worker in stats["workers"]] == [
        {"id", "state", "user_count", "cpu_usage", "memory_usage"},
        {"id", "state", "user_count", "cpu_usage", "memory_usage"},
    ]
    assert sum(worker["user_count"] for worker in stats["workers"]) == 4
    with Events(cluster) as events:
        hello = events.until("hello")
        assert hello["run"]["is_distributed"] is True
        assert [worker["index"] for worker in hello["workers"]] == [0, 1]
        assert all(worker["version"] for worker in hello["workers"])
        events.until("tick", lambda data: data.get("points") and data.get("rows"))
    # A custom argument reaches the workers before their first user.
    cluster.until(lambda: sum("START red 11" in line for line in cluster.out) == 3)
    logs = cluster.until(lambda: len(found := cluster.json("/logs")["workers"]) == 2 and found)
    assert all(any("gregaria" in line for line in lines) for lines in logs.values())
    cluster.post("/stop")
    run = cluster.json("/api/runs")[0]
    assert run["num_requests"] == cluster.requests_of() > 0
    assert sum(point[3] for point in cluster.hello()["points"]) == run["num_requests"]


def test_an_autostarted_test_waits_for_as_many_workers_as_are_expected(starter: Starter, target: Server) -> None:
    master = starter.start(
        "-H", target.url, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0",
        "--expect-workers", "2", "--autostart", "-u", "2",
    )  # fmt: skip
    line = master.until(lambda: next((line for line in master.log if "Listening for workers on" in line), ""))
    port = line.rpartition(":")[2].strip()
    worker = (sys.executable, "-m", "gregaria", "-f", "shop.py", "--worker", "--master-port", port)
    starter.begin(program=worker)
    master.until(lambda: master.json("/worker-count")["worker_count"] == 1)
    master.until(lambda: any("1 of 2 expected workers are there" in line for line in master.log))
    assert master.state == "ready"
    starter.begin(program=worker)
    master.until(lambda: master.state == "running")


def test_a_worker_that_is_gone_is_told_as_missing_and_no_more(starter: Starter, target: Server) -> None:
    master = starter.start("-H", target.url, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0")
    line = master.until(lambda: next((line for line in master.log if "Listening for workers on" in line), ""))
    worker = starter.begin(
        program=(
            sys.executable,
            "-m",
            "gregaria",
            "-f",
            "shop.py",
            "--worker",
            "--master-port",
            line.split(":")[-1].strip(),
        )
    )
    master.until(lambda: master.json("/worker-count")["worker_count"] == 1)
    assert 'gregaria_worker_memory_bytes{worker="' in master.get("/metrics").text
    worker.end(signal.SIGKILL)
    text = master.until(lambda: 'gregaria_workers{state="missing"} 1' in (told := master.get("/metrics").text) and told)
    assert 'gregaria_worker_memory_bytes{worker="' not in text
    assert 'state="missing"} 0' in next(line for line in text.splitlines() if line.startswith("locust_worker_detail{"))


@pytest.mark.parametrize(("host", "is_warned"), [("127.0.0.2", False), ("0.0.0.0", True)])
def test_a_master_warns_of_strangers_where_there_can_be_some(starter: Starter, host: str, is_warned: bool) -> None:
    site = starter.start("--master", "--master-bind-host", host, "--master-bind-port", "0")
    assert any("can join this test" in line for line in site.log) is is_warned


def test_a_cap_that_comes_while_the_test_runs_is_shared_by_the_workers(cluster: Site) -> None:
    cluster.swarm(user_count=20)
    cluster.until(lambda: per_second(cluster) > 100)
    assert cluster.post("/swarm", {"max_rps": "30"}).json()["success"] is True
    cluster.until(lambda: 20 <= per_second(cluster) <= 34)
    assert cluster.post("/swarm", {"max_rps": ""}).json()["success"] is True
    cluster.until(lambda: per_second(cluster) > 100)
    assert {worker["state"] for worker in cluster.hello()["workers"]} == {"running"}


def per_second(site: Site) -> float:
    """Requests in the last whole second that the master tells of."""
    points = site.hello()["points"]
    return float(points[-2][3] / points[-2][1]) if len(points) > 1 else 0.0
