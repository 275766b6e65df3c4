"""Users who ask for anything, a server that does anything, and a hand that kills users at any moment.

    python -m tests.engine.stress [--seconds N] [--seed N]

What is asked says what the server is to do, so each request has an outcome that it must have. At the end each request
has been counted once, and nothing is left: no descriptor, no connection in use, no watched socket, no object.
"""

import argparse
import gc
import os
import random
import socket
import ssl
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import gevent
import gevent.socket
import gevent.ssl
import psutil
from gevent import GreenletExit, getcurrent
from gevent.server import StreamServer

from gregaria.engine.exchange import Answer, BodyReader, Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.engine.poller import watched
from gregaria.engine.recorder import Recorder
from gregaria.errors import (
    BodyTooLong,
    BodyTooShort,
    ConnectionClosed,
    ConnectionReset,
    GeneratorError,
    ProtocolError,
    ReadTimeout,
    TLSError,
)
from tests.support.certificates import Authority

#: more than any load of the machine may take, and what the silent ones are given
PATIENCE_US, IMPATIENCE_US = 30_000_000, 50_000

OLD = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nX-Token: {token}\r\nContent-Length: {size}\r\n\r\n"
KNOWN = "HTTP/1.1 200 OK\r\nX-Token: {token}\r\nContent-Length: {size}\r\n\r\n"
CHUNKED = "HTTP/1.1 200 OK\r\nX-Token: {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
OPEN_END = "HTTP/1.1 200 OK\r\nX-Token: {token}\r\n\r\n"
EMPTY = "HTTP/1.1 204 No Content\r\nX-Token: {token}\r\n\r\n"
INTERIM = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


class Ask:
    """One request as the server sees it."""

    def __init__(self, connection: Any, head: bytes, rest: bytes) -> None:
        self.connection = connection
        self.rest = rest
        self.method, path = head.decode().split(" ")[:2]
        _, self.what, self.token, size = path.split("/")
        self.lines = {line.partition(":")[0].lower(): line.partition(":")[2] for line in head.decode().split("\r\n")}
        self.body = b"" if self.method == "HEAD" else body_of(self.token, int(size))

    def take_body(self) -> None:
        """Read the request's body, whose last byte is always a full stop."""
        if "expect" in self.lines:
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "transfer-encoding" in self.lines:
            end: Callable[[], bool] = lambda: self.rest.endswith(b".\r\n0\r\n\r\n")  # noqa: E731
        else:
            length = int(self.lines.get("content-length", "0"))
            end = lambda: len(self.rest) >= length  # noqa: E731
        while not end():
            piece = self.connection.recv(65536)
            if not piece:
                raise ConnectionError
            self.rest += piece
        self.rest = b""

    def answer(self, head: str, body: bytes | None = None) -> bytes:
        """All bytes of an answer."""
        size = int(self.what_size()) if self.method == "HEAD" else len(self.body)
        return head.format(token=self.token, size=size).encode() + (self.body if body is None else body)

    def what_size(self) -> str:
        """The size that a HEAD is told."""
        return "1234"


