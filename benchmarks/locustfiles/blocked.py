"""Fifty users, one of which computes for 200 ms between its requests and lets nobody else run meanwhile."""

import time

from locust import FastHttpUser, task

BLOCK_S = 0.2


class Other(FastHttpUser):
    """One of those who are kept waiting."""

    weight = 49

    @task
    def get(self):
        self.client.get("/", name="/")


class Blocker(FastHttpUser):
    """Pure Python, as much of it as there is time for."""

    fixed_count = 1

    @task
    def compute(self):
        self.client.get("/", name="/")
        until = time.perf_counter() + BLOCK_S
        while time.perf_counter() < until:
            pass
