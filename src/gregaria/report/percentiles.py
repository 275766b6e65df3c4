"""Percentiles as reports need them: named, and found for any fraction, also over a part of the run."""

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence

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
    (derived,) = of_counts(row.histogram_us, [fraction])
    return None if derived is None else min(max(derived, row.min_us), row.max_us)


def of_counts(counts: Mapping[int, int], fractions: Sequence[float]) -> list[int | None]:
    """The nearest-rank percentiles in microseconds of a sparse histogram {lower edge in us: count}; None of nothing."""
    edges = sorted(counts)
    seen = list(itertools.accumulate(counts[edge] for edge in edges))
    if not seen or not seen[-1]:
        return [None for _ in fractions]
    return [middle_us(edges[bisect.bisect_left(seen, _rank(fraction, seen[-1]))]) for fraction in fractions]


def _rank(fraction: float, total: int) -> int:
    # a hair less, lest 0.07 * 100 becomes 7.000000000000001 and its ceiling 8
    return min(max(math.ceil(fraction * total * (1 - 1e-15)), 1), total)


def middle_us(lower_edge_us: int) -> int:
    """The time that stands for one of the engine's buckets: 1 us wide below 128 us, then 64 to the octave."""
    bucket_width_us = 1 << max(lower_edge_us.bit_length() - 7, 0)
    return lower_edge_us + (bucket_width_us - 1) // 2
