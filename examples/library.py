"""Gregaria as a library: no command, the script starts and stops the test itself.

    python -m gregaria.compat examples/library.py http://127.0.0.1:8000
"""

import sys

import gevent
from locust import HttpUser, between, events, task
from locust.env import Environment
from locust.stats import stats_history, stats_printer


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def read(self):
        self.client.get("/")


def main(host, seconds):
    environment = Environment(user_classes=[Visitor], events=events, host=host)
    runner = environment.create_local_runner()
    environment.events.init.fire(environment=environment, runner=runner, web_ui=None)
    gevent.spawn(stats_printer(environment.stats))
    gevent.spawn(stats_history, runner)

    runner.start(user_count=5, spawn_rate=5)
    gevent.spawn_later(seconds, runner.quit)
    runner.greenlet.join()

    total = environment.stats.total
    print(f"{total.num_requests} requests, {total.num_failures} failures, median {total.median_response_time} ms")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10)
