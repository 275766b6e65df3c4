"""Kills, freezes and cuts nodes of a test at random, then counts: ``python -m tests.cluster.chaos --minutes 5``.

What the target was asked must be what the report says and what it says was interrupted, less at most what the notes of
the report say may be missing of killed workers. It must never be less: nothing is counted twice.
"""

import argparse
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster.test_cluster import CALM, asked
from tests.support.long_line import LongLine
from tests.support.nodes import Cluster, Node
from tests.support.servers import Server, process_that_prints_its_port

_USERS = 24
_WORKERS = 4
#: of one test, a minute or so
_STRIKES = 15


class Chaos:
    """One test, and what happens to its nodes.

    Args:
        cluster: of this.
        target: the server that counts.
        seed: of the chance.
    """

    def __init__(self, cluster: Cluster, target: Server, seed: int) -> None:
        self._cluster = cluster
        self._words = ("-u", str(_USERS), "-r", "100", "--expect-workers", str(_WORKERS), "-H", target.url)
        self._words += ("--journal", "notes")
        self._chance = random.Random(seed)
        self.master = cluster.start_master(*self._words)
        self._port = cluster.port
        self._line: LongLine | None = None
        self.workers: list[Node] = []
        self.done: list[str] = []

    def start(self, line: LongLine) -> None:
        """Start the workers, half of them over a line that can be cut."""
        self._line = line
        for number in range(_WORKERS):
            self._start_worker(over_line=number % 2 == 1)
        self.master.wait_for("All users spawned", timeout_s=40)

    def _start_worker(self, *, over_line: bool) -> None:
        assert self._line is not None
        self._cluster.port = self._line.port if over_line else self._port
        self.workers.append(self._cluster.start_worker())
        self._cluster.port = self._port

    def strike(self) -> None:
        """Something happens."""
        strike = self._chance.choice([self._kill_worker, self._freeze, self._cut, self._stall, self._kill_master])
        self.done.append(strike.__name__.strip("_"))
        strike()

    def _kill_worker(self) -> None:
        victim = self._chance.randrange(len(self.workers))
        self.workers.pop(victim).kill()
        time.sleep(self._chance.uniform(0, 3))
        self._start_worker(over_line=self._chance.random() < 0.5)

    def _freeze(self) -> None:
        victim = self._chance.choice(self.workers)
        victim.signal(signal.SIGSTOP)
        time.sleep(self._chance.uniform(0.5, 8))
        victim.signal(signal.SIGCONT)

    def _cut(self) -> None:
        assert self._line is not None
        self._line.cut()

    def _stall(self) -> None:
        assert self._line is not None
        self._line.is_stalled = True
        time.sleep(self._chance.uniform(0.5, 8))
        self._line.is_stalled = False

    def _kill_master(self) -> None:
        self.master.kill()
        time.sleep(self._chance.uniform(0, 4))
        self.master = self._cluster.start_master(*self._words, port=self._port)
        self.master.wait_for("All users spawned", timeout_s=60)


def run(folder: Path, strikes: int, seed: int) -> str:
    """Let chaos strike so many times; one line of what came of it.

    Raises:
        AssertionError: the figures are not the target's.
    """
    with process_that_prints_its_port(["-m", "tests.support.target"]) as port, Cluster(folder, CALM) as cluster:
        target = Server(f"http://127.0.0.1:{port}")
        chaos = Chaos(cluster, target, seed)
        with LongLine(cluster.port) as line:
            chaos.start(line)
            for _ in range(strikes):
                chaos.strike()
                time.sleep(2)
            # Everybody comes back first: what is lost then is lost for good.
            time.sleep(4)
            chaos.master.signal(signal.SIGINT)
            code = chaos.master.wait(60)
            told = cluster.total["num_requests"] + cluster.total["num_interrupted"]
            missing = asked(target) - told
            bound = sum(
                int(number.replace(",", ""))
                for note in cluster.report["notes"]
                for number in re.findall(r"At most about ([\d,]+) requests", note)
            )
            line_ = (
                f"seed {seed}: {len(chaos.done)} strikes ({', '.join(chaos.done)}); asked {asked(target):,}, "
                f"told {told:,}, missing {missing:,} of at most {bound:,}"
            )
            assert code == 0, f"{line_}\n{chaos.master.output}"
            assert 0 <= missing <= bound, f"{line_}\n{chaos.master.output}"
    return line_


def main() -> None:
    """Run as long as asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    options = parser.parse_args()
    until_s = time.monotonic() + options.minutes * 60
    seed = options.seed
    while time.monotonic() < until_s:
        with tempfile.TemporaryDirectory() as folder:
            print(run(Path(folder), _STRIKES, seed), flush=True)
        seed += 1


if __name__ == "__main__":
    sys.exit(main())
