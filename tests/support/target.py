"""A small HTTP/1.1 server that counts what it is asked: ``python -m tests.support.target [ADDRESS]`` prints its port.

GET /__count          {"path": requests} of everything else it was asked, without query
GET /__times          [seconds of a monotonic clock] when each of these requests came
POST /__reset         forget the counts, once all other connections are closed: nobody is left who could ask
/slow?ms=50           answers later          /status/404      answers with that code
/redirect/3           3 redirects to /ok     /cookies         sets a cookie, answers with those it was sent
/chunked /gzip        in that encoding       /close           closes the connection after the answer
/drop                 closes the connection without an answer
/echo                 method, path, headers and body, as JSON
anything else         17 bytes of JSON
"""

import asyncio
import contextlib
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

USUAL = b'{"status": "ok" }'


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Response:
    body: bytes = USUAL
    status: int = 200
    headers: tuple[str, ...] = ()
    chunked: bool = False
    closes: bool = False

    def to_bytes(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Status", "Content-Type: application/json", *self.headers]
        lines.append("Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(self.body)}")
        if self.closes:
            lines.append("Connection: close")
        body = self.body
        if self.chunked:
            parts = [self.body[start : start + 5] for start in range(0, len(self.body), 5)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Target:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.times_s: list[float] = []
        self.open = 0
        self.published: dict[str, bytes] = {}
        self._routes: dict[str, Callable[[Request], Awaitable[Response | None]]] = {
            "__count": self._count,
            "__times": self._times,
            "__reset": self._reset,
            "slow": self._slow,
            "status": self._status,
            "redirect": self._redirect,
            "cookies": self._cookies,
            "chunked": self._chunked,
            "gzip": self._gzip,
            "close": self._close,
            "drop": self._drop,
            "echo": self._echo,
            "published": self._published,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        # A load generator that is stopped leaves in the middle of things, which is no fault here.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while request := await self._read(reader):
                if not request.path.startswith("/__"):
                    self.counts[request.path] += 1
                    self.times_s.append(time.monotonic())
                route = self._routes.get(request.path.split("/")[1])
                response = await route(request) if route else Response()
                if response is None:
                    break
                writer.write(response.to_bytes())
                await writer.drain()
                if response.closes:
                    break
        self.open -= 1
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
        parts = urlsplit(target)
        body = b""
        if length := int(headers.get("content-length", 0)):
            body = await reader.readexactly(length)
        elif "chunked" in headers.get("transfer-encoding", ""):
            while size := int((await reader.readline()).split(b";")[0], 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        return Request(method, parts.path, parse_qs(parts.query), headers, body)

    async def _count(self, request: Request) -> Response:
        return Response(json.dumps(self.counts).encode())

    async def _times(self, request: Request) -> Response:
        return Response(json.dumps(self.times_s).encode())

    async def _reset(self, request: Request) -> Response:
        while self.open > 1:
            await asyncio.sleep(0.005)
        self.counts.clear()
        self.times_s.clear()
        return Response()

    async def _slow(self, request: Request) -> Response:
        await asyncio.sleep(float(request.query.get("ms", ["100"])[0]) / 1000)
        return Response()

    async def _status(self, request: Request) -> Response:
        return Response(status=int(request.path.split("/")[2]))

    async def _redirect(self, request: Request) -> Response:
        left = int(request.path.split("/")[2]) - 1
        place = f"/redirect/{left}" if left > 0 else "/ok"
        return Response(b"", 302, (f"Location: {place}",))

    async def _cookies(self, request: Request) -> Response:
        sent = request.headers.get("cookie", "")
        return Response(json.dumps({"cookies": sent}).encode(), headers=("Set-Cookie: visit=1; Path=/",))

    async def _chunked(self, request: Request) -> Response:
        return Response(chunked=True)

    async def _gzip(self, request: Request) -> Response:
        return Response(gzip.compress(USUAL), headers=("Content-Encoding: gzip",))

    async def _close(self, request: Request) -> Response:
        return Response(closes=True)

    async def _drop(self, request: Request) -> None:
        return None

    async def _published(self, request: Request) -> Response:
        if request.method == "PUT":
            self.published[request.path] = request.body
        body = self.published.get(request.path)
        return Response(status=404) if body is None else Response(body)

    async def _echo(self, request: Request) -> Response:
        content = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "body": request.body.decode("latin-1"),
        }
        return Response(json.dumps(content).encode())


async def main() -> None:
    server = await asyncio.start_server(Target().serve, sys.argv[1] if sys.argv[1:] else "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
