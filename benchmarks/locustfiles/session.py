"""As behind a login: every answer sets the session's cookie anew and comes compressed."""

from locust import FastHttpUser, HttpUser, task


class Fast(FastHttpUser):
    """Asks for compression, as browsers do; each client takes care of the cookie."""

    @task
    def get(self):
        self.client.get("/session", headers={"Accept-Encoding": "gzip"})


class Http(HttpUser):
    """requests asks for compression by itself."""

    @task
    def get(self):
        self.client.get("/session")
