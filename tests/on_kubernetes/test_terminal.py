"""The live table of a run on a cluster, on a real terminal of the operating system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kubernetes_api import KubernetesApi
from tests.support.servers import CountingServer

pty = pytest.importorskip("pty", reason="there are no pseudo terminals here")
termios = pytest.importorskip("termios", reason="there are no pseudo terminals here")


def test_on_a_terminal_the_table_stays_in_its_place(api: KubernetesApi, target: CountingServer, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(
        "from locust import HttpUser, constant, task\n"
        "class Caller(HttpUser):\n"
        "    wait_time = constant(0.1)\n"
        "    @task\n"
        "    def call(self):\n"
        "        self.client.get('/')\n"
    )
    above, below = pty.openpty()
    termios.tcsetwinsize(below, (40, 100))
    command = [sys.executable, "-m", "gregaria", "kubernetes", "run", "--name", "shop", "--workers", "1", "-t", "5s"]
    config = api.kubeconfig(tmp_path / "kubeconfig")
    environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(tmp_path / "home"), "TERM": "xterm"}
    with subprocess.Popen(
        [*command, "-H", target.url], cwd=tmp_path, env=environment, stdin=below, stdout=below, stderr=below
    ) as process:
        os.close(below)
        shown = b""
        try:
            while piece := os.read(above, 65536):
                shown += piece
        except OSError:
            # The other side is closed.
            pass
        assert process.wait(60) == 0
    os.close(above)
    frames = shown.decode().split("\x1b[?2026h")
    tables = [frame for frame in frames if "running, 1 of 1 users" in frame and "Aggregated" in frame]
    assert len(tables) >= 2
    # It begins with going up to where the one before it began: seven lines.
    assert tables[1].startswith("\r\x1b[7A")
