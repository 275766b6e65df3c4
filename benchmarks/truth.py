"""How far response times are from the truth: a target that waits exactly, and stamps its own times.

    python -m benchmarks.truth [--quick] [--only truth|blocked]

First, 2,000 requests/s from 400 users against a target that waits 1, 5, 20 and 100 ms: what the report says from p50 to
p99, beside what the target knows. Second, fifty users against one that waits 5 ms, without and with one among them that
computes in pure Python for 200 ms between its requests: how far that moves the median. Locust runs the same files.
"""

import argparse
import sys
from typing import Any

from benchmarks import results
from benchmarks.cases import USERS, WORK, Case, cores, gregaria, locust
from benchmarks.limits import judged
from benchmarks.measure import NotMeasuredError, look, raise_file_limit
from benchmarks.target import WaitingTarget
from benchmarks.told import GREGARIA_WORDS, LOCUST_WORDS, PERCENTILES, exact_percentiles, told_by

WAITS_MS = [1, 5, 20, 100]
EVEN_USERS = 400
BLOCKED_WAIT_MS = 5
#: what a percentile may be off by: a share of the target's own, and some ms
ALLOWED_SHARE, ALLOWED_MS = 0.01, 0.2


def allowed_ms(exact_ms: float) -> float:
    """By how much a percentile may differ from the target's."""
    return exact_ms * ALLOWED_SHARE + ALLOWED_MS


def even_cases() -> list[Case]:
    """2,000 requests/s."""
    return [
        gregaria("Fast", "waiting.py", "Even", EVEN_USERS, *GREGARIA_WORDS),
        gregaria("Http", "waiting.py", "EvenHttp", EVEN_USERS, *GREGARIA_WORDS),
        locust("Fast", "waiting.py", "Even", EVEN_USERS, *LOCUST_WORDS),
    ]


def run(case: Case, wait_ms: float, window_s: float) -> tuple[float, dict[str, float], dict[str, float]]:
    """One run: requests per second, the percentiles that it told, and the target's."""
    target_core, generator_core = cores()
    with WaitingTarget(WORK, target_core, int(wait_ms * 1000)) as target:
        sample = look(case.at(target.url), target, generator_core, warm_up_s=2, window_s=window_s, log=case.log())
    return sample.rate, told_by(case), exact_percentiles(target.times_us)


def measure_truth(window_s: float) -> list[dict[str, Any]]:
    """A row for each wait and generator."""
    rows = []
    for wait_ms in WAITS_MS:
        for case in even_cases():
            try:
                rate, told, exact = run(case, wait_ms, window_s)
            except NotMeasuredError as error:
                print(f"{case.name}: {error}", file=sys.stderr)
                continue
            worst = max(PERCENTILES, key=lambda name: abs(told[name] - exact[name]) / allowed_ms(exact[name]))
            row = {"waits ms": wait_ms, "generator": case.name, "requests/s": round(rate)}
            for name in ("p50", "p90", "p99"):
                row[f"{name} target / told ms"] = f"{exact[name]:.3f} / {told[name]:.3f}"
            row["furthest off at"] = worst
            row["off by ms"] = round(told[worst] - exact[worst], 3)
            row["of what is allowed"] = round(abs(told[worst] - exact[worst]) / allowed_ms(exact[worst]), 2)
            rows.append(row)
            print(row, flush=True)
    return rows


def measure_blocked(window_s: float) -> list[dict[str, Any]]:
    """A row for each generator: the median without and with the user that computes."""
    rows = []
    for tool, words in ((gregaria, GREGARIA_WORDS), (locust, LOCUST_WORDS)):
        quiet = tool("Fast, all alike", "blocked.py", "Other", USERS, *words)
        blocked = tool("Fast, one computes", "blocked.py", "Other Blocker", USERS, *words)
        try:
            medians = [run(case, BLOCKED_WAIT_MS, window_s)[1]["p50"] for case in (quiet, blocked)]
        except NotMeasuredError as error:
            print(error, file=sys.stderr)
            continue
        row = {"generator": quiet.name.partition(",")[0], "median ms": medians[0], "with one that computes": medians[1]}
        rows.append(row | {"moved by ms": round(medians[1] - medians[0], 3)})
        print(rows[-1], flush=True)
    return rows


def truth_section(window_s: float) -> dict[str, Any]:
    """The first half."""
    rows = measure_truth(window_s)
    worst = {
        name: max((row["of what is allowed"] for row in rows if row["generator"] == name), default=None)
        for name in ("gregaria Fast", "gregaria Http")
    }
    return {
        "about": f"{EVEN_USERS} users with `constant_throughput(5)`, so 2,000 requests/s, and a target that waits, "
        "records the time from the request read to the answer written, and so knows the percentiles. What is allowed: "
        f"{ALLOWED_SHARE:.0%} of the target's figure and {ALLOWED_MS} ms.",
        "rows": rows,
        "judged": [
            judged("FastHttpUser, p50 to p99, furthest off, of what is allowed", worst["gregaria Fast"], 1),
            judged("HttpUser, likewise", worst["gregaria Http"], 1),
        ],
    }


def blocked_section(window_s: float) -> dict[str, Any]:
    """The second half."""
    rows = measure_blocked(window_s)
    moved = next((abs(row["moved by ms"]) for row in rows if row["generator"] == "gregaria Fast"), None)
    return {
        "about": f"{USERS} FastHttpUsers without waits and a target that answers after {BLOCKED_WAIT_MS} ms; then the "
        "same, with one of them computing for 200 ms after each of its requests, and nobody else running meanwhile.",
        "rows": rows,
        "judged": [judged("median moved by, ms", moved, 1)],
    }


def main() -> None:
    """Measure, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: 3 s each, nothing is written")
    parser.add_argument("--window", type=float, default=6.0, help="seconds of each run, after two of warm-up")
    parser.add_argument("--only", choices=["truth", "blocked"])
    options = parser.parse_args()
    raise_file_limit()
    for name, section_of in (("truth", truth_section), ("blocked", blocked_section)):
        if options.only in (None, name):
            section = section_of(3.0 if options.quick else options.window)
            print(results.judged_text(section))
            if not options.quick:
                results.save(name, section)


if __name__ == "__main__":
    main()
