"""A worker's end of the link, without a socket: it is told the time and what has come, and says what is to be sent."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from gregaria.cluster.channel import Channel
from gregaria.cluster.greeting import greeting, mismatch, what_master_is
from gregaria.cluster.happenings import Connected, Held, Item, Refused, Resumed, Waiting
from gregaria.cluster.locust_dialect import frames_from_worker, items_for_worker
from gregaria.cluster.timing import Timing
from gregaria.cluster.wire import Frame, WireError, pack, size_of, unpack, whole
from gregaria.runner.beat import next_beat_s

__all__ = ["GREGARIA", "LOCUST", "WorkerMachine"]

logger = logging.getLogger("gregaria.cluster")

GREGARIA = "gregaria"
LOCUST = "locust"

#: reports that may be on their way; while there are as many, what is counted waits for the next one
_MOST_REPORTS = 2
#: heartbeats whose answers are still waited for
_MOST_BEATS = 64


class WorkerMachine:
    """Not for several threads: whoever drives it makes all calls.

    Args:
        node_id: the worker's name, ``host_hex``.
        incarnation: names this process; another one under the same name has another.
        about: called for what the master shall know of this worker.
        report: called for what is new since it was last called; None when there is nothing.
        status: called for what every sign of life says.
        now_s: the time.
        timing: how often and how long.
        report_at_s: a moment at which a report is due; others are whole intervals from there.

    Attributes:
        outbox: frames to be sent.
        happenings: what the runner has to be told.
        dialect: what the master speaks; None while there is none.
    """

    def __init__(
        self,
        node_id: str,
        incarnation: str,
        about: Callable[[], dict[str, Any]],
        report: Callable[[], Any],
        status: Callable[[], dict[str, Any]],
        now_s: float,
        timing: Timing | None = None,
        report_at_s: float = 0.0,
    ) -> None:
        self.node_id = node_id
        self.outbox: list[bytes] = []
        self.happenings: list[Any] = []
        self.dialect: str | None = None
        self._incarnation = incarnation
        self._about = about
        self._report = report
        self._status = status
        self._timing = timing or Timing()
        self._channel = Channel(self._timing.retry_s)
        self._master = ""
        self._is_open = True
        self._is_greeted = False
        self._is_held = False
        self._is_ending = False
        self._beat = 0
        self._beats: deque[tuple[int, float]] = deque(maxlen=_MOST_BEATS)
        self._lease_until_s = now_s
        self._heard_s = now_s
        self._ready_due_s = now_s
        self._beat_due_s = now_s
        self._report_at_s = report_at_s
        self._report_due_s = now_s
        self._tell_due_s = now_s + self._timing.tell_s

    # -- what the runner wants -------------------------------------------------------------------------------------

    @property
    def is_all_dealt_with(self) -> bool:
        """Whether the master has dealt with all that it was sent."""
        return self._channel.is_empty

    @property
    def has_left(self) -> bool:
        """Whether goodbye has been said, and heard where the master says so."""
        return self._is_ending and (self.dialect == LOCUST or self._channel.is_empty)

    def put(self, kind: str, payload: Any) -> None:
        """Have an item sent, unless goodbye has been said."""
        if self._is_ending:
            return
        if self.dialect == LOCUST:
            for type_, data in frames_from_worker(kind, payload, self.node_id):
                self.say(type_, data)
        else:
            self._channel.put(kind, payload, size_of(kind, payload))

    def report_now(self) -> None:
        """Have what is new reported, whatever else is on its way."""
        payload = self._report()
        if payload is not None:
            self._channel.put("report", payload, size_of("report", payload))

    def say(self, kind: str, data: Any) -> None:
        """Send a frame at once, outside of the channel."""
        self.outbox.append(pack(kind, data, self.node_id))

    def deal(self, number: int) -> None:
        """The item of that number has been dealt with."""
        self._channel.deal([number])

    def leave(self) -> None:
        """Say goodbye; what has not been dealt with goes before."""
        self.put("bye", None)
        self._is_ending = True

    # -- what comes from outside -----------------------------------------------------------------------------------

    def link_up(self, now_s: float) -> None:
        """There is a connection."""
        self._is_open = True
        self._is_greeted = False
        self._ready_due_s = now_s

    def link_down(self, now_s: float) -> None:
        """The connection has gone."""
        if not self._is_open:
            return
        self._is_open = False
        if self.dialect is not None:
            self._hold("the connection to the master was closed")
            self._ready_due_s = now_s

    def receive(self, body: bytes, now_s: float) -> None:
        """A frame has come."""
        try:
            frame = unpack(body)
        except WireError as error:
            logger.warning("Something that is no message came from the master: %s", error)
            return
        if frame.type == "g":
            self._take(frame.data, now_s)
        elif frame.type == "ack":
            self._accepted(frame.data, now_s)
        elif frame.type == "refused":
            told = frame.data if isinstance(frame.data, dict) else {}
            files = told.get("files")
            reason = str(told.get("reason") or "the master gives no reason")
            self.happenings.append(Refused(reason, files=files if isinstance(files, dict) else {}))
        elif frame.type == "again":
            # A master that has begun again and does not know this worker.
            self._is_greeted = False
        else:
            self._take_locust(frame, now_s)

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        if not self._is_greeted or not self._is_open or now_s - self._heard_s > self._timing.lease_s:
            self._seek(now_s)
        if self.dialect is not None:
            self._sign_of_life(now_s)
            if now_s >= self._lease_until_s:
                self._hold(f"the master has not been heard of for {now_s - self._heard_s:.0f} s")

    # -- finding a master ------------------------------------------------------------------------------------------

    def _seek(self, now_s: float) -> None:
        # Also when it is about to leave: a master that has begun again is told what the one before had not noted.
        is_wanted = not self._is_ending or (self.dialect == GREGARIA and not self._channel.is_empty)
        if now_s >= self._ready_due_s and is_wanted:
            self._ready_due_s = now_s + self._timing.ready_s
            about = {
                **self._about(),
                "incarnation": self._incarnation,
                "master": self._master,
                "received": self._channel.received,
                "kept_from": self._channel.first,
            }
            self.say("client_ready", greeting(about))
        waited_s = now_s - self._heard_s
        if waited_s >= self._timing.give_up_s:
            self.happenings.append(Waiting(waited_s, gives_up=True))
            self._heard_s = now_s
        elif now_s >= self._tell_due_s and waited_s >= self._timing.tell_s:
            self._tell_due_s = now_s + self._timing.tell_s
            self.happenings.append(Waiting(waited_s))

    def _accepted(self, data: Any, now_s: float) -> None:
        index, about = what_master_is(data)
        if about is None:
            is_new = self.dialect is None
            self.dialect = LOCUST
            about = {}
        else:
            reason = mismatch("worker", about)
            if reason is not None:
                self.happenings.append(Refused(reason))
                return
            self.dialect = GREGARIA
            is_new = about.get("incarnation") != self._master
            if is_new:
                self._master = str(about.get("incarnation"))
                self._channel.forget_theirs()
            self._channel.begin_again(whole(about.get("received")))
            self._channel.acknowledge(whole(about.get("received")), whole(about.get("dealt")))
        self._heard_s = now_s
        self._is_open = self._is_greeted = True
        self._beats.clear()
        self._beat_due_s = now_s
        if is_new:
            # Whoever is new here has no users anywhere yet.
            self._lease_until_s = now_s + self._timing.lease_s
        self.happenings.append(Connected(index, self.dialect, about, is_new))

    # -- signs of life ---------------------------------------------------------------------------------------------

    def _sign_of_life(self, now_s: float) -> None:
        if self.dialect == LOCUST:
            if now_s >= self._beat_due_s and not self._is_ending:
                self._beat_due_s = now_s + self._timing.heartbeat_s
                self._beats.append((0, now_s))
                self.say("heartbeat", self._status())
            return
        if now_s >= self._report_due_s and self._channel.waiting("report") < _MOST_REPORTS:
            self._report_due_s = next_beat_s(now_s, self._timing.report_s, self._report_at_s)
            self.report_now()
        is_due = now_s >= self._beat_due_s
        first, items = self._channel.take(now_s) if self._is_open else (0, [])
        if not is_due and not items:
            return
        data = self._envelope(first, items)
        if is_due:
            self._beat_due_s = now_s + self._timing.heartbeat_s
            self._beat += 1
            self._beats.append((self._beat, now_s))
            data["b"] = self._beat
            data["s"] = self._status()
        self.outbox.append(pack("g", data, self.node_id))

    def _envelope(self, first: int, items: list[Any]) -> dict[str, Any]:
        return {
            "i": self._incarnation,
            "t": self._master,
            **self._channel.told(first, items),
        }

    def _hold(self, reason: str) -> None:
        if not self._is_held:
            self._is_held = True
            self.happenings.append(Held(reason))

    def _lease(self, sent_s: float, now_s: float) -> None:
        self._lease_until_s = max(self._lease_until_s, sent_s + self._timing.lease_s)
        if self._is_held and self._is_open and now_s < self._lease_until_s:
            self._is_held = False
            self.happenings.append(Resumed())

    # -- what the master says --------------------------------------------------------------------------------------

    def _take(self, data: Any, now_s: float) -> None:
        if not isinstance(data, dict) or data.get("i") != self._master or data.get("t") != self._incarnation:
            return
        self._heard_s = now_s
        self._channel.acknowledge(whole(data.get("r")), whole(data.get("a")))
        for number, (kind, payload) in self._channel.receive(whole(data.get("f")), data.get("m") or []):
            self.happenings.append(Item("", number, kind, payload))
        answered = whole(data.get("b"))
        if answered:
            for beat, sent_s in self._beats:
                if beat == answered:
                    self._lease(sent_s, now_s)

    def _take_locust(self, frame: Frame, now_s: float) -> None:
        self._heard_s = now_s
        if frame.type == "heartbeat":
            # It does not say which one it answers; the oldest that it may be.
            if self._beats:
                self._lease(self._beats.popleft()[1], now_s)
        else:
            for kind, payload in items_for_worker(frame):
                self.happenings.append(Item("", 0, kind, payload))
