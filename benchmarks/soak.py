"""The long proof: whatever ends a run, its report says what the target counted, to the last request.

    python -m benchmarks.soak [--workers N] [--runs N] [--seed N] [--way NAME ...]

Fifty users without waits (half FastHttpUser, half HttpUser), in one process or shared out to worker processes, are
stopped at a random moment in four ways: SIGINT, SIGTERM, ``-t`` and ``runner.quit()`` in a script; with workers it is
their master that is stopped, and that reports. One request in 2,000 is answered only after the grace has passed, so
that some are on the wire for good when the run ends.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import results
from benchmarks.counting import CountingTarget

HERE = Path(__file__).parent
WORK = HERE / ".work"
GREGARIA = str(Path(sys.executable).with_name("gregaria"))
USERS = 50
LATE_SHARE, LATE_S = 1 / 2000, 4.0
WAYS = ["SIGINT", "SIGTERM", "-t", "runner.quit()"]
END_LIMIT_S = 30
#: fewer of each way are a look, and not written down; a run with workers takes more than twice as long
ENOUGH_RUNS, ENOUGH_RUNS_WITH_WORKERS = 100, 25


@dataclass(slots=True)
class Tally:
    """All runs that ended one way."""

    way: str
    runs: int = 0
    exact: int = 0
    requests: int = 0
    interrupted: int = 0
    different: list[str] = field(default_factory=list)


def once(target: CountingTarget, chance: random.Random, tally: Tally, workers: int) -> None:
    """One run; adds what came of it to the tally."""
    way = tally.way
    report = WORK / "soak.json"
    report.unlink(missing_ok=True)
    target.restart()
    seconds = chance.uniform(0.5, 2)
    with (WORK / "soak.log").open("wb") as log:
        process = subprocess.Popen(command(way, target.url, seconds, workers), stdout=log, stderr=subprocess.STDOUT)
        try:
            if way in ("SIGINT", "SIGTERM"):
                target.wait_for_first()
                time.sleep(seconds)
                process.send_signal(signal.Signals[way])
            code = process.wait(END_LIMIT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    target.wait_until_left()
    total = json.loads(report.read_text())["total"] if report.exists() else {"num_requests": -1, "num_interrupted": 0}
    tally.runs += 1
    tally.requests += target.requests
    tally.interrupted += total["num_interrupted"]
    if code == 0 and target.requests and target.requests - total["num_interrupted"] == total["num_requests"]:
        tally.exact += 1
    else:
        tally.different.append(
            f"run {tally.runs} ({seconds:.3f} s): the target counted {target.requests}, the report says "
            f"{total['num_requests']} and {total['num_interrupted']} interrupted, exit code {code}"
        )


def command(way: str, url: str, seconds: float, workers: int) -> list[str]:
    """What to start; ``-t`` takes whole seconds, so the moment within the second is left to the machine."""
    if way == "runner.quit()":
        words = [str(HERE / "soak_library.py"), url, str(USERS), str(seconds), str(WORK / "soak.json"), str(workers)]
        return [sys.executable, "-m", "gregaria.compat", *words]
    locustfile = str(HERE / "locustfiles" / "plain.py")
    words = [GREGARIA, "-f", locustfile, "Fast", "Http", "--headless", "-u", str(USERS), "-r", str(USERS), "-H", url]
    words += ["--only-summary", "--json-file", str(WORK / "soak")]
    if workers:
        words += ["--processes", str(workers)]
    return [*words, "-t", f"{max(round(seconds), 1)}s"] if way == "-t" else words


def main() -> int:
    """Run every way, write the result beside the others; returns 1 when a run was not exact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=0, help="processes that share the users; 0 for a local run")
    parser.add_argument("--runs", type=int, help="of each way; by default as many as are written down")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--way", nargs="*", default=WAYS, choices=WAYS)
    options = parser.parse_args()
    enough = ENOUGH_RUNS_WITH_WORKERS if options.workers else ENOUGH_RUNS
    runs = enough if options.runs is None else options.runs
    WORK.mkdir(parents=True, exist_ok=True)
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    tallies = [Tally(way) for way in options.way]
    with CountingTarget(options.seed, LATE_SHARE, LATE_S) as target:
        for number in range(1, runs + 1):
            for tally in tallies:
                once(target, chance, tally, options.workers)
            print(f"{number}/{runs}: " + ", ".join(f"{t.way} {t.exact} exact" for t in tallies), flush=True)

    rows = [{key: getattr(t, key) for key in ("way", "runs", "exact", "requests", "interrupted")} for t in tallies]
    section = {"users": USERS, "workers": options.workers, "seed": options.seed, "ways": rows}
    print("\n" + results.soak_text(section))
    different = [f"{tally.way}, {line}" for tally in tallies for line in tally.different]
    print("".join(f"{line}\n" for line in different), end="")
    if options.way == WAYS and runs >= enough:
        results.save("soak_workers" if options.workers else "soak", section | {"different": different})
    print(f"{sum(t.exact for t in tallies)} of {sum(t.runs for t in tallies)} exact")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
