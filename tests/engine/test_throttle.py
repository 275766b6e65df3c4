"""How many requests may be started in a second: evenly, in the order of asking, and never more."""

import bisect
from collections.abc import Callable
from itertools import pairwise

import gevent
import pytest

from gregaria.engine.clock import now_us
from gregaria.engine.gate import Gate
from gregaria.engine.throttle import Throttle

#: lateness that is made up for, as part of a second
MADE_UP = 0.02


def throttle_of(rate: float | None) -> Throttle:
    throttle = Throttle()
    throttle.rate = rate
    return throttle


def starts_of(
    throttle: Throttle, num_users: int, seconds: float, act: Callable[[], object] = lambda: None
) -> list[int]:
    """When requests of so many users were started, in some more than so many seconds where the machine is busy."""
    starts: list[int] = []

    def live() -> None:
        while True:
            throttle.take()
            starts.append(now_us())
            act()
            gevent.sleep(0)

    users = [gevent.spawn(live) for _ in range(num_users)]
    gevent.sleep(seconds)
    gevent.killall(users)
    return starts


def fullest(starts: list[int], window_us: int) -> int:
    """The most starts in any stretch of that length."""
    return max(bisect.bisect_left(starts, start + window_us) - place for place, start in enumerate(starts))


def span_s(starts: list[int]) -> float:
    return (starts[-1] - starts[0]) / 1e6


def missed_s(starts: list[int], rate: float) -> float:
    """The time that was lost while the machine or the loop was busy elsewhere: lateness beyond what is made up for."""
    most = max(MADE_UP, 1 / rate)
    late = missed = 0.0
    for before, after in pairwise(starts):
        late = max(0.0, late + (after - before) / 1e6 - 1 / rate)
        missed += max(0.0, late - most)
        late = min(late, most)
    return missed


@pytest.mark.parametrize(("rate", "num_users"), [(20.0, 3), (333.0, 40), (2000.0, 100)])
def test_the_rate_is_kept_and_no_second_has_more(rate: float, num_users: int) -> None:
    starts = starts_of(throttle_of(rate), num_users, 3)
    made_up = max(MADE_UP, 1 / rate)
    assert len(starts) <= rate * (span_s(starts) + made_up) + 1
    assert len(starts) >= 0.98 * rate * (span_s(starts) - missed_s(starts, rate))
    assert fullest(starts, 1_000_000) <= rate * (1 + made_up) + 1
    assert fullest(starts, 100_000) <= rate * (0.1 + made_up) + 1


def test_what_nobody_wanted_is_not_made_up_for() -> None:
    throttle = throttle_of(50)
    throttle.take()
    gevent.sleep(0.5)
    assert fullest(starts_of(throttle, 20, 0.3), 100_000) <= 50 * (0.1 + MADE_UP) + 1


def test_turns_are_taken_in_the_order_of_asking() -> None:
    throttle = throttle_of(200)
    order: list[int] = []

    def live(number: int) -> None:
        throttle.take()
        order.append(number)

    gevent.joinall([gevent.spawn(live, number) for number in range(20)], timeout=10)
    assert order == list(range(20))
    assert (throttle.started, throttle.waited, throttle.waiting) == (20, 19, 0)


def test_whoever_waits_can_be_ended_and_takes_nobodys_turn() -> None:
    throttle = throttle_of(0)
    users = [gevent.spawn(throttle.take) for _ in range(5)]
    gevent.sleep(0)
    assert throttle.waiting == 5
    gevent.killall(users[:4], timeout=5)
    assert (throttle.waiting, throttle.started) == (1, 0)
    throttle.rate = 1
    users[4].join(timeout=5)
    assert users[4].ready()
    assert throttle.started == 1


def test_a_change_of_the_rate_is_followed_at_once() -> None:
    throttle = throttle_of(0.01)
    throttle.take()
    waiting = [gevent.spawn(throttle.take) for _ in range(3)]
    gevent.sleep(0)
    throttle.rate = 1000
    gevent.joinall(waiting, timeout=5)
    assert all(user.ready() for user in waiting)
    throttle.rate = 0
    held = gevent.spawn(throttle.take)
    gevent.sleep(0.05)
    assert not held.ready()
    throttle.rate = None
    held.join(timeout=5)
    assert held.ready()


def test_steps_that_cannot_wait_are_waited_for_by_others() -> None:
    throttle = throttle_of(100)
    starts = starts_of(throttle, 5, 1, act=lambda: (throttle.owe(), throttle.owe(), throttle.owe()))
    # One may have got its turn, and have been ended before it took it.
    assert throttle.started - 4 * len(starts) in (0, 1)
    assert len(starts) <= 25 * (span_s(starts) + MADE_UP) + 2


@pytest.mark.parametrize("rate", [-1, float("inf"), float("nan")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="from 0 on"):
        throttle_of(rate)


def test_a_gate_that_was_closed_while_a_turn_was_waited_for_lets_nobody_pass() -> None:
    gate = Gate()
    gate.throttle = throttle_of(0)
    user = gevent.spawn(gate.begin)
    gevent.sleep(0)
    gate.close()
    gate.throttle.rate = None
    user.join(timeout=5)
    assert isinstance(user.value, gevent.GreenletExit)


def test_a_gate_that_is_held_costs_a_turn() -> None:
    gate = Gate()
    gate.throttle = throttle_of(0)
    user = gevent.spawn(gate.begin)
    gevent.sleep(0)
    gate.hold()
    gate.throttle.rate = 1000
    gevent.sleep(0.02)
    assert not user.ready()
    gate.release()
    user.join(timeout=5)
    assert (user.ready(), gate.throttle.started) == (True, 2)
