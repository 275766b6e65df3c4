"""A target that knows exactly how many requests it was sent, and now and then answers late."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

END_OF_HEAD = b"\r\n\r\n"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"message":"ok!"}'


class _Connection(asyncio.Protocol):
    def __init__(self, target: "CountingTarget") -> None:
        self._target = target
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._target.open += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        while END_OF_HEAD in self._received:
            _, _, self._received = self._received.partition(END_OF_HEAD)
            self._target.requests += 1
            late = self._target.lateness()
            if late:
                asyncio.get_running_loop().call_later(late, self._answer)
            else:
                self._answer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._target.open -= 1

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


class CountingTarget:
    """Serves on a free port, in a thread of its own, while the with-block lasts. Requests have no body.

    Attributes:
        url: what to load.
        requests: how many requests have arrived since ``restart``.
        open: how many connections are open.
    """

    def __init__(self, seed: int, late_share: float = 0.0, late_s: float = 0.0) -> None:
        self.url = ""
        self.requests = 0
        self.open = 0
        self._random = random.Random(seed)
        self._late_share, self._late_s = late_share, late_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def lateness(self) -> float:
        """Seconds that the answer to the next request is held back."""
        return self._late_s if self._late_share and self._random.random() < self._late_share else 0.0

    def restart(self) -> None:
        """Count from 0 again."""
        self.requests = 0

    def wait_for_first(self, limit_s: float = 30.0) -> None:
        """Return when a request has arrived.

        Raises:
            TimeoutError: none did.
        """
        self._wait(lambda: self.requests > 0, limit_s, "no request arrived")

    def wait_until_left(self, limit_s: float = 10.0) -> None:
        """Return when every connection has been read to its end.

        Raises:
            TimeoutError: some are still open.
        """
        self._wait(lambda: self.open == 0, limit_s, "connections are still open")

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)

    @staticmethod
    def _wait(condition: Callable[[], bool], limit_s: float, otherwise: str) -> None:
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(otherwise)
            time.sleep(0.005)
