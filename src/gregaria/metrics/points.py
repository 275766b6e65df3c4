"""Figures as OpenTelemetry's metrics: made of the exact counts and histograms, so no request is measured twice."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gregaria.engine.clock import epoch_us_of
from gregaria.metrics.family import Family, Labels
from gregaria.metrics.figures import BUCKETS_S, counts_up_to_bounds, own_families
from gregaria.metrics.outcomes import attributes_of
from gregaria.metrics.rows import rows_of
from gregaria.stats.table import RequestStats
from gregaria.version import VERSION

__all__ = ["HTTP_METHODS", "metrics_of"]

#: the methods that OpenTelemetry knows by name
HTTP_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
#: how a name of Prometheus ends, OpenTelemetry's unit for that
_UNITS = {"_seconds": "s", "_bytes": "By", "_ratio": "1"}
_LABELS = {"error_class": "error.type"}
#: histograms after which others get their turn, where they may
_POINTS_AT_ONCE = 100
_CUMULATIVE = AggregationTemporality.CUMULATIVE


def metrics_of(environment: Any, resource: Resource, turn: Callable[[], None] = lambda: None) -> MetricsData:
    """All figures of this moment.

    Args:
        environment: whose test it is.
        resource: what is said of this process.
        turn: called again and again, for others to have theirs; by default nothing happens in the meantime.
    """
    stats = environment.stats
    # Counters begin anew with a test, which this moment tells.
    started_ns, now_ns = epoch_us_of(stats.started_us) * 1000, time.time_ns()
    metrics = list(_durations(stats, started_ns, now_ns, turn))
    for family in own_families(environment):
        if family.kind != "histogram":
            metrics.append(_metric(family, started_ns, now_ns))
            turn()
    if environment.runner is not None:
        metrics.append(_users_as_locust_tells_them(environment.runner, now_ns))
    scope = ScopeMetrics(InstrumentationScope("gregaria", VERSION), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _durations(stats: RequestStats, started_ns: int, now_ns: int, turn: Callable[[], None]) -> Iterator[Metric]:
    of_http = [(attributes_of(row.method, row.name), row.times) for row in list(stats.outcomes.entries.values())]
    of_all = [(mark.values, entry.times) for mark, entry in rows_of(stats)]
    for name, text, rows in (
        ("http.client.request.duration", "Duration of HTTP requests on the wire.", of_http),
        ("locust.client.duration", "Duration of requests, as they are counted.", of_all),
    ):
        points = []
        for place, (mark, times) in enumerate(rows):
            if times.total:
                points.append(_histogram(mark, times.copy(), started_ns, now_ns))
            if place % _POINTS_AT_ONCE == 0:
                turn()
        yield Metric(name, text, "s", Histogram(points, _CUMULATIVE))


def _histogram(
    attributes: Mapping[str, str | int | bool], times: Any, started_ns: int, now_ns: int
) -> HistogramDataPoint:
    up_to = [*counts_up_to_bounds(times), times.total]
    return HistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=started_ns,
        time_unix_nano=now_ns,
        count=times.total,
        sum=times.sum_us / 1e6,
        bucket_counts=[count - before for count, before in zip(up_to, [0, *up_to], strict=False)],
        explicit_bounds=BUCKETS_S,
        min=times.min_us / 1e6,
        max=times.max_us / 1e6,
    )


def _metric(family: Family, started_ns: int, now_ns: int) -> Metric:
    points = [
        NumberDataPoint(
            {_LABELS.get(name, name): value for name, value in mark.values.items()} if isinstance(mark, Labels) else {},
            started_ns if family.kind == "counter" else 0,
            now_ns,
            value,
        )
        for _, mark, value in family.samples
    ]
    name = family.name.replace("_", ".", 1)
    ending, unit = next((each for each in _UNITS.items() if name.endswith(each[0])), ("", ""))
    is_counter = family.kind == "counter"
    data = Sum(points, _CUMULATIVE, is_monotonic=True) if is_counter else Gauge(points)
    return Metric(name.removesuffix(ending), family.help, unit, data)


def _users_as_locust_tells_them(runner: Any, now_ns: int) -> Metric:
    points = [
        NumberDataPoint({"user_class": name}, 0, now_ns, count) for name, count in runner.user_classes_count.items()
    ]
    return Metric("locust.users.count", "Users that there are, by class.", "{user}", Gauge(points))
