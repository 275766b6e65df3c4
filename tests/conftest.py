"""What every test may count on: no settings, listeners or environment variables left over by another."""

import dataclasses
import os
import shutil
import sys
import threading
from collections.abc import Generator, Iterator

import gevent
import hypothesis
import pytest

from gregaria.events import EventHook, events
from gregaria.settings import settings

# A developer's own LOCUST_HOST would otherwise be the tests' host too.
for variable in [name for name in os.environ if name.startswith(("LOCUST_", "GREGARIA_"))]:
    del os.environ[variable]
# Where Python is told to keep no bytecode, each of the hundreds of commands that are started here would compile every
# module again, which takes it half of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

#: what the reason of a skip says when a program or package is missing
NOT_INSTALLED = "not installed here"
#: Debian keeps servers where only root looks
PROGRAM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
# How long an example takes says more of the machine's other work than of the code.
hypothesis.settings.register_profile(
    "suite", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

# Coverage follows greenlets, so in each thread that it traces greenlet keeps a state, and tells a Python callback when
# the thread has ended. CPython 3.11 can loop for ever in a callback of that kind while it is traced. The threads here
# are servers of the tests, whose lines nobody counts. Threads with a hub of their own (gevent's pools) can still do it,
# as their states are taken apart in the main thread: that is why `make test` does not trace.
threading.settrace(None)  # type: ignore[arg-type]

#: tests that start many processes and wait for them, each kind for minutes
WAITING = ("tests/cluster/", "tests/on_kubernetes/", "tests/deploy/")
UNDER_CI = os.environ.get("CI", "").lower() in ("1", "true")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that take long first, and each kind of them in another process.

    With ``--dist worksteal`` each process of pytest-xdist begins with an equal part of all tests, and whoever is done
    takes from the end of another's: what is left then is short. Those of one kind would hold up each other.
    """
    processes = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    parts: list[list[pytest.Item]] = [[] for _ in range(processes)]
    others = []
    for item in items:
        kind = next((number for number, folder in enumerate(WAITING) if item.nodeid.startswith(folder)), None)
        (others if kind is None else parts[kind % processes]).append(item)
    size = -(-len(items) // processes)
    for part in parts:
        room = max(0, size - len(part))
        part += others[:room]
        del others[:room]
    items[:] = [item for part in parts for item in part] + others


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose ``@pytest.mark.needs("nginx")`` is not met here."""
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program, path=PROGRAM_PATH) is None:
                pytest.skip(f"the program {program!r} is {NOT_INSTALLED}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI nothing may pass because something to test with is not there."""
    report = yield
    if UNDER_CI and report.skipped and NOT_INSTALLED in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"{report.longrepr}; under CI that is a failure"
    return report


@pytest.fixture(autouse=True)
def loop_that_knows_the_time() -> None:
    """Timeouts of gevent.joinall() count from the loop's last turn, which may have been long before this test."""
    gevent.get_hub().loop.update_now()


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
