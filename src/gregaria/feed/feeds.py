"""All feeds that the locustfiles have made, and what connects them with their rows: this process, or a master."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import gevent
from gevent.event import Event

from gregaria.errors import CommandError, ExitCode
from gregaria.events import events
from gregaria.feed.deck import EXCLUSIVE
from gregaria.feed.feeder import Feeder
from gregaria.feed.server import FeedServer, Kept

__all__ = ["Feeds", "Port", "feeds"]

#: who asks where there is no cluster
_HERE = "here"


class Port(Protocol):
    """The way to the master. What comes from there is given to ``Feeds.on_answer``, in order, each once."""

    def ask(self, feed_name: str, payload: dict[str, Any]) -> None:
        """Send a payload, which msgpack can pack; returns at once."""


class Feeds:
    """The feeds of this process, by name.

    In a local run they are there as soon as they are made, and begin anew with each further test. A worker calls
    ``connect`` before its users, and then all that is below "a worker"; a master calls ``serve``.

    Args:
        now_s: tells the time.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._kept: dict[str, Kept] = {}
        self._feeders: dict[str, Feeder] = {}
        self._port: Port | None = None
        self._local: FeedServer | None = None
        # In a local run: what feeds have asked, and those that are being answered.
        self._asked: dict[str, deque[dict[str, Any]]] = {}
        self._answering: set[str] = set()
        self._run = ""
        self._is_told_ready = False
        self._changed = Event()
        self._has_begun = False

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, feed: Kept) -> Feeder:
        """A feed has been made; returns what gives its rows.

        Raises:
            CommandError: there is one of that name.
        """
        if feed.name in self._kept:
            raise CommandError(
                f"two feeds are called {feed.name!r}: give one of them a name of its own with name=...",
                ExitCode.LOCUSTFILE_BROKEN,
            )
        if not self._kept:
            events.test_start.add_listener(self._test_starts)
        name = feed.name
        self._kept[name] = feed
        # Whoever reads it is made with the first row, when all feeds are known.
        self._local = None
        feeder = self._feeders[name] = Feeder(
            feed.strategy in EXCLUSIVE, lambda ask: self._send(name, ask), self._now_s
        )
        return feeder

    def clear(self) -> None:
        """Forget all feeds."""
        if self._test_starts in events.test_start.listeners:
            events.test_start.remove_listener(self._test_starts)
        self._kept.clear()
        self._feeders.clear()
        self._asked.clear()
        self._port = self._local = None
        self._has_begun = False

    # -- a master --------------------------------------------------------------------------------------------------

    def serve(self) -> FeedServer:
        """A server of all feeds, for a master."""
        return FeedServer(self._kept.values())

    # -- a worker --------------------------------------------------------------------------------------------------

    def connect(self, port: Port) -> None:
        """The rows are at a master: ask there."""
        self._port = port

    def on_answer(self, feed_name: str, payload: Mapping[str, Any]) -> None:
        """The master has sent something."""
        if not feed_name:
            self.begin(payload["run"])
        elif payload.get("run") == self._run and feed_name in self._feeders:
            self._feeders[feed_name].answer(payload)
        self._tell_ready()

    def begin(self, run: str) -> None:
        """A test begins, of this name: fetch the first rows of all feeds."""
        if run == self._run:
            return
        self._run, self._is_told_ready = run, False
        for feeder in self._feeders.values():
            feeder.begin()
        for feeder in self._feeders.values():
            feeder.prepare()
        self._tell_ready()

    @property
    def is_ready(self) -> bool:
        """Whether the first rows of all feeds are here, or known not to come."""
        return all(feeder.is_ready for feeder in self._feeders.values())

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Return when they are, True; or False when it takes longer."""
        with gevent.Timeout(timeout_s, False):
            while not self.is_ready:
                self._changed.clear()
                self._changed.wait()
        return self.is_ready

    def hold(self) -> None:
        """The master is not heard of."""
        for feeder in self._feeders.values():
            feeder.hold()

    def resume(self) -> None:
        """The master is heard of again, or is another one."""
        if self._run:
            for feeder in self._feeders.values():
                feeder.resume()

    def tell(self) -> None:
        """Say which rows were used; to be called each second and when a test ends."""
        for feeder in self._feeders.values():
            feeder.tell()

    def leave(self) -> None:
        """This worker goes: give back what nobody has got."""
        for feeder in self._feeders.values():
            feeder.leave()

    def fail(self, reason: str) -> None:
        """There will be no rows: no master of ours, or none any more."""
        for feeder in self._feeders.values():
            feeder.fail(reason)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _send(self, name: str, ask: dict[str, Any]) -> None:
        if self._port is not None:
            self._port.ask(name, {"run": self._run, **ask})
            return
        self._asked.setdefault(name, deque()).append(ask)
        if name in self._answering:
            return
        self._answering.add(name)
        if self._kept[name].source.may_wait:
            # Whoever asks may be ended while the source waits, which would break what is being read.
            gevent.spawn(self._answer_here, name)
        else:
            self._answer_here(name)

    def _answer_here(self, name: str) -> None:
        """Deal with what a feed has asked in this process, and with what it asks when it is answered."""
        try:
            while self._asked[name]:
                if self._local is None:
                    self._local = self.serve()
                server, ask = self._local, self._asked[name].popleft()
                for _, _, payload in server.take(_HERE, name, {"run": "", **ask}):
                    if server is self._local:
                        self._feeders[name].answer(payload)
        finally:
            self._answering.discard(name)

    def _tell_ready(self) -> None:
        if self.is_ready:
            self._changed.set()
            if self._port is not None and self._run and not self._is_told_ready:
                self._is_told_ready = True
                self._port.ask("", {"run": self._run})

    def _test_starts(self, **_: Any) -> None:
        if self._port is None and self._has_begun:
            self._local = None
            for asked in self._asked.values():
                asked.clear()
            for feeder in self._feeders.values():
                feeder.begin()
        self._has_begun = True


#: those that locustfiles make
feeds = Feeds()
