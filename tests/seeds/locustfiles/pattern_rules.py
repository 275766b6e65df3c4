"""The pattern article's limits as rules."""

import os

from locust import HttpUser, between, events, task


@events.init.add_listener
def rules(environment, **_):
    environment.fail_if("fail_ratio > 1%")
    environment.fail_if("p95 > 500ms")
    environment.fail_if("p99 > 1000ms")
    environment.fail_if("rps < 100 while users > 50")


class Visitor(HttpUser):
    wait_time = between(0.02, 0.05)

    @task
    def visit(self):
        self.client.get(os.environ["VISITED"])
