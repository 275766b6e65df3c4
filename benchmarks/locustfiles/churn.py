"""Connections that come and go all the time: the server ends them, the client ends them, and some just break.

GREGARIA_BENCH_URLS names the addresses of one target, GREGARIA_BENCH_TLS_URL the same over TLS, and
GREGARIA_BENCH_FAULTY_URL the target that breaks off.
"""

import os
from itertools import cycle

from locust import FastHttpUser, HttpUser, constant, task

URLS = cycle(os.environ["GREGARIA_BENCH_URLS"].split())
TLS_URL = os.environ["GREGARIA_BENCH_TLS_URL"]
FAULTY_URL = os.environ["GREGARIA_BENCH_FAULTY_URL"]
MISHAPS = cycle(["/reset", "/half", "/close", "/"])
#: seconds between two connections of a user that makes one for each request: 200 a second of each such user
PAUSE_S = 0.005


class Fast(FastHttpUser):
    """At full rate; the target ends each connection after some requests."""

    weight = 20

    def on_start(self):
        self.url = next(URLS)

    @task(50)
    def get(self):
        self.client.get(f"{self.url}/", name="/")

    @task
    def rolling(self):
        self.client.get(f"{self.url}/rolling", name="/rolling")


class Http(HttpUser):
    """The same."""

    weight = 20

    def on_start(self):
        self.url = next(URLS)

    @task(50)
    def get(self):
        self.client.get(f"{self.url}/", name="/")

    @task
    def post(self):
        self.client.post(f"{self.url}/", json={"id": 123}, params={"page": 2}, name="POST")


class Secure(FastHttpUser):
    """The same over TLS."""

    weight = 4
    insecure = True

    @task
    def get(self):
        self.client.get(f"{TLS_URL}/", name="TLS")


class Closing(FastHttpUser):
    """A connection for each request, ended by both sides as asked."""

    fixed_count = 1
    wait_time = constant(PAUSE_S)

    @task
    def get(self):
        self.client.get(f"{next(URLS)}/", headers={"Connection": "close"}, name="closed")


class HttpClosing(HttpUser):
    """The same."""

    fixed_count = 1
    wait_time = constant(PAUSE_S)

    @task
    def get(self):
        self.client.get(f"{next(URLS)}/", headers={"Connection": "close"}, name="closed")


class Unlucky(FastHttpUser):
    """Reset before the answer, reset within it, closed after it, and well."""

    fixed_count = 2
    wait_time = constant(PAUSE_S)

    @task
    def get(self):
        path = next(MISHAPS)
        self.client.get(f"{FAULTY_URL}{path}", name=path)


class HttpUnlucky(HttpUser):
    """The same."""

    fixed_count = 2
    wait_time = constant(PAUSE_S)

    @task
    def get(self):
        path = next(MISHAPS)
        self.client.get(f"{FAULTY_URL}{path}", name=path)
