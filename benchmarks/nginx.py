"""The target: nginx with one worker, which counts for itself how many requests it has answered."""

import gzip
import json
import re
import resource
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
#: what the session page sends compressed: about 2 KiB of JSON, some 400 bytes on the wire
PAGE = json.dumps([{"id": number, "name": f"article {number}", "in_stock": number % 3 > 0} for number in range(40)])
LARGE_BYTES = 100 * 1024

CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
error_log {work}/error.log;
pid {work}/nginx.pid;
worker_rlimit_nofile {files};
events {{ worker_connections {files}; }}
http {{
    access_log off;
    keepalive_requests {keepalive_requests};
    keepalive_timeout 600s;
    open_file_cache max=16 inactive=600s;
    open_file_cache_valid 600s;
    sendfile on;
    tcp_nopush on;
    ssl_certificate {work}/certificate.pem;
    ssl_certificate_key {work}/key.pem;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    server {{
        {listen}
        listen 127.0.0.1:{tls_port} ssl backlog=4096;
        default_type application/json;
        location / {{ return 200 '{body}'; }}
        location /large {{ alias {work}/large; }}
        location /session {{
            alias {work}/page.gz;
            add_header Content-Encoding gzip;
            add_header Set-Cookie "session=5b2f9c0d7e4a1836; Path=/; HttpOnly";
        }}
        location /rolling {{
            alias {work}/page.gz;
            add_header Content-Encoding gzip;
            add_header Set-Cookie "session=$request_id; Path=/; HttpOnly";
        }}
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


def make_certificate(work: Path) -> None:
    """A certificate that this target signs for itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        sys.exit("The benchmarks need openssl; install it with: sudo apt-get install openssl")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "3650"]
    files = ["-keyout", str(work / "key.pem"), "-out", str(work / "certificate.pem")]
    subprocess.run([openssl, "req", "-x509", *key, *about, *files], check=True, capture_output=True)


class Nginx:
    """nginx on free ports while the with-block lasts.

    Attributes:
        url, tls_url: what to load; the certificate is nobody's, so it is not verified.
        urls: the same target by several addresses, where more were asked for; each has ports of its own.
    """

    def __init__(
        self, work: Path, core: int | None, *, keepalive_requests: int = 2**31 - 1, addresses: int = 1
    ) -> None:
        self.work = work.absolute()
        self.port, self.tls_port, self.status_port = free_port(), free_port(), free_port()
        self._addresses = [f"127.0.0.{number}" for number in range(1, addresses + 1)]
        self.urls = [f"http://{address}:{self.port}" for address in self._addresses]
        self.url = self.urls[0]
        self.tls_url = f"https://127.0.0.1:{self.tls_port}"
        self._keepalive_requests = keepalive_requests
        self._core = core
        self._asked = 0

    def __enter__(self) -> Self:
        program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin:/opt/homebrew/bin")
        if program is None:
            sys.exit("The benchmarks need nginx; install it with: sudo apt-get install nginx-light")
        self.work.mkdir(parents=True, exist_ok=True)
        self._write_files()
        command = pinned(
            self._core,
            [program, "-c", str(self.work / "nginx.conf"), "-p", str(self.work), "-e", str(self.work / "error.log")],
        )
        self._process = subprocess.Popen(command)
        self._wait_until_up()
        self._usage = psutil.Process(self._process.pid)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)

    def requests(self) -> int:
        """How many requests it has seen since it began, without those of this class."""
        return self._counted()[2] - self._asked

    def accepted(self) -> int:
        """How many connections it has had since it began, without those of this class."""
        return self._counted()[0] - self._asked

    def connections(self) -> int:
        """How many connections are open, without that of this method."""
        found = re.search(r"Active connections: (\d+)", self._status())
        return int(found[1]) - 1 if found else 0

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def _counted(self) -> tuple[int, int, int]:
        """Connections accepted, connections handled and requests, this one included."""
        text = self._status()
        found = re.search(r"^\s*(\d+) (\d+) (\d+)\s*$", text, re.MULTILINE)
        if found is None:
            raise ValueError(f"nginx's status page is not understood: {text!r}")
        return int(found[1]), int(found[2]), int(found[3])

    def _status(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/", timeout=10) as answer:
            text: str = answer.read().decode()
        self._asked += 1
        return text

    def _write_files(self) -> None:
        (self.work / "large").write_bytes(b"x" * LARGE_BYTES)
        (self.work / "page.gz").write_bytes(gzip.compress(PAGE.encode(), mtime=0))
        if not (self.work / "certificate.pem").exists():
            make_certificate(self.work)
        (self.work / "nginx.conf").write_text(
            CONFIGURATION.format(
                work=self.work,
                listen="".join(f"listen {address}:{self.port} backlog=4096;" for address in self._addresses),
                tls_port=self.tls_port,
                status_port=self.status_port,
                body=BODY,
                keepalive_requests=self._keepalive_requests,
                files=min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 40_000),
            )
        )

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.requests()
                return
            except OSError:
                time.sleep(0.02)
        sys.exit(f"nginx did not start; see {self.work / 'error.log'}")
