"""psycopg2 against a real PostgreSQL and grpc against a real server, in processes of their own."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from gregaria.users.cooperative import BLOCKING
from tests.support.command import run_gregaria
from tests.support.postgres import postgres as postgres
from tests.support.servers import process_that_prints_its_port

needs_psycopg2 = pytest.mark.skipif(
    importlib.util.find_spec("psycopg2") is None, reason="psycopg2 is not installed here"
)
needs_grpc = pytest.mark.skipif(importlib.util.find_spec("grpc") is None, reason="grpcio is not installed here")

ENABLE = "import gregaria.compat; gregaria.compat.enable()\n"
IMPORT = "import psycopg2, psycopg2.extensions\n"

#: ten users with a connection each make a query of 0.2 s; prints how long that took, and what they got
TEN_QUERIES = """
import sys, time
import gevent

def connect():
    return psycopg2.connect(host=sys.argv[1], user="tester", dbname="testdb")

def query(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.2), %s", ("x",))
        return cursor.fetchone()[1]

connections = [connect() for _ in range(10)]
started = time.perf_counter()
users = [gevent.spawn(query, connection) for connection in connections]
gevent.joinall(users, raise_error=True)
print(time.perf_counter() - started, *(user.value for user in users))
"""


def run(script: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", [ENABLE + IMPORT, IMPORT + ENABLE], ids=["imported later", "imported before"])
@needs_psycopg2
def test_ten_queries_of_ten_users_take_as_long_as_one(script: str, postgres: Path) -> None:
    elapsed_s, *values = run(script + TEN_QUERIES, postgres).split()
    assert values == ["x"] * 10
    assert 0.2 <= float(elapsed_s) < 0.8


@needs_psycopg2
def test_without_the_command_nothing_is_changed(postgres: Path) -> None:
    elapsed_s, *_ = run("import gregaria.environment\n" + IMPORT + TEN_QUERIES, postgres).split()
    assert float(elapsed_s) >= 2


@needs_psycopg2
def test_errors_are_psycopg2s_own_and_the_connection_goes_on(postgres: Path) -> None:
    script = """
import sys
connection = psycopg2.connect(host=sys.argv[1], user="tester", dbname="testdb")
cursor = connection.cursor()
try:
    cursor.execute("SELECT nothing FROM nowhere")
except psycopg2.errors.UndefinedTable:
    connection.rollback()
cursor.execute("SELECT count(*) FROM orders")
print(cursor.fetchone()[0])
try:
    psycopg2.connect(host="/nowhere", user="tester")
except psycopg2.OperationalError:
    print("refused")
"""
    assert run(ENABLE + IMPORT + script, postgres).split() == ["1000", "refused"]


@needs_psycopg2
def test_a_user_that_is_killed_in_a_query_ends_at_once(postgres: Path) -> None:
    script = """
import sys, time, gevent
connection = psycopg2.connect(host=sys.argv[1], user="tester", dbname="testdb")
user = gevent.spawn(connection.cursor().execute, "SELECT pg_sleep(60)")
gevent.sleep(0.1)
started = time.perf_counter()
user.kill()
print(time.perf_counter() - started)
"""
    assert float(run(ENABLE + IMPORT + script, postgres)) < 1


BLOCKING_USER = """
import os
import psycopg2, psycopg2.extensions
from locust import User, constant, task

psycopg2.extensions.set_wait_callback(None)

class Buyer(User):
    wait_time = constant(0.1)

    def on_start(self):
        self.connection = psycopg2.connect(host=os.environ["PG"], user="tester", dbname="testdb")

    @task
    def pay(self):
        with self.environment.events.request.measure("SQL", "pay"):
            self.connection.cursor().execute("SELECT pg_sleep(0.3)")
"""


@needs_psycopg2
def test_a_library_that_blocks_in_a_real_run_is_named_with_what_to_do(postgres: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(BLOCKING_USER)
    done = run_gregaria(
        "-f", "shop.py", "-u", "2", "-r", "10", "-t", "2s", folder=tmp_path, environment={"PG": str(postgres)}
    )
    told = done.report["generator"]
    cause = next(each for each in told["causes"] if each["kind"] == "library")
    assert cause["who"] == "psycopg2 in task Buyer.pay (shop.py:17)"
    assert cause["longest_ms"] > 250
    assert cause["advice"].startswith("psycopg2 waits in C code while it has no wait callback")
    assert told["late_requests"] >= 1, "no stamp of the kernel corrects what a client of psycopg2 has timed"
    assert not told["verdict"]["trusted"]


@needs_psycopg2
def test_a_callback_of_the_locustfiles_own_stays() -> None:
    script = IMPORT + "mine = lambda c: None; psycopg2.extensions.set_wait_callback(mine)\n" + ENABLE
    script += "print(psycopg2.extensions.get_wait_callback() is mine)"
    assert run(script) == "True\n"


@needs_psycopg2
def test_an_imported_module_is_what_it_was_and_no_finder_is_left_twice() -> None:
    script = (
        "import sys; before = len(sys.meta_path)\n"
        + ENABLE
        + ENABLE
        + IMPORT
        + "print(len(sys.meta_path) - before, psycopg2.extensions.__spec__.name, psycopg2.extensions.__loader__.name)"
    )
    assert run(script).split() == ["1", "psycopg2.extensions", "psycopg2.extensions"]


def test_a_library_that_is_not_there_is_not_there() -> None:
    script = """
import importlib.util
from gregaria.users.cooperative import _Finder
print(_Finder().find_spec("json", None))
sys = __import__("sys")
sys.modules["psycopg2"] = None
try:
    import psycopg2.extensions
except ImportError as error:
    print(type(error).__name__)
"""
    assert run(ENABLE + script).split() == ["None", "ModuleNotFoundError"]


def test_a_hook_that_does_not_work_is_told_and_the_library_imported(tmp_path: Path) -> None:
    package = tmp_path / "grpc"
    package.mkdir()
    (package / "__init__.py").write_text("version = 1")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + ENABLE + "import grpc; print(grpc.version)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n"
    assert "grpc keeps other users waiting, its hook for gevent did not work: ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("library", sorted(BLOCKING))
def test_what_is_said_of_a_library_goes_on_after_its_name(library: str) -> None:
    assert BLOCKING[library].endswith(".")
    assert BLOCKING[library].startswith(("waits", "computes"))


TEN_CALLS = """
import sys, time
import gevent

wait = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}").unary_unary("/test.Waiter/Wait")
wait(b"")
started = time.perf_counter()
users = [gevent.spawn(wait, b"") for _ in range(10)]
gevent.joinall(users, raise_error=True)
print(time.perf_counter() - started, *{user.value for user in users})
"""
AGAIN = "import grpc.experimental.gevent; grpc.experimental.gevent.init_gevent()\n"


@needs_grpc
@pytest.mark.parametrize(
    "script",
    [ENABLE + "import grpc\n", "import grpc\n" + ENABLE, ENABLE + "import grpc\n" + AGAIN],
    ids=["imported later", "imported before", "asked for twice"],
)
def test_ten_grpc_calls_of_ten_users_take_as_long_as_one(script: str) -> None:
    with process_that_prints_its_port(["-m", "tests.support.grpc_server"]) as port:
        elapsed_s, value = run(script + TEN_CALLS, str(port)).split()
    assert value == "b'ok'"
    assert 0.2 <= float(elapsed_s) < 0.8
