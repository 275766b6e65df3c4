"""A client of a protocol of your own over a raw socket: sends a line, waits for the line that answers it.

``--host`` is ``address:port``.
"""

import socket
import time

from locust import User, between, task


class LineUser(User):
    """Base class for users of a server that answers each line with a line."""

    abstract = True

    def on_start(self):
        address, _, port = self.host.rpartition(":")
        self.socket = socket.create_connection((address, int(port)), timeout=10)
        self.answers = self.socket.makefile("rb")

    def on_stop(self):
        self.answers.close()
        self.socket.close()

    def ask(self, line, name):
        started = time.perf_counter()
        answer, error = b"", None
        try:
            self.socket.sendall(line + b"\n")
            answer = self.answers.readline()
            if answer.startswith(b"error"):
                error = ValueError(answer.decode().strip())
        except OSError as problem:
            error = problem
        self.environment.events.request.fire(
            request_type="LINE",
            name=name,
            response_time=(time.perf_counter() - started) * 1000,
            response_length=len(answer),
            exception=error,
            context=self.context(),
        )
        return answer


class Talker(LineUser):
    wait_time = between(0.02, 0.05)

    @task(3)
    def greet(self):
        assert self.ask(b"hello", "greeting") == b"hello\n"

    @task
    def provoke(self):
        self.ask(b"fail", "provocation")
