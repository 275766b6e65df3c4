"""``--otel``: spans and figures at a real receiver, traces that the target knows, receivers that are slow or gone."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from gregaria.engine.exchange import traced_by
from gregaria.environment import Environment
from gregaria.errors import CommandError, ExitCode
from gregaria.metrics.otel import Telemetry
from tests.support.otlp_receiver import Receiver, TracedTarget, attributes, serving
from tests.support.wire import Wire
from tests.system.conftest import Command, Ended, document

USERS = """\
import json

from gregaria import FastHttpUser, HttpUser, constant, events

told = open("told.jsonl", "a")


@events.request.add_listener
def note(name, context, response, **_):
    told.write(json.dumps([name, context["trace_id"], response.trace_id]) + "\\n")
    told.flush()


def shop(user):
    client = user.client
    client.get("/plain?a=1", name="/plain")
    client.post("/plain", json={"a": 1})
    client.get("/moved", name="moves")
    client.get("/broken")
    client.get("/lost")
    with client.get("/caught", catch_response=True) as response:
        response.failure("not this one")
    mine = {"traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"}
    client.get("/mine", headers=mine)


class Fast(FastHttpUser):
    wait_time = constant(0.01)
    tasks = [shop]


class Plain(HttpUser):
    wait_time = constant(0.01)
    tasks = [shop]
