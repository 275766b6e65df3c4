"""Real masters and workers, as processes: one test, one set of exact numbers, whatever dies."""

import re
import signal
import time
from pathlib import Path

import pytest

from tests.support.command import run_gregaria
from tests.support.nodes import Cluster
from tests.support.servers import Server

#: real processes that start, wait and end
pytestmark = pytest.mark.timeout(120)

BUSY = """
from locust import FastHttpUser, task

class Busy(FastHttpUser):
    @task
    def index(self):
        self.client.get("/")
"""

CALM = """
from locust import FastHttpUser, task, constant

class Calm(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def index(self):
        self.client.get("/")
"""


def asked(target: Server) -> int:
    counts = target.get_json("/__count")
    assert isinstance(counts, dict)
    return sum(counts.values())


def test_one_command_runs_several_processes_and_counts_like_the_target(target: Server, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(BUSY)
    words = ("-u", "8", "-r", "100", "-t", "2s", "--processes", "2", "-H", target.url)
    run = run_gregaria(*words, folder=tmp_path)
    assert run.exit_code == 0, run.output
    assert run.total["num_requests"] + run.total["num_interrupted"] == asked(target)
    assert run.total["num_requests"] > 100
    assert run.total["num_failures"] == 0


@pytest.mark.parametrize("round_", range(5))
def test_a_clean_stop_of_four_workers_at_full_rate_loses_nothing(round_: int, target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, BUSY) as cluster:
        master = cluster.start_master("-u", "20", "-r", "200", "--expect-workers", "4", "-H", target.url)
        workers = [cluster.start_worker() for _ in range(4)]
        master.wait_for("All users spawned")
        time.sleep(0.3 * round_)
        master.signal(signal.SIGINT if round_ % 2 else signal.SIGTERM)
        assert master.wait() == 0, master.output
        assert [worker.wait() for worker in workers] == [0] * 4, "\n".join(worker.output for worker in workers)
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target)


def test_a_killed_worker_is_gone_within_the_lease_and_others_take_its_users(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        master = cluster.start_master("-u", "9", "-r", "100", "--expect-workers", "3", "-H", target.url)
        workers = [cluster.start_worker() for _ in range(3)]
        master.wait_for("All users spawned")
        # It has reported, so what may be missing is what came after.
        time.sleep(1.5)
        killed_s = time.monotonic()
        workers[1].kill()
        master.wait_for("is missing", timeout_s=6)
        assert time.monotonic() - killed_s < 5
        time.sleep(1)
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        lost = asked(target) - cluster.total["num_requests"] - cluster.total["num_interrupted"]
        # 3 users, 50 requests a second each at most, over the second since its last report.
        assert 0 <= lost <= 3 * 50 * 2, master.output
        (note,) = [note for note in cluster.report["notes"] if "was lost" in note]
        assert "At most about" in note
        assert cluster.report["user_count"] in (0, 9)


def test_a_killed_master_that_is_started_anew_goes_on(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        words = ("-u", "9", "-r", "100", "-t", "8s", "--expect-workers", "3", "-H", target.url, "--journal", "notes")
        master = cluster.start_master(*words)
        workers = [cluster.start_worker() for _ in range(3)]
        master.wait_for("All users spawned")
        time.sleep(1.5)
        master.kill()
        for worker in workers:
            worker.wait_for("pause")
        held = asked(target)
        time.sleep(1)
        assert asked(target) - held <= 9
        again = cluster.start_master(*words, port=cluster.port)
        for worker in workers:
            worker.wait_for("go on")
        assert again.wait() == 0, again.output
        assert [worker.wait() for worker in workers] == [0] * 3
        assert asked(target) > held + 9
        # Nothing at all: what the master had not written down the workers still had.
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target), again.output


def test_a_frozen_worker_pauses_and_comes_back_without_being_counted_twice(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        master = cluster.start_master("-u", "6", "-r", "100", "--expect-workers", "2", "-H", target.url)
        workers = [cluster.start_worker() for _ in range(2)]
        master.wait_for("All users spawned")
        workers[0].signal(signal.SIGSTOP)
        master.wait_for("is missing", timeout_s=8)
        workers[0].signal(signal.SIGCONT)
        master.wait_for("heard of again", timeout_s=8)
        time.sleep(1)
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target), master.output


def test_a_worker_that_blocks_stays_and_is_named(target: Server, tmp_path: Path) -> None:
    blocking = (
        CALM
        + """
import time, gevent.monkey

class Blocker(FastHttpUser):
    fixed_count = 1
    wait_time = constant(100)

    @task
    def block(self):
        until = time.monotonic() + 7
        while time.monotonic() < until:
            pass
"""
    )
    with Cluster(tmp_path, blocking) as cluster:
        master = cluster.start_master("-u", "3", "-r", "100", "-H", target.url)
        cluster.start_worker()
        master.wait_for("has not turned", timeout_s=20)
        assert "Blocker" in master.wait_for("event loop of worker.*", timeout_s=1)[0]
        # Longer than the lease in all.
        time.sleep(3)
        assert "missing" not in master.output
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target)


