"""A steady rate: each user starts a task every second, however long the task takes, and all are spread over it.

    gregaria -f examples/users/pacing.py --headless -u 20 -r 20 -t 10s -H http://127.0.0.1:8000

Twenty users with a task a second are twenty requests per second. A target that slows down is asked less often, but
never more: a user that is late goes on at once, and does not make up for what it missed.
"""

import random

from locust import HttpUser, constant_pacing, constant_throughput, task


class EverySecond(HttpUser):
    wait_time = constant_pacing(1)

    @task
    def read(self):
        self.client.get("/", name="every second")


class FiveTimesASecond(HttpUser):
    # the same, said the other way round
    wait_time = constant_throughput(5)

    @task
    def read(self):
        self.client.get("/", name="five times a second")


class AsItPleases(HttpUser):
    rounds = 0

    def wait_time(self):
        """Any method that returns seconds will do; this one slows down."""
        self.rounds += 1
        return random.uniform(0, 0.02 * self.rounds)

    @task
    def read(self):
        self.client.get("/", name="slower and slower")