"""
NAMES = ("/plain", "/plain", "moves", "/broken", "/lost", "/caught", "/mine")
PER_TASK = len(NAMES)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(receiver.server):
        yield receiver
        receiver.held.set()


@pytest.fixture
def traced() -> Iterator[TracedTarget]:
    traced = TracedTarget()
    with serving(traced.server):
        yield traced


def run(command: Command, target: TracedTarget, *more: str, users: str = USERS, env: dict[str, str]) -> Ended:
    command.write("users.py", users)
    usual = (
        "-f",
        "users.py",
        "--headless",
        "-H",
        target.url,
        "--otel",
        "--json-file",
        "a",
        "--exit-code-on-error",
        "0",
    )
    return command.run(*usual, *more, env=env)


def by_path(spans: list[tuple[Any, Any]]) -> Counter[str]:
    return Counter(re.sub(r"^https?://[^/]+|\?.*", "", attributes(span)["url.full"]) for span, _ in spans)


@pytest.mark.parametrize(
    ("more", "tasks"),
    [(("Fast",), 10), (("Plain",), 10), (("Plain", "--use-requests"), 10), (("Fast", "Plain", "--processes", "2"), 20)],
    ids=["fast", "plain", "urllib3", "distributed"],
)
def test_spans_and_figures_are_those_of_the_run_and_of_the_target(
    command: Command, receiver: Receiver, traced: TracedTarget, more: tuple[str, ...], tasks: int
) -> None:
    ended = run(command, traced, "-u", "4", "-r", "50", "-i", str(tasks), *more, env=receiver.variables)
    assert ended.code == 0, ended.err
    told: Any = document(command.folder / "a.json")
    assert told["total"]["num_requests"] == tasks * PER_TASK
    rows = {(row["method"], row["name"]): row for row in told["requests"]}

    # One span per request on the wire, each of a trace that the target was told of, by the span that it was told of.
    assert len(receiver.spans) == tasks * (PER_TASK + 1)
    sent = Counter(line.split("-")[1] + line.split("-")[2] for _, [line] in traced.seen if "ab" * 16 not in line)
    spans = Counter(span.trace_id.hex() + span.span_id.hex() for span, _ in receiver.spans)
    own = [span for span, _ in receiver.spans if span.trace_id.hex() == "ab" * 16]
    assert len(own) == tasks
    assert {span.parent_span_id.hex() for span in own} == {"cd" * 8}
    # A request that is lost on a connection that had been open is sent again, and then is known by the same span.
    assert set(sent) == {key for key in spans if not key.startswith("ab" * 16)}
    assert set(spans.values()) == {1}
    expected = {"/plain": 2, "/moved": 1, "/arrived": 1, "/broken": 1, "/lost": 1, "/caught": 1, "/mine": 1}
    assert by_path(receiver.spans) == {path: tasks * times for path, times in expected.items()}

    for span, resource in receiver.spans:
        about = attributes(span)
        assert resource["service.name"] == "gregaria"
        assert span.name == f"{about['http.request.method']} {about['gregaria.name']}"
        assert about["server.address"] == "127.0.0.1"
        assert (about["http.request.method"], about["gregaria.name"]) in rows
        assert span.kind == 3
        assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 10e9
        status, kind = about.get("http.response.status_code"), about.get("error.type")
        path = about["url.full"].removeprefix(traced.url)
        if path == "/broken":
            assert (status, kind, span.status.code) == (500, "500", 2)
        elif path == "/lost":
            assert status is None
            assert span.status.code == 2
            assert re.search("Connection|Remote", kind)
        else:
            assert (status, kind, span.status.code) == (302 if path == "/moved" else 200, None, 0)
    # A chain of redirects is one trace.
    steps = {attributes(span)["url.full"].removeprefix(traced.url): [] for span, _ in receiver.spans}
    for span, _ in receiver.spans:
        steps[attributes(span)["url.full"].removeprefix(traced.url)].append(span)
    assert {span.span_id for span in steps["/moved"]} == {span.parent_span_id for span in steps["/arrived"]}
    assert {span.trace_id for span in steps["/moved"]} == {span.trace_id for span in steps["/arrived"]}

    # Listeners and responses know the trace.
    noted = [json.loads(line) for line in (command.folder / "told.jsonl").read_text().splitlines()]
    assert Counter(name for name, *_ in noted) == Counter(NAMES * tasks)
    traces = {span.trace_id.hex() for span, _ in receiver.spans}
    assert all(of_event == of_response and of_event in traces for _, of_event, of_response in noted)

    # The figures are the document's.
    points = {(about["method"], about["name"]): point for about, point in receiver.points("locust.client.duration")}
    assert set(points) == set(rows)
    for key, point in points.items():
        assert point.count == sum(point.bucket_counts) == rows[key]["num_requests"]
        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
        assert point.max == pytest.approx(rows[key]["percentiles_ms"]["p100"] / 1000, rel=0.02)
    # On the wire, each by what it came to: those of the spans.
    counts = Counter[Any]()
    for about, point in receiver.points("http.client.request.duration"):
        counts[frozenset(about.items())] += point.count
        assert point.count == sum(point.bucket_counts)
    keys = ("http.request.method", "server.address", "server.port", "http.response.status_code", "error.type")
    assert counts == Counter(
        frozenset({"name": about["gregaria.name"], **{key: about[key] for key in keys if key in about}}.items())
        for about in (attributes(span) for span, _ in receiver.spans)
    )
    for name, field in (("gregaria.requests", "num_requests"), ("gregaria.failures", "num_failures")):
        found = {(about["method"], about["name"]): point.as_int for about, point in receiver.points(name)}
        assert found == {key: row[field] for key, row in rows.items()}
    by_class = Counter[str]()
    for about, point in receiver.points("gregaria.failures_by_class"):
        by_class[about["error.type"]] += point.as_int
    assert by_class["response.failure"] == tasks
    assert by_class.total() == told["total"]["num_failures"] == 3 * tasks
    if "--processes" in more:
        assert len({resource["process.pid"] for _, resource in receiver.spans}) == 2
        assert {about["state"] for about, _ in receiver.points("gregaria.workers")} >= {"ready", "running"}


def test_the_variables_of_the_sdk_say_who_is_told_what(
    command: Command, receiver: Receiver, traced: TracedTarget
) -> None:
    env = {
        **receiver.variables,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-team=shop",
        "OTEL_SERVICE_NAME": "load",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging",
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.3",
        "OTEL_METRICS_EXPORTER": "none",
    }
    users = USERS.replace('    client.get("/mine", headers=mine)\n', "")
    assert run(command, traced, "-u", "4", "-i", "60", "Fast", users=users, env=env).code == 0
    assert not receiver.metrics
    assert receiver.headers["x-team"] == "shop"
    assert {(about["service.name"], about["deployment.environment.name"]) for _, about in receiver.spans} == {
        ("load", "staging")
    }
    # The target is told which requests are sampled, and those are the spans.
    flags = Counter(line.rpartition("-")[2] in ("01", "03") for _, [line] in traced.seen)
    sampled = {line.split("-")[2] for _, [line] in traced.seen if line.rpartition("-")[2] in ("01", "03")}
    assert sampled == {span.span_id.hex() for span, _ in receiver.spans}
    assert 0.15 < flags[True] / flags.total() < 0.45


OWN_PROVIDER = """\
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from gregaria import FastHttpUser, task


