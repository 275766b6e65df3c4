"""Where requests go: IPv6, through proxies, to sockets that are files."""

from typing import Any
from urllib.parse import quote

from tests.oracle.case import Case, Do, get, one_by_one, post
from tests.oracle.phrases import CONNECT, HTTP_PROXY, IPV6, UNIX
from tests.oracle.places import Places
from tests.oracle.ways import FAST, HTTP, Client, Options
from tests.support.proxy import Proxy
from tests.support.unix_adapter import UnixAdapter

IPV6_CASES = [
    Case(IPV6, "a page", get("/a", times=2), server="ipv6"),
    Case(IPV6, "a form", post("/a?b=c", data={"d": "e"}), server="ipv6"),
    Case(IPV6, "a redirect", get("/a?to=/b"), server="ipv6"),
    Case(IPV6, "a cookie", one_by_one(get("/a?cookie=b=1"), get("/c")), server="ipv6"),
    Case(IPV6, "a whole URL", lambda client, places: client.get(places.ipv6.url + "/a")),
    Case(IPV6, "with params", get("/a", params={"b": "c"}), server="ipv6"),
]


def through(proxy: str, **more: Any) -> Any:
    """Options with one of the proxies."""
    return lambda places: Options(proxy=_url(proxy, places), **more)


def _url(proxy: str, places: Places) -> str:
    if proxy == "strict with password":
        return places.strict_proxy.url.replace("//", "//ada:lovelace@")
    if proxy == "wrong password":
        return places.strict_proxy.url.replace("//", "//ada:byron@")
    return str(getattr(places, proxy).url)


def tls_through(proxy: str) -> Any:
    return lambda places: Options(proxy=_url(proxy, places), verify=places.trusted)


def and_ask(proxy: str, *steps: Do) -> Do:
    """The steps, and what the proxy was asked meanwhile."""

    def do(client: Client, places: Places) -> None:
        running: Proxy = getattr(places, proxy)
        running.take()
        for step in steps:
            step(client, places)
        client.note(running.take())

    return do


HTTP_PROXY_CASES = [
    Case(HTTP_PROXY, "a page", and_ask("proxy", get("/a")), options=through("proxy")),
    Case(HTTP_PROXY, "a form", and_ask("proxy", post("/a", data={"b": "c"})), options=through("proxy")),
    Case(HTTP_PROXY, "several pages", and_ask("proxy", get("/a"), get("/b?c=d"), get("/a")), options=through("proxy")),
    Case(HTTP_PROXY, "an error", and_ask("proxy", get("/a?status=404")), options=through("proxy")),
    Case(HTTP_PROXY, "a redirect", and_ask("proxy", get("/a?to=/b")), options=through("proxy")),
    Case(
        HTTP_PROXY,
        "with a password",
        and_ask("strict_proxy", get("/a")),
        options=through("strict with password"),
        ways=HTTP,
    ),
    Case(
        HTTP_PROXY,
        "with a wrong password",
        and_ask("strict_proxy", get("/a")),
        options=through("wrong password"),
        ways=HTTP,
    ),
    Case(HTTP_PROXY, "that wants a password", and_ask("strict_proxy", get("/a")), options=through("strict_proxy")),
    Case(
        HTTP_PROXY,
        "given with a call",
        lambda client, places: and_ask("proxy", get("/a", proxies={"http": places.proxy.url}), get("/b"))(
            client, places
        ),
        ways=HTTP,
    ),
    Case(
        HTTP_PROXY,
        "for one host only",
        lambda client, places: and_ask(
            "proxy",
            get("/a", proxies={client.base_url: places.proxy.url}),
            get("/b", proxies={"http://other.example": places.proxy.url}),
        )(client, places),
        ways=HTTP,
    ),
    Case(
        HTTP_PROXY,
        "to a server that is not there",
        and_ask("proxy", lambda client, places: client.get("http://127.0.0.1:1/")),
        options=through("proxy"),
    ),
]

CONNECT_CASES = [
    Case(CONNECT, "a page", and_ask("proxy", get("/a")), server="tls", options=tls_through("proxy")),
    Case(
        CONNECT,
        "a tunnel is used again",
        and_ask("proxy", get("/a"), get("/b"), post("/c", json={})),
        server="tls",
        options=tls_through("proxy"),
    ),
    Case(
        CONNECT,
        "with a password",
        and_ask("strict_proxy", get("/a")),
        server="tls",
        options=tls_through("strict with password"),
        ways=HTTP,
    ),
    Case(
        CONNECT,
        "with a wrong password",
        and_ask("strict_proxy", get("/a")),
        server="tls",
        options=tls_through("wrong password"),
        ways=HTTP,
    ),
    Case(
        CONNECT,
        "that wants a password",
        and_ask("strict_proxy", get("/a")),
        server="tls",
        options=tls_through("strict_proxy"),
    ),
    Case(CONNECT, "to an unknown authority", and_ask("proxy", get("/a")), server="tls", options=through("proxy")),
    Case(
        CONNECT,
        "to a server that is not there",
        and_ask("proxy", lambda client, places: client.get("https://127.0.0.1:1/")),
        options=tls_through("proxy"),
    ),
    Case(
        CONNECT,
        "a redirect into the tunnel",
        and_ask("proxy", lambda client, places: client.get(f"/a?to={places.tls.url}/b")),
        options=tls_through("proxy"),
    ),
]


def by_socket(*steps: Do) -> Do:
    """Calls to the server that listens on a file."""

    def do(client: Client, places: Places) -> None:
        client.base_url = "http+unix://" + quote(places.unix.url, safe="")
        if client.way == FAST:
            client.session.base_url = client.base_url
        else:
            client.session.base_url = client.base_url
            client.session.mount("http+unix://", UnixAdapter())
        for step in steps:
            step(client, places)

    return do


UNIX_CASES = [
    Case(UNIX, "a page", by_socket(get("/a", times=2)), server="unix"),
    Case(UNIX, "a form", by_socket(post("/a?b=c", data={"d": "e"})), server="unix"),
    Case(UNIX, "an error", by_socket(get("/a?status=500")), server="unix"),
    Case(UNIX, "a chunked answer", by_socket(get("/a?how=chunked")), server="unix"),
    Case(UNIX, "nobody listens", lambda client, places: by_socket(get("/a"))(client, _Deaf(places)), server="unix"),
]


class _Deaf:
    """Places whose socket is not there."""

    def __init__(self, places: Places) -> None:
        self.unix = self
        self.url = str(places.folder / "no-such-socket")


CASES = [*IPV6_CASES, *HTTP_PROXY_CASES, *CONNECT_CASES, *UNIX_CASES]
