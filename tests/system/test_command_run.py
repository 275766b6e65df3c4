"""The command runs locustfiles, ends in time and tells what happened."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import USERS, Command, CountingServer, arguments, document


def requests_told(path: Path) -> int:
    total: Any = document(path)["total"]
    return int(total["num_requests"])


def test_a_run_ends_in_time_and_counts_what_the_server_counts(command: Command, server: CountingServer) -> None:
    ended = command.run(*arguments(server, "-u", "4", "-r", "100", "-t", "1.5s", "--json-file", "end"))
    assert ended.code == 0, ended.err
    assert requests_told(command.folder / "end.json") == sum(server.counts().values()) > 50
    assert "Shutting down (exit code 0)" in ended.err


LOADED = """\
import sys
from locust import events

@events.quitting.add_listener
def tell(**_):
    print("LOADED", *sorted(sys.modules))
"""


def test_a_local_run_loads_neither_the_cluster_nor_feeds_nor_zeromq(command: Command, server: CountingServer) -> None:
    command.write("shop.py", USERS + LOADED)
    ended = command.run(*arguments(server, "-i", "1"))
    assert ended.code == 0, ended.err
    loaded = ended.out.partition("LOADED ")[2].split()
    assert "gregaria.runner.local" in loaded
    assert not {"zmq", "msgpack", "flask", "sqlite3", "gregaria.feed"} & set(loaded)
    ours = [name for name in loaded if name.startswith("gregaria.cluster")]
    assert ours == ["gregaria.cluster", "gregaria.cluster.choices"]


def test_named_classes_run_alone(command: Command, server: CountingServer) -> None:
    assert command.run(*arguments(server, "-i", "20", "Seller")).code == 0
    assert server.counts() == {"/sell": 20}


def test_iterations_are_exact_over_all_users(command: Command, server: CountingServer) -> None:
    command.run(*arguments(server, "-u", "7", "-r", "100", "-i", "101"))
    assert sum(server.counts().values()) == 101


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_every_report(
    command: Command, server: CountingServer, number: signal.Signals
) -> None:
    process = command.start(
        *arguments(server, "-u", "4", "-r", "100", "--csv", "out/run", "--json-file", "end", "--json")
    )
    server.wait_for("/look", 20)
    ended = command.stop_with(process, number)
    assert ended.code == 0, ended.err
    with (command.folder / "out" / "run_stats.csv").open() as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    printed = {entry["name"]: entry["num_requests"] for entry in json.loads(ended.out)}
    told: Any = {row["name"]: row["num_requests"] for row in document(command.folder / "end.json")["requests"]}  # type: ignore[attr-defined]
    counted = server.counts()
    for name in ("/look", "/sell"):
        assert int(rows[name]["Request Count"]) == printed[name] == told[name] == counted[name]
    assert "Aggregated" in ended.err


def test_a_task_that_never_waits_is_ended_by_the_second_signal(command: Command, server: CountingServer) -> None:
    command.write(
        "shop.py",
        "from locust import HttpUser, task\n"
        "class Busy(HttpUser):\n"
        "    @task\n"
        "    def spin(self):\n"
        "        self.client.get('/spin')\n"
        "        while True: pass\n",
    )
    process = command.start(*arguments(server, "--json-file", "end"))
    server.wait_for("/spin")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    ended = command.stop_with(process, signal.SIGTERM)
    assert ended.code == 0, ended.err
    assert requests_told(command.folder / "end.json") == 1


@pytest.mark.parametrize(
    ("extra", "code"),
    [((), 1), (("--exit-code-on-error", "0"), 0), (("--exit-code-on-error", "33"), 33)],
)
def test_failures_give_the_exit_code(
    command: Command, server: CountingServer, extra: tuple[str, ...], code: int
) -> None:
    text = (command.folder / "shop.py").read_text().replace('"/look"', '"/status/503"')
    command.write("shop.py", text)
    ended = command.run(*arguments(server, "-i", "3", *extra, "Buyer"))
    assert ended.code == code
    assert "503" in ended.err


ENDINGS = {
    "a task that raises": ("    @task\n    def t(self): raise ValueError('no stock')\n", "", 1),
    "a listener that raises": (
        "    @task\n    def t(self): self.client.get('/')\n",
        "@events.test_start.add_listener\ndef f(**_): raise ValueError('no stock')\n",
        2,
    ),
    "a greenlet that raises": (
        "    @task\n    def t(self): self.client.get('/')\n",
        "import gevent\ndef g(): 1 / 0\n@events.test_start.add_listener\ndef f(**_): gevent.spawn(g)\n",
        2,
    ),
    "a quitting listener that decides": (
        "    @task\n    def t(self): self.client.get('/')\n",
        "@events.quitting.add_listener\ndef f(environment, **_): environment.process_exit_code = 42\n",
        42,
    ),
    "sys.exit in a task": ("    @task\n    def t(self):\n        import sys\n        sys.exit(17)\n", "", 17),
    "StopTest in a task": (
        "    @task\n    def t(self):\n        from locust.exception import StopTest\n        raise StopTest()\n",
        "",
        0,
    ),
    "sys.exit in a greenlet": (
        "    @task\n    def t(self): self.client.get('/')\n",
        "import gevent, sys\n@events.test_start.add_listener\ndef f(**_): gevent.spawn_later(0.2, sys.exit, 18)\n",
        18,
    ),
    "sys.exit in a listener of quitting": (
        "    @task\n    def t(self): self.client.get('/')\n",
        "import sys\n@events.quitting.add_listener\ndef f(**_): sys.exit(19)\n",
        19,
    ),
    "runner.quit in a task": ("    @task\n    def t(self): self.environment.runner.quit()\n", "", 0),
    "runner.stop in a task": ("    @task\n    def t(self): self.environment.runner.stop()\n", "", 0),
}


@pytest.mark.parametrize("ending", list(ENDINGS))
def test_every_end_has_its_code_and_its_report(command: Command, server: CountingServer, ending: str) -> None:
    body, rest, code = ENDINGS[ending]
    head = "from locust import HttpUser, constant, events, task\n\n"
    command.write("shop.py", f"{head}class Buyer(HttpUser):\n    wait_time = constant(0.05)\n{body}\n{rest}")
    ended = command.run(*arguments(server, "-t", "1.5s", "--json-file", "end"))
    assert ended.code == code, ended.err
    assert document(command.folder / "end.json")["total"]
    assert f"exit code {code}" in ended.err


def test_a_relative_url_without_a_host_ends_the_run(command: Command) -> None:
    ended = command.run("-f", "shop.py", "--headless", "-t", "10", "-u", "3", "--json-file", "end")
    assert ended.code == 6
    assert "--host" in ended.err
    # The place in the locustfile is told, and none of ours.
    assert "shop.py:" in ended.err
    assert "gregaria/client" not in ended.err
    [exception] = document(command.folder / "end.json")["exceptions"]
    assert "shop.py" in exception["traceback"]
    assert "gregaria/client" not in exception["traceback"]


def test_the_events_of_a_run_come_in_locusts_order(command: Command, server: CountingServer) -> None:
    listeners = "".join(
        f"@events.{name}.add_listener\ndef on_{name}(**_): print('EVENT {name}')\n"
        for name in ("init", "test_start", "spawning_complete", "test_stopping", "test_stop", "quitting", "quit")
    )
    second = "@events.quitting.add_listener\ndef again(**_): print('EVENT the other quitting')\n"
    command.write("shop.py", (command.folder / "shop.py").read_text() + listeners + second)
    ended = command.run(*arguments(server, "-t", "1"))
    told = [line.removeprefix("EVENT ") for line in ended.out.splitlines() if line.startswith("EVENT")]
    assert told == [
        "init", "test_start", "spawning_complete", "test_stopping", "test_stop",
        "the other quitting", "quitting", "quit",
    ]  # fmt: skip


def test_custom_arguments_reach_the_locustfile(command: Command, server: CountingServer) -> None:
    text = (
        "from locust import HttpUser, events, task\n"
        "@events.init_command_line_parser.add_listener\n"
        "def add(parser):\n"
        "    parser.add_argument('--shelf', env_var='SHELF', default='top', is_secret=True, include_in_web_ui=False)\n"
        "class Buyer(HttpUser):\n"
        "    @task\n"
        "    def look(self): self.client.get(f'/{self.environment.parsed_options.shelf}')\n"
    )
    command.write("shop.py", text)
    command.run(*arguments(server, "-i", "1", "--shelf", "low"))
    command.run(*arguments(server, "-i", "1"), env={"SHELF": "middle"})
    command.write("locust.conf", "shelf = conf\n")
    command.run(*arguments(server, "-i", "1"))
    assert server.counts() == {"/low": 1, "/middle": 1, "/conf": 1}


def test_a_locustfile_may_use_names_that_locust_has_dropped(command: Command, server: CountingServer) -> None:
    text = (
        "from locust import HttpUser, events, task\n"
        "@events.init_command_line_parser.add_listener\n"
        "def add(parser): parser.add_argument('-c', '--clients', default='none')\n"
        "class Buyer(HttpUser):\n"
        "    @task\n"
        "    def look(self): self.client.get(f'/{self.environment.parsed_options.clients}')\n"
    )
    command.write("shop.py", text)
    assert command.run(*arguments(server, "-i", "1", "--clients", "many")).code == 0
    assert server.counts() == {"/many": 1}


def test_a_plugin_that_is_installed_is_imported_and_may_have_its_own_iterations(
    command: Command, server: CountingServer
) -> None:
    (command.folder / "locust_plugins").mkdir()
    command.write(
        "locust_plugins/__init__.py",
        "from locust import events\n"
        "@events.init_command_line_parser.add_listener\n"
        "def add(parser):\n"
        "    group = parser.add_argument_group('Plugins')\n"
        "    group.add_argument('-i', '--iterations', type=int, default=0, env_var='LOCUST_ITERATIONS')\n"
        "    group.add_argument('--check-rps', type=float, default=0)\n",
    )
    assert command.run(*arguments(server, "-t", "1", "--check-rps", "5")).code == 0
    assert server.counts()["/look"] > 5


def test_a_run_time_ends_a_shape_too(command: Command, server: CountingServer) -> None:
    shape = "\nfrom locust import LoadTestShape\nclass Up(LoadTestShape):\n    def tick(self): return (2, 100)\n"
    command.write("shop.py", (command.folder / "shop.py").read_text() + shape)
    assert command.run(*arguments(server, "-t", "1", "-u", "50")).code == 0


def test_a_shape_that_ends_ends_the_run(command: Command, server: CountingServer) -> None:
    shape = (
        "\nfrom locust import LoadTestShape\nclass Up(LoadTestShape):\n"
        "    def tick(self): return (2, 100) if self.get_run_time() < 1 else None\n"
    )
    command.write("shop.py", (command.folder / "shop.py").read_text() + shape)
    assert command.run(*arguments(server)).code == 0
    assert server.counts()["/look"] > 0


def test_tags_choose_tasks(command: Command, server: CountingServer) -> None:
    command.write(
        "shop.py",
        "from locust import HttpUser, tag, task\nclass Buyer(HttpUser):\n"
        "    @tag('quick')\n    @task\n    def a(self): self.client.get('/a')\n"
        "    @task\n    def b(self): self.client.get('/b')\n",
    )
    command.run(*arguments(server, "-i", "10", "-T", "quick"))
    assert server.counts() == {"/a": 10}


def test_tags_that_leave_no_task_end_the_run_with_one_sentence(command: Command, server: CountingServer) -> None:
    ended = command.run(*arguments(server, "-T", "quikc", "--headless"))
    assert ended.code == 5
    assert "ERROR/gregaria.cli.run: no task is left with --tags quikc" in ended.err
    assert "gregaria/client" not in ended.err


def test_a_target_that_refuses_is_told_while_the_run_goes_on(command: Command) -> None:
    with socket.socket() as bound:
        # bound but not listening: nobody else can answer there
        bound.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{bound.getsockname()[1]}"
        ended = command.run("-f", "shop.py", "--headless", "-t", "1.5s", "--only-summary", "-H", host, "Buyer")
    refused = "ConnectionRefused('nothing listens on <address> (the connection was refused)')"
    warning = f"{refused}. Is {host} the right host, and does it run?"
    assert warning in ended.err.split("Whole run")[0]
    assert ended.code == 1


def test_a_log_file_takes_the_log(command: Command, server: CountingServer) -> None:
    ended = command.run(*arguments(server, "-i", "1", "--logfile", "logs/run.log", "--only-summary"))
    assert "Shutting down" in (command.folder / "logs" / "run.log").read_text()
    assert "Shutting down" not in ended.err


def test_json_alone_is_on_standard_output(command: Command, server: CountingServer) -> None:
    ended = command.run(*arguments(server, "-i", "5", "--json", "--skip-log", "Buyer"))
    [entry] = json.loads(ended.out)
    assert (entry["name"], entry["method"], entry["num_requests"]) == ("/look", "GET", 5)


def test_users_that_are_told_to_use_requests_do(command: Command, server: CountingServer) -> None:
    command.run(*arguments(server, "-i", "3", "--use-requests", "Buyer"))
    assert server.counts() == {"/look": 3}


def test_a_thread_that_never_ends_does_not_keep_the_process(command: Command, server: CountingServer) -> None:
    text = (
        "\nfrom gevent.monkey import get_original\nimport _thread\n"
        "sleep = get_original('time', 'sleep')\n"
        "get_original('_thread', 'start_new_thread')(lambda: sleep(1000), ())\n"
        "import threading\nthreading.Thread(target=lambda: __import__('time').sleep(1000)).start()\n"
    )
    command.write("shop.py", (command.folder / "shop.py").read_text() + text)
    assert command.run(*arguments(server, "-i", "1")).code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")
def test_keys_on_a_terminal_change_the_number_of_users_and_the_terminal_is_put_back(
    command: Command, server: CountingServer
) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-m", "gregaria", *arguments(server, "--only-summary")],
        cwd=command.folder,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: take_terminal(theirs),
        text=True,
    )
    try:
        server.wait_for("/look", 5)
        os.write(ours, b"W")
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("Ramping to 11 users" in line for line in lines)
        assert not termios.tcgetattr(theirs)[3] & termios.ECHO
        os.write(ours, b"\x03")
        assert "Got SIGINT" in process.stderr.read()
        assert process.wait(10) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(theirs)


def take_terminal(descriptor: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no suspension there")
def test_after_a_suspension_the_picture_does_not_overwrite_what_the_shell_wrote(
    command: Command, server: CountingServer
) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gregaria", *arguments(server)],
        cwd=command.folder,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: take_terminal(theirs),
        env={**os.environ, "TERM": "xterm"},
    )
    try:
        read_until(ours, b"req/s")
        server.wait_for("/look", 5)
        os.write(ours, b"\x1a")
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        # as long as a shell would have it: the time for the next picture is over
        time.sleep(0.6)
        os.write(theirs, b"SHELL\n")
        process.send_signal(signal.SIGCONT)
        told = read_until(ours, b"Aggregated", after=b"SHELL")
        assert not re.search(rb"\x1b\[\d+A", told)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def read_until(descriptor: int, text: bytes, after: bytes = b"") -> bytes:
    """What a terminal shows from ``after`` on, up to ``text``."""
    told = b""
    while text not in told.partition(after)[2] if after else text not in told:
        told += os.read(descriptor, 65536)
    return told.partition(after)[2].partition(text)[0] if after else told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk that is always full")
def test_a_report_that_cannot_be_written_gives_the_exit_code(command: Command, server: CountingServer) -> None:
    with open("/dev/full", "w") as full:
        process = command.start(*arguments(server, "-i", "3", "--json", "--json-file", "end"), stdout=full)
        ended = command.end_of(process)
    assert ended.code == 11, ended.err
    assert requests_told(command.folder / "end.json") == 3


LATE_EXITS = {
    "test_stopping": "@events.test_stopping.add_listener\ndef f(**_): sys.exit(3)\n",
    "test_stop": "@events.test_stop.add_listener\ndef f(**_): sys.exit(3)\n",
    "on_stop": "Buyer.on_stop = Seller.on_stop = lambda self: sys.exit(3)\n",
}


@pytest.mark.parametrize("place", list(LATE_EXITS))
def test_sys_exit_while_a_signal_ends_the_run_keeps_the_reports(
    command: Command, server: CountingServer, place: str
) -> None:
    text = (command.folder / "shop.py").read_text()
    command.write("shop.py", f"import sys\n{text}\n{LATE_EXITS[place]}")
    process = command.start(*arguments(server, "-u", "4", "-r", "100", "--json-file", "end"))
    server.wait_for("/sell")
    ended = command.stop_with(process, signal.SIGTERM)
    assert ended.code == 3, ended.err
    assert requests_told(command.folder / "end.json") == sum(server.counts().values())


def test_a_flow_exception_in_a_listener_of_quit_is_only_warned_about(command: Command, server: CountingServer) -> None:
    text = (command.folder / "shop.py").read_text()
    ending = "from locust.exception import StopUser\n@events.quit.add_listener\ndef f(**_): raise StopUser\n"
    command.write("shop.py", f"{text}\n{ending}")
    ended = command.run(*arguments(server, "-i", "1"))
    assert ended.code == 0, ended.err
    assert "StopUser was raised by a listener" in ended.err
