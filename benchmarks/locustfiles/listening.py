"""The two plain cases with somebody listening to every request."""

from locust import FastHttpUser, HttpUser, events, task

SEEN = {"requests": 0}


@events.request.add_listener
def count(request_type, name, response_time, response_length, exception, **kwargs):
    """What a listener does at the least: look at its arguments and add up."""
    if exception is None and response_time is not None:
        SEEN["requests"] += 1


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
