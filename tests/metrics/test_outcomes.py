"""Response times by what requests came to: which are counted, under which attributes, and how many sets of them."""

import itertools
import time
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from gregaria.environment import Environment
from gregaria.errors import ConnectionRefused, GeneratorError
from gregaria.metrics.points import metrics_of
from gregaria.metrics.spans import RequestTracer
from gregaria.settings import settings
from gregaria.stats.masking import Mask

URL = "http://shop.example:8080/cart"
CART = {"http.request.method": "GET", "name": "/cart", "server.address": "shop.example", "server.port": 8080}


def points(environment: Environment) -> list[Any]:
    [of_resource] = metrics_of(environment, Resource({})).resource_metrics
    [scope] = of_resource.scope_metrics
    [metric] = [metric for metric in scope.metrics if metric.name == "http.client.request.duration"]
    return list(metric.data.data_points)


def send(environment: Environment, status: int, error: BaseException | None = None, **about: Any) -> None:
    tracer = RequestTracer(TracerProvider(sampler=ALWAYS_OFF), environment.stats)
    told = {"method": "GET", "url": URL, "name": "/cart", "started_us": 1_000, "finished_us": 3_000, **about}
    span = tracer.begin(told["method"], told["url"], told["name"], b"", None)
    span.end(status, error, told["started_us"], told["finished_us"])


@pytest.mark.parametrize(
    ("status", "error", "attributes"),
    [
        (200, None, {"http.response.status_code": 200}),
        (302, None, {"http.response.status_code": 302}),
        (404, None, {"http.response.status_code": 404, "error.type": "404"}),
        (0, ConnectionRefused("no"), {"error.type": "ConnectionRefused"}),
        (200, ValueError("cut off"), {"http.response.status_code": 200, "error.type": "ValueError"}),
    ],
)
def test_each_end_is_a_histogram_whether_it_has_a_span_or_not(
    status: int, error: BaseException | None, attributes: dict[str, Any]
) -> None:
    environment = Environment()
    send(environment, status, error)
    [point] = points(environment)
    assert (point.attributes, point.count, point.sum) == ({**CART, **attributes}, 1, 0.002)


def test_what_no_report_counts_is_not_here_either() -> None:
    environment = Environment()
    send(environment, 0)
    send(environment, 0, GeneratorError("no descriptors"))
    send(environment, 0, ConnectionRefused("not allowed"), started_us=0)
    assert points(environment) == []


def test_other_methods_servers_without_a_port_and_secrets() -> None:
    environment = Environment()
    environment.stats.errors.mask = Mask(["sesame-one"])
    send(environment, 200, method="BREW", url="http+unix://%2Frun%2Fpot/sesame-one", name="/sesame-one")
    [point] = points(environment)
    assert point.attributes == {
        "http.request.method": "_OTHER",
        "name": "/***",
        "server.address": "%2Frun%2Fpot",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize("text", ["", "GET", "GET\thost\tport\tstatus\t", "\t" * 9, "\udc80\t\udc80"])
def test_a_worker_may_report_what_it_likes(text: str) -> None:
    environment = Environment()
    environment.stats.outcomes.record(text, "/", 1_000, 0)
    [point] = points(environment)
    assert point.attributes["http.request.method"] == text.partition("\t")[0].replace("\udc80", "?")
    assert not {"server.port", "http.response.status_code"} & set(point.attributes)


def test_sets_of_attributes_are_bounded() -> None:
    settings.max_names, settings.max_failures = 3, 2
    environment = Environment()
    for number in range(9):
        send(environment, 200, name=f"/{number}")
    found = points(environment)
    assert len(found) == 6
    assert [(point.attributes, point.count) for point in found[5:]] == [({"otel.metric.overflow": True}, 4)]
    environment.stats.clear_all()
    assert points(environment) == []


def test_a_thousand_names_hold_up_nobody_while_a_test_runs() -> None:
    environment = Environment()
    for number in range(1000):
        environment.stats.log_request("GET", f"/{number}", 10, 100)
        send(environment, 200, name=f"/{number}")
    longest_s = []
    for _ in range(3):
        moments = [time.thread_time()]
        metrics_of(environment, Resource({}), lambda moments=moments: moments.append(time.thread_time()))
        longest_s.append(max(later - earlier for earlier, later in itertools.pairwise(moments)))
    assert len(moments) > 20
    assert min(longest_s) < 0.015
