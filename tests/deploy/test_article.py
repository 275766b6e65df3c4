"""The Kubernetes article as a whole, its pods as processes: app, bucket, workers, Prometheus and verdict.

One test, as what it shows is that all of them say the same of one run.
"""

import contextlib
import dataclasses
import json
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.deploy.containers import Container, Host, containers_of_manifests
from tests.support.bucket import Bucket
from tests.support.nodes import Node, wait_until
from tests.support.prometheus import Prometheus
from tests.support.servers import ROOT, Server

pytestmark = [
    pytest.mark.needs("prometheus"),
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="what containers run is made for Linux"),
]

MANIFESTS = Path(__file__).parent / "articles" / "kubernetes.yaml"
LOCUSTFILE = ROOT / "tests" / "seeds" / "locustfiles" / "kubernetes_bucket.py"
#: the replicas of its workers, and users for them
WORKERS, USERS = 5, 10
#: a rule that holds, and one that tells how many it counted
HOLDS, BREAKS = "fail_ratio > 1%", "requests of 'POST /fileSize' > 20"
#: what the master is given beside the article's variables
REPORTS = ("--junit", "/reports/junit.xml", "--json-file", "/reports/report")
VARIABLES = {
    "LOCUST_FAIL_IF": json.dumps([HOLDS, BREAKS]),
    # In place of that of the article's exporter.
    "LOCUST_PROMETHEUS_PORT": "0",
    # Nothing is on the wire in the end, so that what the app has seen can be told to the request.
    "LOCUST_STOP_TIMEOUT": "30",
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Node]:
    """The article's app under uvicorn's own command, which logs each request; it knows who has sent what."""
    command = [sys.executable, "-m", "uvicorn", "tests.support.file_sizes:app", "--port", "0"]
    node = Node(command, ROOT, tmp_path / "app.log", {}, [])
    try:
        yield node
    finally:
        node.kill()


def containers(bucket: Bucket) -> tuple[Container, Container]:
    """Master and worker of the article."""
    found = containers_of_manifests(MANIFESTS.read_text())
    master, worker = (
        dataclasses.replace(each, env={**each.env, **bucket.environment})
        for each in (found["locust-master"], found["locust-worker"])
    )
    return dataclasses.replace(master, args=REPORTS, env={**master.env, **VARIABLES}), worker


def test_app_master_prometheus_and_verdict_agree_on_every_request_of_five_workers(
    host: Host, bucket: Bucket, app: Node, tmp_path: Path
) -> None:
    target = Server(app.wait_for(r"http://[\d.]+:\d+")[0])
    host.file("/locust-tasks/locustfile.py", LOCUSTFILE.read_text())
    master, worker = containers(bucket)
    node = host.run_master(master)
    workers = [host.run_worker(worker) for _ in range(WORKERS)]
    page = "http://127.0.0.1:" + node.wait_for(r"web interface at http://\S+?:(\d+)")[1]
    metrics = "127.0.0.1:" + node.wait_for(r"Prometheus is answered at http://\S+?:(\d+)")[1]
    node.wait_for(f"there are {WORKERS}")
    with contextlib.closing(Prometheus(tmp_path / "prometheus", metrics)) as prometheus:

        def asked(query: str) -> list[float]:
            return [value for _, value in prometheus.now(query)]

        began_s = time.time()
        form = {"user_count": USERS, "spawn_rate": USERS, "host": target.url}
        assert requests.post(f"{page}/swarm", form, timeout=30).json()["success"] is True
        wait_until(lambda: asked("locust_worker_detail") == [2] * WORKERS, 60, "five workers have two users each")
        wait_until(lambda: len(files_by_worker(uploads(target))) == WORKERS, 60, "each of them has sent something")

        # As a Deployment that is scaled does: the pod that goes is told so.
        workers[0].signal(signal.SIGTERM)
        assert workers[0].wait() == 0, workers[0].output
        wait_until(lambda: sorted(asked("locust_worker_detail")) == [2, 2, 3, 3], 60, "four workers have all users")

        requests.get(f"{page}/stop", timeout=60).raise_for_status()
        wait_until(lambda: asked('gregaria_state{state="stopped"}') == [1], 60, "the test is over")
        sent = uploads(target)
        seen = len(sent)
        assert app.output.count('"POST /fileSize HTTP/1.1" 200 OK') == seen
        figures = requests.get(f"{page}/stats/requests", timeout=10).json()
        assert {row["name"]: row["num_requests"] for row in figures["stats"]} == {"/fileSize": seen, "Aggregated": seen}
        for query in (
            "sum(gregaria_requests_total)",
            'locust_requests_num_requests{method=""}',
            'locust_requests_num_requests{name="/fileSize"}',
        ):
            assert asked(query) == [seen], query
        of_workers = prometheus.course("locust_workers_count", began_s, time.time())
        assert (max(of_workers), of_workers[-1]) == (5, 4)
        assert max(prometheus.course("locust_users", began_s, time.time())) == USERS

        # As when all is deleted: every pod is told at once.
        for each in (node, *workers[1:]):
            each.signal(signal.SIGTERM)
        assert [each.wait() for each in workers[1:]] == [0] * 4
        assert node.wait() == 16, node.output

    reports = host.root / "reports"
    total = json.loads((reports / "report.json").read_text())["total"]
    assert (total["num_requests"], total["num_failures"], total["num_interrupted"]) == (seen, 0, 0)
    cases = ElementTree.parse(reports / "junit.xml").iter("testcase")
    assert {case.get("name"): [failure.get("message") for failure in case] for case in cases} == {
        f"fail if {HOLDS}": [],
        f"fail if {BREAKS}": [f"{seen:,}, the limit is 20"],
        "tasks without exceptions": [],
    }
    files = files_by_worker(sent)
    assert sorted(map(len, files.values())) == [4, 4, 4, 4, 7]
    assert sorted(name for names in files.values() for name in names) == sorted(bucket.sizes)
    # A task sends all files of its worker, and each was ended that was begun.
    assert all(len(set(times.values())) == 1 for times in files.values()), files
    assert all(upload["size"] == bucket.sizes[upload["name"]] for upload in sent)


def uploads(target: Server) -> list[dict[str, Any]]:
    """What the app was sent: ``worker``, ``name``, ``size``."""
    told = target.get_json("/uploads")
    assert isinstance(told, list)
    return told


def files_by_worker(sent: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """{worker: {name of a file: how often it was sent}}."""
    found: dict[str, Counter[str]] = {}
    for upload in sent:
        found.setdefault(upload["worker"], Counter())[upload["name"]] += 1
    return found
