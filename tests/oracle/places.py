"""The servers that cases talk to; each is started when a case first asks for it."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.oracle_server import OracleServer, oracle_server
from tests.support.proxy import Proxy, proxy
from tests.support.servers import process_that_prints_its_port

#: Debian keeps servers where only root looks
_PROGRAMS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class Places(contextlib.ExitStack):
    """Servers and certificates of one test run; leaving the block ends them."""

    @cached_property
    def folder(self) -> Path:
        # Short, as a socket's path has to be.
        path = Path(tempfile.mkdtemp(prefix="oracle-", dir="/tmp"))
        # nginx's workers are somebody else.
        path.chmod(0o755)
        self.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    @cached_property
    def authority(self) -> Authority:
        return Authority(self.folder)

    @property
    def trusted(self) -> str:
        """The file of the authority that signed the servers' certificates."""
        return str(self.authority.path)

    @cached_property
    def client_certificate(self) -> str:
        return str(self.authority.certificate("visitor", client=True))

    @cached_property
    def encrypted_certificate(self) -> str:
        return str(self.authority.certificate("locked", client=True, password=b"secret"))

    @cached_property
    def plain(self) -> OracleServer:
        return self.enter_context(oracle_server())

    @cached_property
    def other(self) -> OracleServer:
        """A second one, on another port."""
        return self.enter_context(oracle_server())

    @cached_property
    def ipv6(self) -> OracleServer:
        return self.enter_context(oracle_server(family=socket.AF_INET6, address="::1"))

    @cached_property
    def unix(self) -> OracleServer:
        return self.enter_context(oracle_server(family=socket.AF_UNIX, address=str(self.folder / "socket")))

    @cached_property
    def tls(self) -> OracleServer:
        return self.enter_context(
            oracle_server(self.authority.server_context("server", "127.0.0.1", "localhost", "::1"))
        )

    @cached_property
    def tls_1_2(self) -> OracleServer:
        context = self.authority.server_context("server-1-2", "127.0.0.1", "localhost")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return self.enter_context(oracle_server(context))

    @cached_property
    def tls_expired(self) -> OracleServer:
        return self.enter_context(
            oracle_server(self.authority.server_context("expired", "127.0.0.1", "localhost", days=(-5, -2)))
        )

    @cached_property
    def tls_other_host(self) -> OracleServer:
        return self.enter_context(oracle_server(self.authority.server_context("other", "other.example")))

    @cached_property
    def tls_client(self) -> OracleServer:
        """Wants a certificate of its clients."""
        context = self.authority.server_context("strict", "127.0.0.1", "localhost")
        context.load_verify_locations(self.authority.path)
        context.verify_mode = ssl.CERT_REQUIRED
        # With 1.3 a client learns only with the answer that it was refused.
        return self.enter_context(oracle_server(context))

    @cached_property
    def tls_client_maybe(self) -> OracleServer:
        """Takes a client's certificate if there is one."""
        context = self.authority.server_context("curious", "127.0.0.1", "localhost")
        context.load_verify_locations(self.authority.path)
        context.verify_mode = ssl.CERT_OPTIONAL
        return self.enter_context(oracle_server(context))

    @cached_property
    def proxy(self) -> Proxy:
        return self.enter_context(proxy())

    @cached_property
    def strict_proxy(self) -> Proxy:
        return self.enter_context(proxy("ada:lovelace"))

    @cached_property
    def uvicorn(self) -> str:
        port = self.enter_context(process_that_prints_its_port(["-m", "tests.support.serve", "tests.oracle.app:app"]))
        return f"http://127.0.0.1:{port}"

    @cached_property
    def python(self) -> str:
        """Python's own server, over a folder of files."""
        files = self._files("python")
        port = self.enter_context(process_that_prints_its_port(["-m", "tests.oracle.file_server", str(files)]))
        return f"http://127.0.0.1:{port}"

    @cached_property
    def nginx(self) -> str:
        return self.enter_context(_nginx(self._files("nginx"), self.plain.port))

    def _files(self, name: str) -> Path:
        files = self.folder / name
        files.mkdir()
        (files / "page.html").write_text("<p>Grüße</p>\n" * 200)
        (files / "data.json").write_text('{"a": [1, 2, 3]}')
        (files / "large.bin").write_bytes(bytes(range(256)) * 8192)
        (files / "folder").mkdir()
        (files / "folder" / "index.html").write_text("<p>index</p>")
        return files

    def url(self, server: str) -> str:
        """Where one of them listens."""
        place = getattr(self, server)
        return place if isinstance(place, str) else place.url

    def log(self, server: str) -> OracleServer:
        """Who knows what it received: itself, or what stands behind it."""
        place = getattr(self, server)
        return place if isinstance(place, OracleServer) else self.plain


@contextmanager
def _nginx(files: Path, upstream_port: int) -> Iterator[str]:
    """nginx with the files at /, packed if the client likes that, and a way to the oracle's server at /up/."""
    program = shutil.which("nginx", path=_PROGRAMS)
    assert program is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = files.parent
    configuration = folder / "nginx.conf"
    configuration.write_text(f"""
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
    access_log off;
    default_type text/plain;
    types {{ text/html html; application/json json; application/octet-stream bin; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {files};
        gzip on;
        gzip_types application/json;
        gzip_min_length 10;
        location /up/ {{
            proxy_pass http://127.0.0.1:{upstream_port}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }}
        location /small/ {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{upstream_port}/; }}
        location = /gone {{ return 410; }}
        location = /moved {{ return 301 /page.html; }}
    }}
}}
""")
    process = subprocess.Popen([program, "-c", configuration, "-p", folder, "-e", folder / "nginx.log"])
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, (folder / "nginx.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
