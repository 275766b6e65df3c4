"""Keys change the number of users, and leave the terminal as they found it."""

import os
import sys
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from gregaria.cli.keys import Keys, new_user_count

if sys.platform == "win32":
    pytest.skip("there are no keys on Windows", allow_module_level=True)

import termios


class RunnerOfKeys:
    def __init__(self, state: str = "running", shape: Any = None) -> None:
        self.state = state
        self.target_user_count = 5
        self.environment = SimpleNamespace(shape_class=shape)

    def start(self, user_count: int, spawn_rate: float) -> None:
        assert spawn_rate == 100
        self.target_user_count = user_count


@pytest.mark.parametrize(("key", "users"), [("w", 6), ("W", 15), ("s", 4), ("S", 0), ("x", 5)])
def test_a_key_is_a_step(key: str, users: int) -> None:
    assert new_user_count(5, key) == users
    runner = RunnerOfKeys()
    Keys(runner, -1).obey(key)
    assert runner.target_user_count == users


def test_two_quick_keys_are_two_steps() -> None:
    runner = RunnerOfKeys()
    keys = Keys(runner, -1)
    keys.obey("w")
    keys.obey("W")
    assert runner.target_user_count == 16


@pytest.mark.parametrize("runner", [RunnerOfKeys("spawning"), RunnerOfKeys(shape=object()), RunnerOfKeys("stopped")])
def test_keys_wait_for_a_ramp_and_leave_shapes_alone(runner: RunnerOfKeys) -> None:
    Keys(runner, -1).obey("w")
    assert runner.target_user_count == 5


@pytest.mark.parametrize("state", ["ready", "running", "stopped"])
def test_enter_opens_the_page_whether_a_test_runs_or_not(state: str) -> None:
    opened: list[str] = []
    keys = Keys(RunnerOfKeys(state), -1, on_enter=lambda: opened.append("page"))
    for key in ("\n", "w", "\r"):
        keys.obey(key)
    assert opened == ["page", "page"]


def test_what_is_no_terminal_has_no_keys() -> None:
    reading, writing = os.pipe()
    try:
        keys = Keys(RunnerOfKeys(), reading)
        keys.start()
        os.write(writing, b"w")
        gevent.sleep(0)
        keys.stop()
        assert os.read(reading, 1) == b"w"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_terminal_in_the_background_is_not_touched() -> None:
    ours, theirs = os.openpty()
    try:
        before = termios.tcgetattr(theirs)
        keys = Keys(RunnerOfKeys(), theirs)
        keys.start()
        assert termios.tcgetattr(theirs) == before
        keys.stop()
    finally:
        os.close(ours)
        os.close(theirs)
