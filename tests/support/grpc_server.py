"""A gRPC server whose only method answers after 0.2 s: ``python -m tests.support.grpc_server`` prints its port."""

import time
from concurrent import futures

import grpc


def answer(_request: bytes, _context: object) -> bytes:
    time.sleep(0.2)
    return b"ok"


def main() -> None:
    handlers = {"Wait": grpc.unary_unary_rpc_method_handler(answer)}
    server = grpc.server(
        futures.ThreadPoolExecutor(20), handlers=[grpc.method_handlers_generic_handler("test.Waiter", handlers)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
