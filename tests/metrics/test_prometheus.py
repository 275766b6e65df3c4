"""A real Prometheus scrapes a real run, and answers the queries of every panel with the run's own figures."""

import contextlib
import itertools
import json
import math
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from gregaria.metrics.figures import BUCKETS_S
from tests.support.prometheus import Prometheus
from tests.support.servers import ROOT, Server
from tests.web.conftest import Site, Starter

pytestmark = pytest.mark.needs("prometheus", "promtool")

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "gregaria.json").read_text())
RULES = ROOT / "deploy" / "prometheus" / "gregaria.rules.yml"
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
#: what Grafana puts in place of its variables
VARIABLES = {"$job": "gregaria", "$instance": ".*", "$name": ".*", "$__rate_interval": "5s"}

#: the queries of locust_exporter's dashboard, each with what the run itself says
ROWS = ("num_requests", "num_failures", "avg_response_time", "min_response_time", "max_response_time")
EXPORTERS = ["locust_running", "locust_users", "sum(locust_requests_current_rps)", "locust_requests_fail_ratio"]
EXPORTERS += ['locust_requests_num_requests{method=~""}', 'locust_requests_num_failures{method=~""}', "locust_errors"]
EXPORTERS += ["locust_workers_count", "locust_workers_running_count", "locust_worker_detail", "locust_up"]
EXPORTERS += ["locust_workers_hatching_count", "locust_workers_missing_count"]
EXPORTERS += [f'locust_requests_{name}{{method=~".+"}}' for name in (*ROWS, "current_rps", "avg_content_length")]
EXPORTERS += [f"avg(locust_requests_{name}_response_time)" for name in ("max", "min", "avg", "median")]
EXPORTERS += [f"locust_requests_current_response_time_percentile_{percent}" for percent in (50, 95)]


@dataclass
class Scraped:
    """A run that is over, on the page and in a Prometheus.

    Attributes:
        began, ended: seconds since 1970.
        stats: what ``/stats/requests`` says of it in the end.
    """

    site: Site
    prometheus: Prometheus
    began: float
    ended: float
    stats: dict[str, Any]

    @property
    def total(self) -> dict[str, Any]:
        return next(row for row in self.stats["stats"] if row["name"] == "Aggregated")

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.stats["stats"] if row["name"] != "Aggregated"}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory, target: Server) -> Iterator[Scraped]:
    folder = tmp_path_factory.mktemp("scraped")
    with contextlib.ExitStack() as stack:
        starter = Starter(folder)
        stack.callback(starter.close)
        site = starter.start("-H", target.url, "--processes", "2", "-u", "4", "-r", "100")
        prometheus = Prometheus(folder / "prometheus", site.url.removeprefix("http://"))
        stack.callback(prometheus.close)
        site.until(lambda: prometheus.now("locust_up"))
        began = time.time()
        assert site.swarm(user_count=4)["success"] is True
        # Rates need some scrapes to be taken from.
        site.until(lambda: len(prometheus.course("gregaria_state{state='running'} == 1", began, time.time())) > 6)
        site.post("/stop")
        site.until(lambda: site.state == "stopped")
        whole = site.requests_of()
        site.until(lambda: prometheus.now("sum(gregaria_requests_total)")[0][1] == whole)
        # Locust's answers may be two seconds old.
        stats = site.until(lambda: told if (told := site.json("/stats/requests"))["state"] == "stopped" else None)
        yield Scraped(site, prometheus, began, time.time(), stats)


def shown(expr: str) -> str:
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr, expr
    return expr


def test_every_panel_of_the_dashboard_is_answered(scraped: Scraped) -> None:
    empty = []
    for title, expr in QUERIES:
        values = scraped.prometheus.course(shown(expr), scraped.began, scraped.ended)
        if not any(math.isfinite(value) for value in values):
            empty.append((title, expr))
    assert not empty
    assert len(QUERIES) > 40


