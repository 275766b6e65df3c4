"""client/cookies.py: the jar of a FastHttpSession, its interface, and in what it differs from requests' jar."""

import copy
import pickle
import time
from http.cookiejar import Cookie
from pathlib import Path

import pytest
import requests
from requests.cookies import RequestsCookieJar, create_cookie

from gregaria.client import cookies
from gregaria.client.address import split
from gregaria.client.cookies import CookieJar
from gregaria.client.jar import keep

HOUR_AGO = "Expires=Thu, 01 Jan 2015 00:00:00 GMT"


def sent(jar, url):
    return jar.header(split(url))


def after(*answers):
    """A jar after (URL, Set-Cookie lines...) answers."""
    jar = CookieJar()
    for url, *lines in answers:
        jar.take(lines, split(url))
    return jar


class Watcher:
    told = 0

    def forget_cookies(self):
        self.told += 1


def test_a_cookie_goes_back_to_its_host_alone():
    jar = after(("http://example.com/", "a=1"))
    assert sent(jar, "http://example.com/x") == "a=1"
    assert sent(jar, "http://example.com:81/") == "a=1"
    assert sent(jar, "http://www.example.com/") is None
    assert sent(jar, "http://com/") is None


def test_one_with_a_domain_goes_to_the_hosts_below():
    jar = after(("http://www.example.com/", "a=1; Domain=example.com"))
    assert sent(jar, "http://example.com/") == sent(jar, "http://a.b.example.com/") == "a=1"
    assert sent(jar, "http://notexample.com/") is None


def test_paths_and_secure():
    jar = after(("https://example.com/shop/cart", "a=1", "b=2; Path=/", "c=3; Path=/; Secure"))
    assert sent(jar, "https://example.com/shop") == "a=1; b=2; c=3"
    assert sent(jar, "http://example.com/shop/x?y=1") == "a=1; b=2"
    assert sent(jar, "http://example.com/shopping") == "b=2"


def test_longer_paths_come_first_and_then_older_cookies():
    jar = after(
        ("http://h.example/a/b/c", "z=1; Path=/", "y=2; Path=/a/b", "x=3; Path=/a"),
        ("http://h.example/a/b/c", "w=4; Path=/", "z=5; Path=/"),
    )
    assert sent(jar, "http://h.example/a/b/c") == "y=2; x=3; z=5; w=4"


def test_a_cookie_is_replaced_by_name_domain_and_path():
    jar = after(("http://h.example/", "a=1", "a=2; Path=/x", "a=3"))
    assert sorted((cookie.path, cookie.value) for cookie in jar) == [("/", "3"), ("/x", "2")]


def test_an_expired_cookie_takes_the_old_one_away():
    jar = after(("http://h.example/", "a=1; Path=/", "b=2; Path=/"), ("http://h.example/", f"a=; Path=/; {HOUR_AGO}"))
    assert sent(jar, "http://h.example/") == "b=2"
    jar.take(["b=; Max-Age=0; Path=/"], split("http://h.example/"))
    assert len(jar) == 0


def test_cookies_expire(monkeypatch):
    jar = after(("http://h.example/", "a=1; Max-Age=100", "b=2; Max-Age=200", "c=3"))
    now = time.time()
    assert sent(jar, "http://h.example/") == "a=1; b=2; c=3"
    monkeypatch.setattr(time, "time", lambda: now + 150)
    assert sent(jar, "http://h.example/") == "b=2; c=3"
    assert jar.soonest_epoch_s == pytest.approx(now + 200, abs=2)
    monkeypatch.setattr(time, "time", lambda: now + 250)
    assert sent(jar, "http://h.example/") == "c=3"
    assert jar.soonest_epoch_s is None


def test_names_and_values_without_the_other():
    jar = after(("http://h.example/", "=nameless", "a="))
    assert sent(jar, "http://h.example/") == "nameless; a="


