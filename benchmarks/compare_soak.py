"""The long proof of ``gregaria compare``: equal runs are told to be equal, and 10 % more time is found.

    python -m benchmarks.compare_soak [--pairs N] [--seconds S] [--at-once N] [--seed N] [--keep FOLDER]
        [--undisturbed]

The target takes 10 to 20 ms for each request, which five users make without waits. Of each pair the second run is like
the first; a third, with a target that takes 10 % longer, is compared with the first, too.
"""

import argparse
import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import results
from benchmarks.jittery import JitteryTarget
from benchmarks.priority import add_undisturbed, take_precedence
from gregaria.report.compare import FASTER, FEWER_FAILURES, MORE_FAILURES, SLOWER, compare
from gregaria.report.measured import MeasuredRun, run_of_document

GREGARIA = str(Path(sys.executable).with_name("gregaria"))
LOCUSTFILE = str(Path(__file__).parent / "locustfiles" / "plain.py")
USERS = 5
ADDED = 1.10
ALARMS = {SLOWER, FASTER, MORE_FAILURES, FEWER_FAILURES}
#: of 100 pairs
MOST_FALSE_ALARMS, FEWEST_FOUND = 5, 95
#: fewer are a look, and not written down
ENOUGH_PAIRS = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """What was said of two runs that are equal, and of two that are not."""

    equal: str
    equal_sentence: str
    delayed: str
    delayed_sentence: str


def measured(folder: Path, label: str, factor: float, seed: int, seconds: int) -> MeasuredRun:
    """One real run, against a target of its own."""
    report = folder / f"{label}.json"
    with JitteryTarget(factor, seed) as target:
        words = [GREGARIA, "-f", LOCUSTFILE, "Fast", "--headless", "-u", str(USERS), "-r", str(USERS), "-H", target.url]
        words += ["-t", f"{seconds}s", "--only-summary", "--json-file", str(report)]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if ended.returncode or not report.exists():
        sys.exit(f"{' '.join(words)} ended with {ended.returncode}:\n{ended.stderr}")
    return run_of_document(json.loads(report.read_text()), label)


def pair(seed: int, seconds: int, keep: Path | None) -> Pair:
    """Three runs, compared; their documents are kept in a folder, if there is one to keep them in."""
    with TemporaryDirectory() as name:
        folder = Path(name) if keep is None else keep / str(seed)
        first, second, slow = (
            measured(folder, label, factor, seed + number, seconds)
            for number, (label, factor) in enumerate((("first", 1.0), ("second", 1.0), ("slow", ADDED)))
        )
    equal, delayed = compare(first, second), compare(first, slow)
    return Pair(equal.verdict, equal.sentence, delayed.verdict, delayed.sentence)


def main() -> int:
    """Run the pairs, write the result beside the others; returns 1 when there were too many mistakes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30, help="of each run")
    parser.add_argument("--at-once", type=int, default=3, help="pairs that run beside each other")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--keep", type=Path, help="keep the documents of all runs in this folder")
    add_undisturbed(parser)
    options = parser.parse_args()
    if options.undisturbed:
        take_precedence()
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    pairs: list[Pair] = []
    with ThreadPoolExecutor(options.at_once) as pool:
        work = [pool.submit(pair, chance.randrange(2**32), options.seconds, options.keep) for _ in range(options.pairs)]
        for done in as_completed(work):
            pairs.append(done.result())
            print(f"{len(pairs)}/{options.pairs}: equal: {pairs[-1].equal_sentence}", flush=True)
            print(f"{len(pairs)}/{options.pairs}: 10 % more: {pairs[-1].delayed_sentence}", flush=True)
    false_alarms = [each.equal_sentence for each in pairs if each.equal in ALARMS]
    found = [each for each in pairs if each.delayed == SLOWER]
    section = {
        "pairs": len(pairs),
        "seconds": options.seconds,
        "seed": options.seed,
        "undisturbed": options.undisturbed,
        "false_alarms": len(false_alarms),
        "found": len(found),
        "untold": sum(each.equal not in ALARMS and each.equal != "no difference" for each in pairs),
    }
    print("\n" + results.compare_text(section))
    print(*false_alarms, sep="\n")
    if len(pairs) >= ENOUGH_PAIRS:
        results.save("compare", section)
    too_many = len(false_alarms) * 100 > MOST_FALSE_ALARMS * len(pairs)
    return 1 if too_many or len(found) * 100 < FEWEST_FOUND * len(pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
