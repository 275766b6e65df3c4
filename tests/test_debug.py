import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gregaria import debug
from gregaria.debug import PrintListener, run_single_user
from gregaria.errors import StopUser
from gregaria.events import events
from gregaria.users.declare import NoTasksError, task
from gregaria.users.http import FastHttpUser
from gregaria.users.user import User
from gregaria.users.wait import constant
from tests.support.echo import echo_server
from tests.support.environments import QuietEnvironment


@pytest.fixture(autouse=True)
def a_process_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No environment left over, no options of pytest's, no configuration files, and the log as it was."""
    debug._environment.cache_clear()
    monkeypatch.setattr(sys, "argv", ["locustfile.py"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    debug._environment.cache_clear()


class Caller(User):
    wait_time = constant(0)
    seen: list[Any] = []

    def on_stop(self) -> None:
        self.seen.append("on_stop")

    @task
    def call(self) -> None:
        request = self.environment.events.request
        request.fire(request_type="GET", name="/a", response_time=12.4, response_length=3, exception=None, context={})
        request.fire(request_type="GET", name="/b", response_time=None, response_length=0, exception=KeyError("x"))
        raise StopUser


def columns(text: str) -> list[list[str]]:
    return [[column.strip() for column in line.split("\t")] for line in text.splitlines()]


def test_every_request_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    run_single_user(Caller, loglevel=None)
    assert columns(capsys.readouterr().out) == [
        ["type", "name", "resp_ms", "exception"],
        ["GET", "/a", "12", ""],
        ["GET", "/b", "-1", "KeyError('x')"],
    ]


def test_further_columns_can_be_asked_for_at_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    run_single_user(Caller, loglevel=None)
    capsys.readouterr()
    run_single_user(
        Caller, include_length=True, include_time=True, include_context=True, include_payload=True, loglevel=None
    )
    [header, first, _] = columns(capsys.readouterr().out)
    assert header == ["time", "type", "name", "resp_ms", "length", "exception", "context", "payload"]
    assert first[4] == "3"


def test_listeners_are_told_of_the_process_once_and_of_each_test() -> None:
    told: list[Any] = []
    events.init_command_line_parser.add_listener(lambda parser: parser.add_argument("--mine", default="yes"))
    events.init.add_listener(lambda environment, runner, web_ui: told.append((runner, web_ui)))
    events.test_start.add_listener(lambda environment: told.append(environment.parsed_options.mine))
    run_single_user(Caller, loglevel=None)
    run_single_user(Caller, loglevel=None)
    assert told == [(None, None), "yes", "yes"]


def test_options_count_and_unknown_ones_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["locustfile.py", "--host", "http://asked.example", "--of-the-debugger", "3"])

    class Hosted(Caller):
        def on_start(self) -> None:
            self.environment.seen_host = self.host
            assert self.environment.single_user_instance is self
            assert self.environment.runner is None

    run_single_user(Hosted, loglevel=None)
    assert debug._environment().seen_host == "http://asked.example"


def test_a_wrong_class_is_refused_and_nothing_listens_any_more() -> None:
    before = list(events.request.listeners)
    with pytest.raises(NoTasksError):
        run_single_user(type("Idle", (User,), {}), loglevel=None)
    run_single_user(Caller, loglevel=None)
    assert events.request.listeners == before


def test_a_mistake_in_on_start_reaches_the_debugger_after_on_stop() -> None:
    class Broken(Caller):
        seen: list[Any] = []

        def on_start(self) -> None:
            raise KeyError("mistake")

    with pytest.raises(KeyError):
        run_single_user(Broken, loglevel=None)
    assert Broken.seen == ["on_stop"]


def test_the_payload_is_what_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    environment = QuietEnvironment()
    with echo_server() as server:
        user = type("Poster", (FastHttpUser,), {"host": server.url})(environment)
        listener = PrintListener(environment, include_payload=True)
        user.client.post("/", json={"a": "ü"})
        listener.close()
        user.client.post("/", json={"b": 1})
    [_, line] = columns(capsys.readouterr().out)
    assert json.loads(line[-1]) == {"a": "ü"}


def test_a_locustfile_run_as_a_script_runs_its_user_and_logs_mistakes(tmp_path: Path) -> None:
    script = tmp_path / "locustfile.py"
    script.write_text(
        "from gregaria.debug import run_single_user\n"
        "from gregaria.errors import StopUser\n"
        "from gregaria.users.declare import task\n"
        "from gregaria.users.user import User\n"
        "class Once(User):\n"
        "    calls = 0\n"
        "    @task\n"
        "    def call(self):\n"
        "        self.calls += 1\n"
        "        if self.calls == 2:\n"
        "            raise StopUser\n"
        "        raise KeyError('mistake')\n"
        "if __name__ == '__main__':\n"
        "    run_single_user(Once)\n"
    )
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.startswith("type\tname")
    assert "__main__.Once: 'mistake'" in ended.stderr
    assert f'File "{script}", line 12' in ended.stderr


def test_logging_is_left_alone_when_told_so() -> None:
    before = list(logging.getLogger().handlers)
    run_single_user(Caller, loglevel=None)
    assert logging.getLogger().handlers == before
