"""What is asked of the throughput, at the least."""

from collections.abc import Mapping
from dataclasses import dataclass


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
]
