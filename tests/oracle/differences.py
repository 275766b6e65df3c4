"""Where a client differs from requests, and why that is meant: everything that is not listed here has to be the same.

A test fails too when a difference that stands here no longer occurs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.oracle.case import Case
from tests.oracle.ways import FAST, HTTP


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


def _cases(*names: str) -> frozenset[str]:
    return frozenset(names)


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
        ("encoding",),
        everywhere,
        "FastHttpUser reads a body as UTF-8 unless its Content-Type says otherwise; requests tells None, or latin-1 "
        "for text/*, as an old RFC had it",
        "HEAD: of a page",
    ),
]

#: what HttpSession differs in, if anything
HTTP_DIFFERENCES = [difference for difference in DIFFERENCES if set(difference.ways) & set(HTTP)]


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
