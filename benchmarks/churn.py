"""The long proof that nothing leaks: full rate, connections that come and go and break, and what the process holds.

    python -m benchmarks.churn [--minutes N]

Fifty users, most without waits. nginx ends every connection after a hundred requests, on several addresses and over
TLS; some users ask for the end after each request; some talk to a target that resets connections before and within the
answer. Once a second the memory and the descriptors of the generator are looked at. They must not grow after the first
fifth.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import results
from benchmarks.cases import GREGARIA, LOCUSTFILES, USERS, WORK, cores
from benchmarks.limits import judged
from benchmarks.nginx import Nginx, pinned
from benchmarks.target import WaitingTarget

FULL_MINUTES = 10
REQUESTS_OF_A_CONNECTION = 100
ADDRESSES = 4 if sys.platform.startswith("linux") else 1
#: what the run needs to settle, as a share of it; and the share at either end of the rest that is compared
SETTLING, COMPARED = 0.2, 0.2
MEMORY_AT_MOST_MIB = 2
FILES_AT_MOST = 2


@dataclass(frozen=True, slots=True)
class Held:
    """What the process held at a moment."""

    seconds: float
    memory_mib: float
    files: int


def holding(process: psutil.Process, seconds: float) -> Held:
    """What it holds now."""
    usage = process.memory_info()
    # Not the USS: a library's pages are in that or not, as another process that uses them comes and goes.
    return Held(seconds, (usage.rss - getattr(usage, "shared", 0)) / 2**20, process.num_fds())


def growth(values: list[float]) -> float:
    """By how much the last part is above the first, medians, once things have settled."""
    settled = values[int(len(values) * SETTLING) :]
    part = max(int(len(settled) * COMPARED), 1)
    return statistics.median(settled[-part:]) - statistics.median(settled[:part])


def closed_lately() -> int:
    """Connections of this machine that wait for stragglers (TIME_WAIT)."""
    text = Path("/proc/net/sockstat")
    if not text.exists():
        return 0
    words = next(line for line in text.read_text().splitlines() if line.startswith("TCP:")).split()
    return int(words[words.index("tw") + 1])


def run(seconds: float) -> tuple[list[Held], dict[str, Any]]:
    """The samples, and a row about the run."""
    target_core, generator_core = cores()
    log = WORK / "churn.log"
    with (
        Nginx(WORK, target_core, keepalive_requests=REQUESTS_OF_A_CONNECTION, addresses=ADDRESSES) as target,
        WaitingTarget(WORK, target_core, 0) as faulty,
        log.open("wb") as output,
    ):
        words = [GREGARIA, "-f", str(LOCUSTFILES / "churn.py"), "--headless", "--only-summary"]
        words += ["-u", str(USERS), "-r", str(USERS), "-H", target.url]
        environment = os.environ | {
            "GREGARIA_BENCH_URLS": " ".join(target.urls),
            "GREGARIA_BENCH_TLS_URL": target.tls_url,
            "GREGARIA_BENCH_FAULTY_URL": faulty.url,
        }
        process = subprocess.Popen(
            pinned(generator_core, words), stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            seen, most_closed = watch(process, seconds)
            requests, mishaps, connections = target.requests(), faulty.requests(), target.accepted()
            process.send_signal(signal.SIGINT)
            process.wait(20)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if not mishaps:
        sys.exit(f"The users with bad luck sent nothing; see {log}")
    row = {
        "minutes": round(seconds / 60, 1),
        "requests/s": round(requests / seconds),
        "connections/s": round((connections + mishaps * 3 / 4) / seconds),
        "broken/s": round(mishaps / 2 / seconds),
        "most in TIME_WAIT": most_closed,
    }
    return seen, row


def watch(process: subprocess.Popen[bytes], seconds: float) -> tuple[list[Held], int]:
    """A sample each second."""
    usage = psutil.Process(process.pid)
    seen: list[Held] = []
    most_closed, started = 0, time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        time.sleep(1)
        if process.poll() is not None:
            sys.exit(f"The generator ended after {passed:.0f} s; see {WORK / 'churn.log'}")
        seen.append(holding(usage, passed))
        most_closed = max(most_closed, closed_lately())
        if len(seen) % 30 == 0:
            print(f"{passed:5.0f} s: {seen[-1].memory_mib:.1f} MiB, {seen[-1].files} descriptors", flush=True)
    return seen, most_closed


def main() -> int:
    """Run, write it beside the other results; returns 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES)
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    seen, row = run(options.minutes * 60)
    memory, files = [each.memory_mib for each in seen], [float(each.files) for each in seen]
    row |= {
        "MiB first / median / last": f"{memory[0]:.1f} / {statistics.median(memory):.1f} / {memory[-1]:.1f}",
        "descriptors first / median / last": f"{files[0]:.0f} / {statistics.median(files):.0f} / {files[-1]:.0f}",
    }
    verdicts = [
        judged("memory grown by, MiB", round(growth(memory), 2), MEMORY_AT_MOST_MIB),
        judged("descriptors grown by", growth(files), FILES_AT_MOST),
    ]
    section = {
        "about": f"{USERS} users at full rate, HttpUser and FastHttpUser: nginx ends each connection after "
        f"{REQUESTS_OF_A_CONNECTION} requests, also over TLS; some requests ask for the end; some connections are "
        "reset before or within the answer. The process's own memory (less what files back) and its descriptors once a "
        "second; grown by: the median of the last fifth less that of the first, when the first fifth of the run has "
        "passed.",
        "rows": [row],
        "judged": verdicts,
    }
    print(results.judged_text(section))
    if options.minutes >= FULL_MINUTES:
        results.save("churn", section)
    return 1 if any(each["value"] > each["at_most"] for each in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
