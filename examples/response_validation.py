"""Deciding what is a failure: with catch_response the block judges the answer, not only its status."""

from locust import HttpUser, between, task
from locust.exception import RescheduleTask


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def answer_must_say_hello(self):
        with self.client.get("/", catch_response=True) as response:
            if "Hello" not in response.json():
                response.failure("no greeting")
            elif response.elapsed.total_seconds() > 5:
                response.failure("greeted, but too late")

    @task
    def missing_page_is_fine(self):
        with self.client.get("/not/there", name="a missing page", catch_response=True) as response:
            if response.status_code == 404:
                response.success()

    @task
    def wrong_answer_ends_the_task(self):
        person = {"name": "Ada"}
        with self.client.post("/getInfo", json=person, name="an echo", catch_response=True) as response:
            if response.json()["data"] != {"name": "Grace"}:
                response.failure("the answer is not about Grace")
                # go on with another task; what follows below is not run
                raise RescheduleTask
        self.client.get("/", name="never reached")
