import functools
import logging
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import gevent
import pytest

from gregaria.errors import StopTest
from gregaria.runner import shape as shape_module
from gregaria.runner.shape import LoadTestShape, Tick, follow, read_tick
from tests.runner.clock import JumpingClock
from tests.runner.conftest import MakeRunner
from tests.runner.crowd import Idler, Sleeper


class FollowingRunner:
    """Notes what a shape makes of a runner."""

    environment = None
    user_count = 7

    def __init__(self, start_takes_s: float = 0, clock: JumpingClock | None = None) -> None:
        self.shape_last_tick: Tick | None = None
        self.started: list[tuple[float, int, float]] = []
        self.reasons: list[str] = []
        self.exceptions: list[str] = []
        self.clock = clock or JumpingClock()
        self.start_takes_s = start_takes_s

    def start(self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Any = None) -> None:
        self.started.append((round(self.clock.now_s - 1000, 3), user_count, spawn_rate))
        self.clock.now_s += self.start_takes_s

    def stop_test(self, reason: str) -> None:
        self.reasons.append(reason)

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        self.exceptions.append(formatted_tb)


class Listed(LoadTestShape):
    """Ticks from a list."""

    abstract = True
    ticks: Any = ()

    def __init__(self) -> None:
        self.left = list(self.ticks)

    def tick(self) -> Any:
        answer = self.left.pop(0) if self.left else None
        if isinstance(answer, BaseException):
            raise answer
        return answer


def followed(*ticks: Any, start_takes_s: float = 0) -> FollowingRunner:
    runner = FollowingRunner(start_takes_s)
    shape = type("Listed1", (Listed,), {"ticks": ticks})()
    follow(shape, runner, now=runner.clock.now, sleep=runner.clock.sleep)
    return runner


def test_only_the_base_and_those_that_say_so_are_abstract() -> None:
    class Parent(LoadTestShape):
        abstract = True

    class Child(Parent): ...

    assert (LoadTestShape.abstract, Parent.abstract, Child.abstract) == (True, True, False)
    assert not Child.use_common_options


def test_a_shape_is_asked_once_a_second_and_only_a_change_starts_something() -> None:
    runner = followed((1, 1), (1, 1), (5, 2), (5, 2), (5, 3))
    assert runner.started == [(0, 1, 1), (2, 5, 2), (4, 5, 3)]
    assert runner.clock.now_s == 1005
    assert "has come to its end" in runner.reasons[0]
    assert not runner.exceptions


def test_ticks_stay_at_whole_seconds_however_long_one_takes() -> None:
    runner = followed((1, 1), (2, 1), (3, 1), start_takes_s=1.3)
    assert runner.started == [(0, 1, 1), (2, 2, 1), (4, 3, 1)]


def test_stop_test_in_a_tick_is_an_end_and_no_mistake() -> None:
    runner = followed((1, 1), StopTest("seen enough"))
    assert runner.reasons == ["seen enough"]
    assert not runner.exceptions


def test_a_tick_that_raises_ends_the_test_with_file_and_line(caplog: pytest.LogCaptureFixture) -> None:
    runner = followed((1, 1), ZeroDivisionError("oops"))
    assert len(runner.reasons) == len(runner.exceptions) == 1
    assert "ZeroDivisionError" in runner.exceptions[0]
    assert "test_shape.py:" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [5, "ab", (1,), (1, 2, 3, 4), ("1", 2), (1, float("nan")), (float("inf"), 1), (1, 1, Idler), (1, 1, ["Idler"])],
)
def test_a_tick_that_makes_no_sense_is_shown_as_it_came(answer: Any) -> None:
    with pytest.raises(ValueError, match=r"tick\(\) returned"):
        read_tick(answer)


def test_a_tick_may_have_two_or_three_values_and_a_float_for_the_users() -> None:
    assert read_tick((9.6, 0.5)) == (10, 0.5, None)
    assert read_tick([3, 1, None]) == (3, 1, None)
    assert read_tick((3, 1, [Idler])) == (3, 1, (Idler,))
    assert read_tick((Fraction(19, 2), Fraction(1, 2))) == (10, 0.5, None)
    assert read_tick(None) is None


