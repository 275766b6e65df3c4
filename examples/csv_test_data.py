"""Test data from a CSV file: each user takes the next row, and the rows begin again when all were taken."""

import csv
import itertools
from pathlib import Path

from locust import HttpUser, between, task

with open(Path(__file__).with_name("people.csv"), newline="") as file:
    PEOPLE = itertools.cycle(list(csv.DictReader(file)))


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    def on_start(self):
        self.person = next(PEOPLE)

    @task
    def introduce(self):
        self.client.post("/getInfo", json=self.person, name=f"/getInfo of {self.person['name']}")