def test_a_domain_has_at_most_fifty_of_which_the_oldest_go(monkeypatch):
    jar = after(("http://h.example/", *[f"c{number}=1" for number in range(60)]))
    assert len(jar) == 50
    assert {cookie.name for cookie in jar} == {f"c{number}" for number in range(10, 60)}
    monkeypatch.setattr(cookies, "MOST", 100)
    for number in range(150):
        jar.take(["a=1"], split(f"http://h{number}.example/"))
    assert len(jar) == 100
    assert sent(jar, "http://h149.example/") == "a=1"
    assert sent(jar, "http://h.example/") is None


def test_what_has_expired_makes_room_first(monkeypatch):
    jar = after(("http://h.example/", "keep=1", *[f"c{number}=1; Max-Age=5" for number in range(49)]))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10)
    jar.take(["new=1"], split("http://h.example/"))
    assert sorted(cookie.name for cookie in jar) == ["keep", "new"]


def test_watchers_hear_of_changes_and_of_nothing_else():
    jar, watcher = CookieJar(), Watcher()
    jar.watch(watcher)
    place = split("http://h.example/")
    for line, told in (
        ("a=1", 1),
        ("a=1", 1),
        ("a=2", 2),
        ("a=2; HttpOnly", 2),
        ("a=2; Max-Age=100", 3),
        ("a=2; Max-Age=200", 3),
        ("a=2; Max-Age=50", 4),
        ("a=2; Secure", 5),
        (f"b=1; {HOUR_AGO}", 5),
        (f"a=1; {HOUR_AGO}", 6),
    ):
        jar.take([line], place)
        assert watcher.told == told, line


def test_the_interface_of_requests():
    jar = CookieJar()
    assert not jar
    assert len(jar) == 0
    jar["a"] = "1"
    jar.set("b", "2", domain="example.com", path="/x")
    jar.set_cookie(create_cookie("c", "3", domain=".example.com"))
    jar.update({"d": "4"})
    assert jar
    assert len(jar) == 4
    assert (jar["a"], jar.get("b"), jar.get("none", "x"), "c" in jar) == ("1", "2", "x", True)
    assert jar.get_dict() == {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert jar.get_dict(domain="example.com") == {"b": "2"}
    assert sorted(jar.keys()) == ["a", "b", "c", "d"]
    assert dict(jar.items())["d"] == "4"
    assert requests.utils.dict_from_cookiejar(jar) == jar.get_dict()
    assert sent(jar, "http://www.example.com/x/y") == "b=2; a=1; c=3; d=4"
    assert sent(jar, "http://other.example/") == "a=1; d=4"
    jar.set("a", None)
    del jar["d"]
    assert jar.get_dict() == {"b": "2", "c": "3"}
    jar.clear("example.com", "/x", "b")
    with pytest.raises(KeyError):
        jar.clear("example.com", "/x", "b")
    jar.clear()
    assert list(jar) == []


def test_the_attributes_of_a_cookie():
    (cookie,) = after(("https://www.example.com/a/b", "n=v; Domain=example.com; Secure; HttpOnly; Max-Age=60"))
    assert isinstance(cookie, Cookie)
    assert (cookie.name, cookie.value, cookie.domain, cookie.path) == ("n", "v", "example.com", "/a")
    assert cookie.secure
    assert not cookie.discard
    assert not cookie.is_expired()
    assert cookie.expires == pytest.approx(time.time() + 60, abs=2)


def test_session_cookies_can_be_dropped():
    jar = after(("http://h.example/", "a=1", "b=2; Max-Age=100"))
    jar.clear_session_cookies()
    assert jar.get_dict() == {"b": "2"}


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, CookieJar.copy, lambda jar: pickle.loads(pickle.dumps(jar))]
)
def test_copies_stand_alone(copied):
    jar, watcher = after(("http://h.example/", "a=1; Path=/x", "b=1; Max-Age=50")), Watcher()
    jar.watch(watcher)
    other = copied(jar)
    other["c"] = "2"
    assert watcher.told == 0
    assert jar.get_dict() == {"a": "1", "b": "1"}
    assert sent(other, "http://h.example/x/y") == "a=1; b=1; c=2"
    assert other.soonest_epoch_s == jar.soonest_epoch_s


