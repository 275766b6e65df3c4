"""What a user weighs: the memory of the process with one user and with 15,000, each with an open connection.

python -m benchmarks.memory [--quick]
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks import results
from benchmarks.cases import GREGARIA, WORK, cores, python_tool
from benchmarks.limits import judged
from benchmarks.locust_env import locust_program
from benchmarks.measure import NotMeasuredError, end, raise_file_limit
from benchmarks.nginx import Nginx, pinned

USERS_PER_S = 3_000
ARRIVAL_LIMIT_S = 120
#: after the last connection is there, for what the spawning left behind to be given back
CALM_S = 2.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of user.

    Attributes:
        name: as the results show it.
        program: what runs it.
        user_class: of locustfiles/waiting.py.
        users: how many.
        at_most_kib: what each may weigh; None when nothing is asked.
    """

    name: str
    program: str
    user_class: str
    users: int
    at_most_kib: float | None = None


def subjects(users: int) -> list[Subject]:
    """Locust's users are fewer, as they all weigh the same and take their time to come."""
    locust = str(locust_program())
    return [
        Subject("gregaria Fast", GREGARIA, "IdleFast", users, 14),
        Subject("gregaria Http", GREGARIA, "IdleHttp", users, 20),
        Subject("locust Fast", locust, "IdleFast", min(users, 2_000)),
        Subject("locust Http", locust, "IdleHttp", min(users, 2_000)),
    ]


def own_memory_bytes(subject: Subject, users: int) -> int:
    """The memory that is the process's alone, with that many users waiting on their open connections."""
    target_core, generator_core = cores()
    words = python_tool(subject.program, "waiting.py", subject.user_class, users, "-r", str(USERS_PER_S))
    log = WORK / f"memory-{subject.name.replace(' ', '-')}.log"
    with Nginx(WORK, target_core) as target, log.open("wb") as output:
        command = pinned(generator_core, [word.replace("{url}", target.url) for word in words])
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + ARRIVAL_LIMIT_S
            while target.connections() < users:
                if process.poll() is not None or time.monotonic() > deadline:
                    there = target.connections()
                    raise NotMeasuredError(f"{subject.name}: {there} of {users} connections came; see {log}")
                time.sleep(0.2)
            time.sleep(CALM_S)
            memory: int = psutil.Process(process.pid).memory_full_info().uss
        finally:
            end(process)
    return memory


def measure(users: int) -> list[dict[str, Any]]:
    """A row for each kind of user."""
    rows = []
    for subject in subjects(users):
        try:
            one, all_of_them = own_memory_bytes(subject, 1), own_memory_bytes(subject, subject.users)
        except NotMeasuredError as error:
            print(error, file=sys.stderr)
            continue
        rows.append(
            {
                "user": subject.name,
                "users": f"{subject.users:,}",
                "with one, MiB": round(one / 2**20, 1),
                "with all, MiB": round(all_of_them / 2**20, 1),
                "KiB each": round((all_of_them - one) / (subject.users - 1) / 1024, 2),
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: 3,000 users, nothing is written")
    parser.add_argument("--users", type=int, default=15_000)
    options = parser.parse_args()
    users = 3_000 if options.quick else options.users
    raise_file_limit(users + 1_000)
    rows = measure(users)
    each = {row["user"]: row["KiB each"] for row in rows}
    section = {
        "about": "Every user has sent one request, keeps its connection open and waits. KiB each: the memory that is "
        "the process's alone (USS) with all users, less that with one, divided by their number. A bare greenlet takes "
        "8 KiB.",
        "rows": rows,
        "judged": [
            judged(f"{subject.name}, KiB each", each.get(subject.name), subject.at_most_kib)
            for subject in subjects(users)
            if subject.at_most_kib is not None
        ],
    }
    print(results.judged_text(section))
    if not options.quick:
        results.save("memory", section)


if __name__ == "__main__":
    main()
