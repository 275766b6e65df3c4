"""A target that takes between 10 and 20 ms for each request, or some share longer, in a process of its own.

python -m benchmarks.jittery FACTOR SEED
"""

import asyncio
import random
import subprocess
import sys
from types import TracebackType
from typing import Self

SHORTEST_S, LONGEST_S = 0.010, 0.020
END_OF_HEAD = b"\r\n\r\n"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"message":"ok!"}'


class JitteryTarget:
    """Serves on a free port while the with-block lasts.

    Attributes:
        url: what to load.
    """

    def __init__(self, factor: float, seed: int) -> None:
        self.url = ""
        self._command = [sys.executable, "-m", "benchmarks.jittery", str(factor), str(seed)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            sys.exit(f"The target did not start: {' '.join(self._command)}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.terminate()
        self._process.communicate()


class _Connection(asyncio.Protocol):
    def __init__(self, factor: float, chance: random.Random) -> None:
        self._factor = factor
        self._chance = chance
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while END_OF_HEAD in self._received:
            _, _, self._received = self._received.partition(END_OF_HEAD)
            wait_s = self._chance.uniform(SHORTEST_S, LONGEST_S) * self._factor
            asyncio.get_running_loop().call_later(wait_s, self._transport.write, ANSWER)


async def _serve(factor: float, seed: int) -> None:
    chance = random.Random(seed)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(factor, chance), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), int(sys.argv[2])))