def test_requests_takes_it_for_a_jar():
    jar = after(("http://h.example/", "a=1"))
    prepared = requests.Request("GET", "http://h.example/", cookies=jar).prepare()
    assert prepared.headers["Cookie"] == "a=1"
    session = requests.Session()
    session.cookies.update(jar)
    assert session.cookies.get_dict() == {"a": "1"}


def test_a_requests_own_cookies_stand_beside_those_of_the_jar():
    jar = after(("http://h.example/", "a=1", "b=2"))
    place = split("http://h.example/")
    assert jar.header(place, {"b": "mine", "c": 3, "d": None}) == "a=1; b=mine; c=3"
    own = RequestsCookieJar()
    own.set("b", "here", domain="h.example")
    own.set("c", "elsewhere", domain="other.example")
    assert jar.header(place, own) == "a=1; b=here"
    assert CookieJar().header(place, {"x": "y"}) == "x=y"
    assert jar.get_dict() == {"a": "1", "b": "2"}


MANY = [f"c{number}=1" for number in range(51)]
HOME = "http://example.com/"

#: what differs from the jar of requests, row by row as docs/http-clients.md lists it:
#: {row: (answers that set cookies, a URL, what it is sent, what requests sends there)}
DIFFERENCES = {
    "set without `Domain`": ([(HOME, "a=1")], "http://www.example.com/", None, "a=1"),
    "set with and without `Domain`": (
        [(HOME, "a=1", "a=2; Domain=example.com")], HOME, "a=2", "a=1; a=2",
    ),
    "`Domain` of one label that is the host itself": (
        [("http://localhost/", "a=1; Domain=localhost")], "http://localhost/", "a=1", None,
    ),
    "a date in another form than `Thu, 01 Jan 2015 00:00:00 GMT`": (
        [(HOME, "a=1; Expires=Thu Jan  1 00:00:00 2015")], HOME, None, "a=1",
    ),
    "`Max-Age` that is no whole number": ([(HOME, "a=1; Max-Age=0.5")], HOME, "a=1", None),
    "a control character": ([(HOME, "a=1\x01")], HOME, None, "a=1\x01"),
    "more than 4,096 bytes": ([(HOME, "a=" + "x" * 4096)], HOME, None, "a=" + "x" * 4096),
    "more than 50 of one domain": ([(HOME, *MANY)], HOME, "; ".join(MANY[1:]), "; ".join(MANY)),
    "a `Path` that does not begin with a slash": (
        [("http://example.com/x/y", "a=1; Path=bad")], "http://example.com/x/z", "a=1", None,
    ),
    "names that begin with `__Host-` or `__Secure-`": ([(HOME, "__Host-a=1")], HOME, None, "__Host-a=1"),
    "an empty name": ([(HOME, "=a")], HOME, "a", None),
    "a quoted value with escaped quotes": ([(HOME, 'a="b\\"c"')], HOME, 'a="b\\"c"', 'a="bc"'),
    "the attribute `Port`": ([(HOME, 'a=1; Port="80"')], "http://example.com:81/", "a=1", None),
    "cookies of a domain and of the host": (
        [("http://www.example.com/", "b=1; Domain=example.com", "a=2", "c=3; Domain=example.com")],
        "http://www.example.com/", "b=1; a=2; c=3", "b=1; c=3; a=2",
    ),
}  # fmt: skip


def by_requests(answers, url):
    jar = RequestsCookieJar()
    for place, *lines in answers:
        keep(jar, place, {}, [("Set-Cookie", line) for line in lines])
    request = requests.Request("GET", url).prepare()
    return requests.cookies.get_cookie_header(jar, request)


@pytest.mark.parametrize("row", DIFFERENCES)
def test_the_list_of_differences_is_right(row):
    answers, url, ours, theirs = DIFFERENCES[row]
    assert (sent(after(*answers), url), by_requests(answers, url)) == (ours, theirs)


def test_the_documentation_has_the_list():
    text = (Path(__file__).parents[2] / "docs/http-clients.md").read_text()
    rows = [
        line.split("|")[1].strip()
        for line in text.partition("differs from requests' jar")[2].splitlines()
        if "|" in line
    ]
    assert rows[2 : 2 + len(DIFFERENCES)] == list(DIFFERENCES)
