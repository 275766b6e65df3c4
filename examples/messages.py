"""Messages between the parts of a test: the master hands out accounts, each worker tells what it got.

In a run on one machine both ends are the same process, and what is sent in ``test_start`` has arrived before the first
user starts.
"""

from locust import HttpUser, between, events, task
from locust.runners import MasterRunner, WorkerRunner

accounts = []


def take_accounts(environment, msg, **_):
    accounts.extend(msg.data)
    environment.runner.send_message("accounts_taken", len(msg.data))


def on_taken(msg, **_):
    print(f"{msg.data} accounts were taken")


@events.init.add_listener
def on_init(environment, **_):
    if not isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("accounts", take_accounts)
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("accounts_taken", on_taken)


@events.test_start.add_listener
def on_test_start(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.send_message("accounts", [{"name": f"user {number}"} for number in range(10)])


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    def on_start(self):
        self.account = accounts.pop()

    @task
    def introduce(self):
        self.client.post("/getInfo", json=self.account)
