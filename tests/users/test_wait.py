import random
import statistics
import time
from itertools import pairwise
from typing import Any

import pytest

from gregaria.users.taskset import TaskSet
from gregaria.users.user import User
from gregaria.users.wait import (
    NO_WAIT,
    Pacing,
    between,
    constant,
    constant_pacing,
    constant_throughput,
    poisson,
)
from tests.support.clock import JumpingClock
from tests.support.environments import QuietEnvironment


def paced_user(clock: JumpingClock, pacing: Pacing) -> User:
    """A user that is made at the clock's time."""
    user_class = type("PacedUser", (User,), {"wait_time": pacing})
    user = user_class(QuietEnvironment())
    user._cp_last_run = clock()
    return user


def live_on(clock: JumpingClock, user: User, task_s: float, starts: list[float]) -> None:
    """Begin a task now, and from then on one after each wait."""

    def begin_task() -> None:
        starts.append(clock())
        clock.call_at(clock() + task_s, end_task)

    def end_task() -> None:
        clock.call_at(clock() + user.wait_time(), begin_task)

    begin_task()


def test_between_stays_between_and_reaches_both_ends() -> None:
    wait = between(2, 4)
    seconds = [wait(None) for _ in range(2000)]
    assert 2 <= min(seconds) < 2.05
    assert 3.95 < max(seconds) < 4


def test_constant_is_constant_and_nothing_is_recognised() -> None:
    assert constant(3.5)(None) == 3.5
    assert constant(0) is NO_WAIT
    assert constant(0.0)(None) == 0


def test_no_wait_can_be_called_bound_and_unbound() -> None:
    class Hasty(User):
        wait_time = constant(0)

    hasty = Hasty(QuietEnvironment())
    assert hasty.wait_time() == 0
    assert Hasty.wait_time(hasty) == 0


def test_poisson_waits_the_inverse_of_its_rate_on_average() -> None:
    random.seed(7)
    wait = poisson(4)
    seconds = [wait(None) for _ in range(20_000)]
    assert statistics.mean(seconds) == pytest.approx(0.25, rel=0.03)
    # An exponential distribution's standard deviation is its mean.
    assert statistics.stdev(seconds) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("make", [constant_throughput, poisson])
@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_be_above_zero(make: Any, rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        make(rate)


@pytest.mark.parametrize("make", [constant, constant_pacing, constant_throughput, poisson, lambda x: between(1, x)])
@pytest.mark.parametrize("text", ["5", None])
def test_a_wait_that_is_not_a_number_is_refused_where_it_is_written(make: Any, text: Any) -> None:
    with pytest.raises(TypeError, match="give a number"):
        make(text)


def test_pacing_starts_a_task_per_period_whatever_the_task_takes() -> None:
    clock = JumpingClock(100)
    starts: list[float] = []
    live_on(clock, paced_user(clock, Pacing(2, clock)), 0.7, starts)
    clock.run_until(109)
    assert starts == pytest.approx([100, 102, 104, 106, 108])


def test_pacing_does_not_catch_up_after_a_task_that_took_too_long() -> None:
    clock = JumpingClock()
    user = paced_user(clock, Pacing(2, clock))
    clock.advance(7)
    assert user.wait_time() == 0
    clock.advance(0.5)
    assert user.wait_time() == pytest.approx(1.5)
    clock.advance(1.5)
    assert user.wait_time() == pytest.approx(2)


def test_throughput_is_pacing_by_the_inverse() -> None:
    throughput: Any = constant_throughput(4)
    assert throughput.period_s == 0.25


def test_a_pacing_of_zero_never_waits() -> None:
    assert constant_pacing(0)(None) == 0


def test_pacing_measures_with_the_monotonic_clock_from_the_making_of_the_user() -> None:
    class Paced(User):
        wait_time = constant_pacing(1000)

    user = Paced(QuietEnvironment())
    user._cp_last_run = time.perf_counter() - 300
    assert 699 < user.wait_time() <= 700
    assert 699 < user._cp_last_wait_time <= 700


def test_one_user_alone_is_not_moved_even_when_its_first_task_took_too_long() -> None:
    clock = JumpingClock()
    user = paced_user(clock, Pacing(10, clock))
    clock.advance(12)
    assert user.wait_time() == 0


def test_users_started_together_get_a_longer_first_gap_and_the_period_from_then_on() -> None:
    clock = JumpingClock()
    pacing = Pacing(30, clock)
    starts: list[list[float]] = [[] for _ in range(20)]
    for of_user in starts:
        live_on(clock, paced_user(clock, pacing), 1.0, of_user)
    clock.run_until(200)
    for number, of_user in enumerate(starts):
        gaps = [later - earlier for earlier, later in pairwise(of_user)]
        assert 30 - 1e-6 <= gaps[0] < 60
        assert gaps[1:] == pytest.approx([30] * len(gaps[1:]))
        assert of_user[1] % 30 == pytest.approx(number * 0.6180339887498949 % 1 * 30)


def test_a_later_user_whose_first_task_took_too_long_goes_to_its_phase() -> None:
    clock = JumpingClock()
    pacing = Pacing(10, clock)
    paced_user(clock, pacing).wait_time()
    late = paced_user(clock, pacing)
    clock.advance(25)
    assert clock() + late.wait_time() == pytest.approx(26.180339887)


@pytest.mark.parametrize("task_s", [0.02, 5])
def test_a_thousand_users_settle_to_an_even_rate_within_two_periods(task_s: float) -> None:
    clock = JumpingClock(1000)
    pacing = Pacing(30, clock)
    starts: list[float] = []

    def start_user() -> None:
        live_on(clock, paced_user(clock, pacing), task_s, starts)

    for number in range(1000):
        clock.call_at(1000 + number / 100, start_user)
    clock.run_until(1000 + 150)
    for first_second in (60, 90):
        per_second = [0] * 30
        for start in starts:
            second = int(start - 1000) - first_second
            if 0 <= second < 30:
                per_second[second] += 1
        assert sum(per_second) == 1000
        assert statistics.pstdev(per_second) / statistics.mean(per_second) < 0.1


def test_a_task_set_with_a_pacing_of_its_own_keeps_a_plain_one() -> None:
    clock = JumpingClock()
    pacing = Pacing(10, clock)
    task_set_class = type("PacedTasks", (TaskSet,), {"wait_time": pacing})
    for _ in range(3):
        task_set = task_set_class(paced_user(clock, Pacing(1, clock)))
        task_set._cp_last_run = clock()
        clock.advance(4)
        assert task_set.wait_time() == pytest.approx(6)