class ToFile(SpanExporter):
    def export(self, spans):
        with open("spans.txt", "a") as file:
            for span in spans:
                parent = span.parent and f"{span.parent.span_id:x}"
                file.write(f"{span.name}|{span.context.span_id:x}|{parent}\\n")
        return SpanExportResult.SUCCESS


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ToFile()))
trace.set_tracer_provider(provider)


class Buyer(FastHttpUser):
    @task
    def buy(self):
        with trace.get_tracer("shop").start_as_current_span("buy"):
            self.client.get("/a")
            self.client.get("/b")
"""


def test_a_provider_of_the_locustfiles_own_is_used_and_its_spans_are_parents(
    command: Command, receiver: Receiver, traced: TracedTarget
) -> None:
    assert run(command, traced, "-i", "1", users=OWN_PROVIDER, env=receiver.variables).code == 0
    spans = [line.split("|") for line in (command.folder / "spans.txt").read_text().splitlines()]
    assert [name for name, *_ in spans] == ["GET /a", "GET /b", "buy"]
    assert [parent for *_, parent in spans] == [spans[2][1], spans[2][1], "None"]
    assert not receiver.spans
    assert receiver.points("gregaria.requests")


def test_what_was_sent_of_a_failure_names_its_trace(command: Command, receiver: Receiver, traced: TracedTarget) -> None:
    run(command, traced, "-i", "1", "--failures-dir", "failed", env=receiver.variables)
    texts = [path.read_text() for path in (command.folder / "failed").rglob("*") if path.is_file()]
    of_broken = [line for path, [line] in traced.seen if path == "/broken"]
    assert any(f"traceparent: {of_broken[0]}" in text for text in texts)


def test_a_batch_is_sent_again_if_the_receiver_says_so_and_else_is_lost(
    command: Command, receiver: Receiver, traced: TracedTarget
) -> None:
    env = {**receiver.variables, "OTEL_METRICS_EXPORTER": "none"}
    receiver.refusals = [503, 429]
    ended = run(command, traced, "-i", "1", "Fast", env=env)
    assert (receiver.num_asked, len(receiver.spans)) == (3, PER_TASK + 1)
    assert len(re.findall("spans cannot be sent: http://.*/v1/traces answers 503 Service Unavailable", ended.err)) == 1
    assert "were not sent" not in ended.err
    receiver.refusals = [400]
    ended = run(command, traced, "-i", "1", "Fast", env=env)
    assert (receiver.num_asked, len(receiver.spans)) == (4, PER_TASK + 1)
    assert f"{PER_TASK + 1} of {PER_TASK + 1} spans were not sent" in ended.err


def test_a_receiver_that_is_gone_is_told_once_and_holds_up_nobody(command: Command, traced: TracedTarget) -> None:
    gone = Receiver()
    gone.server.server_close()
    began_s = time.monotonic()
    ended = run(command, traced, "-u", "2", "-t", "1s", "Fast", env=gone.variables)
    assert time.monotonic() - began_s < 10
    assert ended.code == 0, ended.err
    assert len(re.findall("spans cannot be sent: http://.*/v1/traces: nothing listens on 127.0.0.1", ended.err)) == 1
    assert len(re.findall("metrics cannot be sent: http://.*/v1/metrics: nothing listens on 127.0.0.1", ended.err)) == 1
    assert len(re.findall("cannot be sent", ended.err)) == 2
    assert "Traceback" not in ended.err
    lost = re.search(r"(\d+) of (\d+) spans were not sent", ended.err)
    assert lost is not None
    assert lost[1] == lost[2]


def test_the_port_for_grpc_is_known_by_its_answer(command: Command, traced: TracedTarget) -> None:
    def talk(connection: Any) -> None:
        connection.recv(1 << 16)
        connection.sendall(bytes.fromhex("000006040000000000000500004000"))

    with Wire(talk) as grpc:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{grpc.port}"}
        ended = run(command, traced, "-i", "1", "Fast", env=env)
    assert ended.code == 0, ended.err
    assert "/v1/traces speaks no HTTP/1.1. Is that the port for gRPC?" in ended.err


def test_a_receiver_that_does_not_answer_holds_up_the_end_for_seconds_at_most(
    command: Command, receiver: Receiver, traced: TracedTarget
) -> None:
    receiver.held.clear()
    env = {**receiver.variables, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "0.5"}
    ended = run(command, traced, "-u", "2", "-t", "1s", "Plain", env=env)
    assert ended.code == 0, ended.err
    assert "the last metrics were not taken in 3 s" in ended.err
    assert re.search(r"spans cannot be sent: http://.*/v1/traces does not answer in 0\.5 s", ended.err)
    # By the command's own clock: when it begins and is gone depends on what else the machine does.
    told = re.findall(r"^\[([^,]+),\d+\] (.*)", ended.err, re.MULTILINE)
    moments = [
        datetime.fromisoformat(moment) for moment, text in told if "The test ends" in text or text is told[-1][1]
    ]
    assert (moments[-1] - moments[0]).total_seconds() < 6
    total: Any = document(command.folder / "a.json")["total"]
    assert total["num_requests"] > 10
    assert total["percentiles_ms"]["p95"] < 1000


HALF = """\
from gregaria import FastHttpUser, task


