"""What a worker tells of itself each second: its state and process, log lines, and what listeners have to add."""

import os
import time
from collections.abc import Callable
from typing import Any, Protocol

import gevent

from gregaria.cluster.cap import CapShare
from gregaria.cluster.iterations import Share
from gregaria.events import EventHook
from gregaria.feed.feeds import feeds
from gregaria.logs import last_lines, lines_since
from gregaria.settings import settings
from gregaria.stats.increments import Increments
from gregaria.stats.table import RequestStats

__all__ = ["Telling", "idle_cores"]

#: seconds between two words about this process, and what listeners of report_to_master add
_STATUS_S = 1.0


class Worker(Protocol):
    """The runner, as what tells of it sees it."""

    client_id: str
    connected: bool
    environment: Any
    current_cpu_usage: float
    current_memory_usage: int
    worker_state: str
    share: Share
    cap_share: CapShare
    count_unhandled: Callable[[], int]

    @property
    def stats(self) -> RequestStats: ...

    @property
    def user_count(self) -> int: ...

    @property
    def user_classes_count(self) -> dict[str, int]: ...

    @property
    def is_testing(self) -> bool:
        """Whether a test runs, or is about to end."""

    @property
    def is_locust(self) -> bool:
        """Whether the master is one of Locust's."""

    def fire(self, event: EventHook, **arguments: Any) -> None:
        """Tell listeners."""

    def put(self, kind: str, payload: Any) -> None:
        """Send an item to the master."""

    def held_up_by(self) -> str | None:
        """Who keeps the event loop from turning at this moment."""


class Telling:
    """Tells the master of its worker.

    Args:
        worker: whose runner it is.
        increments: what a master of Locust's has not been told.
    """

    def __init__(self, worker: Worker, increments: Increments) -> None:
        self._worker = worker
        self._increments = increments
        self._rate = 0.0
        self._rate_since = (time.monotonic(), 0)
        # Whole from the first sign of life on: a master of Locust's ends when something is missing in it.
        self._set_status()
        self._logs_told = 0

    def keep_telling(self) -> None:
        """Each second, for ever."""
        worker = self._worker
        last_locust_s = time.monotonic()
        while True:
            self._set_status()
            if worker.connected:
                worker.fire(
                    worker.environment.events.heartbeat_received, client_id=worker.client_id, timestamp=time.time()
                )
                self._tell_logs()
                if worker.is_testing:
                    feeds.tell()
                    worker.share.tell()
                    worker.cap_share.tell()
                    self._tell_custom()
                if worker.is_locust and time.monotonic() - last_locust_s >= settings.worker_report_interval_s:
                    last_locust_s = time.monotonic()
                    self._report_to_locust()
            gevent.sleep(_STATUS_S)

    def tell_all(self) -> None:
        """A test has ended: whatever has not been told, beside what is counted."""
        feeds.tell()
        self._worker.share.tell()
        self._tell_custom()
        if self._worker.is_locust:
            self._report_to_locust()
        self._set_status()

    def begin_again(self) -> None:
        """The master is another one, which has no log lines yet."""
        self._logs_told = 0

    def status_now(self) -> dict[str, Any]:
        """Called in the link's thread, also while user code keeps the event loop from turning."""
        delay_s = time.monotonic() - self._status_s
        if delay_s < 2 * _STATUS_S:
            return self._status
        return {**self._status, "loop_delay_s": delay_s, "culprit": self._worker.held_up_by()}

    def _set_status(self) -> None:
        worker = self._worker
        self._status_s = time.monotonic()
        # Without a test nobody watches the loop.
        watched = worker.stats.generator.last_second if worker.is_testing else None
        self._status: dict[str, Any] = {
            "state": worker.worker_state,
            "current_cpu_usage": worker.current_cpu_usage,
            "current_memory_usage": worker.current_memory_usage,
            "idle_cores": idle_cores(),
            "longest_delay_s": None if watched is None else watched.delay_us / 1e6,
            "users": worker.user_classes_count,
            "requests_per_s": self._highest_rate(),
            "unhandled": worker.count_unhandled(),
        }

    def _highest_rate(self) -> float:
        """Requests per second of the last interval, or of one before it that had more."""
        now_s, requests = time.monotonic(), self._worker.stats.num_requests
        then_s, before = self._rate_since
        self._rate_since = now_s, requests
        if now_s > then_s:
            self._rate = max((requests - before) / (now_s - then_s), self._rate * 0.9)
        return self._rate

    def _tell_logs(self) -> None:
        self._logs_told, lines = lines_since(self._logs_told)
        if lines:
            is_whole = self._worker.is_locust
            self._worker.put("logs", {"lines": last_lines() if is_whole else lines, "is_whole": is_whole})

    def _tell_custom(self) -> None:
        """What listeners of ``report_to_master`` have to tell."""
        worker = self._worker
        if worker.is_locust or not worker.environment.events.report_to_master.listeners:
            return
        data: dict[str, Any] = {"stats": [], "stats_total": {}, "errors": {}}
        worker.fire(worker.environment.events.report_to_master, client_id=worker.client_id, data=data)
        worker.put("custom", data)

    def _report_to_locust(self) -> None:
        worker = self._worker
        data = self._increments.take_for_locust()
        data.update(user_classes_count=worker.user_classes_count, user_count=worker.user_count)
        worker.fire(worker.environment.events.report_to_master, client_id=worker.client_id, data=data)
        worker.put("locust_report", data)


def idle_cores() -> float:
    """How many of this machine's cores have been idle of late."""
    cores = os.cpu_count() or 1
    try:
        return max(cores - os.getloadavg()[0], 0.0)
    except (OSError, AttributeError):
        return float(cores)
