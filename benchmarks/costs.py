"""What an option costs: Gregaria with it and without it, in turns.

    python -m benchmarks.costs [--quick]

Kernel stamps are on by default, so what is measured of them is what leaving them on costs.
"""

import argparse
import statistics

from benchmarks import results
from benchmarks.cases import USERS, Case, Group, gregaria
from benchmarks.limits import judged
from benchmarks.throughput import Samples, measure

PHASES = "gregaria Fast --phases"
STAMPS = "gregaria Fast with the kernel's stamps"
#: per cent of the rate
PHASES_AT_MOST = 3


def groups() -> list[Group]:
    """Each with what it is compared to."""
    plain = gregaria("Fast", "plain.py", "Fast")
    phases = gregaria("Fast --phases", "plain.py", "Fast", USERS, "--phases")
    without_stamps = gregaria("Fast without the kernel's stamps", "without_stamps.py", "Fast")
    return [
        Group("phases", plain, [phases]),
        Group("stamps", without_stamps, [Case(STAMPS, plain.command)]),
    ]  # fmt: skip


def rows_of(samples: Samples) -> list[dict[str, object]]:
    """A row for each option: what it takes of the rate, and what it adds to the CPU time of a request."""
    rows: list[dict[str, object]] = []
    for name in (PHASES, STAMPS):
        if not samples.get(name):
            continue
        rates = [row["rate"] / row["wrk_rate"] for row in samples[name]]
        costs = [row["cpu_us_per_request"] / row["wrk_cpu"] for row in samples[name]]
        rows.append(
            {
                "case": name,
                "samples": len(rates),
                "rate lost %": round((1 - statistics.median(rates)) * 100, 1),
                "from": round((1 - max(rates)) * 100, 1),
                "to": round((1 - min(rates)) * 100, 1),
                "CPU per request added %": round((statistics.median(costs) - 1) * 100, 1),
            }
        )
    return rows


def main() -> None:
    """Measure, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: two rounds of 1.5 s, nothing is written")
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--window", type=float, default=1.5, help="seconds that are counted")
    options = parser.parse_args()
    options.warm_up = 1.0
    if options.quick:
        options.rounds, options.window = 2, 1.5
    rows = rows_of(measure(groups(), options, yardstick_warm_up_s=options.warm_up))
    lost = {row["case"]: row["rate lost %"] for row in rows}
    section = {
        "about": "FastHttpUser, nothing but GET, with the option and without it in turns; each figure is beside the "
        f"mean of its two neighbours, the median of {options.rounds} rounds.",
        "rows": rows,
        "judged": [judged("--phases, per cent of the rate", lost.get(PHASES), PHASES_AT_MOST)],
    }
    print(results.judged_text(section))
    if not options.quick:
        results.save("costs", section)


if __name__ == "__main__":
    main()
