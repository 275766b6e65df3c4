"""What comes after the engine's first answer: cookies, redirects by requests' own rules, decoding, the report."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.exceptions import InvalidSchema, InvalidURL, RequestException, TooManyRedirects

from gregaria.client import address, blame
from gregaria.client.call import Call, request_of
from gregaria.client.jar import keep, lasting
from gregaria.client.lazy_response import CaughtResponse, LazyResponse, ResponseContextManager, joined
from gregaria.client.standing import Headers
from gregaria.client.watched import WatchedJar
from gregaria.engine.exchange import Answer, Prepared

#: the statuses that requests follows
REDIRECTS = frozenset((301, 302, 303, 307, 308))

#: responses that set cookies, remembered per session until a cookie changes
MOST_KNOWN = 32


def finish(session: Any, response: LazyResponse) -> ResponseContextManager:
    """Bring a request to its end.

    Args:
        session: the HttpSession.
        response: the first response; its answer may have an error instead of a status.

    Returns:
        the response that the user gets.

    Raises:
        GreenletExit: the request was counted, and the test has ended.
        BaseException: what requests would not have caught either (somebody's own ``gevent.Timeout``).
    """
    error = response._answer.error
    try:
        if error is None and response._answer.has_cookie:
            _keep_cookies(session, response)
        if response._answer.counted:
            return response
        if response._answer.status in REDIRECTS and response._answer.prepared.extra.follow:
            response = _follow(session, response)
            error = response._answer.error
        if response._answer.has_encoding and error is None:
            _ = response.content
    except RequestException as failure:
        error = failure
        if isinstance(failure.response, LazyResponse):
            # The step of a chain that was the last.
            response = failure.response
    if error is not None:
        return _failed(response, error)
    if not response._catching:
        response.report(response.failure_reason(response._name()))
    return response


def nowhere(answers: list[Answer], error: ValueError) -> InvalidURL | None:
    """What a redirect to something that is no URL fails with, if that is what ``error`` is about."""
    if not answers or answers[-1].status not in REDIRECTS:
        return None
    location = joined(answers[-1].header_pairs).get("location", "")
    try:
        urlsplit(location)
    except ValueError:
        return InvalidURL(f"the redirect leads nowhere: {location[:200]!r} ({error})")
    return None


def empty_response(
    catching: bool, request: PreparedRequest, url: str, error: RequestException | None
) -> ResponseContextManager:
    """The response that stands for none: status 0, and the error that requests raised."""
    response = CaughtResponse() if catching else ResponseContextManager()
    response.status_code = 0
    response.url = url
    response.request = request
    if error is not None:
        response.error = error
    return response


def next_request(session: Any, response: LazyResponse) -> PreparedRequest | None:
    """What requests would send next after a redirect, or None."""
    steps: Iterator[Any] = session.resolve_redirects(response, response.request, yield_requests=True)
    return next(steps, None)


def _failed(response: LazyResponse, error: BaseException) -> ResponseContextManager:
    response._reported = True
    prepared = response._answer.prepared
    request = request_of(prepared)
    wrapped = blame.as_requests_raises(error, request)
    empty = empty_response(response._catching, request, prepared.url, wrapped)
    empty.took_engine = True
    empty._answer = response._answer
    empty._first = response._first
    empty._context = response._context
    if wrapped is None:
        empty.report(error)
        raise error
    if not empty._catching:
        empty.report(blame.reported(wrapped))
    return empty


def _keep_cookies(session: Any, response: LazyResponse) -> None:
    prepared = response._answer.prepared
    pairs = response._answer.header_pairs
    cookies = lasting(pairs)
    if cookies is not None and (prepared.url, cookies) in session.cookies_as_known:
        return
    keep(session.cookies, prepared.url, prepared.extra.headers, pairs)
    if not isinstance(session.cookies, WatchedJar):
        # It would not tell if they were taken out.
        return
    if cookies is not None and len(session.cookies_as_known) < MOST_KNOWN:
        session.cookies_as_known |= {(prepared.url, cookies)}


def _follow(session: Any, response: LazyResponse) -> LazyResponse:
    """Walk a chain of redirects to its end: the last response, with all before it as its history.

    Raises:
        requests.exceptions.TooManyRedirects: the chain is longer than ``session.max_redirects``.
        requests.exceptions.InvalidSchema, InvalidURL: it leads elsewhere than to http or https, or nowhere.
    """
    first = response._answer
    history: list[Response] = []
    while (step := _next_step(session, response)) is not None:
        # Asking for the next request has emptied it.
        response.__dict__["history"] = list(history)
        if len(history) >= session.max_redirects:
            raise TooManyRedirects(f"Exceeded {session.max_redirects} redirects.", response=response)
        history.append(response)
        answer = step.perform(False, True, previous=response._answer)
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
            _keep_cookies(session, response)
    return response


def _next_step(session: Any, response: LazyResponse) -> Prepared | None:
    """The request after a redirect, None at the end of a chain.

    It is the one of the last time when nothing has changed since and the server says the same again.
    """
    answer = response._answer
    call: Call = answer.prepared.extra
    situation = (session.changes, answer.status, response.headers.get("location"))
    if call.onward is not None and call.onward[0] == situation and not answer.has_cookie:
        return call.onward[1]
    try:
        request = next_request(session, response)
        if request is None:
            return None
        step = _prepare_step(session, request, response)
    except ValueError as error:
        if isinstance(error, RequestException):
            raise
        location = response.headers.get("location", "")
        raise InvalidURL(f"the redirect leads nowhere: {location[:200]!r} ({error})", response=response) from error
    if not answer.has_cookie and session.redirects_as_known():
        call.onward = (situation, step)
    return step


def _prepare_step(session: Any, request: PreparedRequest, response: LazyResponse) -> Prepared:
    """The next request of a chain, ready to be sent."""
    before = response._answer.prepared
    try:
        place = address.split(str(request.url))
    except ValueError as error:
        raise InvalidSchema(f"No connection adapters were found for {request.url!r}", response=response) from error
    headers: Headers = {name.lower(): (name, value) for name, value in request.headers.items()}
    body: Any = request.body
    content: bytes | None = body.encode() if isinstance(body, str) else body
    call: Call = before.extra
    step: Prepared = session.as_prepared(str(request.method), place, headers, content, before.name, call.trust)
    step.connect_timeout_us = before.connect_timeout_us
    step.read_timeout_us = before.read_timeout_us
    step.extra = Call(session, headers, isinstance(body, str), call.cookies, call.follow, call.trust)
    step.extra.request = request
    return step
