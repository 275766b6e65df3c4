"""The live picture of a run: as much of it as the terminal's height has room for, the important first."""

from collections.abc import Sequence

from gregaria.report.cells import fit, paint, printable, start, width
from gregaria.report.progress import progress_lines
from gregaria.report.tables import Look, exception_name, failure_name, stats_table
from gregaria.report.verdict import broken_lines
from gregaria.stats.summary import RequestRow, Summary

__all__ = ["live_frame"]

_MOST_PROBLEMS = 5
#: heading, two rules and the total
_TABLE_FRAME_ROWS = 4


def live_frame(
    summary: Summary, look: Look, rows: int, run_time_s: float | None = None, target_users: int | None = None
) -> list[str]:
    """The lines to show on a terminal of ``rows`` rows; never more than fit, with room left for log lines.

    Progress is always shown, the total from nine rows on. Names that find no place are told in one line,
    those that fail and those with the most requests being kept; then come the commonest failures and exceptions.
    """
    budget = max(rows - 1 - min(rows // 5, 8), 1)
    progress = [*progress_lines(summary, look, run_time_s, target_users), *broken_lines(summary, look)]
    room = budget - len(progress) - 1 - _TABLE_FRAME_ROWS
    if room < 1:
        return (progress if room < 0 else [*progress, *_table(summary, look, 0)])[:budget]
    problems = _problems(summary, look)
    names = len(summary.requests)
    # names may push the problems down to a quarter of the room, but not away
    if problems and names + len(problems) + 1 > room:
        kept = max(min(len(problems), room - names - 1), min(len(problems), room // 4), 0)
        problems = problems[:kept]
    below = ["", *problems] if problems else []
    return [*progress, "", *_table(summary, look, room - len(below)), *below]


def _table(summary: Summary, look: Look, room: int) -> list[str]:
    """The table with ``room`` lines for names, the line that tells of those left out included."""
    requests = summary.requests
    if len(requests) <= room:
        return stats_table(summary, True, look, tail=True)
    ranked = sorted(range(len(requests)), key=lambda index: _weight(requests[index]), reverse=True)
    kept = max(room - 1, 0)
    # the foremost ones, in their usual order
    shown = [requests[index] for index in sorted(ranked[:kept])]
    lines = stats_table(summary, True, look, rows=shown, tail=True)
    if room < 1:
        return lines
    told = _left_out([requests[index] for index in ranked[kept:]], look)
    return [*lines[:-2], told, *lines[-2:]]


def _weight(row: RequestRow) -> tuple[bool, int]:
    return row.num_failures > 0, row.num_requests


def _left_out(hidden: Sequence[RequestRow], look: Look) -> str:
    text = f"... and {len(hidden):,} more names with {sum(row.num_requests for row in hidden):,} requests"
    if failures := sum(row.num_failures for row in hidden):
        text += f", {failures:,} failures"
    return paint(fit(text, look.width or len(text)), "faint" if look.colour else "")


def _problems(summary: Summary, look: Look) -> list[str]:
    counted = [(row.occurrences, failure_name(row), row.error) for row in summary.failures]
    counted += [(row.occurrences, failure_name(row), row.sample) for row in summary.generator_errors]
    counted += [(row.count, "in a task", exception_name(row)) for row in summary.exceptions]
    counted.sort(key=lambda each: -each[0])
    lines = []
    for count, where, error in counted[:_MOST_PROBLEMS]:
        number = f"{count:>9,} x "
        told = f"{printable(where)}: {printable(error)}"
        if look.width is not None:
            told = _problem(printable(where), printable(error), max(look.width - len(number), 1))
        lines.append((paint(number, "alarm") if look.colour else number) + told)
    return lines


def _problem(where: str, error: str, columns: int) -> str:
    """Place and error in so many columns. The place gives way first, for an error begins with what it is."""
    if width(where) + width(error) + 2 > columns:
        where = fit(where, max(columns // 3, columns - width(error) - 2))
    told = f"{where}: {error}"
    return told if width(told) <= columns else start(told, columns - 1) + "…"
