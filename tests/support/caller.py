"""A session that sends in one of the ways there are, with books of its own, for those who test what goes wrong."""

import contextlib
import ssl
from typing import Any

import requests

from gregaria.client.requests import HttpSession
from gregaria.client.session import FastHttpSession
from gregaria.events import RequestEvent
from tests.support.http_session import Books

#: each way with the arguments that make a call take it
WAYS: dict[str, dict[str, Any]] = {
    "fast": {},
    "plain": {},
    "hook": {"hooks": {"response": [lambda response, **_: response]}},
    "stream": {"stream": True},
}


class Caller:
    """A session that sends in one way.

    Args:
        way: one of WAYS.
        base_url: where.
        connect_s: how long connecting may take.
        authority: the file of the one authority that is trusted; None for those that everybody trusts.

    Attributes:
        session: the client.
        books: what it counts in.
        read_error: what reading the last stream ended with.
    """

    def __init__(self, way: str, base_url: str, connect_s: float = 3, authority: str | None = None) -> None:
        self.way = way
        self.books = Books()
        self.read_error: BaseException | None = None
        self._connect_s = connect_s
        event = RequestEvent()
        event.stats = self.books
        if way == "fast":
            trust: dict[str, Any] = {"insecure": False}
            if authority is not None:
                trust = {"ssl_context_factory": lambda: ssl.create_default_context(cafile=authority)}
            self.session: Any = FastHttpSession(base_url, event, connection_timeout=connect_s, **trust)
        else:
            self.session = HttpSession(base_url, event)
            self.session.verify = authority or True

    def call(self, path: str, *, caught: bool = False, upload: int = 0, silence_s: float = 5, **arguments: Any) -> Any:
        """GET, or POST of some bytes; the response has been read, as far as that was possible.

        A silent server is waited for as long as ``silence_s`` says.
        """
        arguments |= {**WAYS[self.way], "catch_response": caught}
        if self.way != "fast":
            arguments["timeout"] = (self._connect_s, silence_s)
        elif silence_s < self._connect_s:
            # It would be for connecting too.
            arguments["timeout"] = silence_s
        if upload:
            response = self.session.post(path, data=b"x" * upload, **arguments)
        else:
            response = self.session.get(path, **arguments)
        # A stream fails where it is read, and tells as requests tells it.
        try:
            with response if caught else contextlib.nullcontext():
                if self.way == "stream" and response.status_code:
                    _ = response.content
        except requests.RequestException as error:
            self.read_error = error
        return response

    def good(self) -> None:
        """Everything is as if nothing had been."""
        assert self.session.get("/ok").content == b"hello"

    @property
    def counts(self) -> tuple[int, int, int]:
        """(requests, failures, interrupted) of all."""
        total = self.books.recorder.total
        return total.num_requests, total.num_failures, total.num_interrupted

    @property
    def failure(self) -> Any:
        """The one failure that was counted."""
        [(_, _, failure)] = self.books.failures
        return failure

    def close(self) -> None:
        if self.way == "fast":
            self.session.client_pool.close()
        else:
            self.session.close()
