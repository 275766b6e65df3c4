"""Runners that are gone after the test, and what the tests let them run."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from gregaria.environment import Environment
from gregaria.runner.local import LocalRunner
from gregaria.settings import settings

MakeRunner = Callable[..., LocalRunner]
Eventually = Callable[[Callable[[], Any]], None]


@pytest.fixture
def make_runner() -> Iterator[MakeRunner]:
    """``make_runner(UserClass, ..., stop_timeout=...)``: a local runner in an environment of its own."""
    settings.stop_grace_s = 0.3
    runners: list[LocalRunner] = []

    def make(*user_classes: type[Any], **arguments: Any) -> LocalRunner:
        runner = Environment(user_classes=user_classes, **arguments).create_local_runner()
        runners.append(runner)
        return runner

    yield make
    for runner in runners:
        runner.quit()


@pytest.fixture
def eventually() -> Eventually:
    """``eventually(condition)``: let greenlets run until it holds; fails after 5 s."""

    def wait(condition: Callable[[], Any]) -> None:
        with gevent.Timeout(5, AssertionError("it did not come to that within 5 s")):
            while not condition():
                gevent.sleep(0.002)

    return wait
