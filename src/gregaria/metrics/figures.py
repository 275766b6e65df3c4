"""Our own metrics: what Prometheus is told of a test, in base units, under names that begin with ``gregaria_``."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import OTHER
from gregaria.metrics.family import Family, Sample, labels
from gregaria.metrics.rows import Row, rows_of
from gregaria.runner.state import STATE_MISSING, TRANSITIONS
from gregaria.runner.steering import SteeringRunner
from gregaria.stats.failures import FailureTable
from gregaria.stats.generator import Generator, is_saturated
from gregaria.stats.summary import told_name
from gregaria.version import VERSION

__all__ = ["BUCKETS_S", "counts_up_to_bounds", "error_class", "own_families", "workers_of"]

#: upper bounds of the histograms, in seconds: from a neighbour's cache to a browser's patience
BUCKETS_S = (
    *(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
)
#: percentiles of the last seconds of all requests
_FRACTIONS = (0.5, 0.95, 0.99)
#: seconds after which what the generator last saw of itself is no longer how it is
_FRESH_S = 5
_STATES = tuple(state for state in TRANSITIONS if state != STATE_MISSING)
_WORKER_STATES = ("ready", "spawning", "running", "cleanup", STATE_MISSING)
_RAISED = re.compile(r"([A-Za-z_]\w*)\(")
#: a bad status, as HttpUser and FastHttpUser tell it
_STATUS = re.compile(r"(?:HTTPError\(['\"](?=\d{3} )|LocustBadStatusCode\(code=)(\d{3})")


def own_families(environment: Any) -> Iterator[Family]:
    """All of them, of this moment.

    Args:
        environment: whose test it is.
    """
    stats, runner = environment.stats, environment.runner
    yield Family(
        "gregaria_info",
        "gauge",
        "Always 1; the labels tell the version and what is tested.",
        [("", labels(version=VERSION, host=environment.host or "", profile=environment.profile or ""), 1)],
    )
    if runner is not None:
        yield from _families_of_run(runner)
    yield from _families_of_requests(stats)
    yield from _families_of_trouble(stats, runner)
    generator = stats.generator.freeze(stats.num_requests, stats.recorder.total.num_late)
    if generator is not None:
        yield from _families_of_generator(generator, stats.recorder.total.num_generator_errors)


def workers_of(runner: Any) -> Sequence[Any]:
    """The workers of a master, those that are missing included; none of a runner that has none."""
    return runner.workers if isinstance(runner, SteeringRunner) else ()


def error_class(error: str) -> str:
    """What kind of failure a group is: ``HTTP 500`` of either client, an exception's name, ``response.failure``."""
    if error == OTHER:
        return OTHER
    if found := _STATUS.match(error):
        return f"HTTP {found[1]}"
    found = _RAISED.match(error)
    return found[1] if found else "response.failure"


def counts_up_to_bounds(times: Histogram) -> list[int]:
    """How many response times are within each bound of ``BUCKETS_S``."""
    return times.up_to(_LAST_BUCKETS)


def _families_of_run(runner: Any) -> Iterator[Family]:
    yield Family(
        "gregaria_state",
        "gauge",
        "1 for the state that the run is in, 0 for the others.",
        [("", labels(state=state), int(runner.state == state)) for state in _STATES],
    )
    if runner.test_started_epoch_s is not None:
        yield Family(
            "gregaria_test_start_time_seconds",
            "gauge",
            "When the current or last test began, in seconds since 1970. All counters begin anew with a test.",
            [("", "", runner.test_started_epoch_s)],
        )
    users = {user_class.__name__: 0 for user_class in runner.user_classes} | dict(runner.user_classes_count)
    yield Family(
        "gregaria_users",
        "gauge",
        "Users that there are, by class.",
        [("", labels(user_class=name), count) for name, count in users.items()],
    )
    yield Family("gregaria_users_target", "gauge", "Users that there shall be.", [("", "", runner.target_user_count)])
    workers = workers_of(runner)
    states = Counter(node.state for node in workers)
    yield Family(
        "gregaria_workers",
        "gauge",
        "Workers by state; all are 0 where users run in this process.",
        [("", labels(state=state), states[state]) for state in _WORKER_STATES],
    )
    if workers:
        # What a missing one used last is not what it uses.
        marked = [(labels(worker=node.id, host=node.host), node) for node in workers if node.state != STATE_MISSING]
        yield Family(
            "gregaria_worker_users",
            "gauge",
            "Users of a worker.",
            [("", mark, node.user_count) for mark, node in marked],
        )
        yield Family(
            "gregaria_worker_cpu_ratio",
            "gauge",
            "Share of a core that a worker's process uses.",
            [("", mark, node.cpu_usage / 100) for mark, node in marked],
        )
        yield Family(
            "gregaria_worker_memory_bytes",
            "gauge",
            "Resident memory of a worker's process.",
            [("", mark, node.memory_usage) for mark, node in marked],
        )


