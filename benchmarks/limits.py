"""What is asked of the throughput, at the least; and how any other figure is held against its limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """One line of the table of what must be reached.

    Attributes:
        text: as the results show it.
        case: whose ratio to wrk is looked at.
        least: the smallest ratio that will do.
        beside: divide by this case's ratio first; None means that the ratio to wrk itself counts.
    """

    text: str
    case: str
    least: float
    beside: str | None = None

    def value(self, of_wrk: Mapping[str, float]) -> float | None:
        """What was reached; None when it was not measured."""
        beside = 1.0 if self.beside is None else of_wrk.get(self.beside)
        own = of_wrk.get(self.case)
        return None if own is None or not beside else own / beside


LOCUST_SESSION = "locust Fast cookie and gzip"

LIMITS = [
    Limit("FastHttpUser, of wrk", "gregaria Fast", 0.65),
    Limit("FastHttpUser, times Locust's", "gregaria Fast", 10, beside="locust Fast"),
    Limit("HttpUser, of wrk", "gregaria Http", 0.4),
    Limit("HttpUser, times Locust's", "gregaria Http", 30, beside="locust Http"),
    Limit("FastHttpUser with a listener, of wrk", "gregaria Fast with a listener", 0.4),
    Limit("HttpUser with a listener, of wrk", "gregaria Http with a listener", 0.3),
    Limit("HttpUser with params, of wrk", "gregaria HttpParams", 0.15),
    Limit("HttpUser with headers, of wrk", "gregaria HttpHeaders", 0.15),
    Limit("HttpUser with a cookie, of wrk", "gregaria HttpCookie", 0.15),
    Limit("HttpUser with a token, of wrk", "gregaria HttpToken", 0.15),
    Limit("HttpUser with catch_response, of wrk", "gregaria HttpCatch", 0.15),
    Limit("HttpUser with json, of wrk", "gregaria HttpJson", 0.15),
    Limit("FastHttpUser over TLS, of wrk", "gregaria Fast over TLS", 0.5),
    Limit("FastHttpUser, POST of 1 KiB of JSON, of wrk", "gregaria Fast POST 1 KiB", 0.6),
    Limit("FastHttpUser, GET of 100 KiB, of wrk", "gregaria Fast GET 100 KiB", 0.8),
    Limit("FastHttpUser, cookie and gzip, of wrk", "gregaria Fast cookie and gzip", 0.35),
    Limit("FastHttpUser, cookie and gzip, times Locust's", "gregaria Fast cookie and gzip", 10, LOCUST_SESSION),
    Limit("500 users, 500 names, a listener, of wrk", "gregaria Fast 500 users and names", 0.4),
]


def judged(what: str, value: float | None, at_most: float) -> dict[str, Any]:
    """A figure beside the largest that will do; None was not measured."""
    return {"what": what, "value": value, "at_most": at_most}
