"""One user class per case; the same file runs under Gregaria and under Locust. No waits, one request per task."""

from locust import FastHttpUser, HttpUser, task


class Fast(FastHttpUser):
    """FastHttpUser, nothing but GET."""

    @task
    def get(self):
        self.client.get("/")


class Http(HttpUser):
    """HttpUser, nothing but GET."""

    @task
    def get(self):
        self.client.get("/")


class HttpParams(HttpUser):
    """With a query string."""

    @task
    def get(self):
        self.client.get("/", params={"q": "load test", "page": 2}, name="/")


class HttpHeaders(HttpUser):
    """With headers of this one request."""

    @task
    def get(self):
        self.client.get("/", headers={"X-Tenant": "blue", "Accept": "application/json"})


class HttpCookie(HttpUser):
    """With a cookie that the session keeps."""

    def on_start(self):
        self.client.cookies.set("session", "5b2f9c0d7e")

    @task
    def get(self):
        self.client.get("/")


class HttpToken(HttpUser):
    """With a token that the session's headers carry."""

    def on_start(self):
        self.client.headers["Authorization"] = "Bearer 7d0f6a1c9b"

    @task
    def get(self):
        self.client.get("/")


class HttpCatch(HttpUser):
    """Judging each answer."""

    @task
    def get(self):
        with self.client.get("/", catch_response=True) as response:
            if response.status_code != 200:
                response.failure("not the answer we wanted")


class HttpJson(HttpUser):
    """Sending JSON and reading JSON."""

    @task
    def post(self):
        self.client.post("/", json={"id": 123, "name": "Ada"}).json()
