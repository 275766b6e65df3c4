"""An XML-RPC server that can add and divide; prints its port first."""

import operator
from socketserver import ThreadingMixIn
from xmlrpc.server import SimpleXMLRPCServer


class ThreadingServer(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True


def main() -> None:
    with ThreadingServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(operator.add, "add")
        server.register_function(operator.truediv, "divide")
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
