"""``/metrics``: for Prometheus, on the port of the web interface and on one of its own."""

import hmac
from collections.abc import Callable
from typing import Any

import gevent
from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from gregaria.metrics.exposition import CONTENT_TYPE, exposition
from gregaria.web.guard import Guard
from gregaria.web.server import Server, shown_host, tls_context

__all__ = ["MetricsServer", "metrics_view"]


def metrics_view(
    environment: Any, token: str | None, has_exporter_names: bool, otherwise: Callable[[Any], Any] | None = None
) -> Callable[[], Any]:
    """The view that answers a scrape.

    Args:
        environment: whose test it is.
        token: without it as ``Authorization: Bearer TOKEN`` nobody is answered; None for no such rule.
        has_exporter_names: tell it under locust_exporter's names, too.
        otherwise: makes a view that lets in who has no token but has logged in.
    """

    def answer() -> ResponseReturnValue:
        # In pieces: to send all of it at once would keep users waiting for as long as to write it.
        pieces = exposition(environment, has_exporter_names=has_exporter_names)
        return Response(pieces, content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    for_others = otherwise(answer) if otherwise is not None else answer

    def metrics() -> Any:
        theirs = _view_of_locustfile()
        if theirs is not None:
            return theirs()
        if token is None:
            return for_others()
        if _has(token):
            return answer()
        if otherwise is None:
            raise Unauthorized(
                "Send the token of --prometheus-token, as Authorization: Bearer TOKEN.",
                www_authenticate=WWWAuthenticate("bearer"),
            )
        return for_others()

    return metrics


class MetricsServer:
    """Answers ``GET /metrics`` on a port of its own, and nothing else.

    Args:
        environment: whose test it is.
        host, port: where to listen; an empty host or ``*`` is everywhere, port 0 any.
        display_name: under what name the machine is known.
        tls_cert, tls_key: PEM files; with them it speaks HTTPS.
        token, has_exporter_names: as with ``metrics_view``.

    Raises:
        CommandError: the port cannot be taken, or the files cannot be used.
    """

    def __init__(
        self,
        environment: Any,
        host: str,
        port: int,
        *,
        display_name: str | None = None,
        tls_cert: str | None = None,
        tls_key: str | None = None,
        token: str | None = None,
        has_exporter_names: bool = True,
    ) -> None:
        host = "" if host == "*" else host
        app = Flask("gregaria.web", static_folder=None)
        Guard(host, [display_name] if display_name else [], (), "", ("metrics",)).watch(app)
        blueprint = Blueprint("metrics", __name__)
        blueprint.add_url_rule("/metrics", "metrics", metrics_view(environment, token, has_exporter_names))
        app.register_blueprint(blueprint)
        tls = tls_context(tls_cert, tls_key)
        self._server = Server(host, port, app, tls, option="prometheus")
        self._server.listen()
        self._greenlet = gevent.spawn(self._server.serve_forever)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://{shown_host(host, display_name)}:{self._server.server_port}/metrics"

    def stop(self) -> None:
        """Answer no more."""
        self._server.stop()


def _view_of_locustfile() -> Callable[[], Any] | None:
    """What a locustfile answers at the same path: one that has brought metrics of its own keeps them."""
    for rule in current_app.url_map.iter_rules():
        if request.url_rule is not None and rule.rule == request.url_rule.rule and rule.endpoint != request.endpoint:
            return current_app.view_functions[rule.endpoint]
    return None


def _has(token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("utf-8", "replace"), token.encode("utf-8", "replace")
    )
