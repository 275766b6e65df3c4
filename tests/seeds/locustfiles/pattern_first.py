"""The pattern article's first test: a login in on_start, a token for all that follows, weights, shared data, name=."""

from locust import HttpUser, between, task


class APIUser(HttpUser):
    # each user waits between tasks, as a person thinks; the article has 1 to 3 seconds
    wait_time = between(0.05, 0.15)
    host = "https://api.yourapp.com"

    def on_start(self):
        """Called once per user, before its tasks."""
        resp = self.client.post("/auth/login", json={"email": "buyer@shop.example", "password": "secret"})
        self.token = resp.json()["access_token"]
        self.client.headers.update({"Authorization": f"Bearer {self.token}"})

    @task(3)
    def browse_listings(self):
        self.client.get("/listings?page=1&limit=20")

    @task(1)
    def view_single_listing(self):
        listing_id = self.environment.shared_data.get("popular_listing_id", 42)
        self.client.get(f"/listings/{listing_id}")

    @task(1)
    def search(self):
        self.client.get("/search?q=apartment&city=Berlin", name="/search")
