"""A relay that makes a connection long: every byte takes its time, and it can be cut or stalled."""

import random
import selectors
import socket
import threading
import time
from collections import deque
from types import TracebackType

__all__ = ["LongLine"]


class LongLine:
    """Listens on a port of this machine and passes on to another.

    Loss is what TCP makes of it: what was lost comes a retransmission later, and everything behind it waits.

    Args:
        port: where to pass on to, on 127.0.0.1.
        delay_s: what every byte takes.
        loss: share of pieces that take ``retransmission_s`` more.

    Attributes:
        port: where it listens.
        is_stalled: nothing is passed on, and nobody is told.
    """

    retransmission_s = 0.3

    def __init__(self, port: int, delay_s: float = 0.0, loss: float = 0.0, seed: int = 0) -> None:
        self._to = port
        self._delay_s = delay_s
        self._loss = loss
        self._random = random.Random(seed)
        self.is_stalled = False
        self._is_over = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "LongLine":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._thread.join(5)

    def cut(self) -> None:
        """Close all connections; new ones can be made."""
        for pair in self._pairs:
            for each in pair:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._listener, selectors.EVENT_READ)
        waiting: dict[socket.socket, deque[tuple[float, bytes]]] = {}
        other: dict[socket.socket, socket.socket] = {}

        def close(one: socket.socket) -> None:
            for each in (one, other.get(one)):
                if each is not None and each in other:
                    selector.unregister(each)
                    del other[each]
                    waiting.pop(each, None)
                    each.close()

        while not self._is_over:
            for key, _ in selector.select(0.005):
                if key.fileobj is self._listener:
                    here, _ = self._listener.accept()
                    try:
                        there = socket.create_connection(("127.0.0.1", self._to))
                    except OSError:
                        # Nobody there: nobody here, either.
                        here.close()
                        continue
                    self._pairs.append((here, there))
                    for one, two in ((here, there), (there, here)):
                        other[one] = two
                        waiting[two] = deque()
                        selector.register(one, selectors.EVENT_READ)
                    continue
                one = key.fileobj
                assert isinstance(one, socket.socket)
                try:
                    data = one.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    close(one)
                    continue
                late_s = self._delay_s + (self.retransmission_s if self._random.random() < self._loss else 0.0)
                queue = waiting[other[one]]
                due_s = max(time.monotonic() + late_s, queue[-1][0] if queue else 0.0)
                queue.append((due_s, data))
            if self.is_stalled:
                continue
            for one, queue in list(waiting.items()):
                while queue and queue[0][0] <= time.monotonic():
                    try:
                        one.sendall(queue.popleft()[1])
                    except OSError:
                        close(one)
                        break
        for one in list(other):
            close(one)
        self._listener.close()
