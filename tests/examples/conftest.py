"""What the examples talk to."""

from tests.support.servers import line_server, target, xmlrpc_server

__all__ = ["line_server", "target", "xmlrpc_server"]
