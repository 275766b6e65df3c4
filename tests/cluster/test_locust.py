"""A real Locust from PyPI: its workers under our master, our workers under its master, with right totals."""

import csv
import signal
import socket
from pathlib import Path

import pytest

from tests.cluster.test_cluster import asked
from tests.support.locust_env import locust
from tests.support.nodes import Cluster, Node
from tests.support.servers import Server

__all__ = ["locust"]

#: the first test makes the environment
pytestmark = pytest.mark.timeout(400)

LOCUSTFILE = """
from locust import HttpUser, task, constant, events
from locust.runners import MasterRunner, WorkerRunner

def told(environment, msg, **_):
    print("TOLD", msg.type, msg.data, flush=True)

@events.init.add_listener
def on_init(environment, **_):
    kind = "to_master" if isinstance(environment.runner, MasterRunner) else "to_worker"
    environment.runner.register_message(kind, told)

@events.test_start.add_listener
def on_start(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        environment.runner.send_message("to_worker", {"rows": [1, 2]})
    else:
        environment.runner.send_message("to_master", "here")

class Calm(HttpUser):
    wait_time = constant(0.05)

    @task(3)
    def index(self):
        self.client.get("/a")

    @task
    def missing(self):
        self.client.get("/status/404")
"""


def start_locust(cluster: Cluster, locust: str, *arguments: str) -> Node:
    node = Node(
        [locust, *arguments], cluster.folder, cluster.folder / f"locust-{len(cluster.nodes)}.log", {}, []
    )
    cluster.nodes.append(node)
    return node


def test_workers_of_locust_and_ours_under_our_master(locust: str, target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, LOCUSTFILE) as cluster:
        master = cluster.start_master("-u", "6", "-r", "20", "--expect-workers", "3", "-H", target.url)
        theirs = [start_locust(cluster, locust, "--worker", "--master-port", str(cluster.port)) for _ in range(2)]
        ours = cluster.start_worker()
        master.wait_for("TOLD to_master here", times=3)
        target.wait_for("/a", 100)
        master.signal(signal.SIGINT)
        assert master.wait(60) == 1, master.output
        assert ours.wait() == 0
        assert [worker.wait() for worker in theirs] != [None, None]
        assert master.output.count("of Locust) is ready") == 2
        assert master.output.count("TOLD to_master here") == 3
        for worker in (*theirs, ours):
            assert worker.output.count("TOLD to_worker {'rows': [1, 2]}") == 1
        # Theirs tear up to one request a user from the wire at the end, and do not tell.
        difference = asked(target) - cluster.total["num_requests"] - cluster.total["num_interrupted"]
        assert 0 <= difference <= 4, master.output
        failed = sum(row["num_requests"] for row in cluster.report["requests"] if row["name"] == "/status/404")
        assert cluster.total["num_failures"] == failed > 0


def test_our_worker_beside_theirs_under_their_master(locust: str, target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, LOCUSTFILE) as cluster:
        words = ("--master", "--master-bind-host", "127.0.0.1", "--headless", "-u", "4", "-r", "20", "-t", "4s")
        port = free_port()
        master = start_locust(
            cluster,
            locust,
            *words,
            *("--master-bind-port", str(port), "--expect-workers", "2"),
            *("-H", target.url, "--csv", "out", "--only-summary"),
        )
        cluster.port = port
        theirs = start_locust(cluster, locust, "--worker", "--master-port", str(port))
        ours = cluster.start_worker()
        assert master.wait(60) == 1, master.output
        assert ours.wait() == 0, ours.output
        theirs.wait()
        assert "Connected to the master" in ours.output
        assert ours.output.count("TOLD to_worker {'rows': [1, 2]}") == 1
        with (tmp_path / "out_stats.csv").open() as file:
            rows = {row["Name"]: int(row["Request Count"]) for row in csv.DictReader(file)}
        assert rows["Aggregated"] == rows["/a"] + rows["/status/404"]
        # The worker of Locust's may lose what it did since its last report.
        assert 0 <= asked(target) - rows["Aggregated"] <= 2 * 20 * 3, master.output


OPTIONS = """
from locust import User, constant, events, tag, task

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--shelf", default="top")
    parser.add_argument("--number", type=int, default=1)

@events.test_start.add_listener
def on_test_start(environment, **_):
    options = environment.parsed_options
    told = options.shelf, options.number, options.tags, options.exclude_tags, options.expect_workers, options.worker
    print("OPTIONS", *told, flush=True)

class Tagged(User):
    wait_time = constant(0.1)

    @tag("a")
    @task
    def first(self):
        print("RAN a", flush=True)

    @tag("b")
    @task
    def second(self):
        print("RAN b", flush=True)

class Other(User):
    @tag("b")
    @task
    def third(self):
        print("RAN b", flush=True)
"""
#: what the master is asked for, and workers for themselves; and what workers are to have then
ASKED = ("--shelf", "low", "--number", "7", "--tags", "a")
TYPED = ("--shelf", "mine", "--number", "8", "--exclude-tags", "a")
GOT = "OPTIONS low 7 ['a'] None 2 True"


def test_workers_of_both_kinds_get_the_options_of_our_master(locust: str, tmp_path: Path) -> None:
    with Cluster(tmp_path, OPTIONS) as cluster:
        master = cluster.start_master("-u", "2", "-r", "20", "-t", "3s", "--expect-workers", "2", *ASKED)
        theirs = start_locust(cluster, locust, "--worker", "--master-port", str(cluster.port), *TYPED)
        ours = cluster.start_worker(*TYPED)
        assert master.wait(60) == 0, master.output
        for worker in (theirs, ours):
            worker.wait()
            assert GOT in worker.output, worker.output
            assert "RAN a" in worker.output, worker.output
            assert "RAN b" not in worker.output, worker.output


def test_our_worker_gets_the_options_of_their_master(locust: str, tmp_path: Path) -> None:
    with Cluster(tmp_path, OPTIONS) as cluster:
        cluster.port = free_port()
        master = start_locust(
            cluster,
            locust,
            *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(cluster.port), "--headless"),
            *("-u", "2", "-r", "20", "-t", "3s", "--expect-workers", "2", *ASKED),
        )
        workers = [cluster.start_worker(*TYPED) for _ in range(2)]
        assert master.wait(60) == 0, master.output
        for worker in workers:
            assert worker.wait() == 0, worker.output
            assert GOT in worker.output, worker.output
        told = "".join(worker.output for worker in workers)
        assert "RAN a" in told
        assert "RAN b" not in told


def free_port() -> int:
    """A port that nobody had a moment ago; Locust's master cannot be asked for the one it has got."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
