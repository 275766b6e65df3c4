"""The target: nginx with one worker, which counts for itself how many requests it has answered."""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

BODY = '{"message":"ok!"}'

CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
error_log {work}/error.log;
pid {work}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 2147483647;
    keepalive_timeout 600s;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ default_type application/json; return 200 '{body}'; }}
    }}
    server {{
        listen 127.0.0.1:{status_port};
        location / {{ stub_status; }}
    }}
}}
"""


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def pinned(core: int | None, command: list[str]) -> list[str]:
    """The command, held to one core where the system has taskset."""
    taskset = shutil.which("taskset")
    return command if core is None or taskset is None else [taskset, "-c", str(core), *command]


class Nginx:
    """nginx on a free port while the with-block lasts.

    Attributes:
        url: what to load.
    """

    def __init__(self, work: Path, core: int | None) -> None:
        self.work = work.absolute()
        self.port, self.status_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._core = core
        self._asked = 0

    def __enter__(self) -> Self:
        program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin:/opt/homebrew/bin")
        if program is None:
            sys.exit("The benchmarks need nginx; install it with: sudo apt-get install nginx-light")
        self.work.mkdir(parents=True, exist_ok=True)
        file = self.work / "nginx.conf"
        file.write_text(CONFIGURATION.format(work=self.work, port=self.port, status_port=self.status_port, body=BODY))
        command = pinned(
            self._core, [program, "-c", str(file), "-p", str(self.work), "-e", str(self.work / "error.log")]
        )
        self._process = subprocess.Popen(command)
        self._wait_until_up()
        self._usage = psutil.Process(self._process.pid)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)

    def requests(self) -> int:
        """How many requests it has seen since it began, without those of this method."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/", timeout=10) as answer:
            text = answer.read().decode()
        self._asked += 1
        found = re.search(r"^\s*\d+ \d+ (\d+)\s*$", text, re.MULTILINE)
        if found is None:
            raise ValueError(f"nginx's status page is not understood: {text!r}")
        return int(found[1]) - self._asked

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.requests()
                return
            except OSError:
                time.sleep(0.02)
        sys.exit(f"nginx did not start; see {self.work / 'error.log'}")
