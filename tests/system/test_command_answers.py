"""What the command answers without a run."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.system.conftest import Command, CountingServer


def test_the_version_is_told(command: Command) -> None:
    ended = command.run("--version")
    assert re.fullmatch(r"gregaria \d+\.\d+\.\d+ from \S+ \(Python 3\.\d+\.\d+\S*\)\n", ended.out)
    assert ended.code == 0


def test_the_version_loads_nothing_heavy() -> None:
    text = "import sys, gregaria.__main__; sys.argv = ['gregaria', '-V']; gregaria.__main__.main(); "
    text += "print(*sorted(name for name in sys.modules if name.split('.')[0] in ('gregaria', 'gevent', 'argparse')))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=10, check=True)
    assert done.stdout.splitlines()[-1] == "gregaria gregaria.__main__ gregaria.version"


def test_help_loads_neither_the_cluster_nor_zeromq(command: Command) -> None:
    command.write(
        "own.py",
        "import sys\n"
        "from locust import events\n"
        "@events.init_command_line_parser.add_listener\n"
        "def tell(parser):\n"
        "    print('LOADED', *sorted(sys.modules))\n",
    )
    loaded = command.run("-f", "own.py", "--help").out.partition("LOADED ")[2].split("\n")[0].split()
    assert "gregaria.cli.cluster" in loaded
    assert not {"zmq", "gregaria.cluster.master", "gregaria.cluster.worker", "gregaria.feed"} & set(loaded)


def test_help_shows_groups_defaults_examples_and_what_a_locustfile_adds(command: Command) -> None:
    command.write(
        "own.py",
        "from locust import events\n"
        "@events.init_command_line_parser.add_listener\n"
        "def add(parser):\n"
        "    parser.add_argument_group('Shop').add_argument('--shelf', default='top', help='where to look')\n",
    )
    ended = command.run("-f", "own.py", "--help")
    assert ended.code == 0
    for text in ("How much, how long:", "(default: INFO)", "Examples:", "Shop:", "--shelf", "(default: top)"):
        assert text in ended.out


def test_help_needs_no_locustfile(command: Command) -> None:
    ended = command.run("--help")
    assert (ended.code, ended.err) == (0, "")


def test_user_classes_are_listed(command: Command) -> None:
    ended = command.run("-f", "shop.py", "--list")
    assert (ended.code, ended.out) == (0, "Available Users:\n    Buyer\n    Seller\n")


def test_directories_lists_and_addresses_give_users(command: Command, server: CountingServer) -> None:
    (command.folder / "more").mkdir()
    command.write(
        "more/packer.py", "from locust import User, task\nclass Packer(User):\n    @task\n    def t(self): ...\n"
    )
    served = "from gregaria import User, task\nclass Carrier(User):\n    @task\n    def t(self): ...\n"
    url = server.publish("carrier.py", served)
    ended = command.run("-f", f"shop.py,more,{url}", "-l")
    assert ended.out.split() == ["Available", "Users:", "Buyer", "Carrier", "Packer", "Seller"]


def test_the_task_ratio_is_shown_as_text_and_as_json(command: Command) -> None:
    text = command.run("-f", "shop.py", "--show-task-ratio", "Buyer").out
    assert re.search(r"100\.0 +Buyer\n +100\.0 +look", text)
    found: Any = json.loads(command.run("-f", "shop.py", "--show-task-ratio-json", "-u", "2").out)
    assert found["total"]["Seller"] == {"ratio": 0.5, "tasks": {"sell": {"ratio": 0.5}}}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("-f", "shop.py", "--headless", "--master", "--worker"), 2, "--master and --worker exclude each other"),
        (("kubernetes",), 2, "write one of run, status, logs, stop next"),
        (("compare", "before.json"), 2, "the following arguments are required: B"),
        (("compare", "before.json", "shop.py"), 2, "there is no before.json: name a document that --json-file wrote"),
        (("-f", "shop.py", "--headless", "--usrs", "3"), 2, "did you mean --users?"),
        (("-f", "shop.py", "--headless", "-u", "x"), 2, "argument -u/--users: 'x' is not a whole number"),
        (("-f", "shop.py", "--headless", "--csv-full-history"), 2, "--csv-full-history needs --csv"),
        (("--headless",), 4, "there is no locustfile.py in"),
        (("-f", "nothing.py", "--headless"), 4, "there is no nothing.py"),
        (("-f", "shop.py", "--headless", "Byer"), 5, "there is no user class Byer; did you mean Buyer?"),
        (("-f", "shop.py", "--headless", "--config-users", "{"), 9, "--config-users: { is not JSON"),
        (("-f", "shop.py", "--headless", "--csv", "shop.py/x"), 11, "--csv"),
        (("-f", "shop.py", "--headless", "--json-file", "shop.py/x"), 11, "--json-file"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    command: Command, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ended = command.run(*arguments)
    lines = [line for line in ended.err.splitlines() if "INFO" not in line]
    assert ended.code == code
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("gregaria: error: ")
    assert message in lines[0]


def test_a_user_class_may_be_called_like_a_subcommand_after_options(command: Command) -> None:
    command.write("r.py", "from locust import User, task\nclass report(User):\n    @task\n    def t(self): ...\n")
    assert command.run("-f", "r.py", "--list", "report").code == 0


def test_a_broken_locustfile_shows_its_own_traceback_and_nothing_else(command: Command) -> None:
    path = command.write("broken.py", "import gregaria_no_such_module\n")
    ended = command.run("-f", "broken.py", "--headless")
    assert ended.code == 4
    assert ended.err == (
        "Traceback (most recent call last):\n"
        f'  File "{path}", line 1, in <module>\n'
        "    import gregaria_no_such_module\n"
        "ModuleNotFoundError: No module named 'gregaria_no_such_module'\n"
    )


def test_classes_of_one_name_in_two_files_are_refused(command: Command) -> None:
    command.write("other.py", "from locust import User\nclass Buyer(User): ...\n")
    ended = command.run("-f", "shop.py,other.py", "--headless")
    assert ended.code == 4
    assert "two classes are called Buyer" in ended.err


def test_a_user_that_several_files_import_is_one_user(command: Command) -> None:
    command.write("again.py", "from shop import Buyer\n")
    assert command.run("-f", "again.py,shop.py", "--list").out.split()[2:] == ["Buyer", "Seller"]


def test_a_file_called_locust_is_taken(command: Command) -> None:
    command.write("locust.py", (command.folder / "shop.py").read_text())
    assert "Buyer" in command.run("-f", "locust.py", "--list").out


def test_a_listener_of_init_that_raises_ends_the_command(command: Command, server: CountingServer) -> None:
    text = "\n@events.init.add_listener\ndef fail(environment, **_):\n    raise ValueError('no stock')\n"
    command.write("shop.py", (command.folder / "shop.py").read_text() + text)
    ended = command.run("-f", "shop.py", "--headless", "-t", "1", "-H", server.url)
    assert ended.code == 8
    assert "ValueError: no stock" in ended.err
    assert server.counts() == {}
