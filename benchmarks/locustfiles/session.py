"""As behind a login: every answer sets the session's cookie and comes compressed, which both clients ask for."""

from locust import FastHttpUser, HttpUser, task


class Fast(FastHttpUser):
    """The same cookie with every answer."""

    @task
    def get(self):
        self.client.get("/session")


class FastRolling(FastHttpUser):
    """A new one with every answer."""

    @task
    def get(self):
        self.client.get("/rolling")


class Http(HttpUser):
    """The same cookie with every answer."""

    @task
    def get(self):
        self.client.get("/session")
