"""The faster client: the same calls, less of requests around them."""

from locust import FastHttpUser, between, task


class Visitor(FastHttpUser):
    wait_time = between(0.01, 0.05)

    @task
    def read(self):
        self.client.get("/")

    @task
    def introduce(self):
        # rest() sends and expects JSON; a failed assertion is the request's failure
        with self.rest("POST", "/getInfo", json={"name": "Ada"}) as response:
            assert response.js["data"]["name"] == "Ada", "the answer is about somebody else"
