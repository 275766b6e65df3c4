"""What is more than a few bytes: 1 KiB of JSON sent, and 100 KiB received."""

import json
from pathlib import Path

from locust import FastHttpUser, HttpUser, task

TEXT = Path(__file__).with_name("order.json").read_bytes()
ORDER = json.loads(TEXT)
HEADERS = {"Content-Type": "application/json"}


class FastPost(FastHttpUser):
    """The text as it is."""

    @task
    def post(self):
        self.client.post("/", data=TEXT, headers=HEADERS)


class FastPostJson(FastHttpUser):
    """Made into text for every request."""

    @task
    def post(self):
        self.client.post("/", json=ORDER)


class HttpPost(HttpUser):
    """The text as it is."""

    @task
    def post(self):
        self.client.post("/", data=TEXT, headers=HEADERS)


class FastLarge(FastHttpUser):
    """100 KiB."""

    @task
    def get(self):
        self.client.get("/large")


class HttpLarge(HttpUser):
    """100 KiB."""

    @task
    def get(self):
        self.client.get("/large")
