import pytest

from gregaria.engine import clock

SECOND = 1_000_000


@pytest.fixture
def second_us() -> int:
    """A monotonic moment just after a wall-clock second has begun, an hour from now."""
    epoch_us = clock.epoch_us() + 3600 * SECOND
    return clock.now_us() + 3600 * SECOND - epoch_us % SECOND + 2000