def test_a_worker_without_a_master_says_where_and_why_and_gives_up(tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        cluster.port = 9
        worker = cluster.start_worker()
        told = worker.wait_for("No master answers at .*")[0]
        assert "127.0.0.1:9" in told
        assert "refused" in told
        # By its own clock, however long it takes to start.
        began, said = (re.search(rf":(\d\d)[,.](\d+)\].*{what}", worker.output) for what in ("Starting", "No master"))
        assert began is not None
        assert said is not None
        assert (float(f"{said[1]}.{said[2]}") - float(f"{began[1]}.{began[2]}")) % 60 < 10
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0


@pytest.mark.parametrize("files", [(), ("-f", "-")])
def test_a_worker_of_an_address_that_is_none_ends_at_once(tmp_path: Path, files: tuple[str, ...]) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        worker = cluster.start("--worker", "--master-host", "locust master", *files, name="worker")
        assert worker.wait(30) == 2, worker.output
        assert "--master-host: 'locust master' is no name or address" in worker.output


def test_messages_of_test_start_are_handled_before_the_first_user(target: Server, tmp_path: Path) -> None:
    locustfile = """
from locust import HttpUser, events, task, constant
from locust.runners import MasterRunner, WorkerRunner

def take(environment, msg, **_):
    environment.rows = msg.data
    environment.runner.send_message("taken", f"{len(msg.data)} rows")

def taken(environment, msg, **_):
    print("ACKNOWLEDGED", msg.data, msg.node_id != "master", flush=True)

@events.init.add_listener
def on_init(environment, **_):
    if not isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("rows", take)
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("taken", taken)

@events.test_start.add_listener
def on_start(environment, **_):
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        for number, worker in enumerate(runner.clients):
            runner.send_message("rows", [number] * (number + 3), client_id=worker)
    if isinstance(runner, WorkerRunner):
        print("STARTS as", runner.worker_index, flush=True)

class Reader(HttpUser):
    wait_time = constant(0.1)

    def on_start(self):
        print("FIRST", len(self.environment.rows), flush=True)

    @task
    def read(self):
        self.client.get("/")
"""
    with Cluster(tmp_path, locustfile) as cluster:
        master = cluster.start_master("-u", "2", "-r", "10", "-t", "1s", "--expect-workers", "2", "-H", target.url)
        workers = [cluster.start_worker() for _ in range(2)]
        assert master.wait() == 0, master.output
        assert master.output.count("ACKNOWLEDGED") == 2
        assert sorted(int(worker.wait_for(r"FIRST (\d)")[1]) for worker in workers) == [3, 4]
        for worker in workers:
            assert worker.wait() == 0
            assert worker.output.count("STARTS as") == 1
            assert worker.output.count("FIRST") == 1


def test_shared_data_is_the_same_everywhere(target: Server, tmp_path: Path) -> None:
    locustfile = """
from locust import User, events, task, constant
from locust.runners import MasterRunner, WorkerRunner

@events.test_start.add_listener
def on_start(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        environment.shared_data["from master"] = 1
    else:
        environment.shared_data[f"from worker {environment.runner.worker_index}"] = environment.runner.worker_index

class Watcher(User):
    wait_time = constant(0.1)

    @task
    def look(self):
        if len(self.environment.shared_data) == 3 and not hasattr(self.environment, "told"):
            self.environment.told = True
            print("ALL", sorted(self.environment.shared_data.items()), flush=True)
"""
    with Cluster(tmp_path, locustfile) as cluster:
        master = cluster.start_master("-u", "2", "-r", "10", "-t", "1s", "--expect-workers", "2")
        workers = [cluster.start_worker() for _ in range(2)]
        assert master.wait() == 0, master.output
        expected = "ALL [('from master', 1), ('from worker 0', 0), ('from worker 1', 1)]"
        for worker in workers:
            assert expected in worker.output


def test_with_a_secret_only_those_who_know_it_join(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        secret = ("--cluster-secret", "a long enough secret")
        master = cluster.start_master("-u", "2", "-r", "10", "-t", "1s", *secret, "-H", target.url)
        strangers = [cluster.start_worker(), cluster.start_worker("--cluster-secret", "another long secret")]
        for stranger in strangers:
            stranger.wait_for("as a worker")
        # They try each second.
        time.sleep(1.5)
        assert "is ready" not in master.output
        friend = cluster.start_worker(*secret)
        master.wait_for("is ready; there are 1")
        assert master.wait() == 0, master.output
        assert friend.wait() == 0
        assert master.output.count("is ready") == 1
        for stranger in strangers:
            assert "Connected" not in stranger.output
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target)


def test_a_worker_that_joins_later_is_used(target: Server, tmp_path: Path) -> None:
    tells = CALM + """
    def on_start(self):
        print("TURNED UP", flush=True)
"""
    with Cluster(tmp_path, tells) as cluster:
        master = cluster.start_master("-u", "8", "-r", "4", "-H", target.url)
        first = cluster.start_worker()
        master.wait_for("All users spawned")
        second = cluster.start_worker()
        master.wait_for("is ready", times=2)
        second.wait_for("TURNED UP")
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        assert [first.wait(), second.wait()] == [0, 0]
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target)


