"""What every test may count on: no settings, listeners or environment variables left over by another."""

import dataclasses
import os
import shutil
from collections.abc import Iterator

import pytest

from gregaria.events import EventHook, events
from gregaria.settings import settings

# A developer's own LOCUST_HOST would otherwise be the tests' host too.
for variable in [name for name in os.environ if name.startswith(("LOCUST_", "GREGARIA_"))]:
    del os.environ[variable]

UNDER_CI = os.environ.get("CI", "").lower() in ("1", "true")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose ``@pytest.mark.needs("nginx")`` is not met here; under CI that is a failure."""
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program) is None:
                message = f"needs the program {program!r}, which is not installed here"
                pytest.fail(message, pytrace=False) if UNDER_CI else pytest.skip(message)


@pytest.fixture(autouse=True)
def settings_as_they_were() -> Iterator[None]:
    before = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    copies = {name: list(value) for name, value in before.items() if isinstance(value, list)}
    yield
    for name, value in (before | copies).items():
        setattr(settings, name, value)


@pytest.fixture(autouse=True)
def listeners_as_they_were() -> Iterator[None]:
    hooks = [hook for hook in vars(events).values() if isinstance(hook, EventHook)]
    before = [list(hook.listeners) for hook in hooks]
    yield
    for hook, listeners in zip(hooks, before, strict=True):
        hook.listeners[:] = listeners
    events.request.stats = None
    EventHook.errors = 0
