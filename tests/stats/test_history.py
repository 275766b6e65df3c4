import pytest

from gregaria.settings import settings
from gregaria.stats.history import History
from gregaria.stats.summary import HistoryPoint


def point(epoch_s: float) -> HistoryPoint:
    return HistoryPoint(epoch_s, 1, 10.0, 0.0, 1000.0, {0.5: 900}, 10, 0)


@pytest.fixture
def history() -> History:
    settings.history_stats_interval_s = 5
    settings.max_history_points = 8
    return History()


def test_a_point_is_added_once_per_interval(history: History) -> None:
    added = [history.add(point(1000 + second)) for second in range(11)]
    assert [second for second, was_added in enumerate(added) if was_added] == [0, 3, 6, 9]
    assert [history.add(point(2000.0 + second * 5 + (second % 2) * 0.2)) for second in range(3)] == [True] * 3


def test_a_full_history_is_thinned_and_goes_on_with_twice_the_interval(history: History) -> None:
    for number in range(100):
        history.add(point(number * 5.0))
    times = [each.epoch_s for each in history]
    assert len(history) <= 8
    assert history.interval_s == 80
    assert times == [number * 80.0 for number in range(len(times))]
    assert times[-1] >= 400
    assert history[0].epoch_s == 0


def test_the_last_point_of_a_run_can_be_forced(history: History) -> None:
    history.add(point(1000.0))
    assert not history.add(point(1000.5))
    assert history.add(point(1001.0), force=True)
    assert len(history) == 2


def test_a_clock_that_is_set_back_does_not_end_the_history(history: History) -> None:
    history.add(point(5000.0))
    assert history.add(point(1000.0))


def test_a_cleared_history_begins_anew(history: History) -> None:
    for number in range(20):
        history.add(point(number * 5.0))
    history.clear()
    assert (len(history), history.interval_s) == (0, 5)
