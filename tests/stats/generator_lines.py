"""Seconds and logs of a generator, as it would have observed them."""

from typing import Any

from gregaria.stats.generator import HoldUp, Second
from gregaria.stats.generator_log import GeneratorLog

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
