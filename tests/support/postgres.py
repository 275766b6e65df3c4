"""A PostgreSQL of the test's own: a fresh cluster that listens on a socket in a temporary folder, no port."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCHEMA = """
CREATE TABLE orders (id serial PRIMARY KEY, status text, created_at timestamptz DEFAULT now());
INSERT INTO orders (status) SELECT CASE WHEN n % 3 = 0 THEN 'pending' ELSE 'paid' END FROM generate_series(1, 1000) n;
"""


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, which Debian keeps off the path; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@contextmanager
def running(programs: Path) -> Iterator[Path]:
    """Start a server with a database `testdb` of the user `tester`; yields the folder of its socket."""
    # the socket's path has to be short, and PostgreSQL does not run as root
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    owner = "postgres" if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner)

    def call(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            check=True, user=owner, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    data = str(folder / "data")
    try:
        call("initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            call("createdb", "-h", str(folder), "-U", "tester", "testdb")
            call("psql", "-q", "-h", str(folder), "-U", "tester", "-c", SCHEMA, "testdb")
            yield folder
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder to give psycopg2 as host; the test is skipped where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL (initdb, pg_ctl) is not installed here")
    with running(found) as folder:
        yield folder
