"""client/address.py"""

import pytest
from requests import PreparedRequest

from gregaria.client import address
from gregaria.client.call import address_of, root_of
from gregaria.errors import ExitCode, NoHost


@pytest.mark.parametrize(
    ("base_url", "url", "joined"),
    [
        ("http://host", "/a", "http://host/a"),
        ("http://host/", "/a", "http://host//a"),
        ("http://host/api", "v1", "http://host/apiv1"),
        ("http://host", "v1", "http://host/v1"),
        ("http://host", "?v=1", "http://host?v=1"),
        ("http://host", "v1?next=ws://other", "http://host/v1?next=ws://other"),
        ("http://host", "ws://other", "http://hostws://other"),
        ("http://host", ":8000/v1", "http://host:8000/v1"),
        ("http+unix://socket", "/v1", "http+unix://socket/v1"),
        ("http://host", "http://other/x", "http://other/x"),
        ("http://host", "HTTPS://other/x", "HTTPS://other/x"),
        ("", "http://other/x", "http://other/x"),
        (None, "https://other", "https://other"),
    ],
)
def test_a_url_is_put_behind_the_host_unless_it_names_its_own(base_url: str | None, url: str, joined: str) -> None:
    assert address.join(base_url, url) == joined


@pytest.mark.parametrize("base_url", ["", None])
def test_a_relative_url_without_a_host_ends_the_run_and_says_what_to_write(base_url: str | None) -> None:
    with pytest.raises(NoHost, match="--host") as raised:
        address.join(base_url, "/a")
    assert raised.value.exit_code == ExitCode.NO_HOST


@pytest.mark.parametrize("url", ["/a", "a"])
def test_a_host_without_a_scheme_ends_the_run_and_says_what_to_write(url: str) -> None:
    with pytest.raises(NoHost, match="write http://localhost:8000 or"):
        address.join("localhost:8000", url)


@pytest.mark.parametrize(
    ("url", "bare", "credentials"),
    [
        ("http://host/a", "http://host/a", None),
        ("http://user:pass@host:81/a?b#c", "http://host:81/a?b#c", ("user", "pass")),
        ("http://us%40er:p%3Ass@host", "http://host", ("us@er", "p:ss")),
        ("http://user@host", "http://host", ("user", "")),
    ],
)
def test_credentials_are_taken_off_and_decoded(url: str, bare: str, credentials: tuple[str, str] | None) -> None:
    assert address.split_credentials(url) == (bare, credentials)


@pytest.mark.parametrize(
    ("url", "authority", "port", "target"),
    [
        ("http://host", "host", 80, "/"),
        ("https://host/a?b=c#d", "host", 443, "/a?b=c"),
        ("http://host:80/", "host", 80, "/"),
        ("https://host:80/", "host:80", 80, "/"),
        ("http://[::1]:8080/a", "[::1]:8080", 8080, "/a"),
        ("http://user:pass@Host/a", "host", 80, "/a"),
        ("http://host//a", "host", 80, "//a"),
    ],
)
def test_an_address_says_what_host_header_and_request_line_say(
    url: str, authority: str, port: int, target: str
) -> None:
    place = address.split(url)
    assert (place.authority, place.port, place.target, place.name) == (authority, port, target, target)


@pytest.mark.parametrize("url", ["ftp://host/a", "http:///a", "http://host:port/", "nonsense"])
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        address.split(url)


TARGETS = [
    "/",
    "/listings/17",
    "/search?q=a+b&c=d%20e",
    "/search?",
    "/a b",
    "/a/../b",
    "/a/./b",
    "/.hidden",
    "/ä?ö=ü",
    "/%7Euser/%41",
    "/a%2fb",
    "/a//b",
    "//a",
    "/a?b?c/d",
    "/a?b=[1]",
    "/[a]",
    "/a;b=c,d:e@f!$&'()*+",
    '/a"b<c>',
    "/a#fragment",
    "/a?b=c#d",
    "/a\\b",
    "/a|b^c`{d}",
]


@pytest.mark.parametrize(
    "base_url", ["http://host", "http://host:8080/api", "http://host/", "http://host/ä", "HTTP://Host"]
)
@pytest.mark.parametrize("target", TARGETS)
def test_the_short_way_to_an_address_leads_where_requests_leads(base_url: str, target: str) -> None:
    request = PreparedRequest()
    request.prepare_url(base_url + target, None)
    root = root_of(base_url)
    short = address.below(root, target) if root is not None else None
    if short is not None:
        assert short == address_of(base_url + target)
        assert short.url == request.url
    place = address_of(base_url + target)
    assert place.url == request.url
    assert place.name == request.path_url


def test_common_paths_take_the_short_way() -> None:
    root = root_of("http://host:8080")
    assert root is not None
    for target in ("/", "/listings/17", "/search?q=abc&page=2"):
        assert address.below(root, target) is not None


def test_a_query_is_added_to_the_one_that_is_there() -> None:
    assert address.query_of(address.split("http://host/a"), "b=1").target == "/a?b=1"
    assert address.query_of(address.split("http://host/a?b=1"), "c=2").url == "http://host/a?b=1&c=2"


def test_a_unix_socket_is_a_place_like_any() -> None:
    place = address.split("http+unix://%2Frun%2FApp.sock/a%20b?q=1")
    assert (place.scheme, place.authority, place.target) == ("http", "localhost", "/a%20b?q=1")
    assert place.unix_path == "/run/App.sock"
    assert address.query_of(place, "x=2").unix_path == "/run/App.sock"
    assert address.query_of(place, "x=2").target == "/a%20b?q=1&x=2"
    assert address.join("http+unix://%2Frun%2FApp.sock", "/x") == "http+unix://%2Frun%2FApp.sock/x"
    assert address.split("http://localhost/x").unix_path is None


def test_a_unix_url_without_a_socket_says_how_to_write_one() -> None:
    with pytest.raises(ValueError, match="http\\+unix://%2Frun%2Fapp"):
        address.split("http+unix:///path")


@pytest.mark.parametrize("host", ["a\x00", "a b", "a\x0bb", "\x7f"])
def test_a_host_with_characters_that_no_name_has_is_refused(host):
    with pytest.raises(ValueError, match="not an http"):
        address.split(f"http://{host}/")
