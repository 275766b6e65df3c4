"""What a test was started with is told as it was then, without secrets, and by whoever decided it."""

import json
from argparse import Namespace
from pathlib import PurePosixPath
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gregaria.context import CustomOption
from gregaria.report.json import document
from gregaria.report.moment import summary_of
from gregaria.report.reading import SCHEMA_FILE
from gregaria.runner.local import LocalRunner
from gregaria.runner.shape import LoadTestShape
from gregaria.stats.masking import MASK
from gregaria.users.declare import tag, task
from gregaria.users.user import User
from gregaria.users.wait import constant
from tests.runner.conftest import Eventually, MakeRunner

PUBLISHED = json.loads(SCHEMA_FILE.read_text())


class Reader(User):
    host = "http://u:pw@reader"
    wait_time = constant(0.01)
    weight = 3

    @tag("calm", "all")
    @task
    def read(self) -> None:
        pass


class Writer(Reader):
    host = None
    fixed_count = 2


class Idle(User):
    wait_time = constant(0.01)

    @task
    def nothing(self) -> None:
        pass


def options_told(runner: LocalRunner) -> dict[str, Any]:
    told = document(summary_of(runner))
    Draft202012Validator(PUBLISHED).validate(told)
    options: dict[str, Any] = told["options"]
    return options


def run(runner: LocalRunner, eventually: Eventually, users: int = 5) -> None:
    runner.start(users, 1000)
    eventually(lambda: runner.user_count == users)
    runner.stop()


def test_classes_tags_and_arguments_are_those_of_the_start(make_runner: MakeRunner, eventually: Eventually) -> None:
    class Untagged(Idle):
        pass

    options = Namespace(
        num_users=5, shelf="top", sizes=["m"], at=PurePosixPath("/x"), pin="123", none=None, url="http://a:b@c/"
    )
    runner = make_runner(
        Reader, Writer, Untagged, parsed_options=options, tags={"calm", "all"}, exclude_tags=["x"], profile="night"
    )
    environment = runner.environment
    environment.custom_options = {
        **{name: CustomOption() for name in ("shelf", "sizes", "at", "url", "gone")},
        **{name: CustomOption(is_secret=True, is_shown=False) for name in ("pin", "none")},
    }
    environment.events.test_start.add_listener(lambda **_: setattr(options, "shelf", "chosen in test_start"))
    run(runner, eventually)
    options.sizes.append("xl")
    options.shelf = "of the next test"
    environment.profile = "day"
    Reader.weight, weight = 7, Reader.weight
    try:
        told = options_told(runner)
    finally:
        Reader.weight = weight
    assert told["users"] == 5
    assert (told["tags"], told["exclude_tags"], told["profile"], told["shape"]) == (
        ["all", "calm"],
        ["x"],
        "night",
        None,
    )
    # Untagged has no tasks left with these tags.
    assert told["user_classes"] == {
        "Reader": {"weight": 3, "fixed_count": 0, "host": f"http://{MASK}@reader"},
        "Writer": {"weight": 3, "fixed_count": 2, "host": None},
    }
    assert told["custom_arguments"] == {
        "shelf": "chosen in test_start", "sizes": ["m"], "at": "/x", "url": f"http://{MASK}@c/", "gone": None,
        "pin": MASK, "none": None,
    }  # fmt: skip


def test_a_run_that_is_over_tells_the_most_users_that_there_were(
    make_runner: MakeRunner, eventually: Eventually
) -> None:
    runner = make_runner(Reader, Writer)
    runner.start(5, 1000)
    eventually(lambda: runner.state == "running")
    runner.start(1, 1000)
    eventually(lambda: runner.user_count == 1)
    assert sum(summary_of(runner).user_classes.values()) == 1
    runner.stop()
    assert summary_of(runner).user_classes == {"Reader": 3, "Writer": 2}
    run(runner, eventually, users=2)
    assert summary_of(runner).user_classes == {"Writer": 2, "Reader": 0}


def test_a_shape_is_named(make_runner: MakeRunner, eventually: Eventually) -> None:
    class Wave(LoadTestShape):
        def tick(self) -> tuple[int, float]:
            return 1, 10

    runner = make_runner(Idle, shape_class=Wave())
    assert options_told(runner)["shape"] == "Wave"
    runner.start_shape()
    eventually(lambda: runner.user_count == 1)
    runner.environment.shape_class = None
    assert options_told(runner)["shape"] == "Wave"


@pytest.mark.parametrize("host", ["http://chosen", None])
def test_a_host_that_is_given_is_that_of_all_classes(
    make_runner: MakeRunner, eventually: Eventually, host: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Idle, "host", "http://own")
    runner = make_runner(Idle, host=host)
    run(runner, eventually, users=1)
    assert options_told(runner)["user_classes"]["Idle"]["host"] == (host or "http://own")
