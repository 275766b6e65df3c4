"""Workers that the command starts by itself: what is told of those that end, and that none outlives its master."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.cluster.test_cluster import CALM
from tests.support.command import run_gregaria
from tests.support.nodes import Cluster, wait_until
from tests.support.servers import Server

#: real processes that start, wait and end
pytestmark = pytest.mark.timeout(120)

#: worker 0 says goodbye long after worker 1 has gone; one of them has its own idea of an exit code
ONE_LEAVES_LATE = (
    CALM
    + """
import time
from locust import events
from locust.runners import MasterRunner, WorkerRunner

@events.init.add_listener
def on_init(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("hold", lambda **_: time.sleep(1.5))

@events.test_stop.add_listener
def on_test_stop(environment, **_):
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        (first,) = [node.id for node in runner.workers if node.index == 0]
        runner.send_message("hold", None, first)
    elif runner.worker_index == WITH_CODE_7:
        environment.process_exit_code = 7
"""
)


def workers_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_workers_that_leave_at_the_end_are_no_errors_whatever_their_exit_codes(target: Server, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(ONE_LEAVES_LATE.replace("WITH_CODE_7", "1"))
    words = ("-u", "2", "-r", "10", "-t", "1s", "--processes", "2", "-H", target.url)
    run = run_gregaria(*words, folder=tmp_path)
    assert run.exit_code == 0, run.output
    assert run.output.count("The master has ended the run") == 2
    assert "Worker process" not in run.output


def test_workers_of_a_master_elsewhere_leave_with_it_and_their_worst_exit_code_is_told(
    target: Server, tmp_path: Path
) -> None:
    with Cluster(tmp_path, ONE_LEAVES_LATE.replace("WITH_CODE_7", "0")) as cluster:
        master = cluster.start_master("-u", "2", "-r", "10", "-t", "1s", "--expect-workers", "2", "-H", target.url)
        workers = cluster.start_worker("--processes", "2")
        assert master.wait() == 0, master.output
        assert workers.wait() == 7, workers.output
        assert "exit code 0" not in workers.output


def test_a_worker_that_was_killed_is_replaced_and_one_that_left_is_not(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        master = cluster.start_master("-u", "2", "-r", "10", "-H", target.url)
        parent = cluster.start_worker("--processes", "1", "--replace-workers")
        master.wait_for("All users spawned")
        # One that ends sooner is taken for one that always would.
        time.sleep(5)
        (worker,) = workers_of(parent.process.pid)
        worker.kill()
        parent.wait_for("was killed by SIGKILL; another one is started")
        master.wait_for("is ready", times=2)
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        assert parent.wait() == signal.SIGKILL
        assert parent.output.count("another one is started") == 1


def test_workers_whose_master_is_killed_before_they_know_it_do_not_stay(tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        master = cluster.start_master("-u", "2", "--processes", "2")
        master.wait_for("Started 2 worker processes")
        workers = workers_of(master.process.pid)
        try:
            assert len(workers) == 2
            master.kill()
            wait_until(lambda: all(map(has_ended, workers)), 20, f"workers have not ended:\n{master.output}")
        finally:
            for worker in workers:
                if not has_ended(worker):
                    worker.kill()
        # They had not come far enough to look for a process whose end they could see.
        assert "Connected to the master" not in master.output


def test_workers_that_end_at_once_are_told_as_such_and_end_the_wait(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(f"import os\nassert 'GREGARIA_WORKER_OF' not in os.environ\n{CALM}")
    run = run_gregaria("--processes", "2", folder=tmp_path)
    assert run.exit_code == 13
    assert run.output.count("another one would most likely do so, too") == 2
    assert "all worker processes have ended, see above; the test is not started" in run.output
