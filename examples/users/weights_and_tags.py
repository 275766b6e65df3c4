"""How many users of each kind, how often each task, and how to run only some of it.

gregaria -f examples/users/weights_and_tags.py --headless -u 10 -r 10 -t 10s -H http://127.0.0.1:8000
gregaria -f examples/users/weights_and_tags.py ... --tags smoke
gregaria -f examples/users/weights_and_tags.py ... --exclude-tags write
gregaria -f examples/users/weights_and_tags.py ... Visitor
gregaria -f examples/users/weights_and_tags.py --show-task-ratio -u 10
"""

from locust import HttpUser, between, tag, task


class Person(HttpUser):
    # there to be derived from; has no users itself
    abstract = True
    wait_time = between(0.01, 0.05)

    @tag("smoke", "read")
    @task(4)
    def read(self):
        self.client.get("/", name=f"{type(self).__name__} reads")


class Visitor(Person):
    # three of these for each Editor
    weight = 3


class Editor(Person):
    weight = 1

    @tag("write")
    @task
    def write(self):
        self.client.post("/getInfo", json={"text": "new"}, name="Editor writes")


class Admin(Person):
    # exactly one, however many there are of the others
    fixed_count = 1
