"""The users of the pipelines beside this file."""

from locust import FastHttpUser, between, task


class Visitor(FastHttpUser):
    wait_time = between(0.02, 0.05)

    @task
    def look(self):
        self.client.get("/")
