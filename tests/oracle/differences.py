"""Where a client differs from requests, and why that is meant: everything that is not listed here has to be the same.

A test fails too when a difference that stands here no longer occurs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.oracle import phrases
from tests.oracle.case import Case
from tests.oracle.ways import ENGINE, FAST


@dataclass(frozen=True)
class Difference:
    """One of them.

    Attributes:
        ways: of whom.
        aspects: what differs, by the names of tests/oracle/seen.py.
        cases: ids of the cases in which it does, each of which has to show it; or a test for cases in which it may.
        why: the reason.
        example: of cases that a function chooses, the id of one that shows it.
    """

    ways: tuple[str, ...]
    aspects: tuple[str, ...]
    cases: frozenset[str] | Callable[[Case], bool]
    why: str
    example: str = ""


def everywhere(case: Case) -> bool:
    return True


def _of(phrase: str, *names: str) -> frozenset[str]:
    """Ids of cases."""
    return frozenset(f"{phrase}: {name}" for name in names)


#: in place of aspects: plain requests is no model here, and the case's own ``checks`` say what has to come out
EVERYTHING = "*"


_TOO_LARGE = (
    "as it comes",
    "in chunks",
    "unpacked from gzip",
    "unpacked from deflate",
    "unpacked from br",
    "unpacked from zstd",
)
_EXPECTING = ("granted", "refused", "never answered", "for an iterator", "granted twice on one connection")

DIFFERENCES = [
    Difference(
        (FAST,),
        ("sent user-agent",),
        everywhere,
        "FastHttpUser says who it is: gregaria",
        "HEAD: of a page",
    ),
    Difference(
        (FAST,),
        ("sent connection", "spelling of headers", "order of headers"),
        everywhere,
        "FastHttpUser leaves out Connection: keep-alive, which HTTP/1.1 means anyway, and keeps an order of its own",
        "HEAD: of a page",
    ),
    Difference(
        (FAST,),
        ("raises",),
        everywhere,
        'FastHttpUser\'s failures have classes of their own; whether there is one ("fails") is compared',
        "HEAD: of what is not there",
    ),
    Difference(
        (FAST,),
        ("error",),
        everywhere,
        "as above, where there was no response",
        "max_redirects: none",
    ),
    Difference(
        (FAST,),
        ("encoding",),
        everywhere,
        "FastHttpUser reads a body as UTF-8 unless its Content-Type says otherwise; requests tells None, or latin-1 "
        "for text/*, as an old RFC had it",
        "HEAD: of a page",
    ),
    # What is sent.
    Difference(
        (FAST,),
        ("sent accept",),
        _of(phrases.FORMS, "json in its place", "json that is empty or false")
        | _of(phrases.RENAME_REQUEST, "bodies")
        | _of(phrases.REQUEST_NAME, "for a while")
        | _of(phrases.CLIENT_CERTIFICATES, "possible and given")
        | _of(phrases.CONNECT, "a tunnel is used again")
        | _of(phrases.CLIENT_POOL, "posts")
        | _of(phrases.PARALLEL, "posts")
        | _of(phrases.AUTH, "the session's pair"),
        "FastHttpUser asks for JSON when it sends json=, as Locust's does",
    ),
    Difference(
        (FAST,),
        ("sent content-length",),
        _of(phrases.NO_CONTENT, "to a delete")
        | _of(phrases.REQUEST_NAME, "an own name wins")
        | _of(phrases.ALLOW_REDIRECTS, "an options followed"),
        "FastHttpUser announces no empty body where none is expected (RFC 9110, 8.6): OPTIONS, DELETE",
    ),
    Difference(
        (FAST,),
        ("sent authorization",),
        _of(phrases.AUTH, "a pair that is not ASCII"),
        "FastHttpUser writes credentials in UTF-8 (RFC 7617), requests in latin-1",
    ),
    Difference(
        (FAST, ENGINE),
        ("waited for 100",),
        _of(phrases.EXPECT, *_EXPECTING),
        "the engine waits for the permission that Expect asks for; requests sends the body at once",
    ),
    Difference(
        (FAST, ENGINE),
        ("hurried",),
        _of(phrases.EXPECT, "refused"),
        "as above: a body that was refused is not sent",
    ),
    # What comes back.
    Difference(
        (FAST, ENGINE),
        (EVERYTHING,),
        _of(
            phrases.INFORMATIONAL,
            "103 before 200",
            "102 before 200",
            "several",
            "before a chunked answer",
            "before 204",
        ),
        "the standard library's client, which is below requests, takes every 1xx but 100 for the answer",
    ),
    Difference(
        (FAST,),
        ("text",),
        _of(phrases.NOT_MODIFIED, "by nginx")
        | _of(phrases.HTTP_1_0, "by Python's server")
        | _of(phrases.ALLOW_REDIRECTS, "by nginx"),
        "UTF-8 unless the Content-Type says otherwise, as above",
    ),
    Difference(
        (FAST,),
        ("url",),
        _of(phrases.BROTLI, "JSON")
        | _of(phrases.ZSTD, "JSON")
        | _of(phrases.ALLOW_REDIRECTS, "to a place with odd characters")
        | _of(phrases.SNI, "a name in capitals"),
        "FastHttpUser's response.url is the URL as it was written; what is sent is encoded in the same way",
    ),
    Difference(
        (FAST,),
        (EVERYTHING,),
        _of(phrases.DAMAGED, *(f"{encoding} without its end" for encoding in ("gzip", "deflate", "br", "zstd"))),
        "FastHttpUser counts a body whose end is missing as a failure; requests takes what there is",
    ),
    Difference(
        (FAST, ENGINE),
        (EVERYTHING,),
        _of(phrases.DAMAGED, *(f"larger than allowed, {name}" for name in _TOO_LARGE)),
        "a body is at most as large as settings.max_body_bytes allows; requests knows no limit",
    ),
    Difference(
        (ENGINE,),
        (EVERYTHING,),
        _of(
            phrases.DAMAGED,
            *(
                f"larger than allowed, prepared by requests, {name}"
                for name in ("as it comes", "in chunks", "unpacked")
            ),
        ),
        "as above",
    ),
    # Cookies, by RFC 6265; requests keeps them as the standard library's jar does.
    Difference(
        (FAST,),
        ("cookies afterwards", "sent cookie"),
        _of(phrases.COOKIE_DOMAIN, "empty"),
        "an empty Domain is none (5.2.3); the standard library drops such a cookie",
    ),
    Difference(
        (FAST,),
        ("cookies afterwards", "sent cookie"),
        _of(phrases.COOKIE_PATH, "one that does not begin with a slash"),
        "a Path without a slash is none, so that the folder counts (5.2.4); the standard library keeps it and never "
        "sends the cookie",
    ),
    Difference(
        (FAST,),
        ("cookies afterwards", "sent cookie"),
        _of(phrases.COOKIE_HTTP_ONLY, "without a value or name"),
        "text without an equals sign is a value without a name, as with browsers; for the standard library it is a "
        "name without a value",
    ),
    Difference(
        (FAST,),
        ("sent cookie",),
        _of(phrases.COOKIE_DOMAIN, "of one call"),
        "a cookie that a call gives takes the place of the session's of that name; requests sends both",
    ),
    # Redirects.
    Difference(
        (FAST,),
        (EVERYTHING,),
        _of(phrases.HEAD, "of a redirect, not followed"),
        "FastHttpUser follows the redirect of a HEAD unless told not to, as Locust's does",
    ),
    Difference(
        (FAST,),
        ("url",),
        _of(phrases.ALLOW_REDIRECTS, "a fragment that is kept"),
        "FastHttpUser does not carry a fragment along a redirect; it is never sent anyway",
    ),
    Difference(
        (FAST,),
        ("sent cookie",),
        _of(phrases.ALLOW_REDIRECTS, "own headers go along"),
        "a Cookie header of one's own goes along on the same host, as all own headers do; requests drops it",
    ),
    Difference(
        (FAST,),
        ("fails",),
        _of(phrases.ALLOW_REDIRECTS, "300 and 304 lead nowhere"),
        "FastHttpUser counts 300 as a failure, as Locust's does",
    ),
    # Connections.
    Difference(
        (FAST, ENGINE),
        ("resumed",),
        _of(
            phrases.RESUMPTION,
            "after the server has closed",
            "of connections that close each time",
            "by TLS 1.2",
            "without verification",
            "with a client's certificate",
        ),
        "the engine takes up the TLS session of an earlier connection, as browsers do; requests never does",
    ),
    Difference(
        (FAST, ENGINE),
        (EVERYTHING,),
        _of(
            phrases.RETRIED_ONCE,
            "a get, closed as it comes",
            "an options, closed as it comes",
            "a delete, closed as it comes",
        )
        | _of(phrases.RETRIED_IF_ALLOWED, "a put is"),
        "the engine asks once more on a new connection when the method allows it; requests never does",
    ),
    Difference(
        (FAST,),
        ("sent content-length", "sent transfer-encoding"),
        _of(phrases.ITERATORS, "an iterable that knows its length", "an empty file object"),
        "FastHttpUser sends every iterable in chunks, as what it calls its length may be that of something else, and "
        "an empty file with Content-Length: 0",
    ),
    Difference(
        (FAST,),
        ("sent body", "sent content-length"),
        _of(phrases.ALLOW_REDIRECTS, "a PUT with 301", "a DELETE with 301"),
        "FastHttpUser repeats the body where it repeats the method; requests sends a PUT of nothing",
    ),
]


def allowed(case: Case, way: str) -> tuple[set[str], set[str]]:
    """Aspects in which this case must differ when it goes this way, and in which it may."""
    must: set[str] = set()
    may: set[str] = set()
    for difference in DIFFERENCES:
        if way not in difference.ways:
            continue
        if isinstance(difference.cases, frozenset):
            if case.id in difference.cases:
                must.update(difference.aspects)
        elif difference.cases(case):
            may.update(difference.aspects)
    return must, may
