"""A Markov chain: after each task, the next one is drawn from those that may follow it.

gregaria -f examples/users/markov_chain.py --headless -u 10 -r 5 -t 10s -H http://127.0.0.1:8000
gregaria -f examples/users/markov_chain.py --show-task-ratio
"""

from locust import HttpUser, MarkovTaskSet, constant, transition, transitions


class Shop(MarkovTaskSet):
    # the first task with a transition is where everybody starts

    @transitions({"look_at_item": 3, "search": 1})
    def home(self):
        self.client.get("/", name="home")

    @transition("look_at_item")
    def search(self):
        self.client.get("/?q=lamp", name="search")

    @transitions([("home", 2), "look_at_item", "pay"])
    def look_at_item(self):
        self.client.get("/?item=1", name="item")

    @transition("home")
    def pay(self):
        self.client.post("/getInfo", json={"item": 1}, name="pay")


class Shopper(HttpUser):
    wait_time = constant(0.02)
    tasks = [Shop]
