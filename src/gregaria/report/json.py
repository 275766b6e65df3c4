"""The run as JSON: Locust's list of entries, and a versioned document with everything a Summary holds."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gregaria.report.exchanges import kept_exchanges
from gregaria.report.file import ensure_writable, write_text
from gregaria.report.generator import generator_document
from gregaria.report.machine import machine_document
from gregaria.report.percentiles import label, middle_us
from gregaria.report.verdict import verdict_document
from gregaria.settings import settings
from gregaria.stats.course import Course
from gregaria.stats.response_times import bucket_response_time
from gregaria.stats.summary import (
    ExceptionRow,
    FailureRow,
    GeneratorErrorRow,
    HistoryPoint,
    Limits,
    RequestRow,
    Stretch,
    Summary,
)
from gregaria.version import VERSION

__all__ = [
    "DOCUMENT_BYTES",
    "SCHEMA",
    "check_document_path",
    "document",
    "document_path",
    "document_text",
    "to_locust_json",
    "write_document",
]

#: name and version of the document's layout; summary.schema.json beside this describes it
SCHEMA = "gregaria.summary/1"
#: what a document may take, as JSON without blanks: its timeline is as fine as that allows
DOCUMENT_BYTES = 5_000_000

_OPTION = "--json-file"


def to_locust_json(summary: Summary) -> str:
    """The list that Locust's ``--json`` prints: an entry for each name, the total not included."""
    entries = [_locust_entry(row, summary) for row in summary.requests]
    return json.dumps(entries, indent=4, allow_nan=False)


def document(summary: Summary) -> dict[str, Any]:
    """The versioned document, made of nothing but what JSON can hold.

    Times of requests are in ms, moments in seconds since 1970; what is unknown is null. A later version of Gregaria may
    add fields; one that changes or drops any changes ``schema`` too.
    """
    kept = kept_exchanges(summary.failures)
    return {
        "schema": SCHEMA,
        "gregaria_version": VERSION,
        "machine": machine_document(),
        "state": summary.state,
        "host": summary.host,
        "locustfiles": list(summary.locustfiles),
        "options": _plain(summary.options),
        "started_at": _moment(summary.started_epoch_s),
        "ended_at": _moment(summary.ended_epoch_s),
        "started_epoch_s": _finite(summary.started_epoch_s),
        "ended_epoch_s": _finite(summary.ended_epoch_s),
        "duration_s": _number(summary.duration_s),
        "user_count": summary.user_count,
        "user_classes": dict(summary.user_classes),
        "interrupted": summary.total.num_interrupted,
        "total": _row(summary.total),
        "requests": [_row(row) for row in summary.requests],
        "failures": [_failure(row, kept[place]) for place, row in enumerate(summary.failures)],
        "generator_errors": [_group(row) for row in summary.generator_errors],
        "exceptions": [_exception(row) for row in summary.exceptions],
        "history": [_point(point) for point in summary.history],
        "notes": list(summary.notes),
        "shown_percentiles": {
            "table": list(settings.percentiles_to_statistics),
            "chart": list(settings.percentiles_to_chart),
        },
        "task_ratios": summary.task_ratios,
        "generator": generator_document(summary),
        "verdict": verdict_document(summary.verdict),
        "after_warmup": None if summary.after_warmup is None else _stretch(summary.after_warmup),
        "limits": None if summary.limits is None else _limits(summary.limits),
        "timeline": None if summary.course is None else _timeline(summary.course),
    }


def document_text(document: dict[str, Any]) -> str:
    """A document as text, for people too: only the timeline, which is last, is a line of its own."""
    known = json.dumps({**document, "timeline": None}, indent=2, allow_nan=False)
    timeline = json.dumps(document["timeline"], separators=(",", ":"), allow_nan=False)
    return known.removesuffix("null\n}") + timeline + "\n}\n"


def document_path(name: str) -> Path:
    """The file that ``--json-file NAME`` means: NAME, with ``.json`` added where it is missing, as in Locust."""
    return Path(name if name.lower().endswith(".json") else f"{name}.json")


def check_document_path(name: str) -> None:
    """See before the test that the document can be written after it.

    Raises:
        CommandError: it cannot (exit code OUTPUT).
    """
    ensure_writable(document_path(name), _OPTION)


def write_document(name: str, summary: Summary) -> Path:
    """Write the document to ``document_path(name)``, whole or not at all; returns the path.

    Raises:
        CommandError: it could not be written (exit code OUTPUT).
    """
    path = document_path(name)
    write_text(path, document_text(document(summary)), _OPTION)
    return path


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        "allowed_hosts": None if limits.allowed_hosts is None else list(limits.allowed_hosts),
        "max_rps": _finite(limits.max_rps),
        "max_rps_reached_s": limits.max_rps_reached_s,
        "max_rps_watched_s": limits.max_rps_watched_s,
    }


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        "from_epoch_s": _finite(stretch.from_epoch_s),
        "duration_s": _number(stretch.duration_s),
        "total": _row(stretch.total),
        "requests": [_row(row) for row in stretch.requests],
    }


