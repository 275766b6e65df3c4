"""The fourth way to end: a script that uses Gregaria as a library and calls ``runner.quit()``.

python -m gregaria.compat benchmarks/soak_library.py URL USERS SECONDS REPORT.json WORKERS

With workers the script is the master; they are the installed command with users of the same names.
"""

import json
import subprocess
import sys
from pathlib import Path

import gevent
from locust import FastHttpUser, HttpUser, task
from locust.env import Environment

LOCUSTFILE = Path(__file__).parent / "locustfiles" / "plain.py"


class Fast(FastHttpUser):
    """Half of the users."""

    @task
    def get(self):
        self.client.get("/")


class Http(HttpUser):
    """The other half."""

    @task
    def get(self):
        self.client.get("/")


def main(url, users, seconds, report, workers):
    """Run, quit after some seconds, and write what was counted; returns the worst exit code of a worker."""
    environment = Environment(user_classes=[Fast, Http], host=url)
    processes = []
    if workers:
        runner = environment.create_master_runner("127.0.0.1", 0)
        words = ["-m", "gregaria", "-f", str(LOCUSTFILE), "Fast", "Http", "--worker", "--master-port", str(runner.port)]
        processes = [subprocess.Popen([sys.executable, *words]) for _ in range(workers)]
        runner.wait_for_workers(workers)
    else:
        runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.spawn_later(seconds, runner.quit)
    runner.greenlet.join()
    total = {"num_requests": environment.stats.total.num_requests, "num_interrupted": environment.stats.interrupted}
    Path(report).write_text(json.dumps({"total": total}))
    return max((process.wait() for process in processes), default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4], int(sys.argv[5])))
