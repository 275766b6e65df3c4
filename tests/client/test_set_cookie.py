"""client/set_cookie.py: one Set-Cookie line as RFC 6265 reads it."""

import pytest

from gregaria.client.address import split
from gregaria.client.set_cookie import (
    END_OF_TIME_EPOCH_S,
    cookie_from,
    default_path,
    domain_matches,
    lines_in,
    parse_date,
    path_matches,
)

NOW_S = 1_700_000_000
SHOP = "http://www.example.com/shop/cart?id=1"


def read(line, url=SHOP):
    return cookie_from(line, split(url), NOW_S)


@pytest.mark.parametrize(
    "line, name, value",
    [
        ("a=1", "a", "1"),
        ("a=1;Path=/", "a", "1"),
        (" \ta \t=\t 1 \t", "a", "1"),
        ("a=b=c", "a", "b=c"),
        ('a="quoted \\" text"', "a", '"quoted \\" text"'),
        ("a=", "a", ""),
        ("=a", "", "a"),
        ("alone", "", "alone"),
        ("a=1, b=2", "a", "1, b=2"),
        ("a=\u00e4", "a", "\u00e4"),
        ("a=tab\there", "a", "tab\there"),
    ],
)
def test_name_and_value(line, name, value):
    cookie = read(line)
    assert (cookie.name, cookie.value) == (name, value)


@pytest.mark.parametrize(
    "line",
    ["", ";", "=", " = ; Path=/", "a=\x00", "a=1\x7f", "a=1; Path=/\x01", "a\r=1", "a=" + "x" * 4096],
)
def test_what_is_no_cookie_is_ignored(line):
    assert read(line) is None


def test_a_cookie_may_have_4096_bytes():
    assert read("a=" + "x" * 4095).value == "x" * 4095


@pytest.mark.parametrize(
    "attributes, expires",
    [
        ("", None),
        ("Max-Age=60", NOW_S + 60),
        ("max-age = 60", NOW_S + 60),
        ("Max-Age=0", 0),
        ("Max-Age=-1", 0),
        ("Max-Age=1.5", None),
        ("Max-Age=+5", None),
        ("Max-Age=", None),
        ("Max-Age=60; Max-Age=soon", NOW_S + 60),
        ("Max-Age=60; Max-Age=90", NOW_S + 90),
        ("Max-Age=" + "9" * 500, END_OF_TIME_EPOCH_S),
        ("Max-Age=-" + "9" * 500, 0),
        ("Max-Age=\u0661", None),
        ("Expires=Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Expires=never", None),
        ("Expires=never; Max-Age=60", NOW_S + 60),
        ("Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:37 GMT", NOW_S + 60),
        ("Expires=Sun, 06 Nov 1994 08:49:37 GMT; Expires=x", 784111777),
    ],
)
def test_expiry(attributes, expires):
    assert read(f"a=1; {attributes}").expires == expires


@pytest.mark.parametrize(
    "text, moment",
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("6 november 1994 8:49:37", 784111777),
        ("1994 nov 6 08:49:37", 784111777),
        ("08:49:37 06 Nov 94", 784111777),
        ("08:49:37Z 06th November 1994", 784111777),
        ("06 Nov 1969 00:00:00", -4838400),
        ("06 Nov 69 00:00:00", 3150921600),
        ("01 Jan 70 00:00:00", 0),
        ("31 Feb 2020 00:00:00", None),
        ("01 Jan 1600 00:00:00", None),
        ("01 Jan 2020 24:00:00", None),
        ("01 Jan 2020 00:60:00", None),
        ("01 Jan 2020 00:00:60", None),
        ("01 Jan 2020", None),
        ("00:00:00 Jan 2020", None),
        ("01 00:00:00 2020", None),
        ("01 Jan 00:00:00", None),
        ("", None),
    ],
)
def test_dates(text, moment):
    assert parse_date(text) == moment


