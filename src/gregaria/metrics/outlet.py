"""What is to be sent to a receiver: encoded in a thread, and sent by one who may wait without holding up users."""

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from http.client import BadStatusLine
from typing import Any

import gevent
import requests
from gevent import Greenlet
from gevent.threadpool import ThreadPool
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from gregaria.client.blame import reported

__all__ = ["Outlet", "SpanQueue", "number_of"]

logger = logging.getLogger("gregaria.metrics.otel")

#: seconds between two looks whether there is something to send
_LOOK_S = 0.1
#: seconds after which a thread that encodes hands Python's lock to one that waits for it, at most
_SWITCH_INTERVAL_S = 0.0005
#: seconds until a batch is tried again for the first time; and in all, where the exporter does not say that
_FIRST_PAUSE_S = 0.25
_PATIENCE_S = 10.0
#: statuses that the protocol says to try again after
_MAY_PASS = frozenset((408, 429, 502, 503, 504))


class SpanQueue(SpanProcessor):
    """Spans that have ended and are not sent yet.

    The SDK's own processor would encode them in the event loop's thread, which users wait for.

    Attributes:
        num_ended: how many there were.
        num_lost: of those, how many there was no room for.
    """

    def __init__(self) -> None:
        self._most = number_of("OTEL_BSP_MAX_QUEUE_SIZE", 8192)
        self._batch = min(number_of("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512), self._most)
        self._delay_s = number_of("OTEL_BSP_SCHEDULE_DELAY", 1000) / 1000
        self._spans: deque[ReadableSpan] = deque()
        self._taken_s = time.monotonic()
        self.num_ended = self.num_lost = 0

    @property
    def num_waiting(self) -> int:
        """How many have not been taken yet."""
        return len(self._spans)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        self.num_ended += 1
        if len(self._spans) < self._most:
            self._spans.append(span)
        else:
            self.num_lost += 1

    def take(self, is_ending: bool) -> Sequence[ReadableSpan]:
        """The next batch; empty when there are too few that have not waited for long enough."""
        size, now_s = len(self._spans), time.monotonic()
        if size < self._batch and now_s - self._taken_s < self._delay_s and not is_ending:
            return ()
        self._taken_s = now_s
        return [self._spans.popleft() for _ in range(min(size, self._batch))]


class Parcels(requests.Session):
    """What an exporter sends its batches by, which are kept here, ready to be sent.

    So the thread encodes, and has nothing to do with sockets: those are gevent's, and a thread that waits for one when
    the process ends would take it down.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ready: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **arguments: Any) -> requests.Response:  # type: ignore[override]
        """Called by exporters, or by what they call."""
        arguments["headers"] = {**self.headers, **(arguments.get("headers") or {})}
        for name in ("verify", "cert"):
            if arguments.get(name) is None:
                arguments[name] = getattr(self, name)
        self._ready.append({"method": method, "url": url, **arguments, "allow_redirects": False})
        accepted = requests.Response()
        accepted.status_code = 200
        return accepted

    def take(self) -> list[dict[str, Any]]:
        """The arguments of ``requests.request`` for each of them, which are here no longer."""
        ready, self._ready = self._ready, []
        return ready


class Outlet:
    """Sends what there is to send of one kind, batch by batch.

    Args:
        what: the kind, as messages call it.
        make_exporters: make those that encode, for a session that they send by; called in a thread.
        take: gives the next batch, which may be empty; told whether it is the last time.

    Attributes:
        num_lost: things in batches that were not taken by the receiver.
    """

    def __init__(
        self,
        what: str,
        make_exporters: Callable[[requests.Session], list[Any]],
        take: Callable[[bool], Sequence[Any]],
    ) -> None:
        self._what = what
        self._make_exporters = make_exporters
        self._take = take
        self._is_ending = self._is_told = self._is_failing = False
        self.num_lost = 0
        self._parcels = Parcels()
        self._exporters: list[Any] | None = None
        self._session = requests.Session()
        self._pool = ThreadPool(1, hub=gevent.get_hub())
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
        self._greenlet: Greenlet = gevent.spawn(self._run)

    def end(self, longest_s: float, longest_when_failing_s: float) -> None:
        """Send the rest, and wait for that.

        Args:
            longest_s: how long at most.
            longest_when_failing_s: how long at most where the last attempt has failed.
        """
        self._is_ending = True
        began_s = time.monotonic()
        while not self._greenlet.ready():
            if time.monotonic() - began_s > (longest_when_failing_s if self._is_failing else longest_s):
                self._greenlet.kill()
                if not self._is_told:
                    logger.warning("OpenTelemetry: the last %s were not taken in %g s", self._what, longest_s)
            self._greenlet.join(_LOOK_S)
        self._pool.kill()
        self._session.close()

    def _run(self) -> None:
        while True:
            is_ending = self._is_ending
            batch = self._take(is_ending)
            if batch:
                self._send(batch)
            elif is_ending:
                return
            else:
                gevent.sleep(_LOOK_S)

    def _send(self, batch: Sequence[Any]) -> None:
        self.num_lost += len(batch)
        parcels, error = self._pool.apply(self._encode, (batch,))
        if error is not None:
            self._tell(str(error))
            return
        are_taken = [self._deliver(parcel) for parcel in parcels]
        if all(are_taken):
            self.num_lost -= len(batch)

    def _encode(self, batch: Sequence[Any]) -> tuple[list[dict[str, Any]], Exception | None]:
        """Called in the thread; an error is returned, as raised it would be printed and count as nobody's."""
        try:
            if self._exporters is None:
                self._exporters = self._make_exporters(self._parcels)
            # A picture of all metrics is exported by itself.
            told = batch if self._what == "spans" else batch[0]
            results = [exporter.export(told).name for exporter in self._exporters]
        except Exception as error:
            return [], error
        if set(results) != {"SUCCESS"}:
            return [], ValueError("they cannot be encoded, as is told above")
        return self._parcels.take(), None

    def _deliver(self, parcel: dict[str, Any]) -> bool:
        until_s = time.monotonic() + (parcel.get("timeout") or _PATIENCE_S)
        pause_s = _FIRST_PAUSE_S
        while True:
            trouble, may_pass = self._attempt(parcel)
            self._is_failing = trouble is not None
            if trouble is None:
                return True
            self._tell(trouble)
            if not may_pass or time.monotonic() + pause_s > until_s:
                return False
            gevent.sleep(pause_s)
            pause_s *= 2

    def _attempt(self, parcel: dict[str, Any]) -> tuple[str | None, bool]:
        """What is in the way, None for nothing; and whether it may be so no longer in a while."""
        url = parcel["url"]
        try:
            answer = self._session.request(**parcel)
        except (requests.RequestException, OSError, ValueError) as error:
            if isinstance(error, requests.ReadTimeout):
                return f"{url} does not answer in {parcel['timeout']:.2g} s", True
            found = reported(error)
            # Not one of its kin, which is a connection that was closed.
            if type(found) is BadStatusLine:
                return f"{url} speaks no HTTP/1.1. Is that the port for gRPC? The one for HTTP usually is 4318", False
            return f"{url}: {found}", isinstance(error, requests.ConnectionError | requests.Timeout)
        if answer.ok and not answer.is_redirect:
            return None, False
        return f"{url} answers {answer.status_code} {answer.reason}", answer.status_code in _MAY_PASS

    def _tell(self, trouble: str) -> None:
        if not self._is_told:
            self._is_told = True
            logger.warning(
                "OpenTelemetry: %s cannot be sent: %s. The test goes on; this is told once", self._what, trouble
            )


def number_of(variable: str, default: int) -> int:
    """A whole number above 0 from the environment.

    Raises:
        ValueError: it is none.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) <= 0:
        raise ValueError(f"{variable}={text} is no whole number above 0")
    return int(text)