def test_every_variable_and_annotation_of_the_dashboard_finds_something(scraped: Scraped) -> None:
    prometheus = scraped.prometheus
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert set(variables) == {"datasource", "job", "instance", "name"}
    for each in variables.values():
        if each["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", each["query"]["query"])
            assert found is not None
            values = prometheus.ask(f"label/{found[2]}/values", **{"match[]": shown(found[1])})
            assert set(values) >= {"job": {"gregaria"}, "name": {"/look", "/sell"}}.get(each["name"], set())
            assert values
    for annotation in DASHBOARD["annotations"]["list"]:
        prometheus.course(shown(annotation["expr"]), scraped.began, scraped.ended)


def test_panels_fit_into_the_grid_and_have_ids_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        own = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert not own & cells, panel["title"]
        cells |= own


def test_prometheus_has_the_figures_of_the_run(scraped: Scraped) -> None:
    prometheus, rows = scraped.prometheus, scraped.rows
    for metric, field in (("requests_total", "num_requests"), ("failures_total", "num_failures")):
        told = {mark["name"]: value for mark, value in prometheus.now(f"gregaria_{metric}")}
        assert told == {name: row[field] for name, row in rows.items()}
    averages = prometheus.now("gregaria_response_time_seconds_sum / gregaria_response_time_seconds_count")
    for mark, value in averages:
        assert value * 1000 == pytest.approx(rows[mark["name"]]["avg_response_time"], rel=1e-6)
    for percent in (50, 95, 99):
        query = f"histogram_quantile({percent / 100}, sum by (le, name) (gregaria_response_time_seconds_bucket))"
        for mark, value in prometheus.now(query):
            row = rows[mark["name"]]
            exact_s = row["median_response_time" if percent == 50 else f"response_time_percentile_0.{percent}"] / 1000
            # Nobody can tell from buckets more than which of them it is.
            within = next(place for place, bound in enumerate((*BUCKETS_S, math.inf)) if exact_s <= bound * 1.01)
            assert (0, *BUCKETS_S)[within] * 0.99 <= value <= (*BUCKETS_S, math.inf)[within] * 1.01
    kinds = {mark["error_class"]: value for mark, value in prometheus.now("gregaria_failures_by_class_total")}
    assert kinds == {"HTTP 500": rows["/status/500"]["num_failures"]}
    assert prometheus.now("max by (state) (gregaria_state) == 1") == [({"state": "stopped"}, 1)]
    assert prometheus.course("sum(gregaria_users)", scraped.began, scraped.ended).count(4) > 3
    assert max(prometheus.course("sum(gregaria_worker_users)", scraped.began, scraped.ended)) == 4
    assert prometheus.now("sum(gregaria_workers{state!='missing'})")[0][1] == 2


def test_the_exporters_dashboard_is_right(scraped: Scraped) -> None:
    prometheus, total, rows = scraped.prometheus, scraped.total, scraped.rows
    for query in EXPORTERS:
        assert prometheus.course(query, scraped.began, scraped.ended), query

    def one(query: str) -> float:
        [(_, value)] = prometheus.now(query)
        return value

    assert one('locust_requests_num_requests{method=~""}') == total["num_requests"]
    assert one('locust_requests_num_failures{method=~""}') == total["num_failures"]
    assert one("locust_requests_fail_ratio") == pytest.approx(scraped.stats["fail_ratio"])
    assert one("sum(locust_requests_current_rps)") == pytest.approx(total["current_rps"], rel=0.05)
    assert one("locust_workers_count") == 2
    assert one("locust_running") == 0
    assert set(prometheus.course("locust_running", scraped.began, scraped.ended)) >= {0, 2}
    for name in ROWS:
        told = {mark["name"]: value for mark, value in prometheus.now(f'locust_requests_{name}{{method=~".+"}}')}
        assert told == pytest.approx({each: row[name] for each, row in rows.items()}, rel=1e-6)
    [(mark, count)] = prometheus.now("locust_errors")
    [error] = scraped.stats["errors"]
    assert (mark["error"], count) == (error["error"], error["occurrences"])


