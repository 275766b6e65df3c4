"""A journey: steps in the order they are written, each using what the one before learned."""

from locust import HttpUser, SequentialTaskSet, between, task


class Introduction(SequentialTaskSet):
    @task
    def arrive(self):
        self.greeting = self.client.get("/", name="1 arrive").json()["Hello"]

    @task
    def introduce(self):
        self.client.post("/getInfo", json={"greeted": self.greeting}, name="2 introduce")

    @task
    def leave(self):
        # without this the journey would begin again at its first step
        self.interrupt()


class Newcomer(HttpUser):
    wait_time = between(0.05, 0.1)
    tasks = [Introduction]
