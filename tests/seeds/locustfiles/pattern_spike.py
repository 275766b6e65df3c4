"""The pattern article's load shape: baseline, spike, baseline again, ramp down."""

from locust import HttpUser, LoadTestShape, between, task


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def health(self):
        self.client.get("/health")


class SpikeShape(LoadTestShape):
    """Good for watching a target scale out, and its caches fill."""

    stages = [
        {"duration": 60, "users": 50, "spawn_rate": 5},  # warm up
        {"duration": 90, "users": 50, "spawn_rate": 5},  # steady baseline
        {"duration": 120, "users": 500, "spawn_rate": 100},  # spike
        {"duration": 180, "users": 500, "spawn_rate": 100},  # hold spike
        {"duration": 210, "users": 50, "spawn_rate": 50},  # recover
        {"duration": 270, "users": 50, "spawn_rate": 5},  # steady again
        {"duration": 300, "users": 0, "spawn_rate": 50},  # ramp down
    ]

    def tick(self):
        run_time = self.get_run_time()
        for stage in self.stages:
            if run_time < stage["duration"]:
                return stage["users"], stage["spawn_rate"]
        return None  # ends the test
