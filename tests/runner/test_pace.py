import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.runner.pace import Pace, users_due, users_per_step


def test_high_rates_take_a_hundred_steps_a_second() -> None:
    assert [users_per_step(rate) for rate in (0.1, 1, 100, 149, 1000, 12345)] == [1, 1, 1, 1, 10, 123]


def test_a_due_moment_is_not_missed_by_rounding() -> None:
    for rate in (3, 7, 0.3, 99.9):
        assert all(users_due(user / rate, rate) == user + 1 for user in range(1000))


def steps_of(pace: Pace, users: int) -> list[tuple[float, int]]:
    """(moment, users that have come by then) of every step, on time."""
    done, steps = 0, []
    while done < users:
        moment_s = pace.next_step_s(done)
        done = pace.users_at(moment_s, done)
        steps.append((moment_s, done))
    return steps


def test_long_steps_begin_at_multiples_of_their_length() -> None:
    assert [round(moment_s, 6) for moment_s, _ in steps_of(Pace(25, 0.1, 5), 25)] == [
        5 + step / 10 for step in range(10)
    ]


def test_at_slow_rates_each_user_has_a_step_of_its_own_at_its_very_moment() -> None:
    assert steps_of(Pace(4, 0.1, 0), 4) == [(0, 1), (0.25, 2), (0.5, 3), (0.75, 4)]


@given(st.floats(0.1, 20_000), st.sampled_from([0.01, 0.1]), st.integers(0, 20))
def test_every_second_has_as_many_users_as_the_rate_says(rate: float, step_s: float, second: int) -> None:
    steps = steps_of(Pace(rate, step_s, 0), round(rate * (second + 1)) + 1)
    came = [
        max((done for moment_s, done in steps if moment_s < end_s - 1e-6), default=0) for end_s in (second, second + 1)
    ]
    assert came[1] - came[0] == pytest.approx(rate, rel=0.05, abs=1)


@given(st.floats(0.1, 20_000), st.sampled_from([0.01, 0.1]), st.integers(0, 3000), st.floats(0, 3))
def test_after_a_late_step_nobody_is_late(rate: float, step_s: float, done: int, late_s: float) -> None:
    pace = Pace(rate, step_s, 0)
    now_s = pace.next_step_s(done) + late_s
    assert pace.users_at(now_s, done) >= max(done + 1, users_due(now_s, rate) - 1)
    assert pace.next_step_s(pace.users_at(now_s, done)) > now_s - 1e-6


def test_before_the_next_user_is_due_nobody_comes() -> None:
    for step_s in (0.01, 0.1):
        assert Pace(50, step_s, 10).users_at(9.5, 0) <= 0
        assert Pace(50, step_s, 10).users_at(10.001, 5) == 5
