"""The pattern article's journey: four steps in order, each using what an earlier one learned, then out."""

from locust import HttpUser, SequentialTaskSet, TaskSet, between, task

__all__ = ["CheckoutFlow", "ShopUser", "TaskSet"]


class CheckoutFlow(SequentialTaskSet):
    """Runs its tasks from top to bottom."""

    @task
    def add_to_cart(self):
        resp = self.client.post("/cart/items", json={"product_id": 101, "qty": 1})
        self.cart_id = resp.json()["cart_id"]

    @task
    def view_cart(self):
        self.client.get(f"/cart/{self.cart_id}", name="/cart/[id]")

    @task
    def apply_coupon(self):
        self.client.post(f"/cart/{self.cart_id}/coupon", json={"code": "TEST10"}, name="/cart/[id]/coupon")

    @task
    def checkout(self):
        self.client.post(
            f"/cart/{self.cart_id}/checkout", json={"payment_method": "test_card"}, name="/cart/[id]/checkout"
        )
        self.interrupt()  # leaves the task set; the user goes on


class ShopUser(HttpUser):
    wait_time = between(0.01, 0.02)
    tasks = [CheckoutFlow]
