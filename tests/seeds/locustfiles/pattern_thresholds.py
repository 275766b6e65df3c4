"""The pattern article's check of limits in `quitting`, which decides the exit code."""

import os

from locust import HttpUser, between, events, task


@events.quitting.add_listener
def assert_thresholds(environment, **kwargs):
    stats = environment.stats.total
    failures = [
        ("Failure rate > 1%", stats.fail_ratio > 0.01),
        ("p95 latency > 500ms", stats.get_response_time_percentile(0.95) > 500),
        ("p99 latency > 1000ms", stats.get_response_time_percentile(0.99) > 1000),
        ("Avg RPS < 100", stats.current_rps < 100 and environment.runner.user_count > 50),
    ]
    failed = [(name, cond) for name, cond in failures if cond]
    if failed:
        for name, _ in failed:
            print(f"[THRESHOLD FAILED] {name}")
        environment.process_exit_code = 1  # not zero: the build fails


class Visitor(HttpUser):
    wait_time = between(0.02, 0.05)

    @task
    def visit(self):
        self.client.get(os.environ["VISITED"])
