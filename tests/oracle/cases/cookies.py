"""Cookies: which are kept, which are sent where, and until when."""

from email.message import Message
from typing import Any
from urllib.parse import quote

import requests
from requests.cookies import MockRequest, MockResponse, get_cookie_header

from tests.oracle.case import Case, Do, get, one_by_one, post
from tests.oracle.phrases import COOKIE_DOMAIN, COOKIE_EXPIRY, COOKIE_HTTP_ONLY, COOKIE_PATH, COOKIE_SECURE
from tests.oracle.places import Places
from tests.oracle.ways import HTTP, Client, Options


def setting(*cookies: str, path: str = "/set") -> str:
    """A path whose answer sets these cookies."""
    return path + "?" + "&".join(f"cookie={quote(cookie, safe='')}" for cookie in cookies)


def visits(*paths: str) -> Do:
    return one_by_one(*(get(path) for path in paths))


def by_the_name(*paths: str) -> Do:
    """The same server under its name in place of its number."""

    def do(client: Client, places: Places) -> None:
        for path in paths:
            if path.startswith("#"):
                client.get(path[1:])
            else:
                client.get(f"http://localhost:{places.plain.port}{path}")

    return do


def trusting(places: Places) -> Options:
    return Options(verify=places.trusted)


def in_the_clear(*paths: str) -> Do:
    """Visits to the server without TLS are marked by "#"."""

    def do(client: Client, places: Places) -> None:
        places.plain.take()
        for path in paths:
            client.get(places.plain.url + path[1:] if path.startswith("#") else path)
        client.note([(each.target, each.header("Cookie")) for each in places.plain.take()])

    return do


def _by_others(client: Client, places: Places) -> None:
    """Code that knows nothing of us reads cookies off a response, and puts them into a request."""
    answer = Message()
    answer["Set-Cookie"] = "a=1; Path=/"
    answer["Set-Cookie"] = "b=2; Path=/c"
    request = requests.Request("GET", client.base_url + "/c/d").prepare()
    client.note(bool(client.jar))
    client.jar.extract_cookies(MockResponse(answer), MockRequest(request))
    client.note([bool(client.jar), len(client.jar)])
    client.note([get_cookie_header(client.jar, request)])
    client.get("/c/d")


def _of_one_call(client: Client, places: Places) -> None:
    client.get(setting("a=1", "b=2"))
    client.get("/own", cookies={"b": "3", "c": "4"})
    client.get("/own", cookies=requests.cookies.cookiejar_from_dict({"d": "5"}))
    client.get("/own")


DOMAIN_CASES = [
    Case(COOKIE_DOMAIN, "a jar that others fill and read", _by_others),
    Case(COOKIE_DOMAIN, "of one call", _of_one_call),
    Case(COOKIE_DOMAIN, "none is for the host", visits(setting("a=1"), "/b", "/c")),
    Case(COOKIE_DOMAIN, "of an address", visits(setting("a=1; Domain=127.0.0.1"), "/b")),
    Case(COOKIE_DOMAIN, "another's is refused", visits(setting("a=1; Domain=example.com", "b=2"), "/b")),
    Case(COOKIE_DOMAIN, "a top-level domain is refused", visits(setting("a=1; Domain=com", "b=2; Domain=.com"), "/b")),
    Case(COOKIE_DOMAIN, "empty", visits(setting("a=1; Domain="), "/b")),
    Case(COOKIE_DOMAIN, "not sent to another name of the host", by_the_name("#" + setting("a=1"), "/b", "#/c")),
    Case(COOKIE_DOMAIN, "of a name, not sent to the address", by_the_name(setting("a=1"), "/b", "#/c")),
    Case(COOKIE_DOMAIN, "several names on one line", visits(setting("a=1", "b=2", "c=3"), "/b")),
    Case(COOKIE_DOMAIN, "not kept beyond a redirect to another host", by_the_name("#/a?to=/b&cookie=a=1", "/c")),
]

PATH_CASES = [
    Case(COOKIE_PATH, "the root", visits(setting("a=1; Path=/", path="/x/y"), "/", "/x", "/z")),
    Case(
        COOKIE_PATH,
        "its own folder when none is said",
        visits(setting("a=1", path="/x/y"), "/", "/x", "/x/", "/x/z", "/xx"),
    ),
    Case(COOKIE_PATH, "a folder", visits(setting("a=1; Path=/x", path="/x/y"), "/x", "/x/", "/x/z", "/xyz", "/")),
    Case(
        COOKIE_PATH,
        "the longest path comes first",
        visits(setting("a=root; Path=/", "a=x; Path=/x", path="/x/set"), "/x/z", "/z"),
    ),
    Case(COOKIE_PATH, "of elsewhere", visits(setting("a=1; Path=/elsewhere"), "/b", "/elsewhere")),
    Case(COOKIE_PATH, "one that does not begin with a slash", visits(setting("a=1; Path=x", path="/x/y"), "/x/z", "/")),
    Case(COOKIE_PATH, "a query is no path", visits(setting("a=1", path="/x/y"), "/x/z?a=/b/c")),
    Case(
        COOKIE_PATH,
        "two of one name",
        visits(setting("a=1; Path=/", "a=2; Path=/b"), "/b", "/c", setting("a=3; Path=/"), "/b"),
    ),
]