def test_a_worker_whose_classes_cannot_work_ends_the_test_with_the_same_exit_code(tmp_path: Path) -> None:
    broken = """
from locust import User, events, task
from locust.runners import WorkerRunner

class Idle(User):
    @task
    def rest(self):
        pass

@events.init.add_listener
def on_init(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        Idle.tasks = []
"""
    (tmp_path / "locustfile.py").write_text(broken)
    run = run_gregaria("-u", "1", "-t", "30s", "--processes", "1", folder=tmp_path)
    assert run.exit_code == 4, run.output
    assert "It cannot go on: worker 0" in run.output


def test_a_test_that_is_stopped_on_a_worker_ends_everywhere(tmp_path: Path) -> None:
    stops = """
from locust import User, constant, task
from locust.runners import WorkerRunner

class Calm(User):
    wait_time = constant(0.1)

    @task
    def rest(self):
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner) and runner.worker_index == 0:
            runner.stop()
"""
    (tmp_path / "locustfile.py").write_text(stops)
    run = run_gregaria("-u", "2", "-r", "100", "-t", "60s", "--processes", "2", folder=tmp_path)
    assert run.exit_code == 0, run.output
    assert "The test ends: worker 0: runner.stop() was called" in run.output


@pytest.mark.parametrize("moment", ["test_start", "test_stop"])
@pytest.mark.parametrize("fail", ["fail()", "gevent.spawn(fail).join()"])
def test_what_escapes_on_a_worker_counts_for_the_exit_code(moment: str, fail: str, tmp_path: Path) -> None:
    raises = f"""
import gevent
from locust import User, constant, events, task
from locust.runners import WorkerRunner

class Calm(User):
    wait_time = constant(0.1)

    @task
    def rest(self):
        pass

def fail():
    raise RuntimeError("not dealt with")

@events.{moment}.add_listener
def at_that_moment(environment, **_):
    if isinstance(environment.runner, WorkerRunner) and environment.runner.worker_index == 1:
        {fail}
"""
    (tmp_path / "locustfile.py").write_text(raises)
    run = run_gregaria("-u", "2", "-r", "100", "-t", "1s", "--processes", "2", folder=tmp_path)
    assert run.exit_code == 2, run.output
    assert run.output.count("Exceptions have escaped listeners or greenlets of worker 1") == 1


def test_iterations_are_exact_though_one_worker_joins_late_and_another_leaves(tmp_path: Path) -> None:
    counting = """
import gevent
from locust import User, events, task
from locust.runners import MasterRunner

come = []

@events.worker_connect.add_listener
def on_connect(client_id, **_):
    come.append(client_id)

def say_when(runner):
    while len(come) < 3 or runner.worker_count != 2:
        gevent.sleep(0.02)
    runner.environment.shared_data["all have come and gone"] = True

@events.init.add_listener
def on_init(environment, runner, **_):
    if isinstance(runner, MasterRunner):
        gevent.spawn(say_when, runner)

class Counting(User):
    def wait_time(self):
        return 0.001 if self.environment.shared_data else 0.5

    @task
    def count(self):
        self.environment.events.request.fire(
            request_type="", name="count", response_time=1, response_length=0, exception=None, context={}
        )
"""
    with Cluster(tmp_path, counting) as cluster:
        master = cluster.start_master("-u", "9", "-r", "100", "--iterations", "2000", "--expect-workers", "2")
        workers = [cluster.start_worker() for _ in range(2)]
        master.wait_for("All users spawned")
        workers.append(cluster.start_worker())
        master.wait_for("there are 3")
        workers[0].signal(signal.SIGTERM)
        master.wait_for("has left; there are 2")
        assert master.wait() == 0, master.output
        assert [worker.wait() for worker in workers] == [0, 0, 0]
        assert "all iterations have been run" in master.output
        assert cluster.total["num_requests"] == 2000


def test_expected_workers_that_do_not_come_end_the_wait(tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        master = cluster.start_master("--expect-workers", "2", "--expect-workers-max-wait", "1", "-u", "1")
        assert master.wait() == 1
        assert "0 of 2 expected workers have come in 1 s" in master.output


def test_a_second_interrupt_ends_a_master_at_once_and_its_workers_when_they_can(tmp_path: Path) -> None:
    slow = """
from locust import User, task
from pathlib import Path
import time

class Slow(User):
    @task
    def rest(self):
        time.sleep(0.1)

    def on_stop(self):
        while not Path("may-stop").exists():
            time.sleep(0.05)
"""
    with Cluster(tmp_path, slow) as cluster:
        master = cluster.start_master("-u", "1", "--stop-timeout", "60")
        worker = cluster.start_worker()
        master.wait_for("All users spawned")
        master.signal(signal.SIGINT)
        master.wait_for("once more to end it at once")
        master.signal(signal.SIGINT)
        master.wait(5)
        assert "The run was ended at once: what workers did since their last report" in master.output
        assert "Ending at once" in master.output
        assert "Traceback" not in master.output
        (tmp_path / "may-stop").touch()
        assert worker.wait(10) == 0, worker.output