class Buyer(FastHttpUser):
    @task
    def buy(self):
        self.client.get("/a", name="half\\udc80")
        with self.client.get("/b", catch_response=True) as response:
            response.failure("half\\udc80")
"""


def test_texts_that_no_encoding_has_are_sent_all_the_same(
    command: Command, receiver: Receiver, traced: TracedTarget
) -> None:
    ended = run(command, traced, "-i", "1", users=HALF, env=receiver.variables)
    assert "opentelemetry" not in ended.err
    assert [span.name for span, _ in receiver.spans] == ["GET half?", "GET /b"]
    for metric in ("http.client.request.duration", "gregaria.requests"):
        assert {about["name"] for about, _ in receiver.points(metric)} == {"half?", "/b"}


BROKEN_SPAN = """\
from opentelemetry import trace

from gregaria import FastHttpUser, task


class Buyer(FastHttpUser):
    @task
    def buy(self):
        with trace.get_tracer("shop").start_as_current_span("half\\udc80"):
            self.client.get("/a")
"""


def test_spans_that_cannot_be_encoded_are_lost_and_counted(
    command: Command, receiver: Receiver, traced: TracedTarget
) -> None:
    ended = run(command, traced, "-i", "1", users=BROKEN_SPAN, env=receiver.variables)
    assert not receiver.spans
    assert "spans cannot be sent: they cannot be encoded" in ended.err
    assert "2 of 2 spans were not sent" in ended.err


def test_without_the_sdk_it_says_what_to_install(command: Command, traced: TracedTarget) -> None:
    command.write("sitecustomize.py", "import sys\nsys.modules['opentelemetry.sdk.metrics'] = None\n")
    ended = run(command, traced, env={"PYTHONPATH": str(command.folder)})
    assert ended.code == 7
    assert "pip install 'gregaria[otel]'" in ended.err


def test_a_propagator_that_is_not_there_is_refused(command: Command, traced: TracedTarget) -> None:
    ended = run(command, traced, env={"OTEL_PROPAGATORS": "b4"})
    assert ended.code == 10
    assert "OTEL_PROPAGATORS=b4: Propagator b4 not found" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: only http/protobuf"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER=zipkin is not known"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318 is no URL"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "soon", "OTEL_METRIC_EXPORT_INTERVAL=soon is no whole number"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(CommandError, match=re.escape(message)) as caught:
        Telemetry(Environment(), has_metrics=True)
    assert caught.value.exit_code == ExitCode.SETTINGS
    assert traced_by() is None


def test_without_the_option_nothing_is_imported_or_sent(command: Command, traced: TracedTarget) -> None:
    command.write(
        "users.py",
        "import sys\nfrom gregaria import FastHttpUser, events, task\n"
        "@events.quitting.add_listener\ndef tell(**_):\n    print('imported', 'opentelemetry' in sys.modules)\n"
        "class Buyer(FastHttpUser):\n    @task\n    def buy(self):\n        self.client.get('/a')\n",
    )
    ended = command.run("-f", "users.py", "--headless", "-H", traced.url, "-i", "1")
    assert "imported False" in ended.out
    assert traced.seen == [("/a", [])]
