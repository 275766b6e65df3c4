import subprocess
import sys
import time
import traceback
from itertools import pairwise
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import monkey

import gregaria
from gregaria import User, offload, task
from gregaria.errors import StopUser
from gregaria.settings import settings
from tests.support.environments import QuietEnvironment, live

really_sleep = monkey.get_original("time", "sleep")
thread_id = monkey.get_original("_thread", "get_ident")


def test_it_is_one_of_the_public_names() -> None:
    assert gregaria.offload is offload


def test_it_returns_what_the_function_returns_and_passes_arguments_on() -> None:
    assert offload(divmod, 17, 5) == (3, 2)
    assert offload(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]


def fail(text: str) -> None:
    raise KeyError(text)


def test_an_exception_comes_with_the_line_that_raised_it() -> None:
    with pytest.raises(KeyError, match="no such thing") as caught:
        offload(fail, "no such thing")
    last = traceback.extract_tb(caught.tb)[-1]
    assert (last.name, last.line) == ("fail", "raise KeyError(text)")


def test_it_runs_in_another_thread() -> None:
    assert offload(thread_id) != thread_id()


def test_users_go_on_while_work_blocks() -> None:
    turns: list[float] = []

    def count() -> None:
        while True:
            turns.append(time.perf_counter())
            gevent.sleep(0.005)

    counting = gevent.spawn(count)
    offload(really_sleep, 0.3)
    counting.kill()
    assert len(turns) >= 15
    assert max(b - a for a, b in pairwise(turns)) < 0.2


def test_as_many_run_at_once_as_the_setting_says_and_the_others_wait() -> None:
    running = [0, 0]

    def work() -> None:
        running[0] += 1
        running[1] = max(running)
        really_sleep(0.05)
        running[0] -= 1

    for threads in (3, 2):
        settings.offload_threads = threads
        running[1] = 0
        gevent.joinall([gevent.spawn(offload, work) for _ in range(9)], raise_error=True)
        assert running == [0, threads]


def test_offloaded_work_may_offload_and_does_not_wait_for_itself() -> None:
    settings.offload_threads = 1
    with gevent.Timeout(5):
        inner, outer = offload(lambda: (offload(thread_id), thread_id()))
    assert inner == outer != thread_id()


def test_a_user_that_is_stopped_does_not_wait_for_its_work() -> None:
    lock = monkey.get_original("_thread", "allocate_lock")()
    lock.acquire()
    waiting = gevent.spawn(offload, lock.acquire)
    gevent.sleep(0.02)
    with gevent.Timeout(5):
        waiting.kill()
    assert lock.locked()
    lock.release()


def test_a_task_may_offload() -> None:
    class Checkout(User):
        @task
        def compute(self) -> None:
            self.found = offload(sum, range(1000))
            raise StopUser

    assert live(Checkout, QuietEnvironment()).found == 499_500


def run(script: str, folder: Path) -> Any:
    (folder / "script.py").write_text(script)
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


PATCH = "from gevent import monkey; monkey.patch_all()\n"
SCRIPT = """
import threading, time
from gregaria import offload
print(offload(max, 3, 4))
try:
    offload(int, "x")
except ValueError:
    print("raised")
"""


@pytest.mark.parametrize("patch", ["", PATCH])
def test_it_works_in_a_script_with_and_without_patching(patch: str, tmp_path: Path) -> None:
    assert run(patch + SCRIPT, tmp_path) == ["4", "raised"]


ABANDONED = (
    PATCH
    + """
import gevent, time, sys
from gregaria import offload
gevent.spawn(offload, monkey.get_original("time", "sleep"), 60)
gevent.sleep(0.1)
print("over")
"""
)


def test_work_that_goes_on_does_not_keep_the_process(tmp_path: Path) -> None:
    assert run(ABANDONED, tmp_path) == ["over"]


# What does not work: under gevent's patching a thread of the standard library is a greenlet of this one.

COMPARED = (
    PATCH
    + """
import concurrent.futures, multiprocessing.pool, time
import gevent
from gregaria import offload

def compute():
    until = time.perf_counter() + 0.2
    while time.perf_counter() < until:
        pass

def longest_gap(work):
    moments = []
    def turn():
        while True:
            moments.append(time.perf_counter())
            gevent.sleep(0.005)
    turning = gevent.spawn(turn)
    gevent.sleep(0.02)
    work()
    gevent.sleep(0.02)
    turning.kill()
    return max(b - a for a, b in zip(moments, moments[1:]))

def executor():
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        threads.submit(compute).result()

def pool():
    with multiprocessing.pool.ThreadPool(1) as threads:
        threads.apply(compute)

offload(compute)
for work in (executor, pool, lambda: offload(compute)):
    # The shortest of several, as the machine may be busy with something else.
    print(min(longest_gap(work) for _ in range(5)))
"""
)


def test_pools_of_the_standard_library_hold_up_all_users_under_patching(tmp_path: Path) -> None:
    executor, pool, offloaded = map(float, run(COMPARED, tmp_path))
    assert executor > 0.19
    assert pool > 0.19
    assert offloaded < 0.15