def test_what_is_scraped_once_is_what_promtool_expects(scraped: Scraped) -> None:
    text = "".join(
        line
        for line in scraped.site.get("/metrics").text.splitlines(keepends=True)
        if not re.match(r"(# (HELP|TYPE) )?locust_", line)
    )
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("what", "file"), [("config", "prometheus.yml"), ("rules", "gregaria.rules.yml")])
def test_the_configuration_that_is_delivered_is_one(what: str, file: str) -> None:
    path = ROOT / "deploy" / "prometheus" / file
    done = subprocess.run(["promtool", "check", what, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_rules_look_at_is_there(scraped: Scraped) -> None:
    names = set(re.findall(r"gregaria_\w+", re.sub(r"record: .*|alert: .*", "", RULES.read_text())))
    assert len(names) > 4
    for name in names:
        assert scraped.prometheus.course(name, scraped.began, scraped.ended), name


SERIES = {
    "gregaria_generator_saturated": "0x5 1x7 0x5",
    "gregaria_generator_trusted": "1x5 0x12",
    'gregaria_workers{state="missing"}': "0x5 2x12",
    'gregaria_workers{state="running"}': "2x17",
    "gregaria_requests_total": "0+50x17",
    "gregaria_failures_total": "0+5x17",
    'gregaria_response_time_seconds_bucket{le="0.1"}': "0+45x17",
    'gregaria_response_time_seconds_bucket{le="0.2"}': "0+50x17",
    'gregaria_response_time_seconds_bucket{le="+Inf"}': "0+50x17",
}
#: seconds, and who is firing then; a value of a series lasts five
FIRING = [
    (20, set()),
    (35, {"GregariaPercentilesInDoubt"}),
    (40, {"GregariaPercentilesInDoubt", "GregariaWorkerMissing"}),
    (60, {"GregariaGeneratorSaturated", "GregariaPercentilesInDoubt", "GregariaWorkerMissing"}),
    (80, {"GregariaPercentilesInDoubt", "GregariaWorkerMissing"}),
]
ALERTS = ("GregariaGeneratorSaturated", "GregariaPercentilesInDoubt", "GregariaWorkerMissing")


def test_alerts_fire_when_they_should_and_the_series_are_right(tmp_path: Path) -> None:
    assert set(re.findall(r"alert: (\w+)", RULES.read_text())) == set(ALERTS)
    expected = [
        (f"count(ALERTS{{alertname='{name}',alertstate='firing'}}) or vector(0)", at_s, int(name in firing))
        for at_s, firing in FIRING
        for name in ALERTS
    ]
    expected += [
        ("round(max(gregaria:failing:ratio_rate1m), 0.001)", 80, 0.1),
        ("round(max(gregaria:response_time_seconds:p95_1m), 0.001)", 80, 0.15),
    ]
    tests = [
        {"expr": expr, "eval_time": f"{at_s}s", "exp_samples": [{"labels": "{}", "value": value}]}
        for expr, at_s, value in expected
    ]
    file = tmp_path / "tests.yml"
    series = [{"series": name, "values": values} for name, values in SERIES.items()]
    told = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "5s",
        "tests": [{"interval": "5s", "input_series": series, "promql_expr_test": tests}],
    }
    # Prometheus reads YAML, of which JSON is a part.
    file.write_text(json.dumps(told))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_headless_run_is_scraped_on_a_port_of_its_own(starter: Starter, target: Server) -> None:
    usual = ("-f", "shop.py", "--headless", "-H", target.url, "-u", "2", "--prometheus-host", "127.0.0.1")
    site = starter.begin(*usual, "--prometheus-port", "0", "--prometheus-token", "open-sesame", "--no-exporter-names")
    [url] = site.until(lambda: re.findall(r"Prometheus is answered at (\S+)", "".join(site.log)))
    assert requests.get(url, timeout=10).status_code == 401
    assert requests.get(url, headers={"Authorization": "Bearer open"}, timeout=10).status_code == 401
    token = {"Authorization": "Bearer open-sesame"}
    site.until(lambda: 'name="/look"' in requests.get(url, headers=token, timeout=10).text)
    assert "locust_" not in requests.get(url, headers=token, timeout=10).text
    assert requests.get(url, headers={**token, "Host": "evil.example"}, timeout=10).status_code == 403
    assert requests.get(url.removesuffix("metrics"), headers=token, timeout=10).status_code == 404
    taken = url.rpartition(":")[2].partition("/")[0]
    second = starter.begin(*usual, "--prometheus-port", taken)
    assert second.end(None) == 15
    assert "--prometheus-host and --prometheus-port: cannot listen on 127.0.0.1" in "".join(second.log)
    site.end(signal.SIGINT)
