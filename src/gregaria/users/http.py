"""HttpUser and FastHttpUser: users with an HTTP client."""

import inspect
import json
import ssl
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gregaria.client.pool import ClientPool
from gregaria.client.requests import HttpSession
from gregaria.client.session import FastHttpSession
from gregaria.events import FLOW
from gregaria.users.trouble import own_traceback
from gregaria.users.user import User

__all__ = ["FastHttpUser", "HttpUser", "RestMixin"]

#: characters of a body that a failure of ``rest`` quotes
QUOTED_CHARACTERS = 200
QUOTED_CHARACTERS_UNPARSED = 250


class RestMixin:
    """``rest`` and ``rest_`` for a user whose client can ``catch_response``."""

    client: Any

    @contextmanager
    def rest(self, method: str, url: str, headers: Mapping[str, str] | None = None, **arguments: Any) -> Iterator[Any]:
        """Call a JSON API: a with-block over the response, whose ``js`` is the parsed body (None when there is none).

        An assertion that fails in the block, and any other exception, is the request's failure; it goes no further.
        So is a body that is not JSON. Exceptions that steer a user (StopUser, InterruptTaskSet, ...) pass.

        Args:
            method: the verb.
            url: a path, put behind the host, or a whole URL.
            headers: beside those that ask for JSON and announce it.
            **arguments: as for ``client.request``.
        """
        with self.client.request(
            method, url, catch_response=True, headers=_json_headers(headers, arguments), **arguments
        ) as response:
            response.js, mistake = _parsed(response)
            if mistake is not None:
                response.failure(mistake)
            try:
                yield response
            except FLOW:
                raise
            except Exception as error:
                # Where there was no answer, or none that could be read, what follows from that is no news.
                if mistake is None and response.status_code != 0:
                    response.failure(_assertion(error, response) or _accident(error, response))

    @contextmanager
    def rest_(self, method: str, url: str, name: str | None = None, **arguments: Any) -> Iterator[Any]:
        """As ``rest``, with a parameter ``_`` that no cache has seen; named ``url?_=...`` unless told otherwise."""
        mark = "&_=" if "?" in url else "?_="
        stamp = f"{time.time() * 1000:.0f}"
        with self.rest(method, f"{url}{mark}{stamp}", name=name or f"{url}{mark}...", **arguments) as response:
            yield response


class HttpUser(RestMixin, User):
    """A user whose ``client`` is a ``requests.Session``.

    Attributes:
        client: the session; cookies and connections are the user's own.
        pool_manager: a urllib3 PoolManager to share between users, in place of the engine's connections. Slow.
        use_requests: True sends every request by urllib3, for those who trace or patch it or requests. Slow.
    """

    abstract = True
    pool_manager: Any = None
    use_requests: bool = False

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client: HttpSession = HttpSession(
            base_url=self.host or "",
            request_event=self.environment.events.request,
            user=self,
            pool_manager=self.pool_manager,
        )


class FastHttpUser(RestMixin, User):
    """A user whose ``client`` is the engine's own session: less of requests' interface, and faster.

    Attributes, read when a user is made:
        client: the session; cookies and connections are the user's own.
        network_timeout, connection_timeout: seconds of silence, and for connecting, before a request fails.
        max_redirects, max_retries: steps of a redirect chain; times a failed connection is tried again.
        insecure: whether certificates are not verified.
        verify: True, or the path of a file or folder with the certificates of the authorities to trust.
        cert: the client's own certificate: the path of a file with its key, or a pair of paths.
        default_headers: sent with every request.
        concurrency: connections to one host at a time.
        proxy_host, proxy_port: an HTTP proxy that requests go through.
        proxies: as for requests, in its place: {"https": "http://user:password@host:port"}.
        client_pool: connections shared by all users of the class.
        ssl_context_factory: makes the ``ssl.SSLContext`` for https; wins over those three.
    """

    abstract = True
    network_timeout: float = 60.0
    connection_timeout: float = 60.0
    max_redirects: int = 30
    max_retries: int = 0
    insecure: bool = False
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    default_headers: Mapping[str, str] | None = None
    concurrency: int = 10
    proxy_host: str | None = None
    proxy_port: int | None = None
    proxies: Mapping[str, str] | None = None
    client_pool: ClientPool | None = None
    ssl_context_factory: Callable[[], ssl.SSLContext] | None = None

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client: FastHttpSession = FastHttpSession(
            environment=self.environment,
            base_url=self.host,
            user=self,
            insecure=self.insecure,
            client_pool=self.client_pool,
            ssl_context_factory=inspect.getattr_static(self, "ssl_context_factory"),
            default_headers=self.default_headers,
            network_timeout=self.network_timeout,
            connection_timeout=self.connection_timeout,
            max_redirects=self.max_redirects,
            max_retries=self.max_retries,
            concurrency=self.concurrency,
            proxy_host=self.proxy_host,
            proxy_port=self.proxy_port,
            proxies=self.proxies,
            verify=self.verify,
            cert=self.cert,
        )


def _json_headers(headers: Mapping[str, str] | None, arguments: Mapping[str, Any]) -> dict[str, str]:
    given = dict(headers or {})
    known = {name.lower() for name in given}
    wanted = {"Accept": "application/json"}
    if "files" not in arguments:
        wanted["Content-Type"] = "application/json"
    return given | {name: value for name, value in wanted.items() if name.lower() not in known}


def _parsed(response: Any) -> tuple[Any, str | None]:
    """The response's JSON and what is wrong with it; no body is fine, and so is no response, which is told anyway."""
    text = response.text
    if response.status_code == 0 or not text:
        return None, None
    try:
        return json.loads(text), None
    except ValueError as error:
        return None, (
            f"Could not parse response as JSON. {text[:QUOTED_CHARACTERS_UNPARSED]}, "
            f"response code {response.status_code}, error {error}"
        )


def _assertion(error: Exception, response: Any) -> str | None:
    """A failed assertion's text; one that ends in a comma asks for the response behind it."""
    if not isinstance(error, AssertionError):
        return None
    text = str(error) or f"assertion failed at {_line_of(error)}"
    return f"{text} response was {_quoted(response)}" if text.endswith(",") else text


def _accident(error: Exception, response: Any) -> str:
    return f"{type(error).__name__}: {error} at {_line_of(error)}. Response was {_quoted(response)}"


def _line_of(error: Exception) -> str:
    frames = traceback.extract_tb(own_traceback(error))
    return ", ".join(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)


def _quoted(response: Any) -> str:
    return str((response.text or "")[:QUOTED_CHARACTERS])
