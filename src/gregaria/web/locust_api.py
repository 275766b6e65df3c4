"""Locust's endpoints that tell: figures as JSON and CSV, exceptions, tasks, logs, the report."""

import io
import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, jsonify
from flask.typing import ResponseReturnValue

from gregaria.logs import last_lines
from gregaria.report.csv import write_exceptions, write_failures, write_requests
from gregaria.report.moment import host_of, summary_of
from gregaria.settings import settings
from gregaria.stats.summary import Summary
from gregaria.users.ratio import get_ratio
from gregaria.web.figures import is_master, json_in_turns, locust_stats

__all__ = ["LocustApi", "download", "file_name", "logs_of", "task_ratios"]

logger = logging.getLogger("gregaria.web")

#: what file systems and headers take from a name
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NO_HISTORY = "Error: Server was not started with option to generate full history."


def logs_of(environment: Any) -> dict[str, Any]:
    """The last lines of this process and of its workers; a task may have logged a secret."""
    mask = environment.stats.errors.mask
    return {
        "master": [mask.text(line) for line in last_lines()],
        "workers": {node_id: [mask.text(line) for line in lines] for node_id, lines in environment.worker_logs.items()},
    }


class LocustApi:
    """What scripts, exporters and autoscalers written for Locust ask for.

    Args:
        environment: whose figures are told.
        history_path: tells where the history file of the current test is; None where nobody writes a full one.
    """

    def __init__(self, environment: Any, history_path: Callable[[], Path | None]) -> None:
        self._environment = environment
        self._history_path = history_path
        self._answer = b""
        self._answer_is_good_until_s = 0.0
        self._answer_began_us = 0

    def add_routes(self, blueprint: Blueprint, guarded: Callable[[Any], Any]) -> None:
        """Add all of them, each let in by ``guarded``."""
        for path, name, view in (
            ("/stats/requests", "request_stats", self.request_stats),
            ("/stats/requests/csv", "request_stats_csv", self.requests_csv),
            ("/stats/failures/csv", "failures_stats_csv", self.failures_csv),
            ("/stats/requests_full_history/csv", "request_stats_full_history_csv", self.history_csv),
            ("/exceptions", "exceptions", self.exceptions),
            ("/exceptions/csv", "exceptions_csv", self.exceptions_csv),
            ("/tasks", "tasks", self.tasks),
            ("/logs", "logs", self.logs),
            ("/worker-count", "get_worker_count", self.worker_count),
        ):
            blueprint.add_url_rule(path, name, guarded(view))

    def request_stats(self) -> ResponseReturnValue:
        """The figures; made at most so often that pages do not cost the test what it measures with."""
        began_us = self._environment.stats.started_us
        now_s = time.monotonic()
        if now_s >= self._answer_is_good_until_s or began_us != self._answer_began_us:
            self._answer = json_in_turns(locust_stats(self._environment)).encode()
            self._answer_began_us = began_us
            took_s = time.monotonic() - now_s
            self._answer_is_good_until_s = now_s + max(settings.web_cache_time_s, 2 * took_s)
        return Response(self._answer, mimetype="application/json")

    def requests_csv(self) -> ResponseReturnValue:
        """What is in ``PREFIX_stats.csv``."""
        return self._csv(write_requests, "requests")

    def failures_csv(self) -> ResponseReturnValue:
        """What is in ``PREFIX_failures.csv``."""
        return self._csv(write_failures, "failures")

    def exceptions_csv(self) -> ResponseReturnValue:
        """What is in ``PREFIX_exceptions.csv``."""
        return self._csv(write_exceptions, "exceptions")

    def history_csv(self) -> ResponseReturnValue:
        """The file ``PREFIX_stats_history.csv`` as far as it is written."""
        path = self._history_path()
        if path is None:
            return Response(_NO_HISTORY, 404, mimetype="text/plain")
        return download(path.read_bytes(), "text/csv", file_name(self._environment, "requests_full_history", "csv"))

    def exceptions(self) -> ResponseReturnValue:
        """What has escaped tasks."""
        rows = [] if self._environment.runner is None else list(self._environment.runner.exceptions.values())
        return jsonify(
            exceptions=[
                {
                    "count": row["count"],
                    "msg": row["msg"],
                    "traceback": row["traceback"],
                    "nodes": ", ".join(sorted(row["nodes"])),
                }
                for row in rows
            ]
        )

    def tasks(self) -> ResponseReturnValue:
        """The share of each task, by the users there are."""
        return jsonify(task_ratios(self._environment))

    def logs(self) -> ResponseReturnValue:
        """The last lines of this process and of its workers."""
        return jsonify(logs_of(self._environment))

    def worker_count(self) -> ResponseReturnValue:
        """How many workers are heard of."""
        runner = self._environment.runner
        return jsonify(worker_count=runner.worker_count if is_master(runner) else 0)

    def _csv(self, write: Callable[[Summary, Any], None], what: str) -> Response:
        if self._environment.runner is None:
            abort(404, "There is no runner.")
        text = io.StringIO(newline="")
        write(summary_of(self._environment.runner), text)
        name = file_name(self._environment, what, "csv")
        return download(text.getvalue().encode("utf-8", "backslashreplace"), "text/csv", name)


def file_name(environment: Any, what: str, suffix: str) -> str:
    """What a download is called; ``what`` may be empty."""
    moment = datetime.now().strftime("%Y-%m-%d-%Hh%M")
    parts = ["Locust", moment, environment.locustfile or "", host_of(environment) or "", what]
    return "_".join(_UNSAFE.sub("-", part).strip("-") for part in parts if part) + f".{suffix}"


def download(content: bytes, kind: str, name: str) -> Response:
    """A file that the browser keeps under that name."""
    headers = {"Content-Disposition": f"attachment;filename={name}", "Cache-Control": "no-store"}
    return Response(content, mimetype=kind, headers=headers)


def task_ratios(environment: Any) -> dict[str, Any]:
    """The share of each task within its class, and of all, by the users there are."""
    runner = environment.runner
    counts = {} if runner is None else dict(runner.user_classes_count)
    return {
        "per_class": get_ratio(environment.user_classes, counts, False),
        "total": get_ratio(environment.user_classes, counts, True),
    }
