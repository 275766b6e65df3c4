"""The names of locust_exporter, so that its dashboards stay as they are; all are gauges, times are in milliseconds.

It reads Locust's JSON, and today's is not the one that it was written for. Where it is wrong for that, this is right:
the row of all requests has an empty method, and is told only where the exporter's dashboard asks for it; ramping up is
a state; percentiles are there; workers, states and errors that are gone are gone.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from gregaria.engine.recorder import TOTAL
from gregaria.metrics.family import Family, labels
from gregaria.metrics.figures import workers_of
from gregaria.metrics.rows import rows_of
from gregaria.runner.state import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING
from gregaria.settings import settings
from gregaria.stats.summary import told_name

__all__ = ["exporter_families"]

_RUNNING = {STATE_SPAWNING: 1, STATE_RUNNING: 2}
#: characters of an error: two that are the same up to there are one
_LONGEST_ERROR = 200


def exporter_families(environment: Any) -> Iterator[Family]:
    """All of them, of this moment.

    Args:
        environment: whose test it is.
    """
    stats, runner = environment.stats, environment.runner
    workers = workers_of(runner)
    states = Counter(node.state for node in workers)
    total = stats.total
    recent = stats.recent_times()
    now: list[tuple[str, float, str]] = [
        ("up", 1, "Always 1."),
        ("running", 0 if runner is None else _RUNNING.get(runner.state, 0), "0 stopped, 1 hatching, 2 running."),
        ("users", 0 if runner is None else runner.user_count, "Users that there are."),
        ("workers_count", len(workers) - states[STATE_MISSING], "Workers that are heard of."),
        ("workers_running_count", states[STATE_RUNNING], "Workers that run users."),
        ("workers_hatching_count", states[STATE_SPAWNING], "Workers that start users."),
        ("workers_missing_count", states[STATE_MISSING], "Workers that are not heard of."),
        ("requests_fail_ratio", total.fail_ratio, "Failures per request of the whole test."),
    ]
    for percent in (50, 95):
        value_ms = 0.0 if recent is None else recent.percentile_us(percent / 100) / 1000
        now.append(
            (f"requests_current_response_time_percentile_{percent}", value_ms, f"Of the last seconds, {percent} %.")
        )
    for name, value, text in now:
        yield Family(f"locust_{name}", "gauge", text, [("", "", value)])
    yield Family(
        "locust_worker_detail",
        "gauge",
        "Users of a worker, by its state.",
        [("", labels(id=node.id, state=node.state), node.user_count) for node in workers],
    )
    yield Family(
        "locust_errors", "gauge", "Failures of one kind.", [("", mark, count) for mark, count in _errors(stats).items()]
    )
    yield from _families_of_rows(stats)


def _errors(stats: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for group in list(stats.errors.values()):
        name = told_name(group.name, stats.errors.mask)
        counts[labels(method=group.method, name=name, error=group.error[:_LONGEST_ERROR])] += group.occurrences
    return counts


def _families_of_rows(stats: Any) -> Iterator[Family]:
    rows = rows_of(stats)
    # The exporter's dashboard looks for the row of all requests in these two, and adds up the others.
    with_total = [(labels(method="", name=TOTAL), stats.recorder.total), *rows]
    reference_us = stats.reference_us

    def rates(entry: Any) -> Any:
        return entry.rates(stats.started_us, max(reference_us, entry.last_us), settings.current_window_s)

    timed = [(mark, entry) for mark, entry in rows if entry.times.total]
    for name, text, samples in (
        ("num_requests", "Requests.", (("", mark, entry.num_requests) for mark, entry in with_total)),
        ("num_failures", "Requests that failed.", (("", mark, entry.num_failures) for mark, entry in with_total)),
        (
            "avg_response_time",
            "Average response time in milliseconds.",
            (("", mark, entry.times.sum_us / entry.times.total / 1000) for mark, entry in timed),
        ),
        (
            "min_response_time",
            "Shortest response time in milliseconds.",
            (("", mark, entry.times.min_us / 1000) for mark, entry in timed),
        ),
        (
            "max_response_time",
            "Longest response time in milliseconds.",
            (("", mark, entry.times.max_us / 1000) for mark, entry in timed),
        ),
        (
            "median_response_time",
            "Median response time in milliseconds.",
            (("", mark, entry.times.percentile_us(0.5) / 1000) for mark, entry in timed),
        ),
        ("current_rps", "Requests per second of late.", (("", mark, rates(entry)[0]) for mark, entry in rows)),
        ("current_fail_per_sec", "Failures per second of late.", (("", mark, rates(entry)[1]) for mark, entry in rows)),
        (
            "avg_content_length",
            "Average bytes of a response's body.",
            (("", mark, entry.total_bytes / max(entry.num_requests, 1)) for mark, entry in rows),
        ),
    ):
        yield Family(f"locust_requests_{name}", "gauge", text, samples)
