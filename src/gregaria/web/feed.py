"""What pages are told each second: what has changed since the second before, encoded once for all of them."""

import logging
import secrets
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

import gevent
from gevent import Greenlet, GreenletExit
from gevent.event import Event
from gevent.queue import Full, Queue

from gregaria.web.figures import json_in_turns

__all__ = ["Feed", "Tellable"]

logger = logging.getLogger("gregaria.web")

#: seconds from one tick to the next; a page that comes is not kept waiting so long, but others are not told more often
_TICK_S = 1.0
_SOONEST_S = 0.2
#: pages at a time
_MOST_PAGES = 50
#: events that a page may be behind before it is dropped
_MOST_WAITING = 30
#: events, and bytes of them, that a page which comes back may have missed
_MOST_REMEMBERED = 120
_MOST_REMEMBERED_BYTES = 16 * 1024 * 1024
#: milliseconds after which a browser that has lost its connection tries again
_RETRY_MS = 2000


class Tellable(Protocol):
    """What a feed tells of."""

    @property
    def key(self) -> str:
        """Names what changes make sense of: a run, and the generation of its figures."""

    def changes(self) -> dict[str, Any]:
        """What is other than the last time."""

    def whole(self) -> dict[str, Any]:
        """All that the changes so far have made."""

    def forget(self) -> None:
        """Begin anew, as the key is another."""


class Feed:
    """The stream of events.

    A tick is made only while somebody listens; it tells what differs from what was told last, however long ago.

    Args:
        picture: what there is to tell.
    """

    def __init__(self, picture: Tellable) -> None:
        self._picture = picture
        self._pages: dict[Queue, Greenlet] = {}
        self._waiting: list[Queue] = []
        self._remembered: deque[tuple[int, bytes]] = deque()
        self._remembered_bytes = 0
        self._server = secrets.token_hex(6)
        self._key = ""
        self._number = 0
        self._wake = Event()
        self._teller: Greenlet | None = None

    def close(self) -> None:
        """Tell no more."""
        if self._teller is not None:
            self._teller.kill(block=False)

    @property
    def is_full(self) -> bool:
        """Whether there are as many pages as there may be."""
        return len(self._pages) >= _MOST_PAGES

    def events(self, last_event_id: str | None) -> Iterator[bytes]:
        """The events for one page, as long as it reads; iterated in the greenlet that writes to it.

        Args:
            last_event_id: what it has read last before it lost its connection.
        """
        queue: Queue = Queue(_MOST_WAITING)
        missed = self._missed(last_event_id)
        if missed is None:
            self._waiting.append(queue)
        self._pages[queue] = gevent.getcurrent()
        try:
            if self._teller is None or self._teller.dead:
                self._teller = gevent.spawn(self._tell)
            self._wake.set()
            yield f"retry: {_RETRY_MS}\n\n".encode()
            yield from missed or ()
            while True:
                yield queue.get()
        except GreenletExit:
            # It reads too slowly, see _send.
            return
        finally:
            self._pages.pop(queue, None)

    def _missed(self, last_event_id: str | None) -> list[bytes] | None:
        """What a page has not read that comes back; None if that is not known any more."""
        stream, _, number = (last_event_id or "").rpartition("-")
        if stream != f"{self._server}-{self._key}" or self._picture.key != self._key or not number.isdecimal():
            return None
        after = int(number)
        oldest = self._remembered[0][0] if self._remembered else self._number + 1
        if not oldest - 1 <= after <= self._number:
            return None
        return [event for each, event in self._remembered if each > after]

    def _tell(self) -> None:
        while self._pages:
            began_s = time.monotonic()
            self._wake.clear()
            try:
                self._tell_once()
            except Exception:
                # A page that gets nothing asks again; the test goes on.
                logger.exception("The pages could not be told what is new")
            self._wake.wait(_TICK_S)
            gevent.sleep(max(_SOONEST_S - (time.monotonic() - began_s), 0))

    def _tell_once(self) -> None:
        picture = self._picture
        if picture.key != self._key:
            # What was known of the run before means nothing now.
            self._key, self._number = picture.key, 0
            self._remembered.clear()
            self._remembered_bytes = 0
            picture.forget()
            picture.changes()
            self._waiting = list(self._pages)
        else:
            tick = self._event("tick", picture.changes(), self._number + 1)
            self._number += 1
            self._remember(tick)
            for queue in [each for each in self._pages if each not in self._waiting]:
                self._send(queue, tick)
        waiting, self._waiting = self._waiting, []
        if waiting:
            hello = self._event("hello", {**picture.whole(), "server": self._server}, self._number)
            for queue in waiting:
                self._send(queue, hello)

    def _send(self, queue: Queue, event: bytes) -> None:
        try:
            queue.put_nowait(event)
        except Full:
            page = self._pages.pop(queue, None)
            if page is not None:
                logger.info("A page reads too slowly and is dropped; it may come back")
                page.kill(block=False)

    def _remember(self, event: bytes) -> None:
        self._remembered.append((self._number, event))
        self._remembered_bytes += len(event)
        while len(self._remembered) > _MOST_REMEMBERED or self._remembered_bytes > _MOST_REMEMBERED_BYTES:
            self._remembered_bytes -= len(self._remembered.popleft()[1])

    def _event(self, kind: str, data: dict[str, Any], number: int) -> bytes:
        text = json_in_turns(data)
        return f"id: {self._server}-{self._key}-{number}\nevent: {kind}\ndata: {text}\n\n".encode()
