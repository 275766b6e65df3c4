"""The thread that carries a machine's frames: ZeroMQ on one side, the event loop of the users on the other.

It is a thread of the system, not one of gevent's, and never waits for the loop: signs of life and reports go on while a
user blocks it. Nothing is shared but two queues. What the runner wants is called in the thread, between two frames;
what has happened is handed to a greenlet.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import gevent
import zmq
from gevent.event import Event
from gevent.monkey import get_original

from gregaria.cluster.happenings import Failed
from gregaria.cluster.keys import Gatekeeper, Keys
from gregaria.cluster.master_machine import MasterMachine
from gregaria.cluster.reach import connect
from gregaria.cluster.wire import LARGEST_FRAME_BYTES, WireError
from gregaria.cluster.worker_machine import WorkerMachine
from gregaria.engine.names import place_of
from gregaria.errors import CommandError

__all__ = ["Link", "MasterSocket", "WorkerSocket"]

logger = logging.getLogger("gregaria.cluster.link")

#: seconds between two looks at the clock when nothing comes
_TICK_S = 0.1
#: frames taken from the socket before others have their turn
_BATCH = 200
#: frames that may wait for one slow receiver
_MOST_WAITING = 10_000
#: seconds that the last frames have when a link is closed
_LINGER_S = 2.0


class Socket(Protocol):
    """A machine and the socket it talks through."""

    @property
    def machine(self) -> Any: ...

    @property
    def others(self) -> "dict[zmq.Socket[bytes], Callable[[], object]]":
        """Further sockets to poll, and what to call when one can be read."""

    def open(self, context: "zmq.Context[Any]") -> "zmq.Socket[bytes]":
        """Open it, in the thread that will use it."""

    def receive(self, now_s: float) -> bool:
        """Give the machine one frame; False when there is none."""

    def flush(self, now_s: float) -> None:
        """Send what the machine wants sent."""

    def changed(self, event: int, now_s: float) -> None:
        """A connection was made or closed (one of ``zmq.Event``)."""


class MasterSocket:
    """A ROUTER, bound to an address.

    Args:
        machine: whose it is.
        host, port: where to listen; ``*`` is everywhere, 0 any port.
        keys: encrypts, and keeps out whoever does not know the secret; None for neither.

    Attributes:
        port: the one that is listened on, once it is open.
    """

    def __init__(self, machine: MasterMachine, host: str, port: int, keys: Keys | None) -> None:
        self.machine = machine
        self.port = port
        self._host = host
        self._keys = keys
        self._gatekeeper: Gatekeeper | None = None

    @property
    def others(self) -> "dict[zmq.Socket[bytes], Callable[[], object]]":
        return {} if self._gatekeeper is None else {self._gatekeeper.socket: self._gatekeeper.answer}

    def open(self, context: "zmq.Context[Any]") -> "zmq.Socket[bytes]":
        if self._keys is not None:
            # Before the first connection can ask.
            self._gatekeeper = Gatekeeper(context, self._keys)
        socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self._socket = socket
        _set_up(socket)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        if self._keys is not None:
            self._keys.serve(socket)
        if ":" in self._host or self._host == "*":
            socket.setsockopt(zmq.IPV6, 1)
        try:
            socket.bind(f"tcp://{place_of(self._host, self.port)}")
        except zmq.ZMQError:
            socket.close(linger=0)
            raise
        self.port = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        return socket

    def receive(self, now_s: float) -> bool:
        try:
            frames = self._socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        if len(frames) == 2:
            self.machine.receive(frames[0], frames[1], now_s)
        else:
            self.machine.receive(frames[0], b"", now_s)
        return True

    def flush(self, now_s: float) -> None:
        outbox = self.machine.outbox
        while outbox:
            frames, outbox[:] = list(outbox), []
            for identity, body in frames:
                try:
                    self._socket.send_multipart((identity, body), zmq.NOBLOCK)
                except zmq.Again:
                    # It reads too slowly. What matters is sent again.
                    continue
                except zmq.ZMQError as error:
                    if error.errno != zmq.EHOSTUNREACH:
                        raise
                    self.machine.unreachable(identity, now_s)

    def changed(self, event: int, now_s: float) -> None:
        del now_s
        if event == zmq.EVENT_DISCONNECTED:
            self.machine.probe()


class WorkerSocket:
    """A DEALER, connected to a master.

    Args:
        machine: whose it is.
        host, port: the master's.
        keys: encrypts, and proves that the secret is known; None for neither.
    """

    def __init__(self, machine: WorkerMachine, host: str, port: int, keys: Keys | None) -> None:
        self.machine = machine
        self._host = host
        self._port = port
        self._keys = keys

    @property
    def others(self) -> "dict[zmq.Socket[bytes], Callable[[], object]]":
        return {}

    def open(self, context: "zmq.Context[Any]") -> "zmq.Socket[bytes]":
        socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self._socket = socket
        _set_up(socket)
        socket.setsockopt(zmq.IDENTITY, self.machine.node_id.encode())
        # What could not be sent while there was no connection is sent by the machine, once there is one.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, 100)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        socket.setsockopt(zmq.IPV6, 1)
        if self._keys is not None:
            self._keys.connect(socket)
        try:
            connect(socket, self._host, self._port)
        except CommandError:
            socket.close(linger=0)
            raise
        return socket

    def receive(self, now_s: float) -> bool:
        try:
            body = self._socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return False
        self.machine.receive(body, now_s)
        return True

    def flush(self, now_s: float) -> None:
        del now_s
        outbox = self.machine.outbox
        while outbox:
            try:
                self._socket.send(outbox[0], zmq.NOBLOCK)
            except zmq.Again:
                # No connection, or a master that does not read. What matters is sent again.
                outbox.clear()
                return
            del outbox[0]

    def changed(self, event: int, now_s: float) -> None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.machine.link_up(now_s)
        elif event == zmq.EVENT_DISCONNECTED:
            self.machine.link_down(now_s)


class Link:
    """Drives a machine from ``open`` to ``close``.

    Args:
        socket: the machine and its socket.
        happened: called in a greenlet of the hub that made the link, for everything that happens, in order; last of
            all for ``Failed`` if the thread ends by an error of its own.
    """

    def __init__(self, socket: Socket, happened: Callable[[Any], object]) -> None:
        self._socket = socket
        self._happened = happened
        self._wishes: deque[Callable[[], object]] = deque()
        self._news: deque[Any] = deque()
        self._context: zmq.Context[Any] = zmq.Context()
        self._bell_address = f"inproc://bell-{id(self):x}"
        self._knock: zmq.Socket[bytes] | None = None
        self._is_closing = False
        self._has_failed = False
        self._failure: BaseException | None = None
        hub = gevent.get_hub()
        self._rung = Event()
        self._opened = Event()
        self._closed = Event()
        self._bell = hub.loop.async_()
        self._reader: gevent.Greenlet | None = None

    def open(self) -> None:
        """Open the socket and start the thread.

        Raises:
            zmq.ZMQError: nobody can listen there.
            CommandError: nobody can connect to that.
        """
        door = self._context.socket(zmq.PAIR)
        door.bind(self._bell_address)
        knock = self._knock = self._context.socket(zmq.PAIR)
        knock.connect(self._bell_address)
        self._bell.start(self._rung.set)
        self._reader = gevent.spawn(self._read)
        get_original("_thread", "start_new_thread")(self._run, (door,))
        self._opened.wait()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self._end()
            raise failure

    def ask(self, wish: Callable[[], object]) -> None:
        """Have something called in the thread, with the machine to itself; in order, and from any greenlet.

        Of a link that has failed nobody calls it any more.
        """
        if self._has_failed:
            return
        self._wishes.append(wish)
        if self._knock is not None:
            try:
                self._knock.send(b"", zmq.NOBLOCK)
            except (zmq.Again, zmq.ContextTerminated):
                # It has not opened the door for a thousand times, and will look at all wishes when it does; or it fails
                # at this very moment.
                return

    def close(self) -> None:
        """Send what is waiting to be sent, and end the thread."""
        if self._is_closing or self._knock is None:
            return
        self._is_closing = True
        self.ask(lambda: None)
        self._end()

    def _end(self) -> None:
        knock, self._knock = self._knock, None
        if knock is not None:
            knock.close()
        self._closed.wait()
        self._bell.stop()
        self._bell.close()
        if self._reader is not None and self._reader is not gevent.getcurrent():
            self._reader.kill(block=False)

    # -- in the hub ------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        while True:
            self._rung.wait()
            self._rung.clear()
            while self._news:
                self._happened(self._news.popleft())

    # -- in the thread ---------------------------------------------------------------------------------------------

    def _run(self, door: "zmq.Socket[bytes]") -> None:
        loop = self._bell.loop
        try:
            socket = self._socket.open(self._context)
        except BaseException as error:
            self._failure = error
            loop.run_callback_threadsafe(self._opened.set)
            self._leave(None, door)
            return
        loop.run_callback_threadsafe(self._opened.set)
        try:
            self._serve(socket, door)
        except Exception as error:
            logger.exception("The link has failed")
            self._has_failed = True
            self._wishes.clear()
            self._news.append(Failed(f"{type(error).__name__}: {error}"))
            self._bell.send()
        finally:
            self._leave(socket, door)

    def _leave(self, socket: "zmq.Socket[bytes] | None", door: "zmq.Socket[bytes]") -> None:
        loop = self._bell.loop
        for each in (door, *self._socket.others):
            each.close(linger=0)
        if socket is not None:
            socket.close(linger=int(_LINGER_S * 1000))
        # Waits until the last frames have gone, here where it holds up nobody.
        self._context.term()
        loop.run_callback_threadsafe(self._closed.set)

    def _serve(self, socket: "zmq.Socket[bytes]", door: "zmq.Socket[bytes]") -> None:
        monitor = socket.get_monitor_socket()
        try:
            self._turn(socket, door, monitor)
        finally:
            # However it ends: an open socket would keep the context from ending, and the link from being closed.
            socket.disable_monitor()
            monitor.close(linger=0)

    def _turn(
        self, socket: "zmq.Socket[bytes]", door: "zmq.Socket[bytes]", monitor: "zmq.Socket[bytes]"
    ) -> None:
        machine, side = self._socket.machine, self._socket
        poller = zmq.Poller()
        others = side.others
        for each in (socket, door, monitor, *others):
            poller.register(each, zmq.POLLIN)
        while True:
            poller.poll(int(_TICK_S * 1000))
            now_s = time.monotonic()
            while _had(door):
                pass
            for answer in others.values():
                answer()
            while (event := _event(monitor)) is not None:
                side.changed(event, now_s)
            self._take_in(side, now_s)
            while self._wishes:
                self._grant(self._wishes.popleft())
            machine.tick(now_s)
            side.flush(now_s)
            if machine.happenings:
                self._news.extend(machine.happenings)
                machine.happenings.clear()
                self._bell.send()
            if self._is_closing and not self._wishes:
                return

    # What cannot be taken, or cannot be sent, must keep nothing else from going on: without a link a worker's users
    # would run on, while others get them, too.

    def _take_in(self, side: Socket, now_s: float) -> None:
        for _ in range(_BATCH):
            try:
                if not side.receive(now_s):
                    return
            except zmq.ZMQError:
                raise
            except Exception:
                logger.exception("A message could not be taken, and is left out")

    def _grant(self, wish: Callable[[], object]) -> None:
        try:
            wish()
        except WireError as error:
            logger.error("Something is not sent: %s", error)
        except Exception:
            logger.exception("Something could not be sent, and is left out")


def _set_up(socket: "zmq.Socket[bytes]") -> None:
    socket.setsockopt(zmq.SNDHWM, _MOST_WAITING)
    socket.setsockopt(zmq.RCVHWM, _MOST_WAITING)
    socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
    socket.setsockopt(zmq.LINGER, int(_LINGER_S * 1000))
    # A link that says nothing for long is cut by firewalls, and one that was cut without a word is found out.
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 10_000)


def _had(door: "zmq.Socket[bytes]") -> bool:
    try:
        door.recv(zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True


def _event(monitor: "zmq.Socket[bytes]") -> int | None:
    try:
        frames = monitor.recv_multipart(zmq.NOBLOCK)
    except zmq.Again:
        return None
    return int.from_bytes(frames[0][:2], "little")
