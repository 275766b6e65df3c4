"""The pattern article's pools of test data, and a 404 that is known and no failure."""

import itertools

from locust import HttpUser, between, events, task

__all__ = ["SearchUser", "events"]

SEARCH_TERMS = ["laptop", "phone", "headphones", "tablet", "monitor"]
USER_IDS = list(range(1000, 2000))

term_cycle = itertools.cycle(SEARCH_TERMS)
user_id_cycle = itertools.cycle(USER_IDS)


class SearchUser(HttpUser):
    wait_time = between(0.01, 0.03)

    @task
    def search(self):
        term = next(term_cycle)
        self.client.get(f"/search?q={term}", name="/search?q=[term]")

    @task
    def profile(self):
        uid = next(user_id_cycle)
        with self.client.get(f"/users/{uid}", name="/users/[id]", catch_response=True) as resp:
            if resp.status_code == 404:
                # a known gap in the data, no failure
                resp.success()
