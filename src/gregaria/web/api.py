"""What the page asks for beside the events: windows, series, failures, the form, runs that are over."""

import math
from collections.abc import Callable
from typing import Any

import gevent
from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from gregaria.errors import CommandError
from gregaria.report.compare import compare
from gregaria.report.comparison import comparison_document
from gregaria.report.exchanges import exchange_document
from gregaria.report.measured import run_of_document
from gregaria.runner.state import STATE_RUNNING, STATE_SPAWNING
from gregaria.settings import settings
from gregaria.stats.summary import RequestRow, reported_fractions
from gregaria.web.feed import Feed
from gregaria.web.figures import is_master
from gregaria.web.form import kind_of, shown
from gregaria.web.groups import times_of_groups
from gregaria.web.locust_api import download, logs_of, task_ratios
from gregaria.web.order import RULES_SOURCE, most_rps, own_fields, rules_of_form
from gregaria.web.picture import Picture
from gregaria.web.report import report_response
from gregaria.web.runs import Runs

__all__ = ["Api"]

#: a moment, in seconds since 1970, that no test sees
_FAR_S = 1e11
_CONTENT_TYPES = {".json": "application/json", ".csv": "text/csv"}


class Api:
    """The page's own interface, see docs/design/012-a-page-to-look-at.md.

    Args:
        environment: whose test it is.
        picture, feed: what pages see, and what tells them.
        runs: those that are over.
        picks_classes: whether the form chooses user classes and shape.
    """

    def __init__(self, environment: Any, picture: Picture, feed: Feed, runs: Runs, picks_classes: bool) -> None:
        self._environment = environment
        self._picture = picture
        self._feed = feed
        self._runs = runs
        self._picks_classes = picks_classes

    def add_routes(self, blueprint: Blueprint, guarded: Callable[[Any], Any]) -> None:
        """Add all of them, each let in by ``guarded``."""
        for path, view in (
            ("/events", self.events),
            ("/window", self.window),
            ("/series", self.series),
            ("/failures", self.failures),
            ("/form", self.form),
            ("/tasks", self.tasks),
            ("/logs", self.logs),
            ("/runs", self.runs),
            ("/runs/<run_id>/document", self.run_document),
            ("/runs/<run_id>/report", self.run_report),
            ("/runs/<run_id>/<name>", self.run_file),
            ("/compare", self.compare),
        ):
            blueprint.add_url_rule(path, view.__name__, guarded(view))
        # Many ids would be too long for an address.
        blueprint.add_url_rule("/groups", "groups", guarded(self.groups), methods=["POST"])

    def events(self) -> ResponseReturnValue:
        """The stream of events."""
        if self._feed.is_full:
            abort(503, "There are too many pages open; close one of them.")
        events = self._feed.events(request.headers.get("Last-Event-ID"))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Response(events if request.method == "GET" else [], mimetype="text/event-stream", headers=headers)

    def window(self) -> ResponseReturnValue:
        """The statistics of a stretch of time."""
        found = self._environment.stats.timeline.window(_moment("from", 0.0), _moment("to", _FAR_S))
        if found is None:
            abort(404, "Nothing is known of that time.")
        fractions = reported_fractions()
        names, rows = [], []
        for row in found.rows:
            number = self._picture.id_of(row.method, row.name)
            names.append([number, row.method, row.name])
            rows.append([number, *_plain_row(row, fractions)])
        return jsonify(
            from_epoch_s=found.from_epoch_s,
            to_epoch_s=found.to_epoch_s,
            fractions=fractions,
            names=names,
            rows=rows,
            total=_plain_row(found.total, fractions),
        )

    def series(self) -> ResponseReturnValue:
        """The course of one name."""
        number = request.args.get("id", type=int)
        key = None if number is None else self._picture.names.get(number)
        if key is None:
            abort(404, "There is no such id.")
        points = self._environment.stats.timeline.series(*key, _moment("from", 0.0), _moment("to", _FAR_S))
        return jsonify(points=[point.plain() for point in points])

    def groups(self) -> ResponseReturnValue:
        """The percentiles of several names together, for each group of them."""
        groups, span = _asked_groups(request.get_json(force=True, silent=True))
        names = self._picture.names
        keys = [{names[number] for number in group if number in names} for group in groups]
        fractions = reported_fractions()
        return jsonify(
            fractions=fractions,
            groups=[
                [times.percentile_us(fraction) for fraction in fractions] if times.total else []
                for times in times_of_groups(self._environment.stats, keys, span)
            ],
        )

    def failures(self) -> ResponseReturnValue:
        """Failures with what was sent and received, exceptions, and requests that could not be made."""
        stats, runner = self._environment.stats, self._environment.runner
        exceptions = [] if runner is None else list(runner.exceptions.values())
        return jsonify(
            failures=[self._group(group) for group in list(stats.errors.values())],
            generator_errors=[self._group(group) for group in list(stats.generator_errors.values())],
            exceptions=[
                {
                    "count": row["count"],
                    "message": row["msg"],
                    "traceback": row["traceback"],
                    "nodes": sorted(row["nodes"]),
                }
                for row in exceptions
            ],
        )

    def form(self) -> ResponseReturnValue:
        """What the start form needs."""
        environment = self._environment
        options, runner = environment.parsed_options, environment.runner
        classes = environment.available_user_classes or environment.user_classes_by_name
        shape = environment.shape_class
        is_distributed = is_master(runner)
        return jsonify(
            values={
                "user_count": getattr(options, "num_users", None),
                "spawn_rate": getattr(options, "spawn_rate", None),
                "run_time_s": getattr(options, "run_time", None),
                "host": environment.host,
                "profile": environment.profile,
            },
            is_running=runner is not None and runner.state in (STATE_SPAWNING, STATE_RUNNING),
            is_host_required=settings.host_is_required,
            picks_classes=self._picks_classes,
            user_classes=[
                {**user_class.json(), "name": name, "is_chosen": user_class in environment.user_classes}
                for name, user_class in classes.items()
            ],
            user_tasks={
                name: [getattr(task, "__name__", repr(task)) for task in tasks]
                for name, tasks in (environment.available_user_tasks or {}).items()
            },
            shapes=list(environment.available_shape_classes or {}),
            shape=None if shape is None else type(shape).__name__,
            shape_uses_options=bool(shape is not None and shape.use_common_options),
            options=self._options(),
            own_fields=own_fields(environment),
            limits=self._limits(),
            is_distributed=is_distributed,
            expected_workers=getattr(options, "expect_workers", 1) if is_distributed else 0,
            worker_count=runner.worker_count if is_distributed else 0,
        )

    def tasks(self) -> ResponseReturnValue:
        """As ``/tasks``."""
        return jsonify(task_ratios(self._environment))

    def logs(self) -> ResponseReturnValue:
        """As ``/logs``."""
        return jsonify(logs_of(self._environment))

    def runs(self) -> ResponseReturnValue:
        """The runs that are over, newest first."""
        return jsonify(self._runs.listed())

    def run_document(self, run_id: str) -> ResponseReturnValue:
        """The document of one of them."""
        return self.run_file(run_id, "document.json")

    def run_report(self, run_id: str) -> ResponseReturnValue:
        """The report of one of them."""
        found = _apart(self._runs.document, run_id)
        if found is None:
            abort(404, "There is no such run.")
        return report_response(found, f"{run_id}_report.html")

    def run_file(self, run_id: str, name: str) -> ResponseReturnValue:
        """A file of one of them, to keep."""
        path = self._runs.file(run_id, name)
        if path is None:
            abort(404, "There is no such run, or it has no such file.")
        return download(path.read_bytes(), _CONTENT_TYPES[path.suffix], f"{run_id}_{name}")

    def compare(self) -> ResponseReturnValue:
        """What has changed from one of them to another."""
        measured = []
        for name in ("a", "b"):
            run_id = request.args.get(name, "")
            found = _apart(self._runs.document, run_id)
            if found is None:
                abort(404, f"{name} names no run.")
            measured.append((found, self._runs.label(run_id)))
        return jsonify(_apart(_comparison, *measured))

    def _group(self, group: Any) -> dict[str, Any]:
        return {
            "method": group.method,
            "name": self._environment.stats.errors.mask.text(group.name),
            "error": group.error,
            "sample": group.sample,
            "occurrences": group.occurrences,
            "first_seen_epoch_s": group.first_seen,
            "last_seen_epoch_s": group.last_seen,
            "exchanges": [exchange_document(exchange) for exchange in group.exchanges],
        }

    def _limits(self) -> dict[str, Any]:
        """What must not be, and what may not be asked for: as it stands for the next test."""
        environment = self._environment
        judge, allowed = environment.judge, environment.allowed_hosts
        return {
            "max_rps": environment.max_rps,
            "most_rps": most_rps(environment),
            "rules": rules_of_form(environment),
            "other_rules": [{"rule": text, "source": source} for text, source in judge.rules if source != RULES_SOURCE],
            "warmup_s": judge.warmup_s,
            "baseline": judge.baseline_name,
            "allow_hosts": [] if allowed is None else list(allowed.texts),
        }

    def _options(self) -> list[dict[str, Any]]:
        parsed = self._environment.parsed_options
        found = []
        for name, option in self._environment.custom_options.items():
            value = getattr(parsed, name, option.default)
            if option.is_shown:
                found.append(
                    {
                        "name": name,
                        "kind": kind_of(option, value),
                        "value": None if option.is_secret else shown(value),
                        "is_set": value not in (None, "", []),
                        "choices": option.choices,
                        "help": option.help,
                        "is_secret": option.is_secret,
                        "is_required": option.is_required,
                    }
                )
        return found


