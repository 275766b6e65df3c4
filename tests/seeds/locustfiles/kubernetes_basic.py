"""The first locustfile of the Kubernetes article: absolute addresses, and a body that was dumped by hand."""

import json
import os

from locust import HttpUser, between, task

URL = os.environ["TARGET"] + "/"
sample_data = {"id": 123, "name": "Jay", "city": "Pune"}


class APIUser(HttpUser):
    wait_time = between(float(os.environ.get("SHORTEST_WAIT", "1")), float(os.environ.get("LONGEST_WAIT", "2")))

    @task
    def hello_world(self):
        self.client.get(URL)

    @task(2)
    def get_information(self):
        self.client.post(URL + "getInfo", json.dumps(sample_data))
