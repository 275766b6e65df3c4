"""All cases, phrase by phrase."""

from tests.oracle.cases import (
    answers,
    bodies,
    connections,
    containers,
    cookies,
    names,
    redirects,
    sessions,
    targets,
    tls,
    verbs,
)
from tests.oracle.phrases import PHRASES

CASES = [
    *bodies.CASES,
    *answers.CASES,
    *names.CASES,
    *redirects.CASES,
    *cookies.CASES,
    *tls.CASES,
    *targets.CASES,
    *connections.CASES,
    *sessions.CASES,
    *containers.CASES,
    *verbs.CASES,
]

BY_ID = {case.id: case for case in CASES}

__all__ = ["BY_ID", "CASES", "PHRASES"]
