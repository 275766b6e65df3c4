"""A receiver of OpenTelemetry's protocol over HTTP, and a target that remembers which traces it was told of."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def log_message(self, *_: object) -> None:
        """Keep silent."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()


class _Receives(Handler):
    def do_POST(self) -> None:
        body = self.body()
        owner = self.server.owner
        owner.held.wait()
        with owner.lock:
            owner.num_asked += 1
            refusal = owner.refusals.pop(0) if owner.refusals else 0
        if refusal:
            return self.answer(refusal)
        owner.take(self.path, body, dict(self.headers.items()))
        return self.answer(200, {"Content-Type": "application/x-protobuf"})


class Receiver:
    """What has been received.

    Attributes:
        spans: every span, and the attributes of its resource.
        metrics: those of each time: {name: metric}.
        headers: of the last request.
        held: while it is not set nobody is answered.
        refusals: statuses that the next requests are answered with, and not taken.
        num_asked: requests that there were.
    """

    def __init__(self) -> None:
        self.spans: list[tuple[Any, dict[str, Any]]] = []
        self.metrics: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.held = threading.Event()
        self.held.set()
        self.refusals: list[int] = []
        self.num_asked = 0
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Receives)
        self.server.owner = self  # type: ignore[attr-defined]

    @property
    def variables(self) -> dict[str, str]:
        """By which a command finds it."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server.server_address[1]}"}

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        with self.lock:
            self.headers = headers
            if path == "/v1/traces":
                for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                    resource = attributes(group.resource)
                    self.spans += [(span, resource) for scope in group.scope_spans for span in scope.spans]
            else:
                assert path == "/v1/metrics", path
                for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                    self.metrics.append(
                        {metric.name: metric for scope in group.scope_metrics for metric in scope.metrics}
                    )

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """Attributes and data points of a metric, as they were last received."""
        metric = self.metrics[-1][name]
        return [(attributes(point), point) for point in getattr(metric, metric.WhichOneof("data")).data_points]


def attributes(thing: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in thing.attributes}


class _IsTraced(Handler):
    def do_GET(self) -> None:
        self.body()
        with self.server.owner.lock:
            self.server.owner.seen.append((self.path, self.headers.get_all("traceparent") or []))
        if self.path.startswith("/moved"):
            self.answer(302, {"Location": "/arrived"})
        elif self.path.startswith("/lost"):
            self.close_connection = True
        else:
            self.answer(500 if self.path.startswith("/broken") else 200)

    do_POST = do_GET


class TracedTarget:
    """Answers /moved with a redirect, /broken with 500, /lost not at all, all else with 200.

    Attributes:
        seen: path and ``traceparent`` headers of each request.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[str]]] = []
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _IsTraced)
        self.server.owner = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
