"""The example: replace it with your own test."""

from locust import HttpUser, between, task


class Visitor(HttpUser):
    """Looks at the first page every second or two."""

    wait_time = between(1, 2)

    @task
    def look(self):
        self.client.get("/")
