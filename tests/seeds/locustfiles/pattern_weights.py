"""The pattern article's mix: the share of each kind of user by its weight."""

from locust import HttpUser, constant, task


class BrowseUser(HttpUser):
    weight = 70  # 70 % of the users
    wait_time = constant(0.2)

    @task
    def browse(self):
        self.client.get("/health", name="browse")


class CheckoutUser(HttpUser):
    weight = 20
    wait_time = constant(0.2)

    @task
    def checkout(self):
        self.client.get("/health", name="checkout")


class AdminUser(HttpUser):
    weight = 10
    wait_time = constant(0.2)

    @task
    def administer(self):
        self.client.get("/health", name="administer")