def _row(row: RequestRow) -> dict[str, Any]:
    return {
        "method": row.method,
        "name": row.name,
        "num_requests": row.num_requests,
        "num_none_requests": row.num_none_requests,
        "num_failures": row.num_failures,
        "num_interrupted": row.num_interrupted,
        "num_generator_errors": row.num_generator_errors,
        "num_late": row.num_late,
        "fail_ratio": _number(row.fail_ratio),
        "min_ms": _ms(row.min_us),
        "max_ms": _ms(row.max_us),
        "avg_ms": _ms(None if row.max_us is None else row.avg_us),
        "median_ms": _ms(None if row.max_us is None else row.median_us),
        "percentiles_ms": _percentiles(row.percentiles_us),
        "intended_percentiles_ms": _percentiles(row.intended_percentiles_us),
        "phases_ms": None
        if row.phases_us is None
        else {phase: _percentiles(times_us) for phase, times_us in row.phases_us.items()},
        "avg_size_bytes": _number(row.avg_size_bytes),
        "total_size_bytes": row.total_size_bytes,
        "current_rps": _number(row.current_rps),
        "current_fail_per_s": _number(row.current_fail_per_s),
        "total_rps": _number(row.total_rps),
        "total_fail_per_s": _number(row.total_fail_per_s),
        "histogram_us": {str(edge): count for edge, count in sorted(row.histogram_us.items())},
    }


def _failure(row: FailureRow, kept: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_group(row), "exchanges": len(row.exchanges), "kept_exchanges": kept}


def _group(row: FailureRow | GeneratorErrorRow) -> dict[str, Any]:
    return {
        "method": row.method,
        "name": row.name,
        "error": row.error,
        "sample": row.sample,
        "occurrences": row.occurrences,
        "first_seen_epoch_s": _finite(row.first_seen_epoch_s),
        "last_seen_epoch_s": _finite(row.last_seen_epoch_s),
    }


def _exception(row: ExceptionRow) -> dict[str, Any]:
    return {"count": row.count, "message": row.message, "traceback": row.traceback, "nodes": list(row.nodes)}


def _point(point: HistoryPoint) -> dict[str, Any]:
    return {
        "epoch_s": _number(point.epoch_s),
        "user_count": point.user_count,
        "current_rps": _number(point.current_rps),
        "current_fail_per_s": _number(point.current_fail_per_s),
        "avg_ms": _ms(point.avg_us),
        "current_percentiles_ms": _percentiles(point.current_percentiles_us),
        "num_requests": point.num_requests,
        "num_failures": point.num_failures,
    }


def _timeline(course: Course) -> dict[str, Any]:
    return {
        "started_epoch_s": course.started_epoch_s,
        "buckets_per_octave": course.buckets_per_octave,
        "names": [list(name) for name in course.names],
        "edges_us": list(course.edges_us),
        "blocks": [block.plain() for block in course.blocks],
        "points": [point.plain() for point in course.points],
        "marks": [mark.plain() for mark in course.marks],
    }


def _locust_entry(row: RequestRow, summary: Summary) -> dict[str, Any]:
    timed = row.num_requests - row.num_none_requests
    return {
        "name": row.name,
        "method": row.method,
        "last_request_timestamp": float(max(row.per_second)) if row.per_second else None,
        "start_time": _number(summary.started_epoch_s or 0.0),
        "num_requests": row.num_requests,
        "num_none_requests": row.num_none_requests,
        "num_failures": row.num_failures,
        "total_response_time": _number(row.avg_us * timed / 1000),
        "max_response_time": _ms(row.max_us) or 0,
        "min_response_time": _ms(row.min_us),
        "total_content_length": row.total_size_bytes,
        "response_times": _locust_buckets(row),
        "num_reqs_per_sec": {str(second): each[0] for second, each in sorted(row.per_second.items()) if each[0]},
        "num_fail_per_sec": {str(second): each[1] for second, each in sorted(row.per_second.items()) if each[1]},
    }


def _locust_buckets(row: RequestRow) -> dict[str, int]:
    """The histogram in Locust's steps: whole ms, from 100 ms on two digits."""
    if row.min_us is None or row.max_us is None:
        return {}
    buckets: dict[int, int] = {}
    for edge_us, count in sorted(row.histogram_us.items()):
        time_us = min(max(middle_us(edge_us), row.min_us), row.max_us)
        bucket = bucket_response_time(time_us / 1000)
        buckets[bucket] = buckets.get(bucket, 0) + count
    return {str(bucket): count for bucket, count in buckets.items()}


def _percentiles(percentiles_us: Mapping[float, int]) -> dict[str, float | None]:
    return {f"p{label(fraction)[:-1]}": _ms(time_us) for fraction, time_us in sorted(percentiles_us.items())}


def _ms(time_us: float | None) -> float | None:
    # nanoseconds are kept for averages; times themselves are whole microseconds
    return None if time_us is None or not math.isfinite(time_us) else round(time_us / 1000, 6)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 6)


def _number(value: float) -> float:
    """A figure that JSON can hold, six decimals: what is no number (a rate of nothing) is 0."""
    return round(value, 6) if math.isfinite(value) else 0.0


def _plain(value: object) -> Any:
    """The value as JSON can hold it: what it has no form for becomes text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(each) for each in value), key=str)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or type(value) in (bool, int, float, str):
        return value
    return str(value)


def _moment(epoch_s: float | None) -> str | None:
    if epoch_s is None or not math.isfinite(epoch_s):
        return None
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
