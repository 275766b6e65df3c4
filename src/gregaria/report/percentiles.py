"""Percentiles as reports need them: named, and found for any fraction, also over a part of the run."""

import math
from collections.abc import Mapping

from gregaria.stats.summary import RequestRow

__all__ = ["label", "middle_us", "of_counts", "of_row"]


def label(fraction: float) -> str:
    """What a percentile is called: ``50%``, ``99.9%``, ``100%``."""
    return f"{fraction * 100:.6g}%"


def of_row(row: RequestRow, fraction: float) -> int | None:
    """The row's response time in microseconds below which ``fraction`` of its requests lie; None without times."""
    found = row.percentiles_us.get(fraction)
    if found is not None or row.max_us is None or row.min_us is None:
        return found
    if fraction >= 1:
        return row.max_us
    derived = of_counts(row.histogram_us, fraction)
    return None if derived is None else min(max(derived, row.min_us), row.max_us)


def of_counts(counts: Mapping[int, int], fraction: float) -> int | None:
    """The nearest-rank percentile in microseconds of a sparse histogram {lower edge in us: count}."""
    total = sum(counts.values())
    if not total:
        return None
    # a hair less, lest 0.07 * 100 becomes 7.000000000000001 and its ceiling 8
    rank = max(math.ceil(fraction * total * (1 - 1e-15)), 1)
    seen = 0
    edge = 0
    for edge in sorted(counts):
        seen += counts[edge]
        if seen >= rank:
            break
    return middle_us(edge)


def middle_us(lower_edge_us: int) -> int:
    """The time that stands for one of the engine's buckets: 1 us wide below 128 us, then 64 to the octave."""
    bucket_width_us = 1 << max(lower_edge_us.bit_length() - 7, 0)
    return lower_edge_us + (bucket_width_us - 1) // 2
