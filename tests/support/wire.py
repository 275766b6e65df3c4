"""A server that says exactly the bytes a test gives it, in threads of its own."""

import errno
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

Talk = Callable[[socket.socket], None]


class Wire:
    """Listens on a free port and runs ``talk(connection)`` for each connection, one thread each.

    Attributes:
        port: where.
        received: what ``read_head`` has read so far, one entry a request head.
        connections: how many were accepted.
        ended: how many were closed by the server since.
    """

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.received: list[bytes] = []
        self.connections = 0
        self.ended = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> "Wire":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # shutdown wakes the thread that waits, close alone would not.
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def read_head(self, connection: socket.socket) -> bytes:
        """One request's head; b"" when the client has closed."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return b""
            head += piece
        self.received.append(head)
        return head

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if error.errno == errno.EMFILE:
                    # A test that takes every descriptor for a moment: it gives them back.
                    time.sleep(0.01)
                    continue
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.talk(connection)
            except OSError:
                pass
        self.ended += 1


def answering(*answers: bytes) -> Wire:
    """A server that gives these answers, one per request, over and over, on each connection."""

    def talk(connection: socket.socket) -> None:
        while True:
            for answer in answers:
                if not wire.read_head(connection):
                    return
                connection.sendall(answer)

    wire = Wire(talk)
    return wire
