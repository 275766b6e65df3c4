"""A span for each HTTP request, and the header by which the target goes on with its trace."""

import random
import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Span, SpanKind, TracerProvider, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

from gregaria.engine.clock import epoch_us, epoch_us_of, now_us
from gregaria.errors import GeneratorError
from gregaria.metrics.family import encodable
from gregaria.metrics.outcomes import outcome, place
from gregaria.metrics.points import HTTP_METHODS
from gregaria.stats.table import RequestStats
from gregaria.version import VERSION

__all__ = ["Ids", "RequestSpan", "RequestTracer"]

#: what a request that has a trace of its own says
_OWN_TRACE = re.compile(rb"(?:^|\n)(traceparent|tracestate):[ \t]*([^\r\n]*)", re.IGNORECASE)
_FIRST_ERROR_STATUS = 400
_PORTS = {"http": 80, "https": 443}


class RequestSpan:
    """One request on its way.

    Attributes:
        lines: of its head, which carry the trace to the target.
        trace_id: 32 hexadecimal digits.
        context: in which further spans are its children.
    """

    __slots__ = ("_name", "_place", "_span", "_stats", "context", "lines", "trace_id")

    def __init__(
        self, span: Span, context: Context, lines: bytes, stats: RequestStats, place_of_it: str, name: str
    ) -> None:
        self._span = span
        self._stats = stats
        self._place = place_of_it
        self._name = name
        self.context = context
        self.lines = lines
        self.trace_id = f"{span.get_span_context().trace_id:032x}"

    def end(self, status: int, error: BaseException | None, started_us: int, finished_us: int) -> None:
        """It is over, and counted by what it came to.

        Args:
            status: of the answer, 0 for none.
            error: what went wrong on the way; None with status 0 is an interrupted request.
            started_us: monotonic; 0 where nothing was sent.
            finished_us: monotonic; 0 for now.
        """
        kind = str(status) if status >= _FIRST_ERROR_STATUS else ""
        is_interrupted = not status and error is None
        if error is not None:
            kind = type(error).__name__
        if started_us and not is_interrupted and not isinstance(error, GeneratorError):
            end_us = finished_us or now_us()
            row = outcome(self._place, status, kind)
            self._stats.outcomes.record(row, self._name, end_us - started_us, 0, now_us=end_us)
        span = self._span
        if not span.is_recording():
            return
        text = None
        if status:
            span.set_attribute("http.response.status_code", status)
        if is_interrupted:
            kind, text = "interrupted", "The test ended while the request was on the wire."
        elif error is not None:
            text = encodable(self._stats.errors.mask.text(str(error)))
        if kind:
            span.set_attribute("error.type", kind)
            span.set_status(Status(StatusCode.ERROR, text))
        span.end((epoch_us_of(finished_us) if finished_us else epoch_us()) * 1000)


class RequestTracer:
    """Makes the spans; to be given to ``engine.exchange.trace_with``.

    Args:
        provider: whose spans they are.
        stats: where requests are counted by what they came to; its mask hides what must not be shown of them.
    """

    def __init__(self, provider: TracerProvider, stats: RequestStats) -> None:
        self._tracer = provider.get_tracer("gregaria", VERSION)
        self._stats = stats
        self._told = lru_cache(maxsize=4096)(self._tell)

    def begin(self, method: str, url: str, name: str, head: bytes, before: RequestSpan | None) -> RequestSpan:
        """Called before a request is sent.

        Args:
            method, url, name: of the request.
            head: what would be sent. Where the locustfile has put a ``traceparent`` into it, that stays, and the span
                belongs to that trace.
            before: the step before in a chain of redirects, whose child this is.
        """
        own = {key.decode().lower(): value.decode("latin-1") for key, value in _OWN_TRACE.findall(head)}
        parent: Context | None = None
        if before is not None:
            parent = before.context
        elif own:
            parent = propagate.extract(own)
        title, attributes, place_of_it = self._told(method, url, name)
        span = self._tracer.start_span(title, parent, SpanKind.CLIENT, attributes, start_time=epoch_us() * 1000)
        context = set_span_in_context(span, parent)
        carrier: dict[str, str] = {}
        if not own:
            propagate.inject(carrier, context)
        lines = "".join([f"{key}: {value}\r\n" for key, value in carrier.items()]).encode("latin-1", "replace")
        return RequestSpan(span, context, lines, self._stats, place_of_it, attributes["gregaria.name"])

    def _tell(self, method: str, url: str, name: str) -> tuple[str, dict[str, Any], str]:
        parts, mask = urlsplit(url), self._stats.errors.mask
        known = method if method in HTTP_METHODS else "_OTHER"
        method, name, address = encodable(method), encodable(mask.text(name)), encodable(parts.hostname or "")
        port = parts.port or _PORTS.get(parts.scheme, 0)
        attributes: dict[str, Any] = {
            "http.request.method": known,
            "url.full": encodable(mask.text(url)),
            "server.address": address,
            "gregaria.name": name,
        }
        if port:
            attributes["server.port"] = port
        if method != known:
            attributes["http.request.method_original"] = method
        return f"{method} {name}", attributes, place(known, address, port)


class Ids(IdGenerator):
    """Random ids that are no others because a locustfile seeds ``random``, and leave its numbers as they are."""

    def __init__(self) -> None:
        self._random = random.Random(random.SystemRandom().getrandbits(256))

    # 0 is no id.
    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1

    def is_trace_id_random(self) -> bool:
        """Whether parts of an id are as random as the whole, which samplers go by."""
        return True
