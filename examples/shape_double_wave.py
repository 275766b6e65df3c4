"""A load shape with two peaks, such as a day with a busy morning and a busy evening."""

import math

from locust import HttpUser, LoadTestShape, between, task


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def read(self):
        self.client.get("/")


class DoubleWave(LoadTestShape):
    quiet_users = 10
    first_peak_users = 30
    second_peak_users = 50
    day_s = 600

    def tick(self):
        day = self.get_run_time() / self.day_s
        if day > 1:
            return None
        users = (
            self.quiet_users
            + self.first_peak_users * math.exp(-((day - 0.33) ** 2) / 0.01)
            + self.second_peak_users * math.exp(-((day - 0.7) ** 2) / 0.01)
        )
        return round(users), 20
