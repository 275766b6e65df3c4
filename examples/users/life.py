"""A user's life: log in once, use what that gave, log out; and ways to end early.

gregaria -f examples/users/life.py --headless -u 5 -r 5 -t 5s -H http://127.0.0.1:8000
"""

from itertools import count

from locust import HttpUser, constant, task
from locust.exception import RescheduleTask, StopUser

numbers = count(1)


class Member(HttpUser):
    wait_time = constant(0.02)

    def on_start(self):
        """Runs once, before the first task. What it stores on the user is the user's own."""
        self.number = next(numbers)
        self.visits = 0
        answer = self.client.post("/getInfo", json={"member": self.number}, name="log in")
        # from now on sent with every request of this user
        self.client.headers["Authorization"] = f"Token {answer.json()['data']['member']}"

    def on_stop(self):
        """Runs once, however the user ends; its requests still go out and count."""
        self.client.post("/getInfo", json={"bye": self.number}, name="log out")

    @task
    def visit(self):
        self.visits += 1
        if self.visits > 20:
            # this user has seen enough; nobody takes its place
            raise StopUser
        page = self.client.get("/", name="visit")
        if page.status_code != 200:
            # give this task up; the failure is counted already
            raise RescheduleTask
        assert page.json()["Hello"] == "World"
