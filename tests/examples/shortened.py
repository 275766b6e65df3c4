"""An example's load shape, so short that a test can wait for its end.

The environment says which: SHAPE=module:class, LENGTH_S=what the shape takes, SHORTENED_S=what it shall take.
"""

import importlib
import os

from locust import User, events

module_name, _, shape_name = os.environ["SHAPE"].partition(":")
example = importlib.import_module(module_name)
faster = float(os.environ["LENGTH_S"]) / float(os.environ["SHORTENED_S"])
most_users = 0

kinds = {name: kind for name, kind in vars(example).items() if isinstance(kind, type) and issubclass(kind, User)}
globals().update(kinds)


class Shortened(getattr(example, shape_name)):
    def get_run_time(self):
        return super().get_run_time() * faster

    def tick(self):
        global most_users
        most_users = max(most_users, self.get_current_user_count())
        return super().tick()


@events.quitting.add_listener
def tell(**_):
    print(f"at most {most_users} users")
