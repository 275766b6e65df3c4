"""Listening to events: every request slower than a limit is written to a file, with a line at the start and the end."""

import os
import time

from locust import HttpUser, between, events, task

LIMIT_MS = float(os.environ.get("SLOW_MS", "100"))
FILE = os.environ.get("SLOW_FILE", "slow-requests.log")


@events.test_start.add_listener
def open_log(environment, **_):
    environment.slow_log = open(FILE, "w")  # noqa: SIM115  closed when the test stops
    print(f"Requests slower than {LIMIT_MS:g} ms go to {FILE}", file=environment.slow_log)


@events.test_stop.add_listener
def close_log(environment, **_):
    environment.slow_log.close()


# further arguments may come in later versions, so take **_
@events.request.add_listener
def write_slow(request_type, name, response_time, exception, context, **_):
    if response_time is not None and response_time > LIMIT_MS:
        log = context["log"]
        print(f"{time.time():.3f} {request_type} {name} {response_time:.1f} ms {exception or 'ok'}", file=log)


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    # what is in the context reaches every listener of `request`
    def context(self):
        return {"log": self.environment.slow_log}

    @task
    def read(self):
        self.client.get("/")
