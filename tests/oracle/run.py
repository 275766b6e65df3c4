"""A case, run in one way."""

from typing import Any

from tests.oracle import seen
from tests.oracle.case import Case
from tests.oracle.places import Places
from tests.oracle.ways import REFERENCE, Client, Options

_KNOWN: dict[tuple[int, str], dict[str, Any]] = {}


def run(case: Case, way: str, places: Places) -> dict[str, Any]:
    """What the case leaves behind when it goes this way."""
    log = places.log(case.server)
    url = places.url(case.server)
    options = case.options if isinstance(case.options, Options) else case.options(places)
    log.take()
    client = Client(way, url, options)
    try:
        case.do(client, places)
        if way == REFERENCE:
            # It may take what is left of one answer for the next one, and be done before its request has been read.
            log.wait_for(client.calls)
        received = log.take()
        if not case.in_order:
            received.sort(key=lambda each: each.target)
        left = seen.of_case(client, received)
        if not case.in_order:
            # How many there are depends on how many requests there are at a time.
            del left["connections"]
        if case.checks is not None:
            case.checks(client, received)
        if client.is_ours:
            check_books(case, client)
    finally:
        client.close()
    return left


def reference(case: Case, places: Places) -> dict[str, Any]:
    """What plain requests leaves behind; found out once."""
    key = (id(places), case.id)
    if key not in _KNOWN:
        _KNOWN[key] = run(case, REFERENCE, places)
    return _KNOWN[key]


def check_books(case: Case, client: Client) -> None:
    """Each call is one request of the statistics."""
    recorder = client.books.recorder
    if case.counted is not None:
        counts: dict[str, int] = {}
        for (name, _), entry in recorder.entries.items():
            counts[name] = counts.get(name, 0) + entry.num_requests
        assert {name: requests for name, requests in counts.items() if requests} == case.counted
    assert recorder.total.num_requests == client.calls, client.books.counts()
    assert recorder.total.num_interrupted == 0
