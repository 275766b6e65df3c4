"""Users that wait between requests: few requests from many users."""

import random

import gevent
from locust import FastHttpUser, HttpUser, constant, constant_throughput, task


class Calm(FastHttpUser):
    """One request every five seconds."""

    wait_time = constant(5)

    @task
    def get(self):
        self.client.get("/", name="/")


class Even(FastHttpUser):
    """Five requests a second, each user at moments of its own."""

    wait_time = constant_throughput(5)

    def on_start(self):
        gevent.sleep(random.uniform(0, 0.2))

    @task
    def get(self):
        self.client.get("/", name="/")


class EvenHttp(HttpUser):
    """Five requests a second, each user at moments of its own."""

    wait_time = constant_throughput(5)

    def on_start(self):
        gevent.sleep(random.uniform(0, 0.2))

    @task
    def get(self):
        self.client.get("/", name="/")


class IdleFast(FastHttpUser):
    """One request, and then an open connection."""

    wait_time = constant(3600)

    @task
    def get(self):
        self.client.get("/", name="/")


class IdleHttp(HttpUser):
    """One request, and then an open connection."""

    wait_time = constant(3600)

    @task
    def get(self):
        self.client.get("/", name="/")
