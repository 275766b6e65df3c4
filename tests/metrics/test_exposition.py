"""The text that Prometheus reads: the figures of every report, bounded labels, and cheap with a thousand names."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gregaria.environment import Environment
from gregaria.errors import ConnectionRefused, GeneratorError
from gregaria.metrics.exposition import Collector, exposition
from gregaria.metrics.figures import BUCKETS_S, error_class
from gregaria.report.moment import summary_of
from gregaria.settings import settings
from gregaria.stats.masking import Mask
from gregaria.web.ui import WebUI
from tests.stats.generator_lines import second

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def figures(text: str) -> Figures:
    """{(name, labels): value}; fails where the text has the same twice."""
    found: Figures = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def text_of(environment: Environment, **more: bool) -> str:
    return b"".join(exposition(environment, **more)).decode()


def value(found: Figures, metric: str, /, **labels: str) -> float:
    return found[metric, frozenset(labels.items())]


@pytest.fixture
def environment() -> Iterator[Environment]:
    environment = Environment()
    runner = environment.create_local_runner()
    yield environment
    runner.quit()


def fill(environment: Environment, names: int, requests: int = 50) -> None:
    chance = random.Random(names)
    for number in range(names):
        for _ in range(requests):
            environment.stats.log_request("GET", f"/name/{number:04}", chance.lognormvariate(3, 2), 100)


def test_it_has_the_figures_of_every_report(environment: Environment) -> None:
    fill(environment, 5)
    stats = environment.stats
    stats.log_request("POST", "/name/0001", None, 7)
    for error in (ConnectionRefused("no"), "too few", "HTTPError('500 Server Error: x for url: /')"):
        stats.log_error("GET", "/name/0001", error)
    found, summary = figures(text_of(environment)), summary_of(environment.runner)
    for row in summary.requests:
        mark = {"method": row.method, "name": row.name}
        assert value(found, "gregaria_requests_total", **mark) == row.num_requests
        assert value(found, "gregaria_failures_total", **mark) == row.num_failures
        assert value(found, "gregaria_response_bytes_total", **mark) == row.total_size_bytes
        timed = row.num_requests - row.num_none_requests
        assert value(found, "gregaria_response_time_seconds_count", **mark) == timed
        assert value(found, "gregaria_response_time_seconds_bucket", le="+Inf", **mark) == timed
        total_us = row.avg_us * timed
        assert value(found, "gregaria_response_time_seconds_sum", **mark) == pytest.approx(total_us / 1e6)
        assert value(found, "locust_requests_num_requests", **mark) == row.num_requests
        assert value(found, "locust_requests_current_rps", **mark) == pytest.approx(row.current_rps)
    for kind in ("ConnectionRefused", "response.failure", "HTTP 500"):
        assert value(found, "gregaria_failures_by_class_total", method="GET", name="/name/0001", error_class=kind) == 1
    assert value(found, "locust_requests_num_requests", method="", name="Aggregated") == 251
    assert value(found, "locust_requests_num_failures", method="", name="Aggregated") == 3
    assert value(found, "locust_requests_fail_ratio") == 3 / 251
    rates = [rate for (name, _), rate in found.items() if name == "locust_requests_current_rps"]
    assert sum(rates) == pytest.approx(summary.total.current_rps)


def test_the_generator_is_saturated_where_rules_say_so(environment: Environment) -> None:
    fill(environment, 1)
    assert environment.stats.generator.is_empty
    assert "gregaria_generator_saturated" not in text_of(environment)
    environment.stats.generator.add_second(second())
    assert value(figures(text_of(environment)), "gregaria_generator_saturated") == 0
    environment.stats.log_generator_error("GET", "/", GeneratorError("too many open files"))
    assert value(figures(text_of(environment)), "gregaria_generator_saturated") == 1


def test_a_time_counts_in_the_buckets_that_its_own_bucket_lies_in() -> None:
    # Exactly on a bound, and a 64th of its value on either side of it.
    for bound in BUCKETS_S:
        environment = Environment()
        bound_us = round(bound * 1e6)
        for time_us in (bound_us - bound_us // 50, bound_us + bound_us // 50 + 1):
            environment.stats.log_request("GET", "/", time_us / 1000, 0)
        found = figures(text_of(environment))
        within = value(found, "gregaria_response_time_seconds_bucket", method="GET", name="/", le=str(bound))
        assert within == 1, bound


def test_names_that_differ_only_in_what_is_masked_are_one(environment: Environment) -> None:
    stats = environment.stats
    stats.errors.mask = Mask(["sesame-one", "sesame-two"])
    for secret in ("one", "two"):
        stats.log_request("GET", f"/open?key=sesame-{secret}", 3, 10)
        stats.log_error("GET", f"/open?key=sesame-{secret}", f"no sesame-{secret}")
    text = text_of(environment)
    assert "sesame" not in text
    found, mark = figures(text), {"method": "GET", "name": "/open?key=***"}
    assert value(found, "gregaria_requests_total", **mark) == 2
    assert value(found, "gregaria_response_time_seconds_bucket", le="0.005", **mark) == 2
    assert value(found, "locust_errors", error="no ***", **mark) == 2
    assert [entry.num_requests for entry in stats.recorder.entries.values()] == [1, 1]


@pytest.mark.parametrize("name", ['"quoted"', "back\\slash", "two\nlines", "ümläut", "\udc80", "a,b}", ""])
def test_every_name_survives(environment: Environment, name: str) -> None:
    environment.stats.log_request("GET", name, 3, 10)
    told = name.encode("utf-8", "replace").decode()
    assert value(figures(text_of(environment)), "gregaria_requests_total", method="GET", name=told) == 1


def test_names_that_differ_only_in_what_cannot_be_written_are_one(environment: Environment) -> None:
    for name in ("/\udc80", "/\udc81", "/?"):
        environment.stats.log_request("GET", name, 3, 10)
    assert value(figures(text_of(environment)), "gregaria_requests_total", method="GET", name="/?") == 3


def test_sets_of_labels_are_bounded(environment: Environment) -> None:
    settings.max_names, settings.max_failures = 10, 5
    environment.stats.clear_all()
    fill(environment, 30, requests=1)
    for number in range(30):
        environment.stats.log_error("GET", f"/name/{number:04}", f"kind {'x' * number}")
    found = figures(text_of(environment))

    def of(name: str) -> list[dict[str, str]]:
        return [dict(labels) for each, labels in found if each == name]

    assert len(of("gregaria_requests_total")) == 11
    assert {"method": "", "name": "(other)"} in of("gregaria_requests_total")
    assert value(found, "gregaria_names_folded") == 1
    assert len(of("gregaria_failures_by_class_total")) == 6
    assert len(of("locust_errors")) == 6
    assert sum(count for (name, _), count in found.items() if name == "gregaria_failures_by_class_total") == 30


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("ConnectionRefused('nobody listens')", "ConnectionRefused"),
        ('HTTPError("404 Client Error: it\'s gone for url: /")', "HTTP 404"),
        ("LocustBadStatusCode(code=404)", "HTTP 404"),
        ("LocustBadStatusCode(code=0)", "LocustBadStatusCode"),
        ("HTTPError('what')", "HTTPError"),
        ("order refused (again)", "response.failure"),
        ("(other)", "(other)"),
        ("", "response.failure"),
    ],
)
def test_failures_have_a_class(error: str, kind: str) -> None:
    assert error_class(error) == kind


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("is_empty", [True, False])
def test_promtool_has_nothing_to_say(environment: Environment, is_empty: bool) -> None:
    if not is_empty:
        fill(environment, 3)
        environment.stats.log_error("GET", "/name/0001", "gone")
    text = text_of(environment, has_exporter_names=False)
    assert "locust_" not in text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_thousand_names_are_told_quickly_and_hold_up_nobody(environment: Environment) -> None:
    fill(environment, 1000)
    held_up_s: list[float] = []

    def watch() -> None:
        while True:
            before_s = time.thread_time()
            gevent.sleep(0.0005)
            held_up_s.append(time.thread_time() - before_s)

    watcher = gevent.spawn(watch)
    gevent.sleep(0.01)
    took_s = []
    for _ in range(3):
        before_s = time.thread_time()
        text = text_of(environment)
        took_s.append(time.thread_time() - before_s)
    watcher.kill()
    assert text.count("\n") > 30_000
    # The time of this thread: what else the machine does meanwhile is not the scrape's.
    assert min(took_s) < 0.1
    assert len(held_up_s) > 30
    assert max(held_up_s) < 0.02


def test_the_locustfiles_own_metrics_are_there_and_a_broken_one_does_no_harm(
    make_ui: Callable[..., WebUI], caplog: pytest.LogCaptureFixture
) -> None:
    ui = make_ui()
    orders = prometheus_client.Counter("shop_orders", "Orders.")
    twice = prometheus_client.Gauge("locust_users", "As somebody's own exporter has it.")
    try:
        orders.inc(7)
        answer = ui.app.test_client().get("/metrics", base_url="http://127.0.0.1")
        assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
        found = figures(answer.text)
        assert value(found, "shop_orders_total") == 7
        assert value(found, "locust_users") == 0

        class Broken:
            def describe(self) -> list[Any]:
                return []

            def collect(self) -> list[Any]:
                raise ValueError("no idea")

        broken = Broken()
        prometheus_client.REGISTRY.register(broken)  # type: ignore[arg-type]
        try:
            assert "gregaria_state" in text_of(ui.environment)
        finally:
            prometheus_client.REGISTRY.unregister(broken)  # type: ignore[arg-type]
        assert "are left out" in caplog.text
    finally:
        prometheus_client.REGISTRY.unregister(orders)
        prometheus_client.REGISTRY.unregister(twice)


def test_a_registry_of_prometheus_client_takes_them(environment: Environment) -> None:
    fill(environment, 2)
    registry = prometheus_client.CollectorRegistry()
    registry.register(Collector(environment))  # type: ignore[arg-type]
    assert registry.get_sample_value("gregaria_requests_total", {"method": "GET", "name": "/name/0001"}) == 50
    text = prometheus_client.generate_latest(registry).decode()
    ours = figures(text_of(environment, has_exporter_names=False))
    assert figures(text).items() <= ours.items()


def test_with_a_login_the_token_lets_prometheus_in(make_ui: Callable[..., WebUI]) -> None:
    ui = make_ui(web_login=True, metrics_token="open-sesame")
    ui.app.secret_key = "of a test"
    ui.login_manager.user_loader(lambda user_id: None)
    client = ui.app.test_client()

    def status(authorization: str | None) -> int:
        headers = {} if authorization is None else {"Authorization": authorization}
        return client.get("/metrics", base_url="http://127.0.0.1", headers=headers).status_code

    told = [status(each) for each in (None, "Bearer open", "Basic open-sesame", "Bearer \u00fc", "open-sesame")]
    assert told == [401] * 5
    assert [status(f"{scheme} open-sesame") for scheme in ("Bearer", "bearer")] == [200, 200]


def test_without_a_login_the_token_is_wanted_all_the_same(make_ui: Callable[..., WebUI]) -> None:
    client = make_ui(metrics_token="open-sesame", has_exporter_names=False).app.test_client()
    refused = client.get("/metrics", base_url="http://127.0.0.1")
    assert (refused.status_code, "--prometheus-token" in refused.text) == (401, True)
    assert refused.headers["WWW-Authenticate"].lower() == "bearer"
    let_in = client.get("/metrics", base_url="http://127.0.0.1", headers={"Authorization": "Bearer open-sesame"})
    assert let_in.status_code == 200
    assert "locust_" not in let_in.text
    assert client.post("/metrics", base_url="http://127.0.0.1").status_code == 405


def test_a_locustfile_that_has_a_route_of_its_own_keeps_it(make_ui: Callable[..., WebUI]) -> None:
    ui = make_ui()
    ui.app.add_url_rule("/metrics", "theirs", lambda: "theirs")
    assert ui.app.test_client().get("/metrics", base_url="http://127.0.0.1").text == "theirs"
