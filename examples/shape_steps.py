"""A load shape of equal steps: some more users every so often, to find where the target gives in."""

import math

from locust import HttpUser, LoadTestShape, between, task


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def read(self):
        self.client.get("/")


class Steps(LoadTestShape):
    step_s = 30
    users_per_step = 10
    spawn_rate = 10
    end_s = 300

    def tick(self):
        run_time = self.get_run_time()
        if run_time > self.end_s:
            return None
        step = math.floor(run_time / self.step_s) + 1
        return step * self.users_per_step, self.spawn_rate
