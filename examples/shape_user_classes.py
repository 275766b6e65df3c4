"""A load shape that also says which kinds of users a stage starts: readers first, then writers join."""

from locust import HttpUser, LoadTestShape, between, task


class Reader(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def read(self):
        self.client.get("/")


class Writer(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def write(self):
        self.client.post("/getInfo", json={"name": "Ada"})


class ReadersFirst(LoadTestShape):
    stages = [
        {"until": 30, "users": 10, "spawn_rate": 10, "user_classes": [Reader]},
        {"until": 60, "users": 30, "spawn_rate": 10, "user_classes": [Reader, Writer]},
    ]

    def tick(self):
        for stage in self.stages:
            if self.get_run_time() < stage["until"]:
                return stage["users"], stage["spawn_rate"], stage["user_classes"]
        return None
