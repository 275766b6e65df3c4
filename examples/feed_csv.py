"""Test data for a whole test: each person of a CSV file is introduced once, and the greetings go round."""

from gregaria import HttpUser, constant, feed, task

people = feed.csv("people.csv", strategy="unique", at_end="stop_user")
greetings = feed.rows([{"text": "Hello"}, {"text": "Good day"}], name="greetings", strategy="circular")
desks = feed.rows([{"desk": "left"}, {"desk": "right"}], name="desks")


class Visitor(HttpUser):
    wait_time = constant(0.05)

    @task
    def introduce(self):
        person = people.next()
        greeting = greetings.next()["text"]
        # There are two desks, and one visitor at a time at each.
        with desks.check_out() as desk:
            self.client.post("/getInfo", json=person, name=f"{person['name']} at a desk")
            print(f"{greeting} from {person['name']}, at the {desk['desk']} desk")
