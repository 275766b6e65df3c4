"""The fourth way to end: a script that uses Gregaria as a library and calls ``runner.quit()``.

python -m gregaria.compat benchmarks/soak_library.py URL USERS SECONDS REPORT.json
"""

import json
import sys
from pathlib import Path

import gevent
from locust import FastHttpUser, HttpUser, task
from locust.env import Environment


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


def main(url, users, seconds, report):
    """Run, quit after some seconds, and write what was counted."""
    environment = Environment(user_classes=[Fast, Http], host=url)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.spawn_later(seconds, runner.quit)
    runner.greenlet.join()
    total = {"num_requests": environment.stats.total.num_requests, "num_interrupted": environment.stats.interrupted}
    Path(report).write_text(json.dumps({"total": total}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
