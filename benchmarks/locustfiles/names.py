"""Many rows in the statistics, and somebody listening to every request."""

from itertools import cycle

from locust import FastHttpUser, HttpUser, events, task

NAMES = cycle([f"/articles/{number}" for number in range(500)])
SEEN = {"requests": 0}


@events.request.add_listener
def count(request_type, name, response_time, response_length, exception, **kwargs):
    """What a listener does at the least: look at its arguments and add up."""
    if exception is None and response_time is not None:
        SEEN["requests"] += 1


class Fast(FastHttpUser):
    """FastHttpUser, a name after the other."""

    @task
    def get(self):
        self.client.get("/", name=next(NAMES))


class Http(HttpUser):
    """HttpUser, a name after the other."""

    @task
    def get(self):
        self.client.get("/", name=next(NAMES))
