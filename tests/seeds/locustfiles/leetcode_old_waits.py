"""The same with waits in milliseconds only, which are still honoured."""

from locust import HttpUser, TaskSet, task


class WebsiteTasks(TaskSet):
    @task
    def index(self):
        self.client.get("/health")


class WebsiteUser(HttpUser):
    tasks = [WebsiteTasks]
    min_wait = 50
    max_wait = 100
