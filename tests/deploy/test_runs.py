"""What chart and kustomization start, as processes: a Job that ends with its verdict, a Deployment that is scaled."""

import json
import signal
import subprocess
import urllib.parse
import urllib.request

import psutil
import pytest

from tests.deploy.containers import DEPLOY, Container, Host, containers_of_manifests
from tests.deploy.rendered import built, template
from tests.support.nodes import Node, wait_until
from tests.support.servers import CountingServer, Server

pytestmark = [pytest.mark.needs("helm", "kubectl", "npm"), pytest.mark.timeout(180)]
CALLER = """
from locust import HttpUser, constant, task

import paths


class Caller(HttpUser):
    wait_time = constant(0.05)

    @task
    def call(self):
        self.client.get(paths.ASKED)
"""


def rendered(*given: str) -> tuple[Container, Container]:
    """Master and worker of the chart with some values."""
    done = template(*(word for value in given for word in ("--set", value)))
    assert done.returncode == 0, done.stderr
    found = containers_of_manifests(done.stdout)
    return found["shop-gregaria-master"], found["shop-gregaria-worker"]


def job(target: Server, run_time: str) -> tuple[Container, Container]:
    return rendered(
        "mode=job",
        f"test.host={target.url}",
        f"test.runTime={run_time}",
        "test.users=4,test.spawnRate=100,test.stayFor=0,reports.enabled=true",
    )


def mount(host: Host, asked: str = "/") -> None:
    """The ConfigMap as a cluster mounts it: each file is a link through a link to a folder with a date."""
    host.file("/mnt/locust/..2026_01_31/locustfile.py", CALLER)
    host.file("/mnt/locust/..2026_01_31/paths.py", f"ASKED = {asked!r}")
    folder = host.root / "mnt" / "locust"
    (folder / "..data").symlink_to("..2026_01_31")
    for name in ("locustfile.py", "paths.py"):
        (folder / name).symlink_to(f"..data/{name}")
    (host.root / "reports").mkdir()


def page_of(master: Node) -> Server:
    return Server("http://127.0.0.1:" + master.wait_for(r"http://\S+?:(\d+)")[1])


def users_of_workers(page: Server) -> list[int]:
    figures = page.get_json("/stats/requests")
    assert isinstance(figures, dict)
    return sorted(worker["user_count"] for worker in figures["workers"] if worker["state"] != "missing")


@pytest.mark.parametrize(("asked", "verdict"), [("/", 0), ("/status/500", 1)])
def test_a_job_begins_with_its_workers_ends_with_its_verdict_and_keeps_its_reports(
    host: Host, target: CountingServer, asked: str, verdict: int
) -> None:
    mount(host, asked)
    master, worker = job(target, "3s")
    node = host.run_master(master)
    first = host.run_worker(worker)
    node.wait_for("is ready")
    assert target.counts().get(asked, 0) == 0
    second = host.run_worker(worker)
    assert node.wait(120) == verdict, node.output
    assert [first.wait(), second.wait()] == [0, 0]
    reports = host.root / "reports"
    assert json.loads((reports / "report.json").read_text())["total"]["num_requests"] >= 4
    kept = {path.name for path in reports.iterdir()}
    assert kept >= {"report_stats.csv", "report.json", "report.html", "failures", "runs"}


@pytest.mark.needs("unshare")
def test_a_job_writes_nothing_but_its_reports_and_temporary_files(host: Host, target: CountingServer) -> None:
    mount(host)
    reason = host.make_read_only("/reports")
    if reason is not None:
        pytest.skip(reason)
    refused = host.run(Container(["--headless", "-t", "1s", "--json-file", "/elsewhere"]), "refused")
    assert refused.wait() == 11, refused.output
    master, worker = job(target, "1s")
    node = host.run_master(master)
    workers = [host.run_worker(worker) for _ in range(2)]
    assert node.wait(120) == 0, node.output
    assert [each.wait() for each in workers] == [0, 0]
    assert (host.root / "reports" / "report.html").exists()


@pytest.mark.needs("unshare")
def test_a_worker_that_waits_for_its_master_ends_as_the_first_process_of_its_container_too(host: Host) -> None:
    prefix = ["unshare", "--pid", "--fork", "--kill-child", "--map-root-user"]
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"the system numbers no processes anew: {tried.stderr.strip()}")
    host.prefix = prefix
    (host.root / "tmp").mkdir()
    node = host.run(Container(["--worker", "--locustfile=-", "--master-port=1"]), "worker")
    node.wait_for("No master answers")
    (first,) = psutil.Process(node.process.pid).children()
    first.send_signal(signal.SIGTERM)
    assert node.wait(20) == 128 + signal.SIGTERM, node.output


def test_a_job_whose_master_was_taken_away_goes_on_with_its_journal(host: Host, target: CountingServer) -> None:
    mount(host)
    master, worker = job(target, "6s")
    node = host.run_master(master)
    workers = [host.run_worker(worker) for _ in range(2)]
    target.wait_for("/", 40)
    wait_until(lambda: (host.root / "reports" / "journal").exists(), 10, "the journal is there")
    node.kill()
    again = host.run(master, "master", LOCUST_MASTER_BIND_PORT=str(host.port), LOCUST_WEB_PORT="0")
    assert again.wait(120) == 0, again.output
    assert [each.wait() for each in workers] == [0, 0]
    total = json.loads((host.root / "reports" / "report.json").read_text())["total"]
    assert total["num_requests"] + total["num_interrupted"] == target.counts()["/"]


@pytest.mark.parametrize("of", ["chart", "kustomization"])
def test_workers_that_are_scaled_while_a_test_runs_get_and_leave_their_users(
    host: Host, target: CountingServer, of: str
) -> None:
    if of == "chart":
        master, worker = rendered("mode=web")
    else:
        found = containers_of_manifests(built(DEPLOY / "kubernetes" / "overlays" / "web"))
        master, worker = found["gregaria-master"], found["gregaria-worker"]
    mount(host)
    node = host.run_master(master)
    page = page_of(node)
    workers = [host.run_worker(worker) for _ in range(2)]
    node.wait_for("there are 2")
    form = urllib.parse.urlencode({"user_count": 6, "spawn_rate": 100, "host": target.url}).encode()
    urllib.request.urlopen(f"{page.url}/swarm", form, timeout=10).close()
    wait_until(lambda: users_of_workers(page) == [3, 3], 30, "two workers have three users each")
    workers.append(host.run_worker(worker))
    wait_until(lambda: users_of_workers(page) == [2, 2, 2], 60, "three workers have two users each")
    workers.pop(0).signal(signal.SIGTERM)
    wait_until(lambda: users_of_workers(page) == [3, 3], 30, "two workers have all users again")
    node.signal(signal.SIGTERM)
    assert node.wait() == 0, node.output
    assert [each.wait() for each in workers] == [0, 0]
