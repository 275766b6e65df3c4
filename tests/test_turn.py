"""Long work gives others their turn, those that wait for time to pass included."""

import time

import gevent

from gregaria.turn import give_turn


def test_who_waits_for_a_timer_has_a_turn_each_time() -> None:
    turns = 0

    def wait() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0.0001)
            turns += 1

    waiting = gevent.spawn(wait)
    gevent.sleep(0)
    for _ in range(20):
        until_s = time.perf_counter() + 0.001
        while time.perf_counter() < until_s:
            pass
        give_turn()
    waiting.kill()
    # With gevent.sleep(0) there are none before fifty.
    assert turns >= 10
