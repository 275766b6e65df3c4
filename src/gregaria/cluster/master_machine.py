"""A master's end of all links, without a socket: it is told the time and what has come, and says what is to be sent."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gregaria.cluster.askers import Askers
from gregaria.cluster.channel import Channel
from gregaria.cluster.greeting import answer, mismatch, what_worker_is
from gregaria.cluster.happenings import Asked, Back, Disturbed, Item, Joined, Left, Lost, Refused
from gregaria.cluster.locust_dialect import frames_for, items_of
from gregaria.cluster.timing import Timing
from gregaria.cluster.wire import Frame, WireError, pack, size_of, unpack, whole
from gregaria.cluster.worker_machine import GREGARIA, LOCUST

__all__ = ["MasterMachine", "Peer"]

logger = logging.getLogger("gregaria.cluster")

#: workers that a master remembers, those that have left included
_MOST_PEERS = 20_000
#: reasons to drop something that are told apart
_MOST_REASONS = 100
#: seconds between two words about frames that mean nothing
_DISTURBED_S = 10.0
#: A worker of Locust's says that it is ready before its locustfile's listeners of `init` have run, and would not know
#: what it is sent by then. It is used from its second sign of life on, or so many seconds later.
_SETTLED_BEATS, _SETTLING_S = 2, 3.0


@dataclass(slots=True)
class Peer:
    """A worker, as the link knows it.

    Attributes:
        node_id: its name.
        index: its number, from 0.
        dialect: ``gregaria`` or ``locust``.
        incarnation: which process of that name; empty in Locust's dialect.
        about: what it says of itself.
        status: its latest sign of life.
        heard_s: when it was last heard of.
        is_lost: its users may be given to others, and it has not been given any since.
        goodbye: number of the item with which it has said goodbye; 0 before. It stays for as long as that, and all that
            went before, has not been dealt with.
        has_left: it has said goodbye and can go, or another process has taken its name.
        beats: signs of life so far, in Locust's dialect.
        joins_s: when the runner is told of it at the latest; None when it has been.
    """

    node_id: str
    index: int
    dialect: str
    incarnation: str
    about: dict[str, Any]
    channel: Channel
    heard_s: float
    status: dict[str, Any] = field(default_factory=dict)
    is_lost: bool = False
    goodbye: int = 0
    has_left: bool = False
    beats: int = 0
    joins_s: float | None = None

    @property
    def identity(self) -> bytes:
        """What the socket knows it by."""
        return self.node_id.encode()


class MasterMachine:
    """Not for several threads: whoever drives it makes all calls.

    Args:
        incarnation: names this process.
        timing: how often and how long.
        other_files: called with a worker's digest of its files; this master's files if they are others.
        known: ``{node id: (incarnation, index, number of the last item dealt with)}`` of a master before this one.

    Attributes:
        outbox: (identity, frame) to be sent; a frame is bytes, or what the socket keeps once for many.
        happenings: what the runner has to be told.
        peers: {node id: Peer}, those that are lost or have left included.
        dropped: what came and meant nothing, by reason.
    """

    def __init__(
        self,
        incarnation: str,
        timing: Timing | None = None,
        known: dict[str, tuple[str, int, int]] | None = None,
        other_files: Callable[[object], dict[str, str] | None] = lambda digest: None,
    ) -> None:
        self.outbox: list[tuple[bytes, Any]] = []
        self.happenings: list[Any] = []
        self.peers: dict[str, Peer] = {}
        self.dropped: Counter[str] = Counter()
        self._incarnation = incarnation
        self._other_files = other_files
        self._askers = Askers()
        self._timing = timing or Timing()
        self._known = dict(known or {})
        self._indexes = {node_id: index for node_id, (_, index, _) in self._known.items()}
        self._next_index = max(self._indexes.values(), default=-1) + 1
        self._told_dropped = 0
        self._is_to_probe = False
        self._tell_dropped_s = 0.0

    @property
    def known(self) -> dict[str, tuple[str, int, int]]:
        """What was known of workers that have not come back yet; may be asked in any thread, before ``peers``."""
        return dict(self._known)

    # -- what the runner wants -------------------------------------------------------------------------------------

    def put(self, node_id: str, kind: str, payload: Any) -> None:
        """Have an item sent to a worker; one that has left is not sent anything."""
        peer = self.peers.get(node_id)
        if peer is None or peer.has_left:
            return
        if peer.dialect == LOCUST:
            for type_, data in frames_for(kind, payload):
                self._send(peer, pack(type_, data, ""))
        else:
            peer.channel.put(kind, payload, size_of(kind, payload))

    def answer(self, identity: bytes, kind: str, data: Any) -> None:
        """Send a frame to somebody who is no worker (yet)."""
        self.outbox.append((identity, pack(kind, data, "")))

    def deal(self, node_id: str, number: int) -> None:
        """That item of this worker has been dealt with: it need not keep it any longer."""
        peer = self.peers.get(node_id)
        if peer is None:
            return
        peer.channel.deal([number])
        if peer.goodbye and peer.channel.dealt >= peer.goodbye and not peer.has_left:
            peer.has_left = True
            self._send(peer, self._envelope(peer, 0, [], 0))

    def welcome(self, node_id: str) -> None:
        """A worker that was lost has been told which users it has now: its lease goes on."""
        peer = self.peers.get(node_id)
        if peer is not None:
            peer.is_lost = False

    # -- what comes from outside -----------------------------------------------------------------------------------

    def receive(self, identity: bytes, body: bytes, now_s: float) -> None:
        """A frame has come."""
        try:
            self._receive(identity, unpack(body), now_s)
        except WireError:
            self._drop("no message")
        except Exception:
            # Whatever a stranger finds that was not thought of must not end the link for everybody.
            logger.debug("A frame could not be taken", exc_info=True)
            self._drop("something that nobody has thought of")

    def _receive(self, identity: bytes, frame: Frame, now_s: float) -> None:
        peer = self.peers.get(frame.node_id)
        if peer is not None and peer.identity != identity:
            self._drop("a sender that is not who it says")
        elif frame.type == "client_ready":
            self._greeted(identity, frame, now_s)
        elif frame.type == "locustfile":
            # Before it is a worker, and under a name of its own.
            is_ours = isinstance(frame.data, dict) and "gregaria" in frame.data
            if not self._askers.ask(identity, is_ours, now_s):
                self._drop("somebody asks for the files too often")
        elif peer is None or peer.has_left:
            self._unknown(identity, frame)
        elif peer.dialect == LOCUST:
            self._take_locust(peer, frame, now_s)
        elif frame.type == "g":
            self._take(peer, frame.data, now_s)
        else:
            self._drop("a type that its dialect does not have")

    def unreachable(self, identity: bytes, now_s: float) -> None:
        """The connection of a worker is closed."""
        peer = self.peers.get(identity.decode("utf-8", "replace"))
        if peer is not None:
            self._lose(peer, "its connection was closed", now_s)

    def probe(self) -> None:
        """Some connection was closed: have all be tried, once for all those that were closed at a time."""
        self._is_to_probe = True

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        is_to_probe, self._is_to_probe = self._is_to_probe, False
        for peer in self.peers.values():
            if peer.has_left:
                continue
            if peer.joins_s is not None and now_s >= peer.joins_s:
                self._introduce(peer)
            if is_to_probe and not peer.is_lost and peer.dialect == GREGARIA:
                self._send(peer, self._envelope(peer, 0, [], 0))
            if not peer.is_lost and now_s - peer.heard_s > self._timing.lease_s:
                self._lose(peer, f"it has not been heard of for {now_s - peer.heard_s:.1f} s", now_s)
            if peer.dialect == GREGARIA and not peer.is_lost:
                first, items = peer.channel.take(now_s)
                if items:
                    self._send(peer, self._envelope(peer, first, items, 0))
        for identity, is_ours in self._askers.due(now_s):
            self.happenings.append(Asked(identity, is_ours))
        dropped = self.dropped.total()
        if dropped > self._told_dropped and now_s >= self._tell_dropped_s:
            self._tell_dropped_s = now_s + _DISTURBED_S
            reason = self.dropped.most_common(1)[0][0]
            self.happenings.append(Disturbed(reason, dropped - self._told_dropped))
            self._told_dropped = dropped

    # -- who is there ----------------------------------------------------------------------------------------------

    def _greeted(self, identity: bytes, frame: Frame, now_s: float) -> None:
        if identity != frame.node_id.encode():
            self._drop("a sender that is not who it says")
            return
        try:
            about = what_worker_is(frame.data)
        except ValueError as error:
            self._drop(f"a worker that is not understood: {error}")
            return
        peer = self.peers.get(frame.node_id)
        if peer is None and len(self.peers) >= _MOST_PEERS:
            self._drop("one worker too many")
            return
        if about is None:
            self._greeted_by_locust(peer, frame, now_s)
            return
        reason = mismatch("master", about)
        if reason is not None:
            self.refuse(frame.node_id, reason)
            return
        files = self._other_files(about.get("files"))
        if files is not None:
            self.refuse(frame.node_id, "its files are not those of the master", files)
            return
        if peer is not None and not peer.has_left and peer.incarnation == about["incarnation"]:
            self._reconnected(peer, about, now_s)
        else:
            self._join(frame.node_id, GREGARIA, about["incarnation"], about, now_s)

    def _greeted_by_locust(self, peer: Peer | None, frame: Frame, now_s: float) -> None:
        if peer is None or peer.has_left or peer.dialect != LOCUST:
            self._join(frame.node_id, LOCUST, "", {"version": str(frame.data)}, now_s)
            return
        # It says so until it is answered, and after each test.
        peer.heard_s = now_s
        self._accept(peer)
        self._heard(peer)

    def refuse(self, node_id: str, reason: str, files: dict[str, str] | None = None) -> None:
        """Tell a worker that it is not wanted, and why."""
        peer = self.peers.get(node_id)
        if peer is not None:
            peer.has_left = True
        self.answer(node_id.encode(), "refused", {"reason": reason, "files": files or {}})
        self.happenings.append(Refused(reason, node_id))

    def _join(self, node_id: str, dialect: str, incarnation: str, about: dict[str, Any], now_s: float) -> None:
        before = self.peers.get(node_id)
        if before is not None and not before.has_left:
            self._lose(before, "another process has come under its name", now_s)
        if node_id not in self._indexes:
            self._indexes[node_id] = self._next_index
            self._next_index += 1
        index = self._indexes[node_id]
        channel = Channel(self._timing.retry_s)
        known = self._known.get(node_id)
        if known is not None and known[0] == incarnation:
            channel.expect_from(known[2] + 1)
        else:
            channel.expect_from(whole(about.get("kept_from")) or 1)
        peer = Peer(node_id, index, dialect, incarnation, about, channel, now_s)
        self.peers[node_id] = peer
        self._known.pop(node_id, None)
        self._accept(peer)
        peer.joins_s = now_s + _SETTLING_S
        if dialect == GREGARIA:
            self._introduce(peer)

    def _introduce(self, peer: Peer) -> None:
        if peer.joins_s is not None:
            peer.joins_s = None
            self.happenings.append(Joined(peer.node_id, peer.index, peer.dialect, peer.about))

    def _reconnected(self, peer: Peer, about: dict[str, Any], now_s: float) -> None:
        peer.heard_s = now_s
        if about.get("master") == self._incarnation:
            peer.channel.begin_again(whole(about.get("received")))
        else:
            peer.channel.begin_again(0)
        self._accept(peer)
        self._heard(peer)

    def _accept(self, peer: Peer) -> None:
        data: dict[str, Any] = {"index": peer.index}
        if peer.dialect == GREGARIA:
            about = {"incarnation": self._incarnation, "received": peer.channel.received, "dealt": peer.channel.dealt}
            data = answer(peer.index, about)
        self._send(peer, pack("ack", data, ""))

    def _lose(self, peer: Peer, reason: str, now_s: float) -> None:
        if not peer.is_lost and not peer.has_left:
            self._introduce(peer)
            peer.is_lost = True
            self.happenings.append(Lost(peer.node_id, reason, now_s - peer.heard_s))

    def _heard(self, peer: Peer) -> None:
        # Until it is welcome its lease stays over: others may have its users.
        if peer.is_lost:
            self.happenings.append(Back(peer.node_id))

    def _unknown(self, identity: bytes, frame: Frame) -> None:
        if frame.type == "g":
            self.answer(identity, "again", None)
        elif frame.type in ("spawning", "spawning_complete"):
            # A worker of Locust's that this master does not know runs users: nobody would ever stop them.
            self.answer(identity, "quit", None)
        elif frame.type == "stats":
            self._drop("a report of nobody")
        else:
            self._drop("a sender that has not said that it is ready")

    # -- what workers say ------------------------------------------------------------------------------------------

    def _take(self, peer: Peer, data: Any, now_s: float) -> None:
        if not isinstance(data, dict) or data.get("i") != peer.incarnation:
            self._drop("a message of a process that has ended")
            return
        if data.get("t") != self._incarnation:
            self.answer(peer.identity, "again", None)
            return
        peer.heard_s = now_s
        peer.channel.acknowledge(whole(data.get("r")), whole(data.get("a")))
        items = data.get("m") or []
        if not isinstance(items, list) or not all(isinstance(item, list) and len(item) == 2 for item in items):
            self._drop("items that are none")
            return
        if isinstance(data.get("s"), dict):
            peer.status = data["s"]
        for number, (kind, payload) in peer.channel.receive(whole(data.get("f")), items):
            if kind == "bye":
                peer.goodbye = number
                self.happenings.append(Left(peer.node_id, number))
            else:
                self.happenings.append(Item(peer.node_id, number, kind, payload))
        self._heard(peer)
        beat = 0 if peer.is_lost else whole(data.get("b"))
        first, items = peer.channel.take(now_s)
        if beat or items or peer.goodbye:
            self._send(peer, self._envelope(peer, first, items, beat))

    def _take_locust(self, peer: Peer, frame: Frame, now_s: float) -> None:
        peer.heard_s = now_s
        if frame.type == "heartbeat":
            if isinstance(frame.data, dict):
                peer.status = frame.data
            peer.beats += 1
            if peer.beats == _SETTLED_BEATS:
                self._introduce(peer)
            self._send(peer, pack("heartbeat", None, ""))
        elif frame.type == "quit":
            self._introduce(peer)
            peer.has_left = True
            self.happenings.append(Left(peer.node_id, 0))
            return
        else:
            for kind, payload in items_of(frame):
                self.happenings.append(Item(peer.node_id, 0, kind, payload))
        self._heard(peer)

    # -- frames ----------------------------------------------------------------------------------------------------

    def _envelope(self, peer: Peer, first: int, items: list[Any], beat: int) -> bytes:
        data = {
            "i": self._incarnation,
            "t": peer.incarnation,
            **peer.channel.told(first, items),
            "b": beat,
        }
        return pack("g", data, "")

    def _send(self, peer: Peer, body: bytes) -> None:
        self.outbox.append((peer.identity, body))

    def _drop(self, reason: str) -> None:
        is_known = reason in self.dropped or len(self.dropped) < _MOST_REASONS
        self.dropped[reason if is_known else "whatever else means nothing"] += 1
