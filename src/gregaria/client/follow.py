"""Chains of redirects on the engine, by requests' own rules: methods, authorization, cookies, history."""

from typing import Protocol

from requests import PreparedRequest, Response
from requests.exceptions import TooManyRedirects

from gregaria.client.lazy_response import LazyResponse
from gregaria.engine.exchange import Prepared


class Session(Protocol):
    """The session that follows."""

    max_redirects: int

    def next_request(self, response: LazyResponse) -> PreparedRequest | None:
        """What requests would send next, or None."""

    def prepare_step(self, request: PreparedRequest, before: Prepared) -> Prepared:
        """That, ready for the engine."""

    def keep_cookies(self, response: LazyResponse) -> None:
        """Put what a response sets into the session's jar."""


def follow(session: Session, response: LazyResponse) -> LazyResponse:
    """Walk a chain of redirects from its first response to its end.

    The last response comes back, with all before it as its history. When a step fails it is that step's, and its
    answer has the error.

    Raises:
        requests.exceptions.TooManyRedirects: the chain is longer than ``session.max_redirects``.
        requests.exceptions.InvalidSchema: it leads elsewhere than to http or https.
    """
    first = response._answer
    history: list[Response] = []
    while (request := session.next_request(response)) is not None:
        if len(history) >= session.max_redirects:
            raise TooManyRedirects(f"Exceeded {session.max_redirects} redirects.", response=response)
        # Asking for the next request has emptied it.
        response.__dict__["history"] = list(history)
        history.append(response)
        answer = session.prepare_step(request, response._answer.prepared).perform(False, True)
        kind = type(response)
        before, response = response, kind.__new__(kind)
        before._reported = True
        response._answer = answer
        response._first = first
        response._context = before._context
        response.__dict__["history"] = list(history)
        if answer.error is not None:
            break
        if answer.has_cookie:
            session.keep_cookies(response)
    return response
