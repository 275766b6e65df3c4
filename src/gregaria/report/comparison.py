"""A comparison of two runs as a table for people and as plain values for programs."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
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
#: columns that the name of a row takes at most where lines have no limit
_LONGEST_NAME = 120
#: rows that are shown on the lowest terminal
_FEWEST_ROWS = 10
#: changes beyond this are told as such
_MOST_PERCENT = 999


def comparison_lines(
    comparison: Comparison, *, width: int | None = None, height: int | None = None, colour: bool = False
) -> list[str]:
    """The comparison for a terminal of that size: a table, notes, and the verdict as the last paragraph.

    Args:
        width: characters to a line; None for no limit. Where intervals have no room, changes stand alone.
        height: lines that there is room for; None for no limit. Rows at the end of the table are left out.
        colour: write styles.
    """
    notes = [
        f"Only in {label}: {_listed(keys)}"
        for label, keys in (("A", comparison.only_in_a), ("B", comparison.only_in_b))
        if keys
    ]
    notes += [f"Note: {printable(note)}" for note in comparison.notes]
    has_intervals = not _table((*comparison.rows, comparison.total), width, colour, has_intervals=True).left_out()
    above = [*_wrapped([f"A: {_about(comparison.a)}", f"B: {_about(comparison.b)}"], width), ""]
    below = _wrapped([*_legend(comparison, has_intervals), *notes], width)
    below += ["", *_wrapped([printable(comparison.sentence)], width)]
    rows = comparison.rows
    # Heading and total of the table have two lines each, and one is for the prompt.
    if height is not None and len(rows) > (room := max(height - len(above) - len(below) - 6, _FEWEST_ROWS)):
        rows = rows[: room - 1]
        below.insert(0, f"{len(comparison.rows) - len(rows):,} more names, of less weight, are in a file or a pipe.")
    table = _table((*rows, comparison.total), width, colour, has_intervals)
    return [*above, *table.lines(), "", *below]


def _table(rows: Sequence[ComparedRow], width: int | None, colour: bool, has_intervals: bool) -> Table:
    # With intervals any column may go, which tells that there is no room for them.
    spare = dict.fromkeys(METRICS, 1) if has_intervals else {"p99": 2, "rate": 1}
    columns = [
        Column("Type", left=True),
        Column("Name", left=True, flexible=True),
        *(Column(_HEADINGS[metric], opens_group=True, spare=spare.get(metric, 0)) for metric in METRICS),
    ]
    cells = [_cells(row, has_intervals) for row in rows]
    return Table(columns, cells, max_width=width, max_flexible=_LONGEST_NAME, colour=colour)


def _legend(comparison: Comparison, has_intervals: bool) -> list[str]:
    changes = [change for row in (*comparison.rows, comparison.total) for change in row.changes.values()]
    signs = ["* is certain, many figures considered."] if any(change.direction for change in changes) else []
    if any(change.change is not None and change.low is None for change in changes):
        signs.append("(?) may be chance: there is too little to tell how far it may be off.")
    are_known = any(change.low is not None for change in changes)
    told = " with 95 % intervals" if has_intervals and are_known else ""
    lines = [" ".join([f"Changes from A to B (of failures in points){told}.", *signs])]
    if are_known and not has_intervals:
        lines.append("There is no room for the 95 % intervals: a wider terminal, or --json, has them.")
    return lines


def _wrapped(paragraphs: Iterable[str], width: int | None) -> list[str]:
    if width is None:
        return list(paragraphs)
    return [line for text in paragraphs for line in textwrap.wrap(text, width, subsequent_indent="  ")]


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
    users = "" if run.user_count is None else f", {run.user_count:,} user{'s' * (run.user_count != 1)}"
    count = len(run.parts)
    blocks = f"{run.length_s:,.0f} s in {count:,} block{'s' * (count != 1)}" if count else "totals only"
    return f"{printable(run.label)} ({blocks}{users})"


def _cells(row: ComparedRow, has_intervals: bool) -> list[Cell]:
    cells = [Cell(printable(row.method)), Cell(printable(row.name))]
    for metric in METRICS:
        change = row.changes[metric]
        worse = change.direction < 0 if metric == "rate" else change.direction > 0
        text = _change(metric, change, has_intervals)
        cells.append(Cell(text, "alarm" if worse and change.matters else ""))
    return cells


def _change(metric: str, change: Change, has_interval: bool = True) -> str:
    if change.change is None:
        return "-"
    # A share of requests changes by points, all else by a share of itself.
    text = f"{_percent(change.change)}{'pt' if metric == 'failures' else '%'}"
    if change.low is None or change.high is None:
        return f"{text} (?)"
    interval = f" ({_percent(change.low)} {_percent(change.high)})" if has_interval else ""
    return f"{text}{interval}{'*' if change.direction else ''}"


def _percent(change: float) -> str:
    """Without digits that say nothing: ``+4.1``, ``-97.5``, ``+152``, ``>+999``."""
    percent = change * 100
    if percent > _MOST_PERCENT:
        return f">+{_MOST_PERCENT}"
    return f"{percent:+.1f}" if abs(percent) < 99.95 else f"{percent:+.0f}"


def _listed(keys: tuple[Key, ...]) -> str:
    shown = ", ".join(printable(f"{method} {name}".strip()) for method, name in keys[:_MOST_ONLY])
    return shown if len(keys) <= _MOST_ONLY else f"{shown} and {len(keys) - _MOST_ONLY:,} more"
