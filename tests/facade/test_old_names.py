"""What Locust dropped long ago, or never had, is answered with what to write today."""

import pytest

from tests.facade.conftest import Script

OLD_CLASS = """
    from locust import HttpLocust, Locust, TaskSet
    from locust.contrib.fasthttp import FastHttpLocust

    class Tasks(TaskSet):
        pass

    class Visitor({base}):
        {body}
"""


@pytest.mark.parametrize(
    ("base", "body", "answers"),
    [
        ("HttpLocust", "pass", ["class Visitor(HttpUser)"]),
        ("Locust", "pass", ["class Visitor(User)"]),
        ("FastHttpLocust", "pass", ["class Visitor(FastHttpUser)"]),
        ("HttpLocust", "task_set = Tasks", ["class Visitor(HttpUser)", "tasks = [Tasks] for task_set"]),
        ("HttpLocust", "min_wait = 500; max_wait = 1500", ["wait_time = between(0.5, 1.5) for min_wait and max_wait"]),
        ("HttpLocust", "min_wait = 2000", ["wait_time = between(2, 2)"]),
    ],
)
def test_a_class_for_an_old_locust_is_answered(base: str, body: str, answers: list[str], run_script: Script) -> None:
    done = run_script(OLD_CLASS.format(base=base, body=body), check=False)
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert told.startswith(f"ImportError: {base}, which __main__.Visitor derives from, was dropped by Locust 1.0.")
    for answer in answers:
        assert answer in told


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("from locust import seq_task", "derive from SequentialTaskSet"),
        ("from locust import TaskSequence", "derive from SequentialTaskSet"),
        ("from locust.stats import median_from_dict", "median_response_time"),
        ("from locust.stats import response_time_histogram", "cannot import name"),
        ("from locust import NoSuchName", "cannot import name 'NoSuchName'"),
    ],
)
def test_a_name_that_is_gone_is_answered(statement: str, answer: str, run_script: Script) -> None:
    done = run_script(statement, check=False)
    assert done.returncode == 1
    assert answer in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ("request_success", "request"),
        ("request_failure", "request"),
        ("hatch_complete", "spawning_complete"),
        ("locust_error", "user_error"),
        ("slave_report", "worker_report"),
        ("test_strat", "test_start"),
    ],
)
def test_an_event_that_is_gone_is_answered(event: str, answer: str, run_script: Script) -> None:
    done = run_script(f"from locust import events; events.{event}.add_listener(print)", check=False)
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert f"there is no event {event!r}" in told
    assert answer in told
