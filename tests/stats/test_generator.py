import pytest

from gregaria.stats.generator import HoldUp
from gregaria.stats.generator_log import GeneratorLog
from tests.stats.generator_lines import COMPUTE, late_log, second, verdict


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
