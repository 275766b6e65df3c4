"""How fast: Gregaria, Locust, wrk, hey and k6 against one nginx, in one sitting, as ratios.

    python -m benchmarks.throughput [--quick] [--rounds N] [--window SECONDS] [--only NAME ...]

The machine that this runs on is shared and drifts, so wrk runs before and after every measurement, doing the same as
what is measured, and what counts is the median over all rounds of (rate / mean of the two wrk rates beside it).
"""

import argparse
import shutil
import statistics
import sys
from dataclasses import replace

from benchmarks import results
from benchmarks.cases import K6_SCRIPT, USERS, WORK, Case, Group, cores, groups
from benchmarks.locust_env import locust_program
from benchmarks.measure import NotMeasuredError, Sample, look
from benchmarks.nginx import Nginx

#: wrk needs no time to get going
YARDSTICK_WARM_UP_S = 0.4

Samples = dict[str, list[dict[str, float]]]


def measure(
    chosen: list[Group], options: argparse.Namespace, yardstick_warm_up_s: float = YARDSTICK_WARM_UP_S
) -> Samples:
    """All samples of every case; each holds the means of the yardstick's two runs beside it."""
    samples: Samples = {case.name: [] for group in chosen for case in [group.yardstick, *group.cases]}
    target_core, generator_core = cores()
    with Nginx(WORK, target_core) as target:
        (WORK / "k6.js").write_text(K6_SCRIPT.format(url=target.url))

        def one(case: Case, group: Group, warm_up_s: float) -> Sample:
            sample = look(
                case.at(target.tls_url if group.over_tls else target.url), target, generator_core,
                warm_up_s=warm_up_s, window_s=options.window, log=case.log(),
            )  # fmt: skip
            print(f"{case.name:<34} {sample.rate:>10,.0f}/s {sample.cpu_us_per_request:>8.1f} us", flush=True)
            return sample

        for _ in range(options.rounds):
            for group in chosen:
                before = one(group.yardstick, group, yardstick_warm_up_s)
                for case in group.cases:
                    try:
                        sample = one(case, group, options.warm_up)
                    except NotMeasuredError as error:
                        print(f"{case.name}: {error}", file=sys.stderr)
                        continue
                    after = one(group.yardstick, group, yardstick_warm_up_s)
                    samples[group.yardstick.name].append(beside(after, after, after))
                    samples[case.name].append(beside(sample, before, after))
                    before = after
    return samples


def beside(sample: Sample, before: Sample, after: Sample) -> dict[str, float]:
    """A sample with what wrk did around it."""
    return sample.as_dict() | {
        "wrk_rate": (before.rate + after.rate) / 2,
        "wrk_cpu": (before.cpu_us_per_request + after.cpu_us_per_request) / 2,
    }


def condense(samples: Samples) -> list[dict[str, object]]:
    """A row per case: the medians over its samples."""

    def median(rows: list[dict[str, float]], key: str) -> float:
        return statistics.median(row[key] for row in rows)

    return [
        {
            "case": name,
            "samples": len(rows),
            "rate": median(rows, "rate"),
            "of_wrk": statistics.median(row["rate"] / row["wrk_rate"] for row in rows),
            "cpu_us_per_request": median(rows, "cpu_us_per_request"),
            "cpu_of_wrk": statistics.median(row["cpu_us_per_request"] / row["wrk_cpu"] for row in rows),
            "target_busy": median(rows, "target_busy"),
        }
        for name, rows in samples.items()
        if rows
    ]


def selected(every: list[Group], words: list[str]) -> list[Group]:
    """The groups that have one of the words in their name, whole; of the others, the cases that do."""
    if not words:
        return every
    chosen = []
    for group in every:
        whole = group.name in words
        cases = [case for case in group.cases if whole or any(word in case.name for word in words)]
        if cases:
            chosen.append(replace(group, cases=cases))
    return chosen


def main() -> None:
    """Measure, and write benchmarks/results.json and benchmarks/RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: one round of 1.5 s per case, nothing is written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=float, default=3.0, help="seconds that are counted")
    parser.add_argument("--warm-up", type=float, default=1.2, help="seconds from the first request to the window")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="NAME",
        help="groups of that name (plain, tls, post, large, session, names), and cases whose name has that word",
    )  # fmt: skip
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.window, options.warm_up = 1, 1.5, 1.0
    if not shutil.which("wrk"):
        sys.exit("The benchmarks need wrk; install it with: sudo apt-get install wrk")

    rows = condense(measure(selected(groups(), options.only), options))
    section = {
        "users": USERS, "rounds": options.rounds, "window_s": options.window,
        "versions": results.versions(locust_program()), "cases": rows,
    }  # fmt: skip
    print("\n" + results.throughput_text(section))
    if not options.quick and not options.only:
        results.save("throughput", section)


if __name__ == "__main__":
    main()
