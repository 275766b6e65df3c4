"""What a generator itself says of the response times at the end of a run, as Gregaria and Locust each write it."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cases import WORK, Case

#: the percentiles that are looked at, as the JSON document names them
PERCENTILES = {"p50": 0.5, "p66": 0.66, "p75": 0.75, "p80": 0.8, "p90": 0.9, "p95": 0.95, "p98": 0.98, "p99": 0.99}
DOCUMENT = WORK / "told.json"
#: words after which each of the two tells its figures: in a file, and at the end of what it prints
GREGARIA_WORDS = ["--only-summary", "--reset-stats", "--json-file", str(DOCUMENT)]
LOCUST_WORDS = ["--only-summary", "--reset-stats", "--json", "--loglevel", "ERROR"]


def told_by(case: Case) -> dict[str, float]:
    """The percentiles of all requests, in ms, of the run of this case that has just ended; and how many failed."""
    return gregaria_percentiles(DOCUMENT) if case.name.startswith("gregaria") else locust_percentiles(case.log())


def gregaria_percentiles(file: Path) -> dict[str, float]:
    """From the JSON document."""
    total = json.loads(file.read_text())["total"]
    told = {name: total["percentiles_ms"][name] for name in PERCENTILES}
    return told | {"failures": total["num_failures"]}


def locust_percentiles(log: Path) -> dict[str, float]:
    """From the list that is printed last."""
    text = log.read_text(errors="replace")
    entries: list[dict[str, Any]] = json.loads(text[text.index("[\n") : text.rindex("]") + 1])
    counts: dict[float, int] = {}
    for entry in entries:
        for time_ms, count in entry["response_times"].items():
            counts[float(time_ms)] = counts.get(float(time_ms), 0) + count
    return counted_percentiles(counts) | {"failures": sum(entry["num_failures"] for entry in entries)}


def counted_percentiles(counts: Mapping[float, int]) -> dict[str, float]:
    """By nearest rank, of times that were counted."""
    in_order, total = sorted(counts.items()), sum(counts.values())
    found = {}
    for name, fraction in PERCENTILES.items():
        left = math.ceil(fraction * total)
        for time_ms, count in in_order:
            left -= count
            if left <= 0:
                found[name] = time_ms
                break
    return found


def exact_percentiles(times_us: Sequence[int]) -> dict[str, float]:
    """By nearest rank, in ms, of times in microseconds."""
    in_order = sorted(times_us)
    return {
        name: in_order[max(math.ceil(fraction * len(in_order)), 1) - 1] / 1000
        for name, fraction in PERCENTILES.items()
    }  # fmt: skip
