"""The way of what is not plain: requests prepares and follows it; timed and counted like the rest."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from greenlet import GreenletExit
from requests import PreparedRequest
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException

from gregaria.client.adapter import answer_behind, trail
from gregaria.client.address import path_and_query
from gregaria.client.arrival import empty_response, nowhere
from gregaria.client.books import answer_for, enter, recorder_of
from gregaria.client.lazy_response import CaughtResponse, ResponseContextManager
from gregaria.engine.clock import now_us
from gregaria.engine.exchange import Answer
from gregaria.settings import settings

#: a URL that cannot be asked for at all is the locustfile's mistake, not the target's
_MISTAKES = (MissingSchema, InvalidSchema, InvalidURL)


def by_requests(
    session: Any,
    send: Callable[..., Any],
    method: str,
    url: str,
    name: str | None,
    catch_response: bool,
    context: Mapping[str, Any] | None,
    arguments: dict[str, Any],
) -> ResponseContextManager:
    """Make one request by way of requests.

    Args:
        session: the HttpSession.
        send: ``requests.Session.request`` of that session.
        method, url, name, catch_response, context: as for ``HttpSession.request``; the URL is whole.
        arguments: all others.

    Raises:
        requests.exceptions.InvalidURL, MissingSchema, InvalidSchema: the URL cannot be asked for.
        GreenletExit: the test has ended.
    """
    session.gate.begin()
    if arguments.get("timeout") is None:
        # requests itself would wait for ever.
        arguments["timeout"] = (settings.connect_timeout_s, settings.http_user_timeout_s)
    error: BaseException | None = None
    response: Any = None
    answers: list[Answer]
    session.gate.in_flight += 1
    started_us = now_us()
    with trail(name) as under_way:
        answers = under_way.answers
        try:
            response = send(method, url, **arguments)
        except _MISTAKES as mistake:
            if not answers:
                raise
            # A redirect led there.
            error = mistake
        except GreenletExit:
            recorder = recorder_of(session)
            if recorder is not None:
                recorder.interrupted(recorder.entry(method, name or path_and_query(url)))
            raise
        except ValueError as failure:
            error = nowhere(answers, failure) or failure
        except BaseException as failure:
            error = failure
        finally:
            session.gate.in_flight -= 1
    finished_us = now_us()
    if error is None:
        response.__class__ = CaughtResponse if catch_response else ResponseContextManager
        steps = [answer_behind(step) for step in (*response.history, response)]
        answers = [answer for answer in steps if answer is not None]
        response.took_engine = len(answers) == len(steps)
    else:
        request = getattr(error, "request", None) or PreparedRequest()
        response = empty_response(catch_response, request, url, error if isinstance(error, RequestException) else None)
        response.took_engine = bool(answers)
    first = response.history[0] if response.history else response
    sent_url = getattr(first.request, "url", None) or url
    name = name or path_and_query(sent_url)
    if response.took_engine:
        enter(session, answers, method, sent_url, name)
        response._first, response._answer = answers[0], answers[-1]
    else:
        response._answer = answer_for(session, method, sent_url, name, started_us, finished_us)
        response._answer.trace = under_way.trace
        stats = getattr(session.request_event, "stats", None)
        if stats is not None:
            stats.doubt(finished_us - started_us)
    if context:
        response._context = context
    response._answer.outside = weakref.ref(response)
    if error is not None and not isinstance(error, RequestException):
        # A mistake in a hook, somebody's own timeout: counted, and on it goes.
        response.report(error)
        raise error
    if not catch_response:
        response.report(response.failure_reason(response._name()))
    return response  # type: ignore[no-any-return]
