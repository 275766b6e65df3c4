"""A server that fails in every way there is, chosen by the path: fault_answers.py has the list.

``with fault_server() as server`` runs one in threads of this process; ``python -m tests.support.fault_server`` is a
process of its own that prints its port and ends with its standard input.
"""

import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.fault_answers import ANSWERS, EARLY, PATIENCE_S, HungUp, Talk, redirect

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

#: what is done with a connection before HTTP is spoken on it: TLS, or nothing, or something that never gets to HTTP
Welcome = Callable[[socket.socket], socket.socket]


class FaultServer:
    """The running server.

    Attributes:
        port: where, on 127.0.0.1.
        url: its base URL.
        served: "METHOD /path" of each request whose head has come, in order.
        connections: how many were accepted.
    """

    def __init__(self, welcome: Welcome | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._welcome = welcome
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'http' if welcome is None else 'https'}://127.0.0.1:{self.port}"
        self.served: list[str] = []
        self.connections = 0

    def start(self) -> None:
        self._run(self._accept)

    @property
    def open_connections(self) -> int:
        """How many are not closed yet."""
        return len(self._open)

    def close(self) -> None:
        """End every conversation and every thread."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _run(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                connection.settimeout(PATIENCE_S)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        secured = connection
        # A client that hangs up, or has had enough of the certificate, is what this server is for.
        with contextlib.suppress(OSError, HungUp):
            if self._welcome is not None:
                secured = self._welcome(connection)
                self._open.add(secured)
            more = b""
            while True:
                talk = self._read(secured, more)
                self._answer(talk)
                more = talk.more
        for each in {connection, secured}:
            each.close()
            self._open.discard(each)

    def _read(self, connection: socket.socket, got: bytes) -> Talk:
        while b"\r\n\r\n" not in got:
            piece = connection.recv(65536)
            if not piece:
                raise HungUp
            got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        self.served.append(head.split(b" HTTP/", 1)[0].decode("latin-1"))
        return Talk(connection, head, rest)

    def _answer(self, talk: Talk) -> None:
        path = talk.path.partition("?")[0]
        answer = ANSWERS.get(path)
        if path.startswith("/redirect/many/"):
            answer = ANSWERS["/redirect/many"]
        elif path.startswith("/by-way-of/"):
            # 307, so that what was sent is sent on.
            answer = redirect(path.removeprefix("/by-way-of"), 307)
        if path not in EARLY:
            talk.read_body()
        if answer is None:
            talk.say(NOT_FOUND)
        elif isinstance(answer, bytes):
            talk.say(answer)
        else:
            answer(talk)


@contextmanager
def fault_server(welcome: Welcome | None = None) -> Iterator[FaultServer]:
    """Run one on a free port of 127.0.0.1 until the end of the block."""
    server = FaultServer(welcome)
    server.start()
    try:
        yield server
    finally:
        server.close()


def secured(context: ssl.SSLContext) -> Welcome:
    """Speak TLS with this certificate."""

    def welcome(connection: socket.socket) -> socket.socket:
        return context.wrap_socket(connection, server_side=True)

    return welcome


def cut_in_handshake(how: str) -> Welcome:
    """End the connection in the middle of TLS's handshake.

    Args:
        how: "close", "reset", "garbage" in place of the server's hello, "alert", "plain" HTTP, or "silence".
    """

    def welcome(connection: socket.socket) -> socket.socket:
        connection.recv(1 << 16)
        talk = Talk(connection, b"", b"")
        if how == "reset":
            talk.reset()
        elif how == "garbage":
            talk.say(b"\x16\x03\x03\x00\x05hello")
        elif how == "alert":
            # handshake_failure
            talk.say(b"\x15\x03\x03\x00\x02\x02\x28")
        elif how == "plain":
            talk.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        elif how == "silence":
            talk.wait_for_end()
        raise HungUp

    return welcome


@contextmanager
def full_backlog() -> Iterator[int]:
    """The port of a listener that accepts nobody and has no room left, so that connecting takes for ever."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = listener.getsockname()[1]
        # Two are let in where the backlog is none.
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that is taken by a socket that does not listen, so that nobody else can get it meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


if __name__ == "__main__":
    with fault_server() as running:
        print(running.port, flush=True)
        sys.stdin.read()
