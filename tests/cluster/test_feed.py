"""Rows of test data over real workers: each is used once, whoever dies."""

import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.nodes import Cluster
from tests.support.servers import Server

pytestmark = pytest.mark.timeout(120)

ROWS = 10_000
LOCUSTFILE = """
from locust import FastHttpUser, task, constant
from gregaria import feed

accounts = feed.csv("accounts.csv", strategy="unique", at_end="stop_user")

class Buyer(FastHttpUser):
    wait_time = constant({wait_s})

    @task
    def buy(self):
        self.client.get("/row/" + accounts.next()["number"], name="/row")
"""


def asked_rows(target: Server) -> Counter[str]:
    counts = target.get_json("/__count")
    assert isinstance(counts, dict)
    return Counter({path: count for path, count in counts.items() if path.startswith("/row/")})


def write_rows(folder: Path, count: int) -> None:
    (folder / "accounts.csv").write_text("number\n" + "".join(f"{number}\n" for number in range(count)))


def test_ten_thousand_rows_over_eight_workers_one_of_them_killed(target: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    with Cluster(tmp_path, LOCUSTFILE.format(wait_s=0.01)) as cluster:
        master = cluster.start_master("-u", "32", "-r", "500", "--expect-workers", "8", "-H", target.url)
        # Only the master reads the file.
        workers = [cluster.start_worker() for _ in range(8)]
        master.wait_for("All users spawned", timeout_s=40)
        time.sleep(1)
        killed = asked_rows(target)
        workers[3].kill()
        master.wait_for("is missing")
        assert master.wait(60) == 0, master.output
        rows = asked_rows(target)
        assert max(rows.values()) == 1
        assert len(rows) > len(killed)
        missing = ROWS - len(rows)
        notes = [note for note in cluster.report["notes"] if "row" in note and "accounts" in note]
        if missing:
            # Those that the killed worker had given to its users, and nobody knows what they did with them.
            assert notes, master.output
        assert missing <= 400, notes


def test_rows_come_from_where_they_stood_after_a_master_was_killed(target: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, 400)
    with Cluster(tmp_path, LOCUSTFILE.format(wait_s=0.05)) as cluster:
        words = ("-u", "4", "-r", "100", "--expect-workers", "2", "-H", target.url, "--journal", "notes")
        master = cluster.start_master(*words)
        for _ in range(2):
            cluster.start_worker()
        master.wait_for("All users spawned", timeout_s=30)
        time.sleep(1.5)
        master.signal(signal.SIGKILL)
        master.wait()
        again = cluster.start_master(*words, port=cluster.port)
        assert again.wait(60) == 0, again.output
        rows = asked_rows(target)
        assert max(rows.values()) == 1
        assert len(rows) >= 400 - 40, again.output