@pytest.mark.parametrize(
    "attribute, host, expected",
    [
        ("", "www.example.com", ("www.example.com", False)),
        ("Domain=", "www.example.com", ("www.example.com", False)),
        ("Domain=example.com", "www.example.com", ("example.com", True)),
        ("Domain=.EXAMPLE.com", "www.example.com", ("example.com", True)),
        ("Domain=www.example.com", "www.example.com", ("www.example.com", True)),
        ("Domain=other.com", "www.example.com", None),
        ("Domain=ample.com", "www.example.com", None),
        ("Domain=a.www.example.com", "www.example.com", None),
        ("Domain=com", "www.example.com", None),
        ("Domain=.com", "www.example.com", None),
        ("Domain=..com", "www.example.com", None),
        ("Domain=localhost", "localhost", ("localhost", False)),
        ("Domain=0.0.1", "127.0.0.1", None),
        ("Domain=127.0.0.1", "127.0.0.1", ("127.0.0.1", False)),
        ("Domain=other.com; Domain=example.com", "www.example.com", ("example.com", True)),
    ],
)
def test_domain(attribute, host, expected):
    cookie = read(f"a=1; {attribute}", f"http://{host}/")
    assert (cookie and (cookie.domain, cookie.domain_specified)) == expected


@pytest.mark.parametrize(
    "attribute, path",
    [
        ("", "/shop"),
        ("Path=/", "/"),
        ("Path=/x/", "/x/"),
        ("Path=x", "/shop"),
        ("Path=", "/shop"),
        ("PATH=/a=b", "/a=b"),
    ],
)
def test_path(attribute, path):
    assert read(f"a=1; {attribute}").path == path


def test_flags_are_kept():
    cookie = read("a=1; Secure; HttpOnly; SameSite=Lax; Unknown=x")
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert not read("a=1").secure


@pytest.mark.parametrize(
    "line, url, taken",
    [
        ("__Secure-a=1; Secure", "https://example.com/", True),
        ("__Secure-a=1", "https://example.com/", False),
        ("__Secure-a=1; Secure", "http://example.com/", False),
        ("__secure-a=1", "https://example.com/", False),
        ("__Host-a=1; Secure; Path=/", "https://example.com/x", True),
        ("__Host-a=1; Secure", "https://example.com/", False),
        ("__Host-a=1; Secure; Path=/x", "https://example.com/x", False),
        ("__Host-a=1; Secure; Path=/; Domain=example.com", "https://example.com/", False),
        ("__Host-a=1; Path=/", "https://example.com/", False),
        ("=__Host-a=1; Secure; Path=/", "https://example.com/", False),
        ("__Secure-a", "https://example.com/", False),
        ("__Secret=1", "http://example.com/", True),
    ],
)
def test_prefixes_promise_something(line, url, taken):
    assert (read(line, url) is not None) is taken


@pytest.mark.parametrize(
    "host, domain, matches",
    [
        ("example.com", "example.com", True),
        ("a.example.com", "example.com", True),
        ("aexample.com", "example.com", False),
        ("example.com", "a.example.com", False),
        ("1.2.3.4", "3.4", False),
        ("1.2.3.4", "1.2.3.4", True),
        ("::1", "::1", True),
    ],
)
def test_domains_match(host, domain, matches):
    assert domain_matches(host, domain) is matches


@pytest.mark.parametrize(
    "path, cookie_path, matches",
    [
        ("/a", "/a", True),
        ("/a/b", "/a", True),
        ("/ab", "/a", False),
        ("/a/", "/a/", True),
        ("/a", "/a/", False),
        ("/x", "/", True),
    ],
)
def test_paths_match(path, cookie_path, matches):
    assert path_matches(path, cookie_path) is matches


@pytest.mark.parametrize(
    "target, path", [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b?c=/d/e", "/a"), ("?x", "/"), ("", "/")]
)
def test_the_default_path_is_the_folder(target, path):
    assert default_path(target) == path


def test_the_lines_are_found_as_they_came():
    head = b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nX: Set-Cookie: no\r\nSet-Cookie:b=2;\r\n Path=/\r\n\r\n"
    assert lines_in(head) == (b"set-cookie: a=1\r\n", b"Set-Cookie:b=2;\r\n Path=/\r\n")
