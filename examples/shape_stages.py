"""A load shape of stages: each lasts until its time, with its own number of users and rate of starting them."""

from locust import HttpUser, LoadTestShape, between, task


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def read(self):
        self.client.get("/")


class Stages(LoadTestShape):
    # until: seconds since the start
    stages = [
        {"until": 20, "users": 5, "spawn_rate": 5},
        {"until": 40, "users": 50, "spawn_rate": 20},
        {"until": 60, "users": 10, "spawn_rate": 20},
    ]

    def tick(self):
        for stage in self.stages:
            if self.get_run_time() < stage["until"]:
                return stage["users"], stage["spawn_rate"]
        # None ends the test
        return None
