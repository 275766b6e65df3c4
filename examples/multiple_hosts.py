"""More than one host: the user's own host for relative addresses, a second session for another server."""

import os

from locust import HttpUser, between, task
from locust.clients import HttpSession

# where the second server is; the same as the first one when nobody says
OTHER_HOST = os.environ.get("OTHER_HOST")


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    def on_start(self):
        self.other = HttpSession(
            base_url=OTHER_HOST or self.host,
            request_event=self.environment.events.request,
            user=self,
        )

    @task
    def read_here(self):
        self.client.get("/", name="here: /")

    @task
    def read_there(self):
        self.other.get("/", name="there: /")

    @task
    def absolute_addresses_need_no_session(self):
        self.client.get(f"{OTHER_HOST or self.host}/", name="there: absolute")
