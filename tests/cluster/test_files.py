"""Workers that take their files from the master, and workers whose files are others."""

import sys
from pathlib import Path

import pytest

from gregaria.cluster import choices
from gregaria.runner import dispatch
from tests.cluster.test_cluster import CALM, asked
from tests.support.nodes import Cluster, Node
from tests.support.servers import Server

pytestmark = pytest.mark.timeout(120)

WITH_A_MODULE = """
from pathlib import Path
from shop.pages import PAGES
from locust import FastHttpUser, task, constant

NAMES = Path("names.txt").read_text().split()

class Reader(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def read(self):
        for page in PAGES:
            self.client.get(page + NAMES[0])
"""


def start_elsewhere(cluster: Cluster, folder: Path, *arguments: str) -> Node:
    folder.mkdir(exist_ok=True)
    words = [sys.executable, "-m", "gregaria", "--worker", "--master-port", str(cluster.port), *arguments]
    node = Node(words, folder, folder / "worker.log", {}, [])
    cluster.nodes.append(node)
    return node


def test_a_worker_takes_locustfile_modules_and_data_from_the_master(target: Server, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "shop").mkdir(parents=True)
    (home / "shop" / "__init__.py").touch()
    (home / "shop" / "pages.py").write_text('PAGES = ["/a/", "/b/"]\n')
    (home / "names.txt").write_text("Ada Grace\n")
    (home / "password.txt").write_text("a secret of many words")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "cluster.secret").write_text("a secret of many words")
    with Cluster(home, WITH_A_MODULE) as cluster:
        words = ("-u", "2", "-r", "10", "-t", "1s", "--expect-workers", "1", "-H", target.url)
        master = cluster.start_master(*words, "--cluster-secret-file", "password.txt")
        worker = start_elsewhere(cluster, elsewhere, "-f", "-", "--cluster-secret-file", "cluster.secret")
        assert master.wait() == 0, master.output + worker.output
        assert worker.wait() == 0
        assert "shop/pages.py" in master.output
        assert "password.txt (the secret of the cluster)" in master.output
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target)
        counts = target.get_json("/__count")
        assert isinstance(counts, dict)
        assert set(counts) == {"/a/Ada", "/b/Ada"}
        folder = Path(worker.wait_for(r"from the master at \S+, in (\S+)")[1])
        assert not folder.exists()


def test_a_worker_with_other_files_is_refused_and_told_which(target: Server, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with Cluster(home, CALM) as cluster:
        master = cluster.start_master("-u", "1", "-t", "1s", "-H", target.url)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "locustfile.py").write_text(CALM + "\n# another one\n")
        other = start_elsewhere(cluster, elsewhere)
        assert other.wait() == 13, other.output
        assert "locustfile.py differs" in other.output
        assert "--allow-other-files" in other.output
        allowed = start_elsewhere(cluster, elsewhere, "--allow-other-files")
        assert master.wait() == 0, master.output
        assert allowed.wait() == 0


def test_files_from_a_master_are_for_workers(tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        node = cluster.start("--headless", "-f", "-", name="nobody")
        assert node.wait() == 2
        assert "--worker" in node.output


def test_the_choices_of_the_options_are_those_of_the_dispatcher() -> None:
    assert choices.BALANCES == dispatch.BALANCES
