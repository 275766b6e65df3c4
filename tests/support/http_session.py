"""An HttpSession of its own, with books of its own."""

from typing import Any

from gregaria.client.requests import HttpSession
from gregaria.engine.recorder import Entry, Recorder
from gregaria.events import RequestEvent


class Books:
    """What a session counts in, as ``request_event.stats``.

    Attributes:
        recorder: the counts.
        failures: (method, name, failure) of each failed request.
        doubted: the times of requests that the engine has not timed, in microseconds.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.doubted: list[int] = []
        self.failures: list[tuple[str, str, Any]] = []
        self.recorder.on_failure = lambda method, name, error, _: self.failures.append((method, name, error))

    def entry(self, name: str, method: str = "GET") -> Entry:
        return self.recorder.entry(method, name)

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """{name: (requests, failures, interrupted)} of the rows that have any."""
        return {
            name: (entry.num_requests, entry.num_failures, entry.num_interrupted)
            for (name, _), entry in self.recorder.entries.items()
            if entry.num_requests or entry.num_interrupted
        }

    def log_request(self, method: str, name: str, response_time: float | None, content_length: int) -> None:
        raise AssertionError("a session counts in the recorder")

    def log_error(self, method: str, name: str, error: Any, response: Any = None) -> None:
        raise AssertionError("a session counts in the recorder")

    def log_generator_error(self, method: str, name: str, error: Any) -> None:
        raise AssertionError("a session counts in the recorder")

    def log_interrupted(self, method: str, name: str) -> None:
        raise AssertionError("a session counts in the recorder")

    def doubt(self, duration_us: int) -> None:
        self.doubted.append(duration_us)


def new_session(base_url: str | None, user: Any = None, books: Books | None = None) -> HttpSession:
    event = RequestEvent()
    event.stats = books or Books()
    return HttpSession(base_url, event, user)
