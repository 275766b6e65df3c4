import time

import pytest

from gregaria.engine import clock


def test_the_clock_never_goes_back_and_counts_microseconds() -> None:
    before = time.monotonic()
    moments = [clock.now_us() for _ in range(1000)]
    elapsed_us = (time.monotonic() - before) * 1e6
    assert moments == sorted(moments)
    assert 0 <= moments[-1] - moments[0] <= elapsed_us + 1


def test_a_moment_has_a_time_of_day() -> None:
    assert clock.epoch_us() / 1e6 == pytest.approx(time.time(), abs=0.05)
    now_us = clock.now_us()
    assert clock.epoch_us_of(now_us) - clock.epoch_us_of(now_us - 5_000_000) == pytest.approx(5_000_000, abs=1000)