def _comparison(a: tuple[dict[str, Any], str], b: tuple[dict[str, Any], str]) -> dict[str, Any]:
    return comparison_document(compare(run_of_document(*a), run_of_document(*b)))


def _apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """What some work makes in a thread of the system: it may take longer than users of a running test are to wait."""
    try:
        return gevent.get_hub().threadpool.apply(work, arguments)
    except CommandError as error:
        abort(400, str(error))


def _moment(name: str, default: float) -> float:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        moment = float(text)
    except ValueError:
        moment = math.nan
    if not math.isfinite(moment):
        abort(400, f"{name} is a moment in seconds since 1970, not {text!r}")
    return moment


def _asked_groups(told: Any) -> tuple[list[list[int]], tuple[float, float] | None]:
    """Groups of ids, and the stretch of time if there is one."""
    body = told if isinstance(told, dict) else {}
    groups, span = body.get("groups"), body.get("span")
    if not isinstance(groups, list) or not all(_is_list_of(group, int) for group in groups):
        abort(400, "The body is a JSON object, whose groups is a list of lists of ids")
    if span is None:
        return groups, None
    if not _is_list_of(span, int | float) or len(span) != 2 or not all(abs(each) < _FAR_S for each in span):
        abort(400, "span is null, for the whole test, or two moments in seconds since 1970")
    return groups, (float(span[0]), float(span[1]))


def _is_list_of(value: Any, kind: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) and not isinstance(each, bool) for each in value)


def _plain_row(row: RequestRow, fractions: list[float]) -> list[Any]:
    is_timed = row.max_us is not None
    return [
        row.num_requests,
        row.num_failures,
        round(row.current_rps, 3),
        round(row.current_fail_per_s, 3),
        round(row.avg_us) if is_timed else None,
        row.min_us,
        row.max_us,
        round(row.avg_size_bytes, 1),
        round(row.total_rps, 3),
        round(row.total_fail_per_s, 3),
        row.num_late,
        [row.percentiles_us.get(fraction) for fraction in fractions] if is_timed else [],
    ]
