"""Many users that mostly wait: 5,000 of them, one request each in five seconds, against a target that takes 0.1 ms.

    python -m benchmarks.steady [--quick]

Gregaria and Locust take turns with the same locustfile. The response times are those that each tells in its report.
"""

import argparse
import statistics
import sys
from typing import Any

from benchmarks import results
from benchmarks.cases import WORK, Case, cores, gregaria, locust
from benchmarks.limits import judged
from benchmarks.measure import NotMeasuredError, look, raise_file_limit
from benchmarks.target import WaitingTarget
from benchmarks.told import GREGARIA_WORDS, LOCUST_WORDS, exact_percentiles, told_by

USERS = 5_000
USERS_PER_S = 1_000
TARGET_US = 100
#: until all users are there and have sent their first request, whose connection has to be made
WARM_UP_S = USERS / USERS_PER_S + 6


def cases() -> list[Case]:
    """Both with the same users; the last -r counts."""
    words = ["-r", str(USERS_PER_S)]
    return [
        gregaria("Fast", "waiting.py", "Calm", USERS, *words, *GREGARIA_WORDS),
        locust("Fast", "waiting.py", "Calm", USERS, *words, *LOCUST_WORDS),
    ]


def once(case: Case, window_s: float) -> dict[str, float]:
    """One run: what it cost, what it told, and what the target knows."""
    target_core, generator_core = cores()
    with WaitingTarget(WORK, target_core, TARGET_US) as target:
        sample = look(
            case.at(target.url), target, generator_core, warm_up_s=WARM_UP_S, window_s=window_s, log=case.log()
        )
    told, exact = told_by(case), exact_percentiles(target.times_us)
    return {
        "requests/s": sample.rate,
        "CPU ms per s": sample.cpu_s / sample.seconds * 1000,
        "CPU us/request": sample.cpu_us_per_request,
        "median ms": told["p50"],
        "p99 ms": told["p99"],
        "target's median ms": exact["p50"],
        "target's p99 ms": exact["p99"],
        "failures": told["failures"],
    }


def measure(rounds: int, window_s: float) -> list[dict[str, Any]]:
    """A row for each generator: the medians over its rounds."""
    samples: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for case in cases():
            try:
                samples.setdefault(case.name, []).append(once(case, window_s))
            except NotMeasuredError as error:
                print(f"{case.name}: {error}", file=sys.stderr)
    return [
        {"generator": name} | {key: round(statistics.median(each[key] for each in rows), 3) for key in rows[0]}
        for name, rows in samples.items()
        if rows
    ]


def main() -> None:
    """Measure, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: one round of 5 s, nothing is written")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--window", type=float, default=10.0, help="seconds that are counted")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.window = 1, 5.0
    raise_file_limit()
    rows = measure(options.rounds, options.window)
    by_name = {row["generator"]: row for row in rows}
    own, other = by_name.get("gregaria Fast", {}), by_name.get("locust Fast", {})
    share = own["CPU ms per s"] / other["CPU ms per s"] if own and other else None
    section = {
        "about": f"{USERS:,} FastHttpUsers with `constant(5)`, spawned {USERS_PER_S:,} a second, and a target that "
        f"answers after {TARGET_US / 1000:g} ms and stamps its own times. Response times are those of each tool's own "
        f"report, from when all users are there; CPU is of one core, over {options.window:g} s. Medians of "
        f"{options.rounds} runs.",
        "rows": rows,
        "judged": [
            judged("median, ms", own.get("median ms"), 1),
            judged("p99, ms", own.get("p99 ms"), 10),
            judged("CPU, of Locust's", share, 0.25),
        ],
    }
    print(results.judged_text(section))
    if not options.quick:
        results.save("steady", section)


if __name__ == "__main__":
    main()
