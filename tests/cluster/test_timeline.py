"""A master's timeline has all that its workers have counted, whoever comes and goes."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.test_cluster import CALM
from tests.support.nodes import Cluster
from tests.support.servers import Server

#: real processes that start, wait and end
pytestmark = pytest.mark.timeout(120)


def told(report: Mapping[str, Any]) -> int:
    """Requests of all blocks."""
    return sum(row[1] for block in report["timeline"]["blocks"] for row in block[4])


def test_workers_that_come_and_go_are_marked_and_every_request_is_in_a_block(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        master = cluster.start_master("-u", "6", "-r", "100", "--expect-workers", "2", "-H", target.url)
        workers = [cluster.start_worker() for _ in range(2)]
        master.wait_for("All users spawned")
        cluster.start_worker()
        master.wait_for("there are 3")
        workers[0].kill()
        master.wait_for("is missing", timeout_s=8)
        time.sleep(1.2)
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        report = cluster.report
        assert told(report) == sum(point[3] for point in report["timeline"]["points"])
        assert told(report) == cluster.total["num_requests"]
        marks = [
            (kind, text.partition(" (")[0], text.rpartition(") ")[2])
            for _, kind, text in report["timeline"]["marks"]
            # Of a machine that has much else to do.
            if kind != "warning"
        ]
        assert marks[0][0] == "start"
        came, left = (mark for mark in marks if mark[0] == "worker")
        assert came == ("worker", "worker 2", "has come")
        assert left in [("worker", f"worker {number}", "is gone") for number in (0, 1)]
        assert marks[-1][0] == "stop"


def test_a_master_that_goes_on_with_a_test_has_its_beginning_as_one_block(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        words = ("-u", "4", "-r", "100", "-t", "9s", "--expect-workers", "2", "-H", target.url, "--journal", "notes")
        master = cluster.start_master(*words)
        workers = [cluster.start_worker() for _ in range(2)]
        master.wait_for("All users spawned")
        time.sleep(2.5)
        master.kill()
        again = cluster.start_master(*words, port=cluster.port)
        assert again.wait() == 0, again.output
        assert [worker.wait() for worker in workers] == [0] * 2
        timeline = cluster.report["timeline"]
        assert told(cluster.report) == cluster.total["num_requests"]
        assert timeline["started_epoch_s"] == pytest.approx(cluster.report["started_epoch_s"], abs=0.01)
        assert timeline["blocks"][0][1] > 2.5
        assert timeline["blocks"][0][4][0][1] > 50
