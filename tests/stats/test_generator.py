from itertools import pairwise
from typing import Any

import pytest

from gregaria.settings import settings
from gregaria.stats.generator import GeneratorLog, HoldUp, Second

COMPUTE = HoldUp("task", "task Checkout.compute", "Use gregaria.offload().", "locustfile.py", 41)


def second(number: int = 1, **given: Any) -> Second:
    values: dict[str, Any] = {
        "epoch_s": 1_700_000_000 + number,
        "delay_us": 3_100,
        "cpu_percent": 20.0,
        "core_percent": 30.0,
        "machine_percent": 25.0,
        "starved_us": 0,
        "memory_bytes": 50_000_000,
        "collections": 0,
        "collecting_us": 0,
        "longest_collection_us": 0,
        "descriptors": 12,
        "descriptor_limit": 1024,
        "is_late": False,
    }
    return Second(number, **(values | given))


def late_log(seconds: int = 60, late: int = 3) -> GeneratorLog:
    """A minute in which a task has held up the loop three times, for 212 ms at most."""
    log = GeneratorLog()
    for number in range(late):
        start_s = 1_700_000_010.3 + number
        log.add_late(start_s, start_s + 0.2, 212_000 - number)
        log.add_hold_up(COMPUTE, 212_000 - number)
    for number in range(1, seconds + 1):
        late_us = log.late_us(1_700_000_000 + number)
        log.add_second(second(number, delay_us=max(late_us, 3_100), is_late=late_us > 0))
    return log


def verdict(log: GeneratorLog, num_requests: int = 1000, num_late: int | None = None) -> tuple[bool, str]:
    found = log.freeze(num_requests, num_late)
    assert found is not None
    return found.verdict.is_trusted, found.verdict.sentence


# What is kept


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


# The verdict


def test_a_generator_that_kept_up_is_trusted_and_says_how_well_it_did() -> None:
    assert verdict(late_log(late=0)) == (
        True,
        "The generator kept up, it was never late by more than 3.1 ms: the percentiles are the target's.",
    )


def test_late_seconds_are_not_trusted_and_the_task_is_named() -> None:
    trusted, sentence = verdict(late_log())
    assert not trusted
    assert sentence == (
        "Do not trust the percentiles of 3 of 60 seconds: the generator was late by up to 212 ms, as task "
        "Checkout.compute (locustfile.py:41) held up all users 3 times, for 212 ms at most, 636 ms in all. "
        "Use gregaria.offload()."
    )


def test_with_the_kernels_stamps_late_seconds_do_no_harm() -> None:
    trusted, sentence = verdict(late_log(late=1), num_late=0)
    assert trusted
    assert sentence.startswith("In 1 of 60 seconds the generator was late by up to 212 ms, as task Checkout.compute")
    assert "stamps have corrected the response times: the percentiles are the target's." in sentence


def test_requests_without_a_stamp_are_counted_in_the_sentence() -> None:
    trusted, sentence = verdict(late_log(), num_requests=2000, num_late=37)
    assert not trusted
    assert sentence.startswith("Do not trust 37 response times of 2,000 (1.85%): in 3 of 60 seconds the generator")


def test_a_handful_among_very_many_moves_no_percentile() -> None:
    trusted, sentence = verdict(late_log(), num_requests=1_000_000, num_late=37)
    assert trusted
    assert "have corrected all but 37 of 1,000,000 response times: the percentiles are the target's." in sentence


@pytest.mark.parametrize(
    "duration_us, now_us, is_late",
    [
        (5_000, 9_020_000, False),  # after the hold-up, and begun after it
        (5_000, 9_004_000, True),  # begun during it
        (400_000, 9_300_000, True),
        (5_000, 9_351_000, True),  # the loop has not turned for longer than the limit
    ],
)
def test_a_request_that_the_engine_has_not_timed_is_in_doubt_if_the_loop_was_held_up(
    duration_us: int, now_us: int, is_late: bool
) -> None:
    log = late_log()
    log.add_call(duration_us, now_us)
    assert log.freeze(1000, 0).num_late_requests == 0, "nobody watches"  # type: ignore[union-attr]
    log.turned_us, log.late_until_us = 9_300_000, 9_000_000
    log.add_call(duration_us, now_us)
    found = log.freeze(1000, 0)
    assert found is not None
    assert found.num_late_requests == int(is_late)


def test_the_cause_of_most_is_not_said_to_be_that_of_all() -> None:
    log = late_log()
    log.add_hold_up(HoldUp("garbage", "garbage collection"), 60_000)
    assert "late by up to 212 ms, mostly as task Checkout.compute" in verdict(log)[1]


def test_a_busy_process_is_told_with_what_it_was_busy_with() -> None:
    log = GeneratorLog()
    for number in range(1, 11):
        log.add_second(second(number, cpu_percent=98.4))
    for number in range(100):
        log.add_look(COMPUTE if number < 71 else None)
    trusted, sentence = verdict(log)
    assert trusted
    assert sentence == (
        "The generator kept up, it was never late by more than 3.1 ms, but the process used up to 98 % of a core in "
        "10 of 10 seconds, 71% of it in task Checkout.compute (locustfile.py:41): the rate is what it could do, not "
        "what the target can."
    )


def test_code_that_a_busy_process_was_rarely_seen_at_is_not_named() -> None:
    log = GeneratorLog()
    log.add_second(second(cpu_percent=99.0))
    for number in range(100):
        log.add_look(COMPUTE if number < 10 else None)
    assert "compute" not in verdict(log)[1]


def test_a_run_without_requests_has_no_percentiles_to_distrust() -> None:
    trusted, sentence = verdict(late_log(), num_requests=0)
    assert trusted
    assert sentence.startswith("There are no percentiles to trust; in 3 of 60 seconds the generator was late")
