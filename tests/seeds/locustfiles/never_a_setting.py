"""The setting that the pattern article recommends, and that never was."""

import locust.stats
from locust import HttpUser, constant, task

locust.stats.response_time_histogram = [1, 2, 5, 10]


class Visitor(HttpUser):
    wait_time = constant(0.1)

    @task
    def visit(self):
        self.client.get("/health")
