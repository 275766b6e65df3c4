"""What uvicorn serves for the oracle: an ASGI application that tells what it was sent."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

#: nothing that differs from client to client as it may
_TOLD = (b"content-type", b"content-length", b"transfer-encoding", b"x-own", b"cookie", b"authorization")


async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
    if scope["path"] == "/cookies":
        headers += [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; Path=/; HttpOnly")]
    if scope["path"] == "/moved":
        await send({"type": "http.response.start", "status": 307, "headers": [(b"location", b"/there")]})
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/stream":
        for number in range(50):
            await send({"type": "http.response.body", "body": b"%d\n" % number * 100, "more_body": True})
    else:
        told = {
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [(name.decode(), value.decode()) for name, value in scope["headers"] if name in _TOLD],
            "body": base64.b64encode(body).decode(),
        }
        await send({"type": "http.response.body", "body": json.dumps(told).encode(), "more_body": True})
    await send({"type": "http.response.body"})
