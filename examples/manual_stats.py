"""Figures of your own: the time of several requests together, of a computation, of anything that begins and ends."""

import hashlib
import time

from locust import HttpUser, between, task


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def two_requests_as_one_figure(self):
        with self.environment.events.request.measure("journey", "read and introduce") as request:
            read = self.client.get("/")
            introduced = self.client.post("/getInfo", json={"name": "Ada"})
            request["response_length"] = len(read.content) + len(introduced.content)
            introduced.raise_for_status()

    @task
    def a_computation(self):
        started = time.perf_counter()
        digest = hashlib.sha256(b"x" * 100_000).digest()
        self.environment.events.request.fire(
            request_type="compute",
            name="sha256",
            response_time=(time.perf_counter() - started) * 1000,
            response_length=len(digest),
            exception=None,
            context=self.context(),
        )
