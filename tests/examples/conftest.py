"""What the examples talk to."""

from tests.support.bucket import bucket
from tests.support.servers import file_sizes, line_server, target, xmlrpc_server

__all__ = ["bucket", "file_sizes", "line_server", "target", "xmlrpc_server"]