def _families_of_requests(stats: Any) -> Iterator[Family]:
    rows = rows_of(stats)
    yield Family(
        "gregaria_requests",
        "counter",
        f"Requests by method and name; beyond settings.max_names further names are counted as {OTHER}.",
        (("", mark, entry.num_requests) for mark, entry in rows),
    )
    yield Family(
        "gregaria_failures",
        "counter",
        "Requests that failed, by method and name.",
        (("", mark, entry.num_failures) for mark, entry in rows),
    )
    yield Family(
        "gregaria_response_bytes",
        "counter",
        "Bytes of the responses' bodies, by method and name.",
        (("", mark, entry.total_bytes) for mark, entry in rows),
    )
    yield Family(
        "gregaria_response_time_seconds",
        "histogram",
        "Response times by method and name; a time is within 1/128 of a bucket's bound where it counts.",
        _histograms(rows),
    )
    recent = stats.recent_times()
    if recent is not None:
        yield Family(
            "gregaria_recent_response_time_seconds",
            "summary",
            "Percentiles of all requests in the last settings.current_window_s seconds, from microsecond histograms.",
            [("", labels(quantile=str(each)), recent.percentile_us(each) / 1e6) for each in _FRACTIONS],
        )


def _histograms(rows: Iterable[Row]) -> Iterator[Sample]:
    for mark, entry in rows:
        times = entry.times
        # All at once, as others may get their turn, and requests may end, between two lines.
        counts, count, sum_us = counts_up_to_bounds(times), times.total, times.sum_us
        begin = mark[:-1]
        for end, within in zip(_BOUNDS, counts, strict=True):
            yield "_bucket", f"{begin}{end}", within
        yield "_bucket", f'{begin},le="+Inf"}}', count
        yield "_sum", mark, sum_us / 1e6
        yield "_count", mark, count


def _families_of_trouble(stats: Any, runner: Any) -> Iterator[Family]:
    yield Family(
        "gregaria_failures_by_class",
        "counter",
        f"Requests that failed, by method, name and kind of failure; beyond settings.max_failures, {OTHER}.",
        [("", mark, count) for mark, count in _failures_by_class(stats.errors).items()],
    )
    total = stats.recorder.total
    exceptions = 0 if runner is None else sum(row["count"] for row in list(runner.exceptions.values()))
    for name, count, text in (
        ("generator_errors", total.num_generator_errors, "Requests that a limit of the machine prevented."),
        (
            "interrupted_requests",
            total.num_interrupted,
            "Requests on the wire at the end of the test; in no other figure.",
        ),
        ("late_requests", total.num_late, "Response times seen late, which the kernel did not correct."),
        ("exceptions", exceptions, "Exceptions that escaped tasks."),
    ):
        yield Family(f"gregaria_{name}", "counter", text, [("", "", count)])
    yield Family(
        "gregaria_names_folded",
        "gauge",
        f"1 when there were more names than settings.max_names, and the row {OTHER} has the rest.",
        [("", "", int(stats.recorder.overflowed))],
    )


def _failures_by_class(errors: FailureTable) -> Counter[str]:
    counts: Counter[str] = Counter()
    for group in list(errors.values()):
        name = told_name(group.name, errors.mask)
        counts[labels(method=group.method, name=name, error_class=error_class(group.error))] += group.occurrences
    return counts


def _families_of_generator(found: Generator, num_errors: int) -> Iterator[Family]:
    for name, count, text in (
        ("watched_seconds", found.seconds_watched, "Seconds in which the generator watched itself."),
        ("late_seconds", found.num_late_seconds, "Seconds in which the event loop was later than late_limit_ms."),
        ("busy_seconds", found.num_busy_seconds, "Seconds in which the process used nearly a whole core."),
    ):
        yield Family(f"gregaria_generator_{name}", "counter", text, [("", "", count)])
    gauges: list[tuple[str, float, str]] = [
        ("trusted", int(found.verdict.is_trusted), "1 while the percentiles are the target's, 0 once they are not."),
        (
            "saturated",
            int(is_saturated(found, num_errors)),
            "1 when it is the bottleneck of the test so far, as --fail-if-saturated has it.",
        ),
        ("longest_loop_delay_seconds", found.longest_delay_us / 1e6, "The most that the event loop was late by."),
    ]
    last = found.recent[-1] if found.recent else None
    if last is not None and time.time() - last.epoch_s < _FRESH_S:
        gauges += [
            ("loop_delay_seconds", last.delay_us / 1e6, "The most that the event loop was late by in the last second."),
            ("cpu_ratio", last.cpu_percent / 100, "Share of a core that the process used; of workers the busiest."),
            ("core_ratio", last.core_percent / 100, "Share of the machine's busiest core in use, by whomever."),
            ("machine_ratio", last.machine_percent / 100, "Share of all of the machine's cores in use, by whomever."),
            ("memory_bytes", last.memory_bytes, "Resident memory of the process; of workers the largest."),
        ]
        if last.descriptors is not None:
            gauges.append(("open_descriptors", last.descriptors, "Open descriptors of the process."))
        if last.descriptor_limit is not None:
            gauges.append(("descriptor_limit", last.descriptor_limit, "The most descriptors that it may open."))
    for name, value, text in gauges:
        yield Family(f"gregaria_generator_{name}", "gauge", text, [("", "", value)])


def _last_bucket(bound_us: float) -> int:
    """The last bucket that counts as within a bound: as elsewhere, its middle stands for it."""
    bucket = Histogram.index(round(bound_us))
    middle_us = (Histogram.edge_us(bucket) + Histogram.edge_us(bucket + 1) - 1) // 2
    return bucket if middle_us <= bound_us else bucket - 1


_LAST_BUCKETS = [_last_bucket(bound * 1e6) for bound in BUCKETS_S]
_BOUNDS = [f',le="{bound}"}}' for bound in BUCKETS_S]