def test_a_tick_that_is_no_plain_function_may_raise_too(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(LoadTestShape):
        tick = functools.partial(divmod, 1, 0)

    runner = FollowingRunner()
    follow(Odd(), runner)
    assert len(runner.reasons) == len(runner.exceptions) == 1
    assert "test_shape.py:" in caplog.text


def test_run_time_counts_from_the_reset_even_without_the_base_constructor(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = JumpingClock()
    monkeypatch.setattr(shape_module.time, "perf_counter", clock.now)
    shape = Listed()
    assert shape.get_run_time() == 0
    clock.now_s += 2.5
    assert shape.get_run_time() == 2.5
    shape.reset_time()
    assert shape.get_run_time() == 0


def test_a_shape_knows_the_number_of_users() -> None:
    shape = Listed()
    assert shape.get_current_user_count() == 0
    shape.runner = FollowingRunner()
    assert shape.get_current_user_count() == 7


def test_a_shape_without_tick_says_what_is_missing() -> None:
    class Nothing(LoadTestShape): ...

    with pytest.raises(NotImplementedError, match="Nothing needs a method tick"):
        Nothing().tick()


# -- with a real runner --------------------------------------------------------------------------------------------


def test_a_run_follows_its_shape_to_the_end(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shape_module, "TICK_S", 0.02)
    caplog.set_level(logging.INFO)
    seen: list[tuple[int, dict[str, int]]] = []

    class Stages(LoadTestShape):
        stages = [(4, 1000, [Idler]), (6, 1000, [Sleeper]), (2, 1000, None), (0, 1000)]

        def tick(self) -> Any:
            assert self.runner is not None
            seen.append((self.get_current_user_count(), dict(self.runner.user_classes_count)))  # type: ignore[attr-defined]
            return self.stages[len(seen) // 5] if len(seen) // 5 < len(self.stages) else None

    runner = make_runner(Idler, Sleeper, shape_class=Stages())
    runner.start_shape()
    assert runner.greenlet.join(timeout=10)
    assert seen[4] == (4, {"Idler": 4, "Sleeper": 0})
    assert seen[9] == (6, {"Idler": 0, "Sleeper": 6})
    assert seen[14] == (2, {"Idler": 1, "Sleeper": 1})
    assert seen[19] == (0, {"Idler": 0, "Sleeper": 0})
    assert runner.state == "stopped"


def test_the_run_time_holds_with_a_shape_too(make_runner: MakeRunner) -> None:
    class Endless(LoadTestShape):
        use_common_options = True

        def tick(self) -> Any:
            return 2, 1000

    runner = make_runner(Idler, shape_class=Endless())
    began_s = time.monotonic()
    runner.stop_after(0.1)
    runner.start_shape()
    assert runner.greenlet.join(timeout=5)
    assert 0.1 <= time.monotonic() - began_s < 2


def test_the_shapes_time_begins_after_the_listeners_of_test_start(make_runner: MakeRunner) -> None:
    times: list[float] = []

    class Clocked(LoadTestShape):
        def tick(self) -> Any:
            times.append(self.get_run_time())

    runner = make_runner(Idler, shape_class=Clocked())
    runner.environment.events.test_start.add_listener(lambda **_: gevent.sleep(0.6))
    runner.start_shape()
    runner.greenlet.join(timeout=5)
    assert times[0] < 0.5


def test_stages_with_classes_that_are_not_part_of_the_run_end_it(
    make_runner: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    class Stranger(LoadTestShape):
        def tick(self) -> Any:
            return 2, 1, [Sleeper]

    runner = make_runner(Idler, shape_class=Stranger())
    runner.start_shape()
    assert runner.greenlet.join(timeout=5)
    assert "Sleeper" in caplog.text
    assert len(runner.exceptions) == 1


def test_stopping_at_once_after_the_start_of_a_shape_is_an_end(make_runner: MakeRunner) -> None:
    class Endless(LoadTestShape):
        def tick(self) -> Any:
            return 2, 1000

    runner = make_runner(Idler, shape_class=Endless())
    runner.start_shape()
    runner.stop()
    gevent.sleep(0.02)
    assert (runner.state, runner.user_count) == ("stopped", 0)


def test_following_a_shape_needs_one(make_runner: MakeRunner) -> None:
    with pytest.raises(ValueError, match="shape_class"):
        make_runner(Idler).start_shape()


def test_a_shape_is_followed_once_however_often_it_is_started(
    make_runner: MakeRunner, eventually: Callable[[Callable[[], Any]], None]
) -> None:
    ticks: list[int] = []

    class Counted(LoadTestShape):
        def tick(self) -> Any:
            ticks.append(1)
            return 1, 100

    runner = make_runner(Idler, shape_class=Counted())
    runner.start_shape()
    runner.start_shape()
    eventually(lambda: runner.user_count == 1)
    assert len(ticks) == 1