def body_of(token: str, size: int) -> bytes:
    """What a token's answer says, so that nobody gets another's."""
    return (token.encode() * (size // len(token) + 1))[:size]


def in_chunks(body: bytes) -> bytes:
    """A body in chunks, if it is not that of a HEAD."""
    half = len(body) // 2
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part) + b"0\r\n\r\n"


def drip(connection: Any, data: bytes) -> None:
    """Say it in some pieces."""
    step = max(len(data) // 5, 1)
    for begin in range(0, len(data), step):
        connection.sendall(data[begin : begin + step])
        gevent.sleep(0)


def reset(connection: Any) -> None:
    """Have the connection's end be a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def wait_for_end(connection: Any) -> None:
    """Until the client has gone."""
    while connection.recv(65536):
        pass


def serve(ask: Ask) -> bool:
    """Do what was asked for; whether the connection goes on."""
    connection, what = ask.connection, ask.what
    if what == "early":
        connection.sendall(ask.answer(KNOWN))
        ask.lines.pop("expect", None)
        ask.take_body()
        return True
    if what == "early-close":
        connection.sendall(ask.answer(KNOWN))
        connection.shutdown(socket.SHUT_WR)
        wait_for_end(connection)
        return False
    ask.take_body()
    if what in ("known", "then-closed", "then-reset"):
        connection.sendall(ask.answer(KNOWN))
        if what == "then-reset":
            reset(connection)
        return what == "known"
    if what == "chunked":
        connection.sendall(ask.answer(CHUNKED, b"" if ask.method == "HEAD" else in_chunks(ask.body)))
        return True
    if what == "open-end":
        connection.sendall(ask.answer(OPEN_END))
        return False
    if what == "old":
        connection.sendall(ask.answer(OLD))
        return True
    if what == "interim":
        connection.sendall(INTERIM.encode() + ask.answer(KNOWN))
        return True
    if what == "empty":
        connection.sendall(ask.answer(EMPTY, b""))
        return True
    if what == "drip":
        drip(connection, ask.answer(KNOWN))
        return True
    if what == "silent":
        wait_for_end(connection)
    elif what == "half-silent":
        connection.sendall(ask.answer(KNOWN)[:30])
        wait_for_end(connection)
    elif what == "closed":
        pass
    elif what == "reset":
        reset(connection)
    elif what in ("cut-head", "reset-head"):
        connection.sendall(ask.answer(KNOWN)[:30])
        if what == "reset-head":
            reset(connection)
    elif what in ("cut-body", "reset-body"):
        connection.sendall(ask.answer(KNOWN.replace("{size}", "{size}9")))
        if what == "reset-body":
            reset(connection)
    elif what == "surplus":
        connection.sendall(ask.answer(KNOWN) + b"HTTP/1.1 200 OK\r\n")
        wait_for_end(connection)
    elif what == "junk":
        connection.sendall(random.Random(ask.token).randbytes(400))
        wait_for_end(connection)
    return False


#: what a server may be asked for, and what comes of it: nothing, when it is an answer as it should be
OUTCOMES: dict[str, tuple[type[BaseException], ...]] = {
    **dict.fromkeys(
        ("known", "chunked", "old", "interim", "empty", "drip", "open-end", "then-closed", "then-reset"), ()
    ),
    **dict.fromkeys(("early", "early-close"), ()),
    # It may not even take the whole request in so short a time.
    "silent": (ReadTimeout,),
    "half-silent": (ReadTimeout,),
    "closed": (ConnectionClosed, ConnectionReset),
    # A Unix socket knows no resets.
    "reset": (ConnectionReset, ConnectionClosed),
    "cut-head": (ConnectionClosed,),
    "reset-head": (ConnectionReset, ConnectionClosed),
    "cut-body": (BodyTooShort,),
    "reset-body": (ConnectionReset, BodyTooShort),
    "surplus": (BodyTooLong,),
    "junk": (ProtocolError,),
}
WEIGHTS = [6 if not errors else 1 for errors in OUTCOMES.values()]


class Killed(BaseException):
    """Thrown into users, as a GreenletExit is."""


class Noted(Answer):
    """An answer that its user can still look at when the request was torn down."""

    def __new__(cls) -> "Noted":
        made = super().__new__(cls)
        getcurrent().answer = made
        return made


def engine_objects() -> list[Any]:
    """What the engine has made for requests and what is still there."""
    return [each for each in gc.get_objects() if isinstance(each, (Answer, BodyReader, Origin, Prepared))]


class Stress:
    """One run.

    Attributes:
        asked, torn: requests begun, and those of them torn down when they were on the wire, and before.
        mistakes: what should not have been.
    """

    def __init__(self, seed: int, users: int = 40, connections: int = 0) -> None:
        # Other tests of this process may have left some. They are held, so that none of ours gets the place of one.
        self.before = engine_objects()
        self.seed = seed
        self.users = users
        self.connections = connections
        self.chance = random.Random(seed)
        self.recorder = Recorder()
        self.recorder.keeps_phases = True
        self.asked = 0
        self.torn: Counter[bool] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.mistakes: list[str] = []
        self.going = True

    def run(self, seconds: float, folder: Path) -> None:
        """Run it; what was wrong is in ``mistakes``."""
        # What the engine and the event loop open once and for all.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            warm = Origin("http", *silent.getsockname(), read_timeout_us=1)
            Prepared(warm, Gate(), None, b"GET / HTTP/1.1\r\n\r\n", None, "GET", "http://test/", "/").perform(False)
            del warm
        gevent.sleep(0.01)
        before = descriptors()
        with ExitStack() as end:
            self.origins = list(self._servers(folder, end))
            alive = [gevent.spawn(self._user, number) for number in range(self.users)]
            until = time.monotonic() + seconds
            with gevent.Timeout(seconds + 60, RuntimeError("the run hangs")):
                while time.monotonic() < until:
                    gevent.sleep(self.chance.random() * 0.01)
                    victim = self.chance.randrange(self.users)
                    alive[victim].kill(self.chance.choice([GreenletExit, Killed, Killed("x")]), block=False)
                    if alive[victim].dead:
                        alive[victim] = gevent.spawn(self._user, self.chance.random())
                self.going = False
                gevent.joinall(alive)
            self.mistakes += [
                repr(each.exception) for each in alive if not isinstance(each.exception, (Killed, type(None)))
            ]
            alive.clear()
            del victim
            while self.origins:
                origin = self.origins.pop()
                if origin.in_use:
                    self.mistakes.append(f"{origin.in_use} connections of {origin.scheme} are still in use")
                origin.close()
            del origin
            if watched():
                self.mistakes.append(f"{watched()} sockets are still watched")
        total = self.recorder.total
        counted = total.num_requests + total.num_interrupted + total.num_generator_errors
        if counted + self.torn[False] != self.asked:
            self.mistakes.append(f"{self.asked} were asked for, {self.torn[False]} not sent, but {counted} counted")
        if total.num_interrupted != self.torn[True]:
            self.mistakes.append(
                f"{self.torn[True]} were torn down, but {total.num_interrupted} counted as interrupted"
            )
        gevent.sleep(0.01)
        gc.collect()
        known = {id(each) for each in self.before}
        left = [each for each in engine_objects() if id(each) not in known]
        if left:
            self.mistakes.append(f"{len(left)} objects are left, such as {left[0]!r}")
        if descriptors() > before:
            self.mistakes.append(f"{descriptors()} descriptors are open, but {before} were")

    def _servers(self, folder: Path, end: ExitStack) -> Iterator[Origin]:
        """An origin for each kind of transport; its server ends with the run."""
        authority = Authority(folder)
        secure = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(authority.certificate("server", "localhost"))
        client = ssl.create_default_context(cafile=authority.path)
        options: dict[str, Any] = {
            "connect_timeout_us": PATIENCE_US,
            "read_timeout_us": PATIENCE_US,
            "connections": self.connections,
        }
        for kind in ("plain", "tls", "unix"):
            if kind == "unix":
                path = str(folder / "socket")
                listener = gevent.socket.socket(socket.AF_UNIX)
                listener.bind(path)
            else:
                listener = gevent.socket.socket()
                listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            server = StreamServer(listener, lambda it, _, tls=kind == "tls": self._serve(it, secure if tls else None))
            server.start()
            end.callback(listener.close)
            end.callback(server.stop, 5)
            if kind == "unix":
                yield Origin("http", "localhost", 80, unix_path=path, **options)
            elif kind == "tls":
                yield Origin("https", "localhost", 443, via=listener.getsockname()[:2], ssl_context=client, **options)
            else:
                yield Origin("http", "127.0.0.1", listener.getsockname()[1], **options)

    def _serve(self, connection: Any, context: Any) -> None:
        if context is not None:
            if self.chance.random() < 0.02:
                connection.close()
                return
            try:
                connection = context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=True)
            except OSError:
                connection.close()
                return
        with closing(connection), suppress(OSError):
            if not context:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    data += piece
                head, _, data = data.partition(b"\r\n\r\n")
                ask = Ask(connection, head, data)
                if not serve(ask):
                    return
                data = ask.rest

    def _user(self, seed: float) -> None:
        chance = random.Random(f"{self.seed} {seed}")
        gate = Gate()
        while self.going:
            self._one(chance, gate)

    def _one(self, chance: random.Random, gate: Gate) -> None:
        """One request, checked."""
        origin = chance.choice(self.origins)
        what = chance.choices(list(OUTCOMES), WEIGHTS)[0]
        prepared, token, size = self._request(chance, gate, origin, what)
        stream = chance.random() < 0.3
        self.asked += 1
        me = getcurrent()
        me.answer = None
        try:
            answer = prepared.perform(not stream and chance.random() < 0.5, stream=stream)
        except BaseException:
            self.torn[me.answer is not None and me.answer.sent] += 1
            raise
        finally:
            me.answer = None
        error, body = answer.error, answer.body
        try:
            if error is None and stream:
                error, body = self._read(answer, chance)
        except BaseException as torn:
            prepared.settle(answer, torn, 0)
            raise
        if not answer.counted:
            prepared.settle(answer, error, len(body or b""))
        self._check(answer, what, error, body, token, size)

    def _request(self, chance: random.Random, gate: Gate, origin: Origin, what: str) -> tuple[Prepared, str, int]:
        token = f"{chance.getrandbits(64):016x}"
        size = chance.choice([0, 1, 100, 100, 5000, 200_000])
        method = chance.choice(["GET", "GET", "HEAD", "PUT", "POST", "POST"])
        if what in ("surplus", "cut-body", "reset-body", "early", "early-close") and method == "HEAD":
            method = "GET"
        headers, body, pieces = "", None, None
        if method in ("PUT", "POST"):
            body = b"x" * chance.choice([0, 10, 5000, 100_000, 1_000_000]) + b"."
            if chance.random() < 0.3:
                headers = "Expect: 100-continue\r\n"
            if chance.random() < 0.3:
                pieces = [body[:3], body[3:]] if chance.random() < 0.5 else self._pieces(body)
                if chance.random() < 0.5:
                    headers += "Transfer-Encoding: chunked\r\n"
                else:
                    headers += f"Content-Length: {len(body)}\r\n"
            else:
                headers += f"Content-Length: {len(body)}\r\n"
        head = f"{method} /{what}/{token}/{size} HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode()
        prepared = Prepared(
            origin, gate, self.recorder, head, None if pieces else body, method, "http://test/", f"/{what}", Noted
        )
        prepared.pieces = pieces
        if "silent" in what:
            prepared.read_timeout_us = IMPATIENCE_US
        return prepared, token, size

    def _pieces(self, body: bytes) -> Iterator[bytes | str]:
        yield ""
        gevent.sleep(0)
        yield body[:5].decode()
        yield body[5:]

    def _read(self, answer: Answer, chance: random.Random) -> tuple[BaseException | None, bytes | None]:
        reader = answer.reader
        assert reader is not None
        way = chance.choice(["whole", "pieces", "dropped", "closed", "elsewhere"])
        if way == "dropped":
            answer.reader = None
            return None, None
        if way == "closed":
            reader.read(10) if answer.status == 200 and chance.random() < 0.5 and self._is_safe(answer) else None
            reader.close()
            return None, None
        try:
            if way == "elsewhere":
                return None, gevent.spawn(_quiet, reader).get()
            if way == "whole":
                return None, reader.read()
            got = b""
            while piece := reader.read(chance.choice([1000, 65536])):
                got += piece
            return None, got
        except OSError as error:
            return error, None
        finally:
            reader.close()

    def _is_safe(self, answer: Answer) -> bool:
        return OUTCOMES[answer.prepared.name[1:]] == ()

    def _check(
        self, answer: Answer, what: str, error: BaseException | None, body: bytes | None, token: str, size: int
    ) -> None:
        phases = answer.phases
        if phases is None or min(phases) < 0 or phases.total_us != answer.finished_us - answer.started_us:
            self.mistakes.append(f"{what}: {phases} of {answer.finished_us - answer.started_us}")
        self.outcomes[f"{what}: {type(error).__name__}"] += 1
        method, secure = answer.prepared.method, answer.prepared.origin.scheme == "https"
        if error is None:
            if f"X-Token: {token}\r\n".encode() not in (answer.head or b""):
                self.mistakes.append(f"{what}: the answer is another's: {answer.head!r}")
            if OUTCOMES[what] and body is not None:
                self.mistakes.append(f"{what}: no failure, {answer.head!r} {body!r:.80}")
            if body is not None and body != (b"" if method == "HEAD" or what == "empty" else body_of(token, size)):
                self.mistakes.append(f"{what}: {size} bytes asked for, and these came: {body!r:.80}")
            return
        allowed = OUTCOMES[what]
        if self.connections and isinstance(error, GeneratorError):
            return
        if secure:
            # Its server ends some handshakes.
            allowed += (TLSError,)
        if what == "then-reset":
            # What the client's system has not taken yet goes with the connection.
            allowed += (ConnectionReset,)
        if method == "POST" or answer.prepared.pieces is not None or what.startswith("early"):
            # May meet a connection that has just ended, and is not sent again; a reset may overtake an early answer.
            allowed += (ConnectionReset, ConnectionClosed)
        if not isinstance(error, allowed):
            self.mistakes.append(f"{what}: {method} over {answer.prepared.origin.scheme} came to {error!r}")


def _quiet(reader: BodyReader) -> Any:
    return reader.read()


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd")) if sys.platform.startswith("linux") else 0


def main() -> int:
    """Run it for long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--round", type=float, default=5, help="seconds of each of the runs that it consists of")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    seed = options.seed
    gevent.get_hub().NOT_ERROR = (*gevent.get_hub().NOT_ERROR, Killed, OSError)
    while time.monotonic() < until:
        with tempfile.TemporaryDirectory() as folder:
            run = Stress(seed, connections=(0, 5)[seed % 2])
            run.run(options.round, Path(folder))
        usage = psutil.Process().memory_info()
        memory = (usage.rss - getattr(usage, "shared", 0)) / 2**20
        total = run.recorder.total
        print(
            f"seed {seed}: {run.asked} asked, {total.num_failures} failed, {total.num_interrupted} interrupted, "
            f"{run.torn[False]} not sent, {memory:.1f} MiB; {len(run.mistakes)} mistakes",
            *Counter(mistake[:200] for mistake in run.mistakes).most_common(10),
            sep="\n    ",
            flush=True,
        )
        if run.mistakes:
            return 1
        seed += 1
    print(dict(sorted(run.outcomes.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