EXPIRY_CASES = [
    Case(COOKIE_EXPIRY, "in an hour", visits(setting("a=1; Max-Age=3600"), "/b")),
    Case(COOKIE_EXPIRY, "at once", visits(setting("a=1; Max-Age=0", "b=2"), "/b")),
    Case(COOKIE_EXPIRY, "taken back", visits(setting("a=1; Path=/"), "/b", setting("a=; Path=/; Max-Age=0"), "/b")),
    Case(
        COOKIE_EXPIRY,
        "taken back by a date",
        visits(setting("a=1; Path=/"), "/b", setting("a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "/b"),
    ),
    Case(COOKIE_EXPIRY, "a date to come", visits(setting("a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT"), "/b")),
    Case(
        COOKIE_EXPIRY,
        "Max-Age before Expires",
        visits(setting("a=1; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "/b"),
    ),
    Case(COOKIE_EXPIRY, "a date with dashes", visits(setting("a=1; Expires=Fri, 01-Jan-2100 00:00:00 GMT"), "/b")),
    Case(COOKIE_EXPIRY, "a date that is none", visits(setting("a=1; Expires=tomorrow"), "/b")),
    Case(COOKIE_EXPIRY, "negative", visits(setting("a=1; Max-Age=-1"), "/b")),
    Case(COOKIE_EXPIRY, "changed to another value", visits(setting("a=1; Path=/"), setting("a=2; Path=/"), "/b", "/c")),
]

SECURE_CASES = [
    Case(COOKIE_SECURE, "not sent in the clear", visits(setting("a=1; Secure", "b=2"), "/b")),
    Case(COOKIE_SECURE, "sent over TLS", visits(setting("a=1; Secure"), "/b"), server="tls", options=trusting),
    Case(
        COOKIE_SECURE,
        "set over TLS, not sent in the clear",
        in_the_clear(setting("a=1; Secure; Path=/", "b=2; Path=/"), "/b", "#/c", "/d"),
        server="tls",
        options=trusting,
    ),
    Case(
        COOKIE_SECURE,
        "set in the clear, sent over TLS",
        in_the_clear("#" + setting("a=1; Path=/"), "/b"),
        server="tls",
        options=trusting,
    ),
    Case(COOKIE_SECURE, "in other letters", visits(setting("a=1; SECURE", "b=2; secure"), "/b")),
]

HTTP_ONLY_CASES = [
    Case(COOKIE_HTTP_ONLY, "is sent", visits(setting("a=1; HttpOnly"), "/b")),
    Case(
        COOKIE_HTTP_ONLY,
        "with everything else",
        visits(setting("a=1; HttpOnly; Path=/; Max-Age=60; SameSite=Lax; Priority=High"), "/b"),
    ),
    Case(COOKIE_HTTP_ONLY, "in other letters", visits(setting("a=1; httponly", "b=2; HTTPONLY"), "/b")),
    Case(COOKIE_HTTP_ONLY, "over TLS", visits(setting("a=1; HttpOnly; Secure"), "/b"), server="tls", options=trusting),
    Case(COOKIE_HTTP_ONLY, "a value in quotes", visits(setting('a="1 2"; HttpOnly'), "/b")),
    Case(COOKIE_HTTP_ONLY, "a value with equals signs and spaces", visits(setting("a=b=c d; HttpOnly"), "/b")),
    Case(
        COOKIE_HTTP_ONLY,
        "without a value or name",
        visits(setting("a=; HttpOnly", "b; HttpOnly", "=c; HttpOnly"), "/b"),
    ),
]


def _from_the_jar(client: Client, places: Places) -> None:
    client.get(setting("a=1; Path=/"))
    client.jar.set("b", "2")
    client.get("/b")
    client.jar.clear()
    client.get("/c")


def _of_the_response(client: Client, places: Places) -> None:
    client.get(setting("a=1; Path=/", "b=2; Path=/"))
    response = client.get(setting("c=3; Path=/"))
    client.note(response.cookies.get_dict())
    client.note(sorted(client.jar.get_dict().items()))


def _given(**arguments: Any) -> Do:
    return one_by_one(get(setting("a=1; Path=/")), get("/b", **arguments), get("/c"))


MORE_CASES = [
    Case(
        COOKIE_DOMAIN,
        "a session's own",
        one_by_one(get("/a"), post("/b", data={"c": "d"})),
        options=Options(cookies={"own": "1"}),
    ),
    Case(COOKIE_DOMAIN, "put into the jar, and the jar emptied", _from_the_jar),
    Case(COOKIE_DOMAIN, "of a response", _of_the_response, ways=HTTP),
    Case(COOKIE_DOMAIN, "given with a call", _given(cookies={"own": "1"}), ways=HTTP),
    Case(COOKIE_DOMAIN, "given with a call, over the session's", _given(cookies={"a": "2"}), ways=HTTP),
    Case(COOKIE_DOMAIN, "a header of one's own", _given(headers={"Cookie": "own=1"})),
]

CASES = [*DOMAIN_CASES, *PATH_CASES, *EXPIRY_CASES, *SECURE_CASES, *HTTP_ONLY_CASES, *MORE_CASES]
