"""How fast: Gregaria, Locust, wrk, hey and k6 against one nginx, in one sitting, as ratios.

    python -m benchmarks.throughput [--quick] [--rounds N] [--window SECONDS] [--only NAME ...]

The machine that this runs on is shared and drifts, so wrk runs before and after every measurement, and what counts is
the median over all rounds of (rate / mean of the two wrk rates beside it).
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results
from benchmarks.measure import NotMeasuredError, Sample, look
from benchmarks.nginx import Nginx

HERE = Path(__file__).parent
WORK = HERE / ".work"
LOCUSTFILES = HERE / "locustfiles"
LOCUST_VERSION = "2.47.0"
USERS = 50
#: every generator is told to run longer than any window; it is ended by SIGINT
LONGER_THAN_ANY_WINDOW_S = 600

K6_SCRIPT = "import http from 'k6/http'; export default function () {{ http.get('{url}/'); }}"


@dataclass(frozen=True, slots=True)
class Case:
    """One generator doing one thing.

    Attributes:
        name: as the results show it.
        command: what to run; ``{url}`` is the target.
    """

    name: str
    command: list[str]

    def at(self, url: str) -> list[str]:
        """The command against this target."""
        return [part.replace("{url}", url) for part in self.command]


def python_tool(program: str, file: str, user_class: str) -> list[str]:
    """Gregaria and Locust take the same words."""
    rate = str(USERS)
    return [program, "-f", str(LOCUSTFILES / file), user_class, "--headless", "-u", rate, "-r", rate, "-H", "{url}"]


def wrk() -> Case:
    """The yardstick."""
    return Case("wrk", ["wrk", "-t1", f"-c{USERS}", f"-d{LONGER_THAN_ANY_WINDOW_S}s", "{url}/"])


def gregaria_cases() -> list[Case]:
    """Gregaria as it is installed beside this Python, with its default settings."""
    program = str(Path(sys.executable).with_name("gregaria"))
    plain = ["Fast", "Http", "HttpParams", "HttpHeaders", "HttpCookie", "HttpToken", "HttpCatch", "HttpJson"]
    listening = ["Fast", "Http"]
    return [
        *(Case(f"gregaria {name}", python_tool(program, "plain.py", name)) for name in plain),
        *(Case(f"gregaria {name} with a listener", python_tool(program, "listening.py", name)) for name in listening),
    ]


def locust_cases() -> list[Case]:
    """Locust from an environment of its own, with the very same locustfiles."""
    program = str(locust_program())
    return [Case(f"locust {name}", python_tool(program, "plain.py", name)) for name in ("Fast", "Http")]


def locust_program() -> Path:
    """Locust's command; GREGARIA_BENCH_LOCUST may name an environment that has it, else benchmarks/.env gets one."""
    environment = Path(os.environ.get("GREGARIA_BENCH_LOCUST") or HERE / ".env")
    program = environment / "bin" / "locust"
    if not program.exists():
        print(f"Installing Locust {LOCUST_VERSION} into {environment}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run(
            [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", f"locust=={LOCUST_VERSION}"],
            check=True,
        )
    return program


def other_cases() -> list[Case]:
    """Those of the known generators that are installed here."""
    cases = []
    if shutil.which("hey"):
        cases.append(Case("hey", ["hey", "-z", f"{LONGER_THAN_ANY_WINDOW_S}s", "-c", str(USERS), "{url}/"]))
    if shutil.which("k6"):
        script = WORK / "k6.js"
        cases.append(Case("k6", ["k6", "run", "--quiet", "--vus", str(USERS), "--duration", "600s", str(script)]))
    return cases


def measure(cases: list[Case], options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """All samples of every case; each holds the mean of its two neighbouring wrk rates as ``wrk_rate``."""
    samples: dict[str, list[dict[str, float]]] = {case.name: [] for case in [wrk(), *cases]}
    target_core, generator_core = cores()
    with Nginx(WORK, target_core) as target:
        (WORK / "k6.js").write_text(K6_SCRIPT.format(url=target.url))

        def one(case: Case) -> Sample:
            sample = look(
                case.at(target.url), target, generator_core,
                warm_up_s=options.warm_up, window_s=options.window, log=WORK / f"{case.name.replace(' ', '-')}.log",
            )  # fmt: skip
            print(f"{case.name:<34} {sample.rate:>10,.0f}/s {sample.cpu_us_per_request:>8.1f} us", flush=True)
            return sample

        before = one(wrk())
        for _ in range(options.rounds):
            for case in cases:
                try:
                    sample = one(case)
                except NotMeasuredError as error:
                    print(f"{case.name}: {error}", file=sys.stderr)
                    continue
                after = one(wrk())
                samples["wrk"].append(after.as_dict() | {"wrk_rate": after.rate})
                samples[case.name].append(sample.as_dict() | {"wrk_rate": (before.rate + after.rate) / 2})
                before = after
    return samples


def cores() -> tuple[int | None, int | None]:
    """One core for the target and another for the generator; None where they cannot be held apart."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def condense(samples: dict[str, list[dict[str, float]]]) -> list[dict[str, object]]:
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
            "target_busy": median(rows, "target_busy"),
        }
        for name, rows in samples.items()
        if rows
    ]


def main() -> None:
    """Measure, and write benchmarks/results.json and benchmarks/RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: one round of 2 s per case, nothing is written")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=float, default=5.0, help="seconds that are counted")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds from the first request to the window")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="cases whose name has one of these words")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.window, options.warm_up = 1, 2.0, 1.2
    if not shutil.which("wrk"):
        sys.exit("The benchmarks need wrk; install it with: sudo apt-get install wrk")

    every = [*gregaria_cases(), *locust_cases(), *other_cases()]
    wanted = [case for case in every if not options.only or any(word in case.name for word in options.only)]
    rows = condense(measure(wanted, options))
    section = {
        "users": USERS, "rounds": options.rounds, "window_s": options.window,
        "versions": results.versions(locust_program()), "cases": rows,
    }  # fmt: skip
    print("\n" + results.throughput_text(section))
    if not options.quick and not options.only:
        results.save("throughput", section)


if __name__ == "__main__":
    main()
