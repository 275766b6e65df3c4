"""``python -m tests.support.serve MODULE:APP`` serves an ASGI app on a free port, which it prints first."""

import socket
import sys

import uvicorn


def main(app: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    # Which asyncio only sets for sockets it has made itself: without it each answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=60)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
