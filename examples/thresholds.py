"""Failing a build: limits checked at the end, and an exit code that says so.

    gregaria -f examples/thresholds.py --headless -u 20 -r 10 -t 30s -H http://127.0.0.1:8000
"""

from locust import HttpUser, between, events, task

MOST_FAILURES = 0.01
P95_MS = 500
FEWEST_REQUESTS = 10


@events.quitting.add_listener
def check(environment, **_):
    total = environment.stats.total
    broken = []
    if total.num_requests < FEWEST_REQUESTS:
        broken.append(f"only {total.num_requests} requests")
    if total.fail_ratio > MOST_FAILURES:
        broken.append(f"{total.fail_ratio:.1%} failed, more than {MOST_FAILURES:.1%}")
    if total.get_response_time_percentile(0.95) > P95_MS:
        broken.append(f"95 % took up to {total.get_response_time_percentile(0.95)} ms, more than {P95_MS}")
    for reason in broken:
        print(f"LIMIT BROKEN: {reason}")
    environment.process_exit_code = 3 if broken else 0


class Visitor(HttpUser):
    wait_time = between(0.02, 0.05)

    @task(9)
    def read(self):
        self.client.get("/")

    @task(1)
    def fail(self):
        self.client.get("/not/there")
