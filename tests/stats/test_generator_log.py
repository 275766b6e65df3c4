from itertools import pairwise

import pytest

from gregaria.settings import settings
from gregaria.stats.generator import HoldUp
from gregaria.stats.generator_log import GeneratorLog
from tests.stats.generator_lines import COMPUTE, late_log, second, verdict


def test_a_log_that_nobody_wrote_to_has_nothing_to_say() -> None:
    assert GeneratorLog().freeze(0, None) is None


def test_a_late_second_is_known_at_once_with_the_most_it_was_late_by() -> None:
    log = GeneratorLog()
    log.add_late(100.9, 102.1, 1_200_000)
    log.add_late(102.5, 102.6, 60_000)
    assert [log.late_us(each) for each in range(99, 104)] == [0, 1_200_000, 1_200_000, 1_200_000, 0]
    found = log.freeze(0, None)
    assert found is not None
    assert (found.num_late_seconds, found.longest_delay_us) == (3, 1_200_000)


def test_a_long_run_is_thinned_out_but_its_late_seconds_stay() -> None:
    settings.max_history_points = 100
    log = GeneratorLog()
    late = {1_700_000_000 + number for number in (7, 1234, 4999)}
    for number in range(1, 5001):
        epoch_s = 1_700_000_000 + number
        if epoch_s in late:
            log.add_late(epoch_s, epoch_s, 80_000)
        log.add_second(second(number, is_late=epoch_s in late))
    found = log.freeze(0, None)
    assert found is not None
    assert found.seconds_watched == 5000
    assert len(found.seconds) <= 101
    assert {each.epoch_s for each in found.seconds if each.is_late} == late
    assert {each.epoch_s for each in found.late_seconds} == late
    steps = {b.number - a.number for a, b in pairwise(found.seconds)}
    assert max(steps) == 64, "what is left is spread evenly"


def test_memory_is_bounded_even_if_every_second_is_late() -> None:
    settings.max_history_points = 100
    log = GeneratorLog()
    for number in range(1, 10_001):
        log.add_late(number, number, 50_000 + number)
        log.add_second(second(number, is_late=True))
        log.add_hold_up(HoldUp("task", f"task Visitor.task_{number}"), 50_000)
        log.add_look(HoldUp("task", f"task Visitor.task_{number}"))
    found = log.freeze(0, None)
    assert found is not None
    assert found.num_late_seconds == 10_000
    assert len(found.late_seconds) == 3600
    assert found.late_seconds[-1].epoch_s == 10_000, "the latest are there for the reports to mark"
    assert len(found.seconds) <= 101
    assert len(found.causes) == 51
    assert sum(cause.count for cause in found.causes) == 10_000


def test_a_computer_that_slept_for_a_week_is_no_week_of_work() -> None:
    log = GeneratorLog()
    log.add_late(0, 7 * 86400, 7 * 86400_000_000)
    found = log.freeze(0, None)
    assert found is not None
    assert found.late_seconds[-1].epoch_s == 7 * 86400
    assert len(found.late_seconds) == 3600


def test_one_task_is_one_cause_at_whatever_line_it_was_seen() -> None:
    log = GeneratorLog()
    log.add_hold_up(COMPUTE, 100_000)
    cause = log.add_hold_up(HoldUp("task", "task Checkout.compute", "", "locustfile.py", 43), 1_300_000)
    assert (cause.count, cause.total_us, cause.longest_us) == (2, 1_400_000, 1_300_000)
    assert (
        cause.sentence
        == "task Checkout.compute (locustfile.py:41) held up all users 2 times, for 1,300 ms at most, 1.4 s in all"
    )


def test_a_cleared_log_begins_anew() -> None:
    log = late_log()
    log.clear()
    assert log.is_empty
    log.add_second(second())
    assert verdict(log)[0]


@pytest.mark.parametrize(
    "after_s, until_s, most_us",
    [(0, 1_700_000_010, 0), (1_700_000_010.5, 1_700_000_011, 212_000), (1_700_000_012, 1_700_000_013, 211_998)],
)
def test_how_late_it_was_in_a_span_of_time(after_s: float, until_s: float, most_us: int) -> None:
    found = late_log().freeze(0, None)
    assert found is not None
    assert found.late_between(after_s, until_s) == most_us
