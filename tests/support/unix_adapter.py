"""An adapter of requests for URLs like ``http+unix://%2Ftmp%2Fsocket/path``, as users mount one."""

import socket
from typing import Any
from urllib.parse import unquote, urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool


class _Connection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(self.path)


class _Pool(HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def _new_conn(self) -> Any:
        return _Connection(self.path)


class UnixAdapter(HTTPAdapter):
    """Sends to the socket that the URL's host, unquoted, is the path of."""

    def __init__(self) -> None:
        super().__init__()
        self._pools: dict[str, _Pool] = {}

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        path = unquote(urlsplit(request.url).netloc)
        return self._pools.setdefault(path, _Pool(path))

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path_url)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        super().close()
