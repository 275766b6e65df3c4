"""The image's entry point and its probe, run with the real command: what variables and places make of it."""

import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.deploy.containers import DEPLOY, Container, Host, containers_of_compose, containers_of_manifests
from tests.support.nodes import wait_until
from tests.support.servers import CountingServer, Server

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="what containers run is made for Linux"),
]

ARTICLES = Path(__file__).parent / "articles"
PROBE = DEPLOY / "docker" / "probe"
CALLER = """
from locust import HttpUser, constant, task


class Caller(HttpUser):
    wait_time = constant(0.05)

    @task
    def call(self):
        self.client.get("/")
"""


def nodes_of(article: str) -> tuple[Container, Container]:
    """Its master and its worker."""
    if article.endswith(".yml"):
        services = containers_of_compose(ARTICLES / article)
        return services["master"], services["worker"]
    found = containers_of_manifests((ARTICLES / article).read_text())
    return found["locust-master"], found["locust-worker"]


@pytest.mark.parametrize(
    ("article", "place"),
    [
        ("compose.yml", "/mnt/locust/locustfile.py"),
        ("patterns.yaml", "/mnt/locust/locustfile.py"),
        ("kubernetes.yaml", "/locust-tasks/locustfile.py"),
    ],
)
def test_what_the_articles_run_goes_on_working_with_the_name_of_the_image_changed(
    host: Host, target: CountingServer, article: str, place: str
) -> None:
    master, worker = nodes_of(article)
    host.file(place, CALLER)
    node = host.run_master(master)
    page = Server("http://127.0.0.1:" + node.wait_for(r"http://\S+?:(\d+)")[1])
    workers = [host.run_worker(worker) for _ in range(2)]
    node.wait_for("there are 2")
    form = urllib.parse.urlencode({"user_count": 4, "spawn_rate": 100, "host": target.url}).encode()
    urllib.request.urlopen(f"{page.url}/swarm", form, timeout=10).close()
    target.wait_for("/", 20)
    urllib.request.urlopen(f"{page.url}/stop", timeout=30).close()
    figures = page.get_json("/stats/requests")
    assert isinstance(figures, dict)
    assert len(figures["workers"]) == 2
    (row,) = [row for row in figures["stats"] if row["name"] == "/"]
    assert row["num_requests"] >= 20
    assert row["num_failures"] == 0
    node.signal(signal.SIGTERM)
    assert node.wait() == 0, node.output
    assert [each.wait() for each in workers] == [0, 0]


def test_arguments_are_stronger_than_variables_and_without_a_mode_nothing_is_added(host: Host) -> None:
    host.file("/mnt/locust/locustfile.py", CALLER)
    asked = host.run(Container(["--list"], {"LOCUST_MODE": "standalone"}), "list")
    assert asked.wait() == 0, asked.output
    assert "Caller" in asked.output
    worker = Container(["--worker", "--master-host", "127.0.0.2"], {"LOCUST_MASTER": "127.0.0.3"})
    node = host.run(worker, "worker", LOCUST_MASTER_NODE_PORT="9")
    node.wait_for(r"127\.0\.0\.2:9")
    assert "127.0.0.3" not in node.output


def test_master_host_says_the_same_as_master(host: Host) -> None:
    host.file("/mnt/locust/locustfile.py", CALLER)
    container = Container([], {"LOCUST_MODE": "worker", "LOCUST_MASTER_HOST": "127.0.0.4"})
    host.run(container, "worker", LOCUST_MASTER_NODE_PORT="9").wait_for(r"127\.0\.0\.4:9")


def test_a_mode_that_is_none_is_refused_with_those_that_are(host: Host) -> None:
    node = host.run(Container([], {"LOCUST_MODE": "slave"}), "slave")
    assert node.wait() == 2
    assert node.output == "gregaria: error: LOCUST_MODE is 'slave': it can be standalone, master or worker\n"


@pytest.mark.parametrize(
    ("there", "env", "found"),
    [
        (["/mnt/locust", "/locust-tasks"], {}, "/mnt/locust"),
        (["/locust-tasks"], {}, "/locust-tasks"),
        (["/home/locust", "/mnt/locust"], {}, "/home/locust"),
        (["/mnt/locust", "/elsewhere"], {"LOCUST_LOCUSTFILE": "../../elsewhere/locustfile.py"}, "/elsewhere"),
        (["/mnt/locust", "/elsewhere"], {"GREGARIA_LOCUSTFILE": "../../elsewhere/locustfile.py"}, "/elsewhere"),
    ],
)
def test_the_locustfile_is_the_one_that_is_named_or_the_first_of_the_known_places(
    host: Host, there: list[str], env: dict[str, str], found: str
) -> None:
    for folder in there:
        kind = "From" + folder.replace("/", "_").replace("-", "_")
        host.file(f"{folder}/locustfile.py", CALLER.replace("Caller", kind))
    node = host.run(Container(["--list"], env), "list")
    assert node.wait() == 0, node.output
    assert "From" + found.replace("/", "_").replace("-", "_") in node.output


