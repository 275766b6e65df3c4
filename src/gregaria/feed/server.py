"""All feeds of a test, where their rows are kept: in a local run beside the users, in a distributed one at the master.

A worker's feeds ask with a payload, and what comes of it are payloads for one or several workers.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from gregaria.feed.deck import Deck
from gregaria.feed.pool import Answers, Pool
from gregaria.feed.source import Source

__all__ = ["Answer", "FeedServer", "Kept"]

#: (worker, name of the feed, payload); the name is empty where all feeds are meant
Answer = tuple[str, str, dict[str, Any]]


class Kept(Protocol):
    """What a server has to know of a feed."""

    name: str
    source: Source
    strategy: str
    at_end: str
    seed: int | None


class FeedServer:
    """The pools of all feeds.

    Args:
        feeds: of these.

    Attributes:
        pools: by the feeds' names.
        run: the test they serve; what workers say of another one is dropped.
    """

    def __init__(self, feeds: Iterable[Kept]) -> None:
        self._feeds = tuple(feeds)
        self._ready: set[str] = set()
        self.run = ""
        self.pools: dict[str, Pool] = {}
        self.begin("")

    def __bool__(self) -> bool:
        """Whether there are feeds."""
        return bool(self._feeds)

    def may_wait(self, name: str) -> bool:
        """Whether ``take`` for this feed may run code of the locustfile's, which may wait for something."""
        return any(feed.source.may_wait for feed in self._feeds if feed.name == name)

    def begin(self, run: str) -> None:
        """A test begins, and all rows with it."""
        self.run = run
        self._ready.clear()
        self.pools = {}
        for feed in self._feeds:
            seed = random.randrange(2**32) if feed.seed is None else feed.seed
            self.pools[feed.name] = Pool(Deck(feed.source, feed.strategy, seed), feed.strategy, feed.at_end)

    def prepare(self, worker: str) -> list[Answer]:
        """What makes a worker fetch its first rows; it says when it has them. Comes before its first users."""
        return [(worker, "", {"run": self.run, "prepare": sorted(self.pools)})]

    def is_ready(self, workers: Iterable[str]) -> bool:
        """Whether these workers have the first rows of all feeds, or know that there are none."""
        return not self._feeds or set(workers) <= self._ready

    def take(self, worker: str, name: str, payload: Mapping[str, Any]) -> list[Answer]:
        """A worker says something; returns what is to be said to whom."""
        return self._said(worker, name, payload, Pool.ask)

    def hear(self, worker: str, name: str, payload: Mapping[str, Any]) -> list[Answer]:
        """A worker says something; returns what can be said without reading a source. ``serve`` comes after."""
        return self._said(worker, name, payload, Pool.hear)

    def serve(self, name: str, worker: str | None = None) -> list[Answer]:
        """Hand out rows of a feed to those who want some; ``worker``, if it is known, is answered in any case."""
        pool = self.pools.get(name)
        return [] if pool is None else self._addressed(self.run, name, pool.serve(worker))

    def lost(self, worker: str) -> list[Answer]:
        """A worker is not heard of any more, or has left. Of feeds that may wait ``serve`` gives its rows to others."""
        self._ready.discard(worker)
        for pool in self.pools.values():
            pool.lost(worker)
        return [answer for name in self.pools if not self.may_wait(name) for answer in self.serve(name)]

    def back(self, worker: str) -> None:
        """A lost worker is heard of again."""
        for pool in self.pools.values():
            pool.back(worker)

    def notes(self) -> list[str]:
        """Sentences about rows of which nobody knows whether they were used; for the summary."""
        return [note for name, pool in self.pools.items() for note in pool.notes(name)]

    def snapshot(self) -> dict[str, Any]:
        """All that ``restore`` needs, for a journal."""
        return {
            "run": self.run,
            "ready": sorted(self._ready),
            "pools": {name: pool.snapshot() for name, pool in self.pools.items()},
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on where a server of the same feeds was."""
        self.begin(snapshot["run"])
        self._ready.update(snapshot["ready"])
        for name, pool in self.pools.items():
            if name in snapshot["pools"]:
                pool.restore(snapshot["pools"][name])

    def _said(
        self,
        worker: str,
        name: str,
        payload: Mapping[str, Any],
        tell: Callable[[Pool, str, Mapping[str, Any]], Answers],
    ) -> list[Answer]:
        if payload.get("run") != self.run:
            return []
        if not name:
            self._ready.add(worker)
            return []
        pool = self.pools.get(name)
        if pool is None:
            error = f"the master's locustfile has no feed {name!r}: give the workers the same files"
            return [(worker, name, {"run": self.run, "epoch": payload["epoch"], "error": error})]
        return self._addressed(self.run, name, tell(pool, worker, payload))

    @staticmethod
    def _addressed(run: str, name: str, answers: Answers) -> list[Answer]:
        # Named by whoever asked: another test may have begun while a source took its time.
        return [(worker, name, {"run": run, **answer}) for worker, answer in answers]
