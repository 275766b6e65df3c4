"""Sums over ``{milliseconds: count}`` dictionaries and other small helpers that locustfiles import from Locust."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "avg",
    "bucket_response_time",
    "calculate_response_time_percentile",
    "diff_response_time_dicts",
    "get_readable_percentiles",
    "sort_stats",
]


def bucket_response_time(response_time: float) -> int:
    """A time in milliseconds as Locust's dictionaries keep it: two significant digits, whole below 100."""
    if response_time < 100:
        return round(response_time)
    if response_time < 1000:
        return round(response_time, -1).__int__()
    if response_time < 10000:
        return round(response_time, -2).__int__()
    return round(response_time, -3).__int__()


def calculate_response_time_percentile(response_times: Mapping[int, int], num_requests: int, percent: float) -> int:
    """The nearest-rank percentile of a ``{milliseconds: count}`` dictionary of ``num_requests`` samples; 0 when empty.

    The percentile is given as 0..1, as in Locust.
    """
    rank = max(math.ceil(num_requests * percent * (1 - 1e-15)), 1)
    seen = 0
    milliseconds = 0
    for milliseconds in sorted(response_times):
        seen += response_times[milliseconds]
        if seen >= rank:
            break
    return milliseconds


def diff_response_time_dicts(latest: Mapping[int, int], old: Mapping[int, int]) -> dict[int, int]:
    """What ``latest`` counts more than ``old``, a copy of it from earlier."""
    grown = {time: count - old.get(time, 0) for time, count in latest.items()}
    return {time: count for time, count in grown.items() if count}


def get_readable_percentiles(percentile_list: Iterable[float]) -> list[str]:
    """What percentiles are called: ``50%``, ``99.9%``, ``100%``."""
    return [f"{fraction * 100:.6g}%" for fraction in percentile_list]


def sort_stats(stats: Mapping[Any, Any]) -> list[Any]:
    """The values of a dictionary in the order of its keys: for ``RequestStats.entries`` by name, then method."""
    return [stats[key] for key in sorted(stats)]


def avg(values: Iterable[float]) -> float:
    """The mean; 0.0 of nothing."""
    known = list(values)
    return sum(known) / len(known) if known else 0.0
