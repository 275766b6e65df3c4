"""--max-rps, given to the real command: what a real server counts in each second, from one process and from several."""

import bisect
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.command import run_gregaria
from tests.support.nodes import Cluster, wait_until
from tests.support.servers import CountingServer

#: real processes that start, wait and end
pytestmark = pytest.mark.timeout(90)

BOTH = """
from locust import FastHttpUser, HttpUser, task

class Fast(FastHttpUser):
    fixed_count = 6

    @task
    def ask(self):
        self.client.get("/fast")
        self.client.post("/fast", json={})

class Slow(HttpUser):
    fixed_count = 6

    @task
    def ask(self):
        self.client.get("/plain")
        self.client.get("/under-requests", proxies={"ftp": "http://nowhere.invalid"})

class Slowest(HttpUser):
    fixed_count = 6
    use_requests = True

    @task
    def ask(self):
        self.client.get("/by-urllib3")
"""

REDIRECTED = """
from locust import FastHttpUser, HttpUser, task

class Fast(FastHttpUser):
    @task
    def ask(self):
        self.client.get("/redirect/3")

class Plain(HttpUser):
    @task
    def ask(self):
        self.client.get("/redirect/3")

class UnderRequests(HttpUser):
    @task
    def ask(self):
        self.client.get("/redirect/3", proxies={"ftp": "http://nowhere.invalid"})

class ByUrllib3(HttpUser):
    use_requests = True

    @task
    def ask(self):
        self.client.get("/redirect/3")
"""

UNEVEN = """
import os
from locust import FastHttpUser, constant, task

class Asker(FastHttpUser):
    wait_time = constant(1 if os.environ.get("CALM") else 0)

    @task
    def ask(self):
        self.client.get("/")
"""


#: of a rate, what may be missing
JITTER = 0.1
#: seconds for which this machine may hold up a server, which then sees at once what came meanwhile
HELD_UP_S = 0.3


def fullest_second(times_s: list[float]) -> int:
    return max(bisect.bisect_left(times_s, time_s + 1) - place for place, time_s in enumerate(times_s))


def steady_rate(times_s: list[float], seconds: float) -> float:
    """Requests per second in that many before the last."""
    since_s = times_s[-1] - seconds
    return (len(times_s) - bisect.bisect_right(times_s, since_s)) / seconds


def missed_s(times_s: list[float], rate: float) -> float:
    """How long nothing came that should have: the machine was busy elsewhere, which is not made up for."""
    longest_s = 1 / rate + 0.02
    return sum(max(after_s - before_s - longest_s, 0) for before_s, after_s in pairwise(times_s))


def test_all_clients_and_names_together_start_no_more(server: CountingServer, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(BOTH)
    run = run_gregaria("-u", "18", "-r", "100", "-t", "5s", "--max-rps", "80", "-H", server.url, folder=tmp_path)
    assert run.exit_code == 0, run.output
    times_s = server.times_s()
    assert set(server.counts()) == {"/fast", "/plain", "/under-requests", "/by-urllib3"}
    assert fullest_second(times_s) <= 80 * (1 + HELD_UP_S) + 1
    assert len(times_s) >= 80 * (1 - JITTER) * (times_s[-1] - times_s[0] - missed_s(times_s, 80))
    # Waiting for a turn is no response time: each of these users waits for a fifth of a second.
    assert run.total["median_ms"] < 100, run.total
    [note] = [note for note in run.report["notes"] if "--max-rps 80 was reached in" in note]
    assert note in " ".join(run.output.split())
    limits = run.report["limits"]
    assert (limits["allowed_hosts"], limits["max_rps"]) == (None, 80)
    assert f"reached in {limits['max_rps_reached_s']} of {limits['max_rps_watched_s']} s" in note


def test_the_steps_of_redirects_count(server: CountingServer, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(REDIRECTED)
    run = run_gregaria("-u", "12", "-r", "100", "-t", "4s", "--max-rps", "100", "-H", server.url, folder=tmp_path)
    assert run.exit_code == 0, run.output
    assert set(server.counts()) >= {"/redirect/3", "/redirect/2", "/redirect/1", "/ok"}
    # A chain that has begun is not held up, so that a second may have the steps of a few.
    times_s = server.times_s()
    assert fullest_second(times_s) <= 100 * (1 + HELD_UP_S) + 3 * 12
    assert steady_rate(times_s, 3) <= 100 * (1 + JITTER)
    # Three steps of four come at once, so that gaps are four times as long.
    assert len(times_s) >= 100 * (1 - JITTER) * (times_s[-1] - times_s[0] - missed_s(times_s, 25))


def test_a_cap_that_is_not_reached_is_not_told_of(server: CountingServer, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(UNEVEN)
    calm = {"CALM": "1"}
    run = run_gregaria(
        *("-u", "5", "-r", "100", "-t", "3s", "--max-rps", "500", "-H", server.url), folder=tmp_path, environment=calm
    )
    assert run.report["notes"] == []


def test_users_who_wait_for_their_turn_end_with_the_test(server: CountingServer, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(UNEVEN)
    began_s = time.monotonic()
    run = run_gregaria("-u", "50", "-r", "100", "-t", "2s", "--max-rps", "0.4", "-H", server.url, folder=tmp_path)
    assert run.exit_code == 0, run.output
    assert time.monotonic() - began_s < 20
    assert sum(server.counts().values()) == run.total["num_requests"] == 1


def test_workers_share_the_cap_and_spare_goes_to_who_needs_it(server: CountingServer, tmp_path: Path) -> None:
    with Cluster(tmp_path, UNEVEN) as cluster:
        words = ("-u", "15", "-r", "100", "--expect-workers", "3", "-H", server.url, "--max-rps", "120")
        master = cluster.start_master(*words)
        busy = [cluster.start_worker() for _ in range(2)]
        cluster.environment["CALM"] = "1"
        cluster.start_worker()
        master.wait_for("All users spawned")
        # The calm one uses 5 of its 40 a second.
        wait_until(lambda: steady_rate(server.times_s(), 2) >= 120 * (1 - JITTER), 20, "the spare is used")
        busy[0].kill()
        master.wait_for("is missing")
        wait_until(
            lambda: steady_rate(server.times_s(), 1) >= 120 * (1 - JITTER), 20, "the share of the one that is gone"
        )
        cluster.environment.pop("CALM")
        cluster.start_worker()
        master.wait_for("is ready; there are 3", times=2)
        server.wait_for("/", len(server.times_s()) + 400)
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        report = cluster.report
    assert fullest_second(server.times_s()) <= 120 * (1 + HELD_UP_S) + 3
    assert any("--max-rps 120 was reached in" in note for note in report["notes"])
