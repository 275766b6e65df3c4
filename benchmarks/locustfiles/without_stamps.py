"""The plain case, with the kernel's stamps of arrivals switched off."""

from locust import FastHttpUser, task

from gregaria.settings import settings

settings.kernel_stamps = False


class Fast(FastHttpUser):
    """FastHttpUser, nothing but GET."""

    @task
    def get(self):
        self.client.get("/")
