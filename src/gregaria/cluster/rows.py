"""A master's rows of test data: hands them to workers, and takes back what lost ones have not used."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gevent
from gevent.event import Event

from gregaria.errors import shortened
from gregaria.feed.server import Answer, FeedServer
from gregaria.logs import OncePerKind

__all__ = ["Rows"]

logger = logging.getLogger("gregaria.cluster.master")

#: kinds of what means nothing that are told
_MOST_KINDS = 100


class Rows:
    """All feeds of a master.

    Args:
        server: knows which row is whose.
        put: sends ``[feed, payload]`` to a worker.
        is_noted: whether a journal is kept: rows are sent when it is written down that they are, by ``send``.
    """

    def __init__(
        self, server: FeedServer, put: Callable[[str, list[Any]], object], *, is_noted: bool = False
    ) -> None:
        self._server = server
        self._put = put
        self._is_noted = is_noted
        self._unsent: list[tuple[str, list[Any]]] = []
        self._has_unsent = Event()
        self._nonsense = OncePerKind(logger, logging.ERROR, _MOST_KINDS)
        # Sources that run code of the locustfile's may wait: of each such feed, workers that want rows.
        self._wanting: dict[str, deque[str | None]] = {}

    def __bool__(self) -> bool:
        """Whether there are feeds."""
        return bool(self._server)

    def begin(self, run: str, workers: Iterable[str]) -> None:
        """A test begins: all rows are there again, and these workers fetch their first ones."""
        self._server.begin(run)
        for worker in workers:
            self.prepare(worker)

    def prepare(self, worker: str) -> None:
        """Have a worker fetch its first rows, before it gets users."""
        if self._server:
            self._say(self._server.prepare(worker))

    def is_ready(self, workers: Iterable[str]) -> bool:
        """Whether these workers have their first rows."""
        return self._server.is_ready(workers)

    def take(self, worker: str, name: str, payload: Mapping[str, Any]) -> None:
        """A worker says something. Rows may come later; what it has said is in each ``snapshot`` from now on."""
        may_wait = self._server.may_wait(name)
        hear = self._server.hear if may_wait else self._server.take
        try:
            self._say(hear(worker, name, payload))
        except Exception as error:
            # One worker's words must not keep the others from their rows.
            reason = shortened(f"{type(error).__name__}: {error}", 500)
            self._nonsense.tell(
                (name, reason), "What %s says of the feed %r means nothing and is left out: %s", worker, name, reason
            )
            return
        if may_wait:
            self._serve_later(name, worker)

    def lost(self, worker: str) -> None:
        """A worker is not heard of any more, or has left."""
        self._say(self._server.lost(worker))
        for name in self._server.pools:
            if self._server.may_wait(name):
                self._serve_later(name)

    def back(self, worker: str) -> None:
        """A lost worker is heard of again."""
        self._server.back(worker)

    def notes(self) -> list[str]:
        """Sentences that belong beside the figures."""
        return self._server.notes()

    def unsent(self) -> list[tuple[str, list[Any]]]:
        """What is to be sent when the next note is written."""
        unsent, self._unsent = self._unsent, []
        self._has_unsent.clear()
        return unsent

    def wait_for_unsent(self, timeout_s: float) -> None:
        """Return when something is to be sent that waits for a note, or when that takes longer."""
        self._has_unsent.wait(timeout_s)

    def keep(self, unsent: list[tuple[str, list[Any]]]) -> None:
        """That note could not be written: they wait for the next one."""
        self._unsent = unsent + self._unsent

    def send(self, unsent: Iterable[tuple[str, list[Any]]]) -> None:
        """That note has been written."""
        for worker, payload in unsent:
            self._put(worker, payload)

    def snapshot(self) -> dict[str, Any]:
        """All that ``restore`` needs."""
        return self._server.snapshot()

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on where another master was."""
        self._server.restore(snapshot)

    def _serve_later(self, name: str, worker: str | None = None) -> None:
        queue = self._wanting.setdefault(name, deque())
        queue.append(worker)
        if len(queue) == 1:
            gevent.spawn(self._work_off, name)

    def _work_off(self, name: str) -> None:
        queue = self._wanting[name]
        while queue:
            self._say(self._server.serve(name, queue[0]))
            queue.popleft()

    def _say(self, answers: Iterable[Answer]) -> None:
        for worker, name, payload in answers:
            if self._is_noted:
                self._unsent.append((worker, [name, payload]))
                self._has_unsent.set()
            else:
                self._put(worker, [name, payload])
