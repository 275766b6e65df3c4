"""Ending the test early when too much fails: a greenlet looks at the figures while the test runs."""

import gevent
from locust import HttpUser, between, events, task
from locust.runners import STATE_RUNNING, STATE_SPAWNING, WorkerRunner

MOST_FAILURES = 0.2


def watch(environment):
    while environment.runner.state in (STATE_SPAWNING, STATE_RUNNING):
        gevent.sleep(0.2)
        total = environment.stats.total
        if total.num_requests >= 20 and total.fail_ratio > MOST_FAILURES:
            print(f"{total.fail_ratio:.0%} of the requests failed: stopping")
            environment.runner.quit()
            return


@events.spawning_complete.add_listener
def start_watching(user_count, **_):
    print(f"all {user_count} users are there")


@events.init.add_listener
def on_init(environment, **_):
    # workers only see their own part of the figures
    if not isinstance(environment.runner, WorkerRunner):
        environment.events.test_start.add_listener(lambda **_: gevent.spawn_later(0.2, watch, environment))


class Visitor(HttpUser):
    wait_time = between(0.02, 0.05)

    @task
    def read(self):
        self.client.get("/")

    @task
    def fail(self):
        self.client.get("/not/there")
