"""The same user where somebody has set the shared listing before the test."""

from locust import events
from pattern_first import APIUser

__all__ = ["APIUser"]


@events.test_start.add_listener
def popular(environment, **kwargs):
    environment.shared_data["popular_listing_id"] = 7
