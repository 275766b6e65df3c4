"""Cases that are known not to work yet, each with what is missing. One that begins to work has to leave this list."""

from tests.oracle import phrases
from tests.oracle.ways import ENGINE, FAST

LATER: dict[tuple[str, str], str] = {}


def _late(way: str, phrase: str, names: tuple[str, ...], why: str) -> None:
    LATER.update({(way, f"{phrase}: {name}"): why for name in names})


_late(
    FAST,
    phrases.ITERATORS,
    ("an iterable that knows its length", "an empty file object"),
    "FastHttpSession takes neither for what it is",
)
for _way in (FAST, ENGINE):
    _late(
        _way,
        phrases.RESUMPTION,
        (
            "of connections that close each time",
            "by TLS 1.2",
            "without verification",
            "with a client's certificate",
        ),
        "a TLS session is not kept when the answer ends the connection",
    )
_late(
    FAST,
    phrases.ALLOW_REDIRECTS,
    ("a PUT with 301", "a DELETE with 301"),
    "FastHttpSession makes a GET of every method but HEAD after 301; only a POST may become one",
)
