"""What the timeline of a test costs: a tick, the memory of a day with a thousand names, windows, charts, the document.

    python -m benchmarks.timeline [--quick]

A day of a thousand names is counted in seconds of their number, but as the test would have told it: minutes first, tens
of seconds for the last two hours, seconds for the last ten minutes. All times are processor time.
"""

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import results
from benchmarks.limits import judged
from gregaria.report.json import DOCUMENT_BYTES, document
from gregaria.stats.summary import summarize
from gregaria.stats.table import RequestStats

NAMES = 1000
DAY_S, LAST_HOURS_S, LAST_MINUTES_S = 24 * 3600, 7200, 600
REQUESTS_PER_TICK = 20
#: milliseconds and megabytes that are asked for
MOST_TICK_MS, MOST_ONE_NAME_MS, MOST_MB, MOST_DOCUMENT_MB = 5, 1, 500, 5


class Day:
    """A day of a thousand names."""

    def __init__(self, seed: int, hours: int) -> None:
        self.stats = RequestStats()
        self.timeline = self.stats.timeline
        self.tick_ms: list[float] = []
        self._names = [f"/api/v1/resource/{number}" for number in range(NAMES)]
        chance = random.Random(seed)
        self._times_us = [round(chance.lognormvariate(9.5, 0.8)) for _ in range(100_003)]
        self._at = 0
        self.timeline.begin(0.0)
        day_s = hours * 3600
        for from_s, to_s, step_s in (
            (0, day_s - LAST_HOURS_S, 60),
            (day_s - LAST_HOURS_S, day_s - LAST_MINUTES_S, 10),
            (day_s - LAST_MINUTES_S, day_s, 1),
        ):
            for second in range(from_s, to_s, step_s):
                self._pass(second + step_s)

    def _pass(self, end_s: int) -> None:
        record, times_us, at = self.stats.recorder.record, self._times_us, self._at
        for name in self._names:
            for _ in range(REQUESTS_PER_TICK):
                at = (at * 7 + 1) % 100_003 if at % 5 else (at + 1) % 100_003
                record("GET", name, times_us[at], 500)
        self._at = at
        self.tick_ms.append(taken_ms(lambda: self.timeline.tick(end_s, 100)))


def taken_ms(work: Callable[[], Any]) -> float:
    """Processor time of it."""
    began_s = time.process_time()
    work()
    return (time.process_time() - began_s) * 1000


def one_name_ms() -> float:
    """The mean tick of a test with one name and 100,000 requests a second."""
    stats = RequestStats()
    stats.timeline.begin(0.0)
    chance = random.Random(1)
    times_us = [round(chance.lognormvariate(6, 0.8)) for _ in range(100_000)]
    taken = []
    for second in range(1, 31):
        for time_us in times_us:
            stats.recorder.record("GET", "/", time_us, 500)
        taken.append(taken_ms(lambda second=second: stats.timeline.tick(second, 100)))  # type: ignore[misc]
    return sum(taken) / len(taken)


def main() -> int:
    """Measure, write the result beside the others; returns 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three hours instead of a day; not written down")
    options = parser.parse_args()
    day = Day(1, 3 if options.quick else 24)
    timeline, end_s = day.timeline, 1e9
    ticks = sorted(day.tick_ms[-LAST_MINUTES_S:])
    tick_ms, longest_ms = sum(ticks) / len(ticks), ticks[-1]
    one_ms = one_name_ms()
    series = ("GET", "/api/v1/resource/500")
    summary_s = taken_ms(lambda: summarize(day.stats, {}, document_bytes=DOCUMENT_BYTES)) / 1000
    told = document(summarize(day.stats, {}, document_bytes=DOCUMENT_BYTES))
    document_mb = len(json.dumps(told, separators=(",", ":"))) / 1e6
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rows = [
        {"what": "a tick of 1,000 names, mean", "measured": f"{tick_ms:.1f} ms"},
        {"what": "the longest of 600", "measured": f"{longest_ms:.1f} ms"},
        {"what": "a tick of one name after 100,000 requests", "measured": f"{one_ms:.2f} ms"},
        {"what": "blocks of a day", "measured": f"{timeline.num_bytes / 1e6:.0f} MB"},
        {"what": "memory of the process, its peak", "measured": f"{memory_mb:.0f} MB"},
        {"what": "the whole day as a window", "measured": f"{taken_ms(lambda: timeline.window(0, end_s)):.0f} ms"},
        {"what": "most of it", "measured": f"{taken_ms(lambda: timeline.window(61, DAY_S - 11)):.0f} ms"},
        {"what": "the course of a name", "measured": f"{taken_ms(lambda: timeline.series(*series)):.0f} ms"},
        {"what": "the course of all", "measured": f"{taken_ms(timeline.points):.0f} ms"},
        {"what": "the figures and the course for the document", "measured": f"{summary_s:.1f} s"},
        {"what": "the document", "measured": f"{document_mb:.1f} MB"},
    ]
    section: dict[str, Any] = {
        "about": (
            f"A day with {NAMES:,} names, told each second to the timeline of a test; processor time. What takes long "
            "gives way to the event loop after every half megabyte of blocks."
        ),
        "rows": rows,
        "judged": [
            judged("tick of 1,000 names, ms", tick_ms, MOST_TICK_MS),
            judged("tick of one name, ms", one_ms, MOST_ONE_NAME_MS),
            judged("memory, MB", memory_mb, MOST_MB),
            judged("document, MB", document_mb, MOST_DOCUMENT_MB),
        ],
    }
    print(results.judged_text(section))
    if not options.quick:
        results.save("timeline", section)
    return int(any(each["value"] > each["at_most"] for each in section["judged"]))


if __name__ == "__main__":
    sys.exit(main())
