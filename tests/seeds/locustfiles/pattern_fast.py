"""The pattern article's user for raw throughput."""

from locust import between, task
from locust.contrib.fasthttp import FastHttpUser


class HighThroughputUser(FastHttpUser):
    wait_time = between(0, 0.1)

    @task
    def ping(self):
        with self.client.get("/health", catch_response=True) as resp:
            if resp.status_code != 200:
                resp.failure(f"Unexpected status: {resp.status_code}")
