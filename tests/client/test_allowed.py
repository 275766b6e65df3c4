"""Which hosts may be asked: what an entry means, and that no client sends anything to another host."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import gevent
import pytest
from requests.adapters import HTTPAdapter

from gregaria.client.address import split
from gregaria.client.allowed import AllowedHosts
from gregaria.client.requests import HttpSession
from gregaria.client.session import FastHttpSession
from gregaria.errors import HostNotAllowed
from gregaria.events import RequestEvent
from tests.support.echo import Echo, echo_server
from tests.support.http_session import Books


@pytest.fixture
def other() -> Iterator[Echo]:
    """A server that nobody may ask."""
    with echo_server() as server:
        yield server


def may(url: str, *entries: str) -> bool:
    allowed = AllowedHosts(entries)
    refusals = {allowed.refusal(split(url)), allowed.refusal_of_url(url)}
    assert len(refusals) == 1
    return refusals == {None}


@pytest.mark.parametrize(
    ("entry", "urls", "others"),
    [
        ("shop.example", ["http://shop.example/", "https://SHOP.example.:8443/a"], ["http://www.shop.example/"]),
        ("shop.example:8443", ["https://shop.example:8443/"], ["https://shop.example/"]),
        ("shop.example:443", ["https://shop.example/"], ["http://shop.example/"]),
        ("*.shop.example", ["http://a.b.shop.example/"], ["http://shop.example/", "http://myshop.example/"]),
        ("*.shop.example:80", ["http://a.shop.example/"], ["https://a.shop.example/"]),
        ("bücher.example", ["http://xn--bcher-kva.example/", "http://Bücher.example/"], ["http://bucher.example/"]),
        ("10.0.0.7", ["http://10.0.0.7:81/", "http://[::ffff:10.0.0.7]/"], ["http://10.0.0.8/"]),
        ("10.0.0.0/8", ["http://10.1.2.3/"], ["http://11.1.2.3/", "http://ten.example/", "http://[::1]/"]),
        ("10.0.0.0/8:81", ["http://10.1.2.3:81/"], ["http://10.1.2.3/"]),
        ("::1", ["http://[::1]:81/", "http://[0:0:0:0:0:0:0:1]/"], ["http://127.0.0.1/", "http://localhost/"]),
        ("fd00::/8", ["http://[fd12::1]/"], ["http://[fe80::1]/"]),
        ("[fd00::/8]:443", ["https://[fd12::1]/"], ["http://[fd12::1]/"]),
        ("[::1]", ["http://[::1]/"], ["http://[::2]/"]),
        ("localhost", ["http+unix://%2Frun%2Fapp.sock/a", "http://localhost:81/"], ["http://127.0.0.1/"]),
        ("127.0.0.0/8", ["http://127.0.0.1/"], ["http://127.1/", "http+unix://%2Frun%2Fapp.sock/a"]),
    ],
)
def test_what_an_entry_means(entry: str, urls: list[str], others: list[str]) -> None:
    assert [url for url in urls if not may(url, entry)] == []
    assert [url for url in others if may(url, entry)] == []
    # Another entry takes nothing away.
    assert all(may(url, "another.example", entry) for url in urls)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "a.*",
        "*.",
        "a b",
        "http://shop.example",
        "shop.example/a",
        "me@shop.example",
        "shop.example:",
        "shop.example:0",
        "shop.example:65536",
        "shop.example:x",
        "10.0.0",
        "127.1",
        "10.0.0.0/33",
        "[::1",
        "-a.example",
    ],
)
def test_what_is_no_entry_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write shop\.example, \*\.shop\.example"):
        AllowedHosts([text])


def test_an_address_with_a_length_is_taken_for_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"write 10\.0\.0\.0/8"):
        AllowedHosts(["10.1.0.0/8"])


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("shop.example:1883", True),
        ("ws://shop.example:1883/a", True),
        ("mqtt://shop.example", False),
        ("http://user:word@shop.example:1883", True),
        ("http://shop.example:99999", False),
    ],
)
def test_a_host_need_not_be_one_of_http(host: str, is_allowed: bool) -> None:
    assert (AllowedHosts(["shop.example:1883"]).refusal_of_url(host) is None) is is_allowed


def test_a_refusal_tells_the_host_the_list_and_what_to_write() -> None:
    refusal = AllowedHosts(["shop.example", "10.0.0.0/8"]).refusal(split("https://live.example/a"))
    assert refusal is not None
    for words in ("live.example:443", "shop.example, 10.0.0.0/8", "--allow-host live.example"):
        assert words in refusal
    many = AllowedHosts([f"shop{number}.example" for number in range(30)]).refusal(split("http://live.example/"))
    assert many is not None
    assert "shop9.example and 20 more" in many


WAYS = ["fast", "http", "http under requests", "http by urllib3", "http with an adapter of its own"]


def session_of(way: str, echo: Echo, books: Books) -> Any:
    event = RequestEvent()
    event.stats = books
    event.allowed_hosts = AllowedHosts([f"127.0.0.1:{echo.port}"])
    if way == "fast":
        return FastHttpSession(echo.url, event)
    session = HttpSession(echo.url, event)
    if way == "http under requests":
        session.proxies["ftp"] = "http://nowhere.example"
    elif way == "http by urllib3":
        session.use_requests = True
    elif way == "http with an adapter of its own":
        session.mount("http://", HTTPAdapter())
    return session


@pytest.mark.parametrize("way", WAYS)
class TestRequests:
    def check(self, books: Books, name: str) -> None:
        [(method, failed, error)] = books.failures
        assert (method, failed, type(error)) == ("GET", name, HostNotAllowed)
        assert "is not among the hosts that this test may ask" in str(error)
        assert books.counts()[name] == (1, 1, 0)

    def test_one_to_an_allowed_host_is_sent(self, way: str, echo: Echo, books: Books) -> None:
        session = session_of(way, echo, books)
        assert session.get("/allowed").status_code == 200
        assert ("GET", "/allowed") in echo.served
        assert books.failures == []

    def test_one_to_another_is_a_failure_and_never_sent(self, way: str, echo: Echo, other: Echo, books: Books) -> None:
        session = session_of(way, echo, books)
        answer = session.get(f"{other.url}/a", name="elsewhere")
        assert answer.status_code == 0
        self.check(books, "elsewhere")
        assert other.served == []
        # Nothing was waited for, and nothing goes back to the beginning of the clock.
        assert books.entry("elsewhere").times.max_us < 1_000_000

    def test_a_redirect_there_is_not_followed(self, way: str, echo: Echo, other: Echo, books: Books) -> None:
        session = session_of(way, echo, books)
        session.get(f"/status/302?to={quote(other.url + '/a', safe='')}", name="away")
        self.check(books, "away")
        assert other.served == []

    def test_a_proxy_gets_nothing_to_pass_on(self, way: str, echo: Echo, other: Echo, books: Books) -> None:
        session = session_of(way, echo, books)
        # The one that may be asked stands for a proxy; what counts is where the request is to go.
        session.get(f"{other.url}/proxied", name="behind", proxies={"http": echo.url})
        self.check(books, "behind")
        assert not [target for _, target in echo.served if "proxied" in target]


def test_a_unix_socket_is_of_this_machine(echo: Echo, books: Books) -> None:
    session = session_of("fast", echo, books)
    error = session.get(f"http+unix://{quote('/run/app.sock', safe='')}/").error
    assert isinstance(error, HostNotAllowed)
    assert "--allow-host localhost" in str(error)


def test_requests_that_are_refused_give_way_to_others(echo: Echo, other: Echo, books: Books) -> None:
    session = session_of("fast", echo, books)

    def ask() -> None:
        while True:
            session.get(other.url)

    asker = gevent.spawn(ask)
    # Without that it would never come back from here.
    gevent.sleep(0.05)
    asker.kill(timeout=5)
    assert asker.ready()
    assert books.failures
    assert other.served == []
