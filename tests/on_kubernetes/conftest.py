"""A cluster whose pods are processes, a target for them, and the command as a person runs it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes_api import KubernetesApi
from tests.support.nodes import Node
from tests.support.servers import CountingServer, counting_process
from tests.support.servers import server as target

__all__ = ["counting_process", "target"]

LOCUSTFILE = """
from pathlib import Path

from locust import HttpUser, constant, task

import paths


class Caller(HttpUser):
    wait_time = constant(0.1)

    @task
    def call(self):
        self.client.get(Path(paths.DATA).read_text())
"""

Start = Callable[..., Node]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[KubernetesApi]:
    serving = KubernetesApi(tmp_path / "root")
    try:
        yield serving
    finally:
        serving.close()


@pytest.fixture
def start(api: KubernetesApi, target: CountingServer, tmp_path: Path) -> Iterator[Start]:
    """Starts ``gregaria kubernetes`` with further arguments."""
    folder = tmp_path / "laptop"
    (folder / "data").mkdir(parents=True)
    (folder / "locustfile.py").write_text(LOCUSTFILE)
    (folder / "paths.py").write_text("DATA = 'data/path.txt'")
    (folder / "data" / "path.txt").write_text("/")
    environment = {"KUBECONFIG": str(api.kubeconfig(tmp_path / "kubeconfig")), "HOME": str(tmp_path / "home")}
    nodes: list[Node] = []

    def run(*arguments: str, **more: str) -> Node:
        command = [sys.executable, "-m", "gregaria", "kubernetes", *arguments]
        log = tmp_path / f"command-{len(nodes)}.log"
        nodes.append(Node(command, folder, log, {**environment, **more}, []))
        return nodes[-1]

    try:
        yield run
    finally:
        for node in nodes:
            node.kill()


@pytest.fixture
def run(start: Start, target: CountingServer) -> Start:
    """Starts a run of one worker against the target; later options are stronger."""

    def begin(*arguments: str, **more: str) -> Node:
        usual = ("--name", "shop", "--workers", "1", "-u", "2", "-r", "100", "-t", "2s", "-H", target.url)
        return start("run", *usual, *arguments, **more)

    return begin