def test_no_locustfile_at_all_is_told_by_the_command_itself(host: Host) -> None:
    node = host.run(Container(["--list"]), "list")
    assert node.wait() == 4, node.output
    assert "locustfile.py" in node.output


@pytest.mark.needs("unshare")
def test_a_user_without_an_account_runs_it_and_is_told_where_it_may_not_look(
    host: Host, target: CountingServer
) -> None:
    host.file("/mnt/locust/locustfile.py", CALLER)
    reason = host.change_user(1000770000)
    if reason is not None:
        pytest.skip(reason)
    container = Container(["--headless", "-t", "1s", "-H", target.url])
    node = host.run(container, "run", HOME="/")
    assert node.wait() == 0, node.output
    folder = host.root / "mnt" / "locust"
    folder.chmod(0)
    refused = host.run(container, "refused")
    assert refused.wait() == 4
    folder.chmod(0o755)
    assert f"gregaria: error: {folder}/locustfile.py cannot be read: Permission denied" in refused.output


def test_a_signal_to_the_container_reaches_the_run_which_ends_with_its_report(
    host: Host, target: CountingServer
) -> None:
    host.file("/mnt/locust/locustfile.py", CALLER)
    node = host.run(Container(["--headless", "-H", target.url, "--json-file", "report"]), "run")
    target.wait_for("/", 5)
    node.signal(signal.SIGTERM)
    assert node.wait() == 0, node.output
    assert (host.home / "report.json").exists()


def test_the_probe_of_a_worker_says_whether_it_has_a_master(host: Host) -> None:
    def probe(port: int) -> subprocess.CompletedProcess[str]:
        env = {"LOCUST_MASTER_NODE_PORT": str(port)}
        return subprocess.run([PROBE, "worker"], env=env, capture_output=True, text=True, timeout=10, check=False)

    host.file("/mnt/locust/locustfile.py", CALLER)
    node = host.run_master(Container([], {"LOCUST_MODE": "master"}))
    without = probe(host.port)
    assert without.returncode == 1
    assert without.stderr == f"no connection to port {host.port} of a master\n"
    worker = host.run_worker(Container([], {"LOCUST_MODE": "worker", "LOCUST_MASTER": "127.0.0.1"}))
    node.wait_for("there are 1|is ready")
    assert probe(host.port).returncode == 0
    worker.signal(signal.SIGTERM)
    worker.wait()
    wait_until(lambda: probe(host.port).returncode == 1, 10, "the probe says that the worker has left")


def test_the_probe_of_the_page_is_content_unless_what_listens_stays_silent(host: Host) -> None:
    def probe(port: int) -> subprocess.CompletedProcess[str]:
        env = {"GREGARIA_WEB_PORT": str(port)}
        return subprocess.run([PROBE, "page"], env=env, capture_output=True, text=True, timeout=20, check=False)

    host.file("/mnt/locust/locustfile.py", CALLER)
    node = host.run(Container(), "page", LOCUST_WEB_PORT="0")
    port = int(node.wait_for(r"http://\S+?:(\d+)")[1])
    assert probe(port).returncode == 0
    node.signal(signal.SIGSTOP)
    stuck = probe(port)
    node.signal(signal.SIGCONT)
    assert stuck.returncode == 1
    assert stuck.stderr == f"port {port} has not answered within 5 s\n"
    node.signal(signal.SIGTERM)
    node.wait()
    assert probe(port).returncode == 0


def test_the_probe_of_the_page_needs_no_http(host: Host) -> None:
    def close_at_once() -> None:
        connection, _ = listener.accept()
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=close_at_once)
        thread.start()
        port = str(listener.getsockname()[1])
        asked = subprocess.run([PROBE, "page"], env={"LOCUST_WEB_PORT": port}, timeout=20, check=False)
        thread.join()
    assert asked.returncode == 0


def test_a_probe_of_nothing_tells_how_it_is_used() -> None:
    asked = subprocess.run([PROBE], capture_output=True, text=True, timeout=10, check=False)
    assert asked.returncode == 2
    assert asked.stderr == "usage: gregaria-probe page|worker\n"
