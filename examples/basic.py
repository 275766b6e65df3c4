"""The smallest useful locustfile: one kind of user, two tasks, one picked twice as often as the other.

    gregaria -f examples/basic.py --headless -u 10 -r 5 -t 10s -H http://127.0.0.1:8000

All examples run against the example target: ``uvicorn app:app --app-dir examples/target``.
"""

from locust import HttpUser, between, task

PERSON = {"id": 123, "name": "Ada", "city": "London"}


class Visitor(HttpUser):
    wait_time = between(0.1, 0.3)

    @task(2)
    def read(self):
        self.client.get("/")

    @task
    def introduce(self):
        self.client.post("/getInfo", json=PERSON)
