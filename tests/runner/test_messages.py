from typing import Any

import gevent
import pytest

from gregaria.errors import StopTest
from gregaria.runner import messages as messages_module
from tests.runner.conftest import MakeRunner
from tests.runner.crowd import Idler


def test_the_listener_of_a_message_gets_the_environment_and_the_message(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    heard: list[Any] = []
    runner.register_message("greet", lambda environment, msg, **_: heard.append((environment, msg)))
    runner.send_message("greet", {"name": "Ada"})
    ((environment, msg),) = heard
    assert environment is runner.environment
    assert (msg.type, msg.data, msg.node_id) == ("greet", {"name": "Ada"}, runner.client_id)
    assert set(runner.custom_messages) == {"greet"}


def test_listeners_can_answer_with_messages(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    thanks: list[str] = []
    runner.register_message("users", lambda environment, msg: environment.runner.send_message("thanks", msg.data))
    runner.register_message("thanks", lambda environment, msg: thanks.append(msg.data))
    for client in runner.clients:
        runner.send_message("users", "42", client)
    assert thanks == ["42"]


@pytest.mark.parametrize("concurrent", [False, True])
def test_messages_sent_in_test_start_are_handled_before_the_first_user_starts(
    make_runner: MakeRunner, concurrent: bool
) -> None:
    course: list[str] = []

    class Reader(Idler):
        def on_start(self) -> None:
            course.append("user")

    def handle(environment: Any, msg: Any, **_: Any) -> None:
        gevent.sleep(0.03)
        course.append(msg.data)

    runner = make_runner(Reader)
    runner.register_message("data", handle, concurrent=concurrent)
    runner.environment.events.test_start.add_listener(lambda **_: runner.send_message("data", "handled"))
    runner.start(1, 1000, wait=True)
    gevent.sleep(0.02)
    assert course == ["handled", "user"]


def test_a_concurrent_listener_does_not_hold_up_the_sender(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    course: list[str] = []
    runner.register_message("x", lambda environment, msg: course.append("heard"), concurrent=True)
    runner.send_message("x")
    course.append("sent")
    gevent.sleep(0.01)
    assert course == ["sent", "heard"]


def test_a_concurrent_listener_that_never_ends_does_not_hold_up_the_test_for_ever(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(messages_module, "PATIENCE_S", 0.02)
    runner = make_runner(Idler)
    runner.register_message("x", lambda environment, msg: gevent.sleep(60), concurrent=True)
    runner.send_message("x")
    runner.start(1, 1000, wait=True)
    assert runner.user_count == 1
    assert "at work" in caplog.text


def test_a_message_that_nobody_listens_for_is_named_once(
    make_runner: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    runner = make_runner(Idler)
    runner.send_message("lost", 1)
    runner.send_message("lost", 2)
    assert caplog.text.count("A message of type 'lost'") == 1


def test_a_type_has_one_listener(make_runner: MakeRunner) -> None:
    runner = make_runner(Idler)
    runner.register_message("x", print)
    with pytest.raises(ValueError, match="'x'"):
        runner.register_message("x", print)


def test_a_listener_that_raises_is_logged(make_runner: MakeRunner, caplog: pytest.LogCaptureFixture) -> None:
    def fail(environment: Any, msg: Any) -> None:
        raise RuntimeError("broken listener")

    runner = make_runner(Idler)
    runner.register_message("x", fail)
    runner.send_message("x")
    assert "broken listener" in caplog.text


def test_a_listener_can_end_the_test(make_runner: MakeRunner) -> None:
    def end(environment: Any, msg: Any) -> None:
        raise StopTest

    runner = make_runner(Idler)
    runner.register_message("x", end, concurrent=True)
    runner.start(1, 1000, wait=True)
    runner.send_message("x")
    assert runner.greenlet.join(timeout=5)
