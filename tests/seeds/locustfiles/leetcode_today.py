"""The locustfile of the LeetCode article in today's spelling."""

import os

from locust import HttpUser, TaskSet, between, task

# the article waits 5 to 15 seconds
FASTER = float(os.environ.get("FASTER", "1"))


class WebsiteTasks(TaskSet):
    def on_start(self):
        self.client.post("/auth/login", json={"email": "buyer@shop.example", "password": "secret"})

    @task
    def index(self):
        self.client.get("/health")

    @task
    def about(self):
        self.client.get("/search", params={"q": "about"})


class WebsiteUser(HttpUser):
    tasks = [WebsiteTasks]
    wait_time = between(5 / FASTER, 15 / FASTER)
