"""Cases that are known not to work yet, each with what is missing. One that begins to work has to leave this list."""

from tests.oracle import phrases
from tests.oracle.ways import ENGINE, FAST

LATER: dict[tuple[str, str], str] = {}


def _late(way: str, phrase: str, names: tuple[str, ...], why: str) -> None:
    LATER.update({(way, f"{phrase}: {name}"): why for name in names})


_late(
    FAST,
    phrases.ITERATORS,
    (
        "a generator of bytes",
        "a generator of nothing",
        "an iterator over a list",
        "an iterable that knows its length",
        "an empty file object",
        "something to read of unknown length",
        "a large generator",
        "by put, with an own type",
        "one after the other",
        "an iterator and a redirect that drops it",
    ),
    "FastHttpSession reads iterators to their end before it sends",
)
_late(ENGINE, phrases.EXPECT, ("for an iterator",), "goes by requests, which does not wait")
_late(FAST, phrases.EXPECT, ("for an iterator",), "FastHttpSession reads iterators to their end before it sends")
for _way in (FAST, ENGINE):
    _late(_way, phrases.EXPECT, ("refused",), "elapsed is negative when the answer comes before the body was sent")
    _late(
        _way,
        phrases.RESUMPTION,
        (
            "after the server has closed",
            "of connections that close each time",
            "by TLS 1.2",
            "without verification",
            "with a client's certificate",
        ),
        "TLS sessions are not taken up again",
    )
_late(
    ENGINE,
    phrases.STREAM,
    (
        "read whole",
        "read piece by piece",
        "chunked, read whole",
        "read line by line",
        "packed",
        "an error",
        "after a redirect",
        "raw bytes",
        "raw bytes, unpacked",
        "read as text, and again",
    ),
    "streams have connections of their own",
)
_OWN = "what goes by requests has connections of its own"
_late(ENGINE, phrases.HISTORY, ("step by step",), _OWN)
_late(ENGINE, phrases.HOOKS, ("of the session",), _OWN)
_late(ENGINE, phrases.ADAPTERS, ("one for a path",), _OWN)
_late(ENGINE, phrases.AUTH, ("the session's, the call's, none",), _OWN)
_late(ENGINE, phrases.PREPARED, ("with cookies",), _OWN)
_late(
    FAST,
    phrases.ALLOW_REDIRECTS,
    ("a PUT with 301", "a DELETE with 301"),
    "FastHttpSession makes a GET of every method but HEAD after 301; only a POST may become one",
)
_late(FAST, phrases.ALLOW_REDIRECTS, ("auth goes along",), "auth= of a call is lost on a redirect to the same host")
_late(
    FAST,
    phrases.HTTP_PROXY,
    (
        "a page",
        "a form",
        "several pages",
        "an error",
        "a redirect",
        "that wants a password",
        "to a server that is not there",
    ),
    "FastHttpSession has no proxies",
)
_late(
    FAST,
    phrases.CONNECT,
    (
        "a page",
        "a tunnel is used again",
        "that wants a password",
        "to an unknown authority",
        "to a server that is not there",
        "a redirect into the tunnel",
    ),
    "FastHttpSession has no proxies",
)
_late(
    FAST,
    phrases.UNIX,
    ("a page", "a form", "an error", "a chunked answer", "nobody listens"),
    "FastHttpSession has no Unix sockets",
)
