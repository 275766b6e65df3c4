"""The same with only its base class renamed: `task_set`, and waits in milliseconds, are still there."""

from locust import HttpUser, TaskSet, task


class WebsiteTasks(TaskSet):
    @task
    def index(self):
        self.client.get("/")


class WebsiteUser(HttpUser):
    task_set = WebsiteTasks
    min_wait = 5000
    max_wait = 15000
