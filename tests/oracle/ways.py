"""The ways that one call can go: plain requests, which is always right, and both clients of the project."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3

from gregaria.client.requests import HttpSession
from gregaria.client.session import ClientPool, FastHttpSession
from gregaria.errors import NoHost
from gregaria.events import RequestEvent
from tests.support.http_session import Books

REFERENCE = "reference"
FAST = "fast"
ENGINE = "engine"
REQUESTS = "requests"
#: HttpSession as it is, and with ``use_requests``
HTTP = (ENGINE, REQUESTS)
OURS = (FAST, *HTTP)


@dataclass(frozen=True)
class Options:
    """What a session is made with.

    Attributes:
        headers, cookies: of the session; cookies by name.
        auth: (user, password).
        verify: True, False, or the file of an authority.
        cert: the file of a client's certificate and key.
        proxy: its URL, with ``user:password@`` if it wants that.
        max_redirects: steps.
        concurrency: connections to one host.
        shared: users that share a pool have the same one.
        path: put behind the server's URL as the base URL.
    """

    headers: Mapping[str, str | None] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    verify: bool | str = True
    cert: str | None = None
    proxy: str | None = None
    max_redirects: int = 30
    concurrency: int = 10
    shared: Any = None
    path: str = ""


class Failed:
    """What a call ended with in place of a response."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Client:
    """One session of one way, by the same words for all of them.

    Attributes:
        way: which.
        session: the requests.Session, HttpSession or FastHttpSession.
        books: what it has counted; None for plain requests.
        base_url: of the server that the case talks to.
        responses: of all calls so far, in order, and what else is to be compared.
        calls: how many there were.
    """

    def __init__(self, way: str, base_url: str, options: Options) -> None:
        self.way = way
        self.base_url = base_url + options.path
        self.options = options
        self.books = Books()
        self.responses: list[Any] = []
        self.calls = 0
        event = RequestEvent()
        event.stats = self.books
        if way == FAST:
            self.session: Any = _fast(self.base_url, event, options)
        else:
            if way == REFERENCE:
                self.session = requests.Session()
            else:
                self.session = HttpSession(self.base_url, event)
                self.session.use_requests = way == REQUESTS
            self._set_up(options)

    @property
    def is_ours(self) -> bool:
        return self.way != REFERENCE

    def _set_up(self, options: Options) -> None:
        session = self.session
        session.trust_env = False
        if options.headers:
            # Sessions whose headers nobody has touched share them.
            session.headers.update(options.headers)
        for name, value in options.cookies.items():
            session.cookies.set(name, value)
        if options.auth:
            session.auth = options.auth
        if options.verify is not True:
            session.verify = options.verify
        if options.cert:
            session.cert = options.cert
        if options.proxy:
            session.proxies = {"http": options.proxy, "https": options.proxy}
        if options.max_redirects != 30:
            session.max_redirects = options.max_redirects
        if options.shared is not None:
            pool = options.shared.setdefault(self.way, urllib3.PoolManager())
            if self.is_ours:
                session.close()
                self.session = HttpSession(self.base_url, session.request_event, pool_manager=pool)
                self.session.use_requests = self.way == REQUESTS
            else:
                for adapter in session.adapters.values():
                    adapter.poolmanager = pool

    def request(self, method: str, url: str, **arguments: Any) -> Any:
        """Make a call; what plain requests does not know of (``name=``) is left out there."""
        return self._call("request", url, arguments, method)

    def get(self, url: str, **arguments: Any) -> Any:
        # By its own name: sessions have short ways for these.
        return self._call("get", url, arguments)

    def post(self, url: str, **arguments: Any) -> Any:
        return self._call("post", url, arguments)

    def head(self, url: str, **arguments: Any) -> Any:
        return self._call("head", url, arguments)

    def verb(self, name: str, url: str, **arguments: Any) -> Any:
        """By any other method of the session's."""
        return self._call(name, url, arguments)

    def _call(self, function: str, url: str, arguments: dict[str, Any], *method: str) -> Any:
        self.calls += 1
        if not self.is_ours:
            for name in ("name", "catch_response", "context"):
                arguments.pop(name, None)
            url = url if url.startswith("http") else self.base_url + url
        return self.attempt(lambda: getattr(self.session, function)(*method, url, **arguments))

    def note(self, response: Any) -> Any:
        """Take a response that was got in another way as one of the case's."""
        self.responses.append(response)
        return response

    def attempt(self, function: Callable[[], Any]) -> Any:
        """Call something; an error that requests raises is the result, as the clients show it."""
        try:
            return self.note(function())
        except requests.RequestException as error:
            return self.note(Failed(error))

    @property
    def headers(self) -> Any:
        """The session's own."""
        return self.session.client.default_headers if self.way == FAST else self.session.headers

    @property
    def jar(self) -> Any:
        """The session's cookies."""
        return self.session.cookiejar if self.way == FAST else self.session.cookies

    def cookies(self) -> list[tuple[str, str, str]]:
        """(name, value, path) of each cookie that the session has."""
        return sorted((cookie.name, cookie.value or "", cookie.path) for cookie in self.jar)

    def close(self) -> None:
        if self.way == FAST:
            self.session.client_pool.close()
        else:
            self.session.close()


def _fast(base_url: str, event: RequestEvent, options: Options) -> FastHttpSession:
    more: dict[str, Any] = {}
    if options.verify is False and options.cert is None:
        more["insecure"] = True
    elif options.verify is True and options.cert is None:
        more["insecure"] = False
    else:
        more["ssl_context_factory"] = lambda: _context(options)
    if options.shared is not None:
        more["client_pool"] = options.shared.setdefault(FAST, ClientPool(concurrency=options.concurrency))
    if options.proxy:
        place = urllib3.util.parse_url(options.proxy)
        more |= {"proxy_host": place.host, "proxy_port": place.port}
    scheme, _, place_of_base = base_url.partition("://")
    if options.auth:
        base_url = f"{scheme}://{':'.join(options.auth)}@{place_of_base}"
    session = FastHttpSession(
        base_url,
        event,
        default_headers=options.headers or None,
        max_redirects=options.max_redirects,
        concurrency=options.concurrency,
        **more,
    )
    for name, value in options.cookies.items():
        session.cookiejar.set(name, value)
    return session


def _context(options: Options) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.verify if isinstance(options.verify, str) else None)
    if options.verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.cert:
        context.load_cert_chain(options.cert)
    return context


__all__ = ["ENGINE", "FAST", "HTTP", "OURS", "REFERENCE", "REQUESTS", "Client", "Failed", "NoHost", "Options"]
