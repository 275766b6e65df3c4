"""How far percentiles are from the truth: the histogram against exact sorting, and against the hdrhistogram package.

    python -m benchmarks.accuracy [--samples N] [--seed N]

Every shape of response times (log-normal, bimodal, uniform, constant, heavy tail) is drawn 10 million times, counted,
sorted, and asked for percentiles from p0 to p100. Writes its section of benchmarks/RESULTS.md when it ran in full.
"""

import argparse
import random
import sys
import time
from array import array
from typing import Any

from hdrh.histogram import HdrHistogram

from benchmarks import results
from gregaria.engine.histogram import Histogram
from tests.engine.shapes import FRACTIONS, LONGEST_US, SHAPES, nearest_rank, samples

FULL = 10_000_000
#: per cent; what the histogram promises
PROMISE = 1.0
PARTS = 8


def measure(count: int, seed: int) -> list[dict[str, Any]]:
    """A row for each shape; ``reached`` tells whether all that is promised was so."""
    return [measure_shape(shape, count, seed) for shape in SHAPES]


def measure_shape(shape: str, count: int, seed: int) -> dict[str, Any]:
    """One shape: the largest errors in per cent, what was promised besides, and the cost of counting."""
    values = samples(shape, count, seed)
    started = time.perf_counter()
    histogram = counted(values)
    seconds = time.perf_counter() - started
    second_opinion = HdrHistogram(1, LONGEST_US, 3)
    for value in values:
        second_opinion.record_value(value)
    sum_us = sum(values)
    merged = merged_of_parts(values)
    in_order = sorted(values)
    told = [histogram.percentile_us(fraction) for fraction in FRACTIONS]
    exact = [nearest_rank(in_order, fraction) for fraction in FRACTIONS]
    worst = max(error(*pair) for pair in zip(told, exact, strict=True))
    other = [second_opinion.get_value_at_percentile(fraction * 100) for fraction in FRACTIONS]
    promises = {
        "error": worst <= PROMISE,
        "monotone": told == sorted(told),
        "p0 and p100": (told[0], told[-1]) == (in_order[0], in_order[-1]),
        "sum": histogram.sum_us == sum_us,
        "merge": merged.pack() == histogram.pack(),
        "pack": Histogram.unpack(histogram.pack()).pack() == histogram.pack(),
    }
    return {
        "shape": shape,
        "samples": f"{count:,}",
        "p50 exact / told (us)": f"{exact[FRACTIONS.index(0.5)]} / {told[FRACTIONS.index(0.5)]}",
        "p99.99 exact / told (us)": f"{exact[FRACTIONS.index(0.9999)]} / {told[FRACTIONS.index(0.9999)]}",
        "largest error %": round(worst, 3),
        "hdrhistogram's (3 digits) %": round(max(error(*pair) for pair in zip(other, exact, strict=True)), 3),
        "packed bytes": len(histogram.pack()),
        "ns to count, from Python": round(seconds / count * 1e9),
        "reached": ", ".join(name for name, kept in promises.items() if not kept) or "yes",
    }


def counted(values: "array[int]") -> Histogram:
    """All of them in one histogram."""
    histogram = Histogram()
    add = histogram.add_us
    for value in values:
        add(value)
    return histogram


def merged_of_parts(values: "array[int]") -> Histogram:
    """The same, counted in eight parts, sent as bytes and merged."""
    merged = Histogram()
    for part in range(PARTS):
        merged.merge(Histogram.unpack(counted(values[part::PARTS]).pack()))
    return merged


def error(told_us: int, exact_us: int) -> float:
    """In per cent of the exact time."""
    return abs(told_us - exact_us) * 100 / exact_us


def main() -> int:
    """Measure every shape; returns 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=FULL, help="of each shape")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    rows = measure(options.samples, options.seed)
    section = {"seed": options.seed, "rows": rows}
    print(results.accuracy_text(section))
    if options.samples >= FULL:
        results.save("accuracy", section)
    return 0 if all(row["reached"] == "yes" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
