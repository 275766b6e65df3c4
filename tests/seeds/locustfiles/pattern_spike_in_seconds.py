"""The same shape, forty times faster and a tenth as high, so that a test can wait for its end."""

import pattern_spike
from locust import events

Visitor = pattern_spike.Visitor
most_users = 0


class ShortSpike(pattern_spike.SpikeShape):
    stages = [
        {"duration": stage["duration"] / 40, "users": stage["users"] // 10, "spawn_rate": stage["spawn_rate"] * 4}
        for stage in pattern_spike.SpikeShape.stages
    ]

    def tick(self):
        global most_users
        most_users = max(most_users, self.get_current_user_count())
        return super().tick()


@events.quitting.add_listener
def tell(environment, **kwargs):
    print(f"at most {most_users} users")
