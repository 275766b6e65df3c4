"""Documents of tests that never ran, for comparisons: counted, frozen and told as those of real ones."""

import json
import math
import random
from collections.abc import Callable
from typing import Any

from gregaria.report.json import DOCUMENT_BYTES, document, document_text
from gregaria.stats.summary import summarize
from gregaria.stats.table import RequestStats

BEGIN_S = 1_700_000_000.0


def steady(second: int) -> int:
    """Ten users, all there after three seconds."""
    return min(second * 4 + 2, 10)


def run_document(
    seed: int,
    *,
    seconds: int = 30,
    per_second: int = 200,
    factor: float = 1.0,
    drift: float = 0.0,
    failing: float = 0.0,
    users: Callable[[int], int] = steady,
    late: frozenset[int] = frozenset(),
    names: tuple[str, ...] = ("/a", "/b"),
    slow: str = "",
) -> dict[str, Any]:
    """A test whose response times lie between 10 and 20 ms.

    Args:
        factor: by which they are longer.
        slow: the one name of which they are twice as long.
        drift: how much they wander about from second to second, relative.
        failing: share of the requests.
        users: how many there are in each second.
        late: seconds in which the generator was late.
    """
    chance = random.Random(seed)
    stats = RequestStats()
    stats.timeline.begin(BEGIN_S)
    wander = 0.0
    for second in range(seconds):
        wander = 0.8 * wander + chance.gauss(0, drift)
        for number in range(per_second * users(second) // 10):
            name = names[number % len(names)]
            time_ms = chance.uniform(10, 20) * factor * math.exp(wander) * (2 if name == slow else 1)
            stats.log_request("GET", name, time_ms, 100)
            if chance.random() < failing:
                stats.log_error("GET", name, "no")
        stats.timeline.tick(BEGIN_S + second + 1, users(second), int(second in late))
    summary = summarize(stats, {}, started=BEGIN_S, ended=BEGIN_S + seconds, document_bytes=DOCUMENT_BYTES)
    told: dict[str, Any] = json.loads(document_text(document(summary)))
    return told
