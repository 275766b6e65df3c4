"""A day at the example target: people who look, people who upload, and one who walks through it step by step.

gregaria -f examples/demo/locustfile.py --headless -u 20 -r 10 -t 10s -H http://127.0.0.1:8000
"""

from locust import FastHttpUser, HttpUser, SequentialTaskSet, between, constant_throughput, tag, task

PERSON = {"id": 123, "name": "Ada", "city": "London"}


class Visitor(FastHttpUser):
    """Most of the traffic: looks at the first page, sometimes asks for details."""

    weight = 3
    wait_time = between(0.05, 0.2)

    @task(3)
    def look(self) -> None:
        self.client.get("/")

    @task
    def ask(self) -> None:
        with self.client.post("/getInfo", json=PERSON, catch_response=True) as response:
            if response.json()["data"] != PERSON:
                response.failure("the answer is about somebody else")


class Uploader(HttpUser):
    """Sends small files; the client is a requests.Session, so `files=` works as it does there."""

    weight = 1
    wait_time = constant_throughput(5)

    @tag("upload")
    @task
    def upload(self) -> None:
        content = b"x" * 2_000
        with self.client.post("/fileSize", files={"file": ("notes.txt", content)}, catch_response=True) as response:
            if str(len(content)) not in response.text:
                response.failure(f"sent {len(content)} bytes, the target says {response.text}")


class FirstDay(SequentialTaskSet):
    """The same three steps in the same order, then away."""

    @task
    def arrive(self) -> None:
        self.client.get("/", name="first day: arrive")

    @task
    def introduce(self) -> None:
        self.client.post("/getInfo", json=PERSON, name="first day: introduce")

    @task
    def leave(self) -> None:
        self.interrupt()


class Newcomer(HttpUser):
    """Lives in the task set above."""

    weight = 1
    wait_time = between(0.1, 0.3)
    tasks = [FirstDay]
