"""``--otel``: spans of all requests, and the figures as metrics, to whoever receives OpenTelemetry's protocol.

Behind the extra ``gregaria[otel]``; nothing imports this before somebody asks for it.
"""

import logging
import os
import platform
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import gevent
import requests
from gevent import Greenlet
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricsData
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from gregaria.engine.exchange import trace_with
from gregaria.errors import CommandError, ExitCode
from gregaria.metrics.outlet import Outlet, SpanQueue, number_of
from gregaria.metrics.points import metrics_of
from gregaria.metrics.spans import Ids, RequestTracer
from gregaria.turn import give_turn
from gregaria.version import VERSION

__all__ = ["Telemetry"]

logger = logging.getLogger("gregaria.metrics.otel")

_PROTOCOL = "http/protobuf"
#: whole pictures that wait for a receiver; those that are too old are dropped, as each later one contains them
_MOST_PICTURES = 4
#: milliseconds between two of them
_INTERVAL_MS = 5000
#: seconds that a receiver gets at the end for what it has not taken yet; the second where it took nothing before
_GOODBYE_S = 3.0
_GOODBYE_AFTER_FAILURE_S = 1.0

#: makes an exporter that sends by a session
Maker = Callable[[requests.Session], Any]

_SPAN_EXPORTERS: Mapping[str, Maker] = {
    "otlp": lambda session: OTLPSpanExporter(session=session),
    "console": lambda _: ConsoleSpanExporter(),
}
_METRIC_EXPORTERS: Mapping[str, Maker] = {
    "otlp": lambda session: OTLPMetricExporter(session=session),
    "console": lambda _: ConsoleMetricExporter(),
}


class Telemetry:
    """Tells a receiver of a run, from when it is made until ``end``.

    Args:
        environment: whose run it is.
        has_metrics: tell figures; a worker's are the master's to tell.

    Raises:
        CommandError: a variable of OpenTelemetry's says what cannot be done.
    """

    def __init__(self, environment: Any, *, has_metrics: bool) -> None:
        self._environment = environment
        self._spans: SpanQueue | None = None
        self._outlets: list[Outlet] = []
        self._pictures: deque[MetricsData] = deque(maxlen=_MOST_PICTURES)
        #: those that were taken at the end of a test
        self._num_last_pictures = 0
        self._greenlet: Greenlet | None = None
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            logger.warning("--otel has no effect: OTEL_SDK_DISABLED is true")
            return
        try:
            self._resource = _resource()
            of_spans = _exporters("TRACES", _SPAN_EXPORTERS)
            of_metrics = _exporters("METRICS", _METRIC_EXPORTERS) if has_metrics else []
            interval_s = number_of("OTEL_METRIC_EXPORT_INTERVAL", _INTERVAL_MS) / 1000
            spans = SpanQueue()
        except ValueError as error:
            raise CommandError(f"--otel: {error}", ExitCode.SETTINGS) from None
        self._trace(of_spans, spans)
        if of_metrics:
            self._measure(of_metrics, interval_s)

    def end(self) -> None:
        """Send what is not sent yet; returns after a few seconds whatever the receiver does."""
        trace_with(None)
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            self._take_picture()
        gevent.joinall([gevent.spawn(outlet.end, _GOODBYE_S, _GOODBYE_AFTER_FAILURE_S) for outlet in self._outlets])
        if self._spans is not None:
            lost = self._spans.num_lost + self._spans.num_waiting + self._outlets[0].num_lost
            if lost:
                logger.warning("OpenTelemetry: %d of %d spans were not sent", lost, self._spans.num_ended)

    def _trace(self, exporters: list[Maker], spans: SpanQueue) -> None:
        provider = trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider):
            # Nobody has said yet where spans go; those that the locustfile makes shall go there, too.
            provider = TracerProvider(resource=self._resource, id_generator=Ids(), shutdown_on_exit=False)
            trace.set_tracer_provider(provider)
            if exporters:
                self._spans = spans
                provider.add_span_processor(spans)
                self._outlets.append(Outlet("spans", lambda session: [make(session) for make in exporters], spans.take))
        trace_with(RequestTracer(provider, self._environment.stats))

    def _measure(self, exporters: list[Maker], interval_s: float) -> None:
        self._outlets.append(
            Outlet("metrics", lambda session: [make(session) for make in exporters], self._next_picture)
        )
        # The last figures of a test, before the next one begins to count anew.
        self._environment.runner.after_test.append(self._take_picture)
        self._greenlet = gevent.spawn(self._take_pictures, interval_s)

    def _take_pictures(self, interval_s: float) -> None:
        while True:
            gevent.sleep(interval_s)
            stats, number = self._environment.stats, self._num_last_pictures
            started_us = stats.started_us
            picture = metrics_of(self._environment, self._resource, give_turn)
            # Of two tests, or older than one that was taken in the meantime, it would be wrong; the next one is soon.
            if stats.started_us == started_us and self._num_last_pictures == number:
                self._pictures.append(picture)

    def _take_picture(self) -> None:
        self._num_last_pictures += 1
        self._pictures.append(metrics_of(self._environment, self._resource))

    def _next_picture(self, is_ending: bool) -> list[MetricsData]:
        del is_ending
        return [self._pictures.popleft()] if self._pictures else []


def _resource() -> Resource:
    """What is said of this process; what the variables say wins."""
    said = OTELResourceDetector().detect().attributes
    own: dict[str, str | int] = {
        "service.name": "gregaria",
        "service.version": VERSION,
        "service.instance.id": str(uuid.uuid4()),
        "host.name": platform.node(),
        "process.pid": os.getpid(),
    }
    return Resource.create({key: value for key, value in own.items() if key not in said})


def _exporters(signal: str, known: Mapping[str, Maker]) -> list[Maker]:
    """What makes those that the variables ask for.

    Raises:
        ValueError: they ask for what is not there.
    """
    variable = f"OTEL_{signal}_EXPORTER"
    names = [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()] or ["otlp"]
    for name in names:
        if name not in known and name != "none":
            raise ValueError(f"{variable}={name} is not known; there are {', '.join(known)} and none")
    if "otlp" in names:
        each, protocol = _said_of_otlp(signal, "PROTOCOL")
        if protocol not in ("", _PROTOCOL):
            raise ValueError(
                f"{each}={protocol}: only {_PROTOCOL} is spoken here; set that, and the receiver's port for it, "
                "which usually is 4318"
            )
        each, endpoint = _said_of_otlp(signal, "ENDPOINT")
        if endpoint and not endpoint.lower().startswith(("http://", "https://")):
            raise ValueError(f"{each}={endpoint} is no URL: it begins with http:// or https://")
    return [known[name] for name in names if name != "none"]


def _said_of_otlp(signal: str, what: str) -> tuple[str, str]:
    """The variable that counts for a signal, and what it says; empty when nobody has said anything."""
    variables = (f"OTEL_EXPORTER_OTLP_{signal}_{what}", f"OTEL_EXPORTER_OTLP_{what}")
    return next(((each, text) for each in variables if (text := os.environ.get(each, "").strip())), ("", ""))
