"""A comparison of two runs as a table for people and as plain values for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from gregaria.report.cells import printable
from gregaria.report.compare import METRICS, Change, ComparedRow, Comparison, Limit
from gregaria.report.measured import Key, MeasuredRun
from gregaria.report.table import Cell, Column, Table
from gregaria.version import VERSION

__all__ = ["SCHEMA", "comparison_document", "comparison_lines", "limit_line", "told_limit"]

#: name and version of what ``gregaria compare --json`` prints
SCHEMA = "gregaria.comparison/1"

_HEADINGS = {"rate": "req/s", "failures": "failures", "p50": "50%", "p95": "95%", "p99": "99%"}
_MOST_ONLY = 10


def comparison_lines(comparison: Comparison, *, width: int | None = None, colour: bool = False) -> list[str]:
    """The comparison for a terminal of that width: a table, notes, and the verdict as the last line.

    Args:
        width: characters to a line; None for no limit.
        colour: write styles.
    """
    columns = [
        Column("Type", left=True),
        Column("Name", left=True, flexible=True),
        *(
            Column(_HEADINGS[metric], opens_group=True, spare={"p99": 2, "rate": 1}.get(metric, 0))
            for metric in METRICS
        ),
    ]
    rows = [_cells(row) for row in (*comparison.rows, comparison.total)]
    lines = [
        f"A: {_about(comparison.a)}",
        f"B: {_about(comparison.b)}",
        "",
        *Table(columns, rows, max_width=width, colour=colour).lines(),
        "",
        "Changes from A to B (of failures in points) with 95 % intervals; * is certain, many figures considered.",
    ]
    for label, keys in (("A", comparison.only_in_a), ("B", comparison.only_in_b)):
        if keys:
            lines.append(f"Only in {label}: {_listed(keys)}")
    lines += [f"Note: {printable(note)}" for note in comparison.notes]
    return [*lines, "", printable(comparison.sentence)]


def told_limit(limit: Limit) -> str:
    """A limit in words."""
    return f"the limit {limit.metric}={limit.bound * 100:+g}%"


def limit_line(limit: Limit, row: ComparedRow) -> str:
    """That a row is beyond a limit."""
    change = _change(limit.metric, row.changes[limit.metric])
    return f"Beyond {told_limit(limit)}: {limit.metric} of {printable(row.label)} has changed by {change}"


def comparison_document(comparison: Comparison, beyond: Iterable[tuple[Limit, ComparedRow]] = ()) -> dict[str, Any]:
    """The comparison, made of nothing but what JSON can hold.

    Args:
        beyond: rows that are beyond limits.
    """
    return {
        "schema": SCHEMA,
        "gregaria_version": VERSION,
        "verdict": comparison.verdict,
        "sentence": comparison.sentence,
        "least_effect": comparison.least_effect,
        "a": _run(comparison.a),
        "b": _run(comparison.b),
        "total": _row(comparison.total),
        "rows": [_row(row) for row in comparison.rows],
        "only_in_a": [list(key) for key in comparison.only_in_a],
        "only_in_b": [list(key) for key in comparison.only_in_b],
        "notes": list(comparison.notes),
        "beyond_limits": [
            {"metric": limit.metric, "bound": limit.bound, "method": row.method, "name": row.name}
            for limit, row in beyond
        ],
    }


def _run(run: MeasuredRun) -> dict[str, Any]:
    return {
        "label": run.label,
        "compared_s": round(run.length_s, 3),
        "blocks": len(run.parts),
        "user_count": run.user_count,
    }


def _row(row: ComparedRow) -> dict[str, Any]:
    return {
        "method": row.method,
        "name": row.name,
        "changes": {metric: _plain(change) for metric, change in row.changes.items()},
    }


def _plain(change: Change) -> Mapping[str, float | int | None]:
    return {
        name: value if value is None else round(value, 6)
        for name, value in (
            ("a", change.a),
            ("b", change.b),
            ("change", change.change),
            ("low", change.low),
            ("high", change.high),
            ("direction", change.direction),
            ("matters", change.matters),
        )
    }


def _about(run: MeasuredRun) -> str:
    users = "" if run.user_count is None else f", {run.user_count:,} users"
    blocks = f"{run.length_s:,.0f} s in {len(run.parts):,} blocks" if run.parts else "totals only"
    return f"{printable(run.label)} ({blocks}{users})"


def _cells(row: ComparedRow) -> list[Cell]:
    cells = [Cell(printable(row.method)), Cell(printable(row.name))]
    for metric in METRICS:
        change = row.changes[metric]
        worse = change.direction < 0 if metric == "rate" else change.direction > 0
        cells.append(Cell(_change(metric, change), "alarm" if worse and change.matters else ""))
    return cells


def _change(metric: str, change: Change) -> str:
    if change.change is None:
        return "-"
    # A share of requests changes by points, all else by a share of itself.
    text = f"{change.change * 100:+.1f}{'pt' if metric == 'failures' else '%'}"
    if change.low is None or change.high is None:
        return f"{text} (?)"
    return f"{text} ({change.low * 100:+.1f} {change.high * 100:+.1f}){'*' if change.direction else ''}"


def _listed(keys: tuple[Key, ...]) -> str:
    shown = ", ".join(printable(f"{method} {name}".strip()) for method, name in keys[:_MOST_ONLY])
    return shown if len(keys) <= _MOST_ONLY else f"{shown} and {len(keys) - _MOST_ONLY:,} more"
