"""Percentiles as reports need them: named, and found for any fraction, also over a part of the run."""

import math
from collections.abc import Mapping

from gregaria.stats.summary import RequestRow

__all__ = ["label", "of_counts", "of_row"]


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
    rank = max(math.ceil(fraction * total), 1)
    seen = 0
    edge = 0
    for edge in sorted(counts):
        seen += counts[edge]
        if seen >= rank:
            break
    return edge + (_bucket_width_us(edge) - 1) // 2


def _bucket_width_us(lower_edge_us: int) -> int:
    # 128 buckets of one microsecond, then 64 to the octave
    return 1 << max(lower_edge_us.bit_length() - 7, 0)
