"""One user under a debugger: set a breakpoint in a task and start this file as a script.

    python -m gregaria.compat examples/debugging.py

In an editor, let the debugger start the module ``gregaria.compat`` with the path of this file as its argument.
"""

import os

from locust import HttpUser, constant, run_single_user, task
from locust.exception import StopUser


class Visitor(HttpUser):
    host = os.environ.get("TARGET", "http://127.0.0.1:8000")
    wait_time = constant(0.1)

    @task
    def read(self):
        self.client.get("/")
        # once is enough here; without this it goes on until you stop it
        raise StopUser


if __name__ == "__main__":
    run_single_user(Visitor, include_time=True, include_length=True)
