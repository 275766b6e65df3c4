"""The two plain cases over TLS, to a target whose certificate nobody knows."""

from locust import FastHttpUser, HttpUser, task


class Fast(FastHttpUser):
    """FastHttpUser, nothing but GET."""

    insecure = True

    @task
    def get(self):
        self.client.get("/")


class Http(HttpUser):
    """HttpUser, nothing but GET."""

    def on_start(self):
        self.client.verify = False

    @task
    def get(self):
        self.client.get("/")
