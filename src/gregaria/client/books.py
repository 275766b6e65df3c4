"""The books of HttpUser: each finished request counted once, then told to whoever listens."""

from itertools import pairwise
from typing import Any

from gregaria.client.call import Call
from gregaria.client.lazy_response import LazyResponse, ResponseContextManager
from gregaria.engine.clock import epoch_us_of
from gregaria.engine.exchange import Answer, Origin, Prepared


def recorder_of(session: Any) -> Any:
    """The Recorder that a session counts in, or None."""
    stats = getattr(session.request_event, "stats", None)
    return None if stats is None else stats.recorder


def report(session: Any, response: ResponseContextManager, error: BaseException | None) -> None:
    """Count a finished request, then tell whoever listens.

    Args:
        session: the HttpSession.
        response: the request's last response.
        error: why it failed, None for a success.

    Raises:
        GreenletExit: it was counted, and the test has ended.
    """
    answer = response._answer
    first = response._first or answer
    changed: dict[str, Any] | None = response.__dict__.get("request_meta")
    try:
        if changed is None:
            first.prepared.settle(answer, error, size_bytes(response), first.started_us)
        else:
            count_as(session, changed, answer, error)
    finally:
        if session.request_event.listeners:
            meta = response.request_meta
            meta["exception"] = error
            session.request_event.notify(**meta)


def count_as(session: Any, meta: dict[str, Any], answer: Answer, error: BaseException | None) -> None:
    """Count a request whose fields a with-block may have changed.

    Raises:
        GreenletExit: it was counted, and the test has ended.
    """
    recorder = recorder_of(session)
    if recorder is not None:
        time_ms = meta["response_time"]
        recorder.record(
            meta["request_type"],
            meta["name"],
            None if time_ms is None else round(time_ms * 1000),
            meta["response_length"] or 0,
            error,
            answer.finished_us,
            answer=answer,
        )
        if error is None and answer.reader is not None:
            answer.reader.counts_for(recorder, meta["request_type"], meta["name"])
    session.gate.end_if_closed()


def meta_of(session: Any, response: ResponseContextManager) -> dict[str, Any]:
    """The fields of the ``request`` event for one response."""
    answer = response._answer
    first = response._first or answer
    context = session.user.context() if session.user is not None else {}
    return {
        "request_type": first.prepared.method,
        "response_time": (answer.finished_us - first.started_us) / 1000,
        "name": first.prepared.name,
        "context": {**_measured(answer), **context, **(response._context or {})},
        "response": response,
        "exception": None,
        "start_time": epoch_us_of(first.started_us) / 1e6,
        "url": first.prepared.url,
        "response_length": size_bytes(response),
    }


def _measured(answer: Answer) -> dict[str, Any]:
    phases, trace_id = answer.phases, answer.trace_id
    measured: dict[str, Any] = {"phases": phases and phases.as_ms()}
    return measured if trace_id is None else {**measured, "trace_id": trace_id}


def size_bytes(response: ResponseContextManager) -> int:
    """The body's size as the user sees it; what a stream says of itself, because reading it is the user's to do."""
    if isinstance(response, LazyResponse):
        answer = response._answer
        return len((response.content if answer.has_encoding else answer.body) or b"")
    if isinstance(response._content, bytes):
        return len(response._content)
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


def enter(session: Any, answers: list[Answer], method: str, url: str, name: str) -> None:
    """Make one request for the books of what the engine was asked by way of requests.

    Args:
        session: the HttpSession.
        answers: what came back, step by step.
        method, url, name: of the request as the user made it.
    """
    first = answers[0].prepared
    booked = Prepared(first.origin, session.gate, recorder_of(session), first.head, first.body, method, url, name)
    booked.extra = first.extra
    answers[0].prepared = booked
    # Not what a hook has sent in between.
    answers[0].previous = None
    for before, answer in pairwise(answers):
        answer.previous = before


def answer_for(session: Any, method: str, url: str, name: str, started_us: int, finished_us: int) -> Answer:
    """An answer for the books, of a request that the engine has not seen."""
    prepared = Prepared(Origin("http", "", 80), session.gate, recorder_of(session), b"", None, method, url, name)
    prepared.extra = Call(session, {}, False, None, True)
    answer = Answer.__new__(Answer)
    answer.prepared = prepared
    answer.started_us = started_us
    answer.finished_us = finished_us
    return answer
