"""The console's tables: requests, percentiles, failures, exceptions; each a list of lines made of one Summary."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gregaria.report.cells import fit, milliseconds, paint, printable, rate, share
from gregaria.report.percentiles import label, of_row
from gregaria.report.table import Cell, Column, Table
from gregaria.settings import settings
from gregaria.stats.summary import ExceptionRow, FailureRow, GeneratorErrorRow, RequestRow, Summary

__all__ = [
    "Look",
    "error_report",
    "exception_report",
    "generator_error_report",
    "intended_percentile_table",
    "percentile_table",
    "stats_table",
]

_FIGURE_COLUMNS = (
    Column("# reqs", comfortable=7),
    Column("# fails", comfortable=12),
    Column("Avg", comfortable=7, opens_group=True),
    Column("Min", comfortable=7, spare=3),
    Column("Max", comfortable=7, spare=1),
    Column("Med", comfortable=7),
    Column("req/s", comfortable=8, opens_group=True),
    Column("failures/s", comfortable=11, spare=4),
)
#: tail percentiles that the live table adds after the median, where there is room
_TAIL = (Column("95%", comfortable=7, spare=6), Column("99%", comfortable=7, spare=5))
_TAIL_FRACTIONS = (0.95, 0.99)
_COUNT_WIDTH = 18
_LONGEST_TYPE = 16
_LONGEST_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Look:
    """What a place to print to can show.

    Attributes:
        width: characters to a line, or None where nothing limits it (a pipe, a file).
        colour: whether it understands styles.
    """

    width: int | None = None
    colour: bool = False

    @property
    def name_width(self) -> int | None:
        """Limit of the name column: ``settings.stats_name_width``, unless it follows the terminal's width."""
        return None if self.width is not None and settings.stats_autoresize else settings.stats_name_width


PLAIN = Look()


def stats_table(
    summary: Summary,
    current: bool,
    look: Look = PLAIN,
    *,
    rows: Sequence[RequestRow] | None = None,
    tail: bool = False,
) -> list[str]:
    """The requests, a row for each name and the total: counts, times in ms, and rates.

    Args:
        summary: the figures.
        current: the rates of the last seconds; else those of the whole run.
        look: what the place to print to can show.
        rows: show these only, for a terminal that is too low for all; the total is always that of all.
        tail: add the 95th and 99th percentile where there is room.
    """
    shown = summary.requests if rows is None else rows
    figures = (*_FIGURE_COLUMNS[:6], *_TAIL, *_FIGURE_COLUMNS[6:]) if tail else _FIGURE_COLUMNS
    table = Table(
        columns=[*_name_columns(), *figures],
        rows=[_request_cells(row, current, tail) for row in (*shown, summary.total)],
        max_width=look.width,
        max_flexible=look.name_width,
        colour=look.colour,
    )
    return table.lines()


def percentile_table(summary: Summary, look: Look = PLAIN) -> list[str]:
    """Title and table of the response times' percentiles (``settings.percentiles_to_report``) in ms."""
    rows = [*summary.requests, summary.total]
    return _percentiles("Response time percentiles (ms)", rows, of_row, look)


def intended_percentile_table(summary: Summary, look: Look = PLAIN) -> list[str]:
    """The same from the intended start, waiting for their turn included; empty if no request had an intended start."""
    rows = [row for row in (*summary.requests, summary.total) if row.intended_percentiles_us]
    if not rows:
        return []
    title = "Response time percentiles from the intended start (ms)"
    return _percentiles(title, rows, lambda row, fraction: row.intended_percentiles_us.get(fraction), look)


def error_report(summary: Summary, look: Look = PLAIN) -> list[str]:
    """Title and list of the failures, commonest first, each group with count, text and one message as it came."""
    if not summary.failures:
        return []
    lines = _counted_title("Error report", "Error", look)
    for row in sorted(summary.failures, key=lambda row: -row.occurrences):
        text = f"{failure_name(row)}: {row.error}"
        lines += _counted(row.occurrences, text, look)
        if row.sample and row.sample != row.error:
            sample = printable(row.sample)
            lines += _hanging("for example: ", sample[:_LONGEST_SAMPLE], look)
    return [*lines, _counted_rule(look)]


def generator_error_report(summary: Summary, look: Look = PLAIN) -> list[str]:
    """Title and list of the requests that could not be made: which limit was reached, and how to raise it."""
    if not summary.generator_errors:
        return []
    lines = _counted_title("Generator errors: limits of this machine, in no other figure", "Error", look)
    for row in sorted(summary.generator_errors, key=lambda row: -row.occurrences):
        lines += _counted(row.occurrences, f"{failure_name(row)}: {row.sample}", look)
    return [*lines, _counted_rule(look)]


def exception_report(summary: Summary, look: Look = PLAIN) -> list[str]:
    """Title and list of the exceptions that escaped tasks, commonest first, with count and traceback."""
    if not summary.exceptions:
        return []
    lines = _counted_title("Exceptions in tasks", "Exception", look)
    for row in sorted(summary.exceptions, key=lambda row: -row.count):
        lines += _counted(row.count, exception_name(row), look)
        indent = " " * 4
        lines += [indent + printable(line.expandtabs(4)) for line in row.traceback.strip("\n").splitlines()]
    return [*lines, _counted_rule(look)]


def failure_name(row: FailureRow | GeneratorErrorRow) -> str:
    """The request that a failure belongs to, as ``GET /path``."""
    return f"{row.method} {row.name}".strip()


def exception_name(row: ExceptionRow) -> str:
    """One line that tells an exception: its traceback's last line, where it has one."""
    closing = row.traceback.strip().rpartition("\n")[2]
    text = closing if row.message and row.message in closing else row.message or closing
    places = "" if set(row.nodes) <= {"local"} else f" [{', '.join(row.nodes)}]"
    return text + places


def _request_cells(row: RequestRow, current: bool, tail: bool) -> list[Cell]:
    failing = "alarm" if row.num_failures else ""
    timed = row.max_us is not None
    per_second = row.current_rps if current else row.total_rps
    fails_per_second = row.current_fail_per_s if current else row.total_fail_per_s
    return [
        *_name_cells(row),
        Cell(f"{row.num_requests:,}"),
        Cell(share(row.num_failures, row.fail_ratio), failing),
        Cell(milliseconds(row.avg_us if timed else None)),
        Cell(milliseconds(row.min_us)),
        Cell(milliseconds(row.max_us)),
        Cell(milliseconds(row.median_us if timed else None)),
        *(Cell(milliseconds(of_row(row, each))) for each in (_TAIL_FRACTIONS if tail else ())),
        Cell(rate(per_second)),
        Cell(rate(fails_per_second), failing if fails_per_second else ""),
    ]


def _name_columns() -> list[Column]:
    return [
        Column("Type", comfortable=settings.stats_type_width, left=True),
        Column("Name", left=True, flexible=True),
    ]


def _name_cells(row: RequestRow) -> list[Cell]:
    return [Cell(fit(printable(row.method), _LONGEST_TYPE)), Cell(printable(row.name))]


def _percentiles(
    title: str, rows: Sequence[RequestRow], time_us_of: Callable[[RequestRow, float], int | None], look: Look
) -> list[str]:
    fractions = settings.percentiles_to_report
    columns = [
        *_name_columns(),
        *(Column(label(each), comfortable=6, opens_group=not index, spare=_spare(each))
          for index, each in enumerate(fractions)),
        Column("# reqs", comfortable=7, opens_group=True, spare=8),
    ]  # fmt: skip
    cells = [
        [
            *_name_cells(row),
            *(Cell(milliseconds(time_us_of(row, each))) for each in fractions),
            Cell(f"{row.num_requests:,}"),
        ]
        for row in rows
    ]
    table = Table(columns, cells, max_width=look.width, max_flexible=look.name_width, colour=look.colour)
    heading = paint(title, "strong" if look.colour else "")
    if missing := table.left_out():
        heading += f"; too narrow here for {', '.join(missing)}"
    return [heading, *table.lines()]


def _spare(fraction: float) -> int:
    # what a person misses least goes first
    return {0.66: 7, 0.80: 6, 0.98: 5, 0.75: 4, 0.9999: 3, 0.999: 2, 0.90: 1}.get(fraction, 0)


def _counted_title(title: str, heading: str, look: Look) -> list[str]:
    style = "strong" if look.colour else ""
    return [
        paint(title, style),
        paint(f"{'# occurrences':<{_COUNT_WIDTH}} {heading}", style),
        _counted_rule(look),
    ]


def _counted_rule(look: Look) -> str:
    rule = "-" * _COUNT_WIDTH + "|" + "-" * ((look.width or 100) - _COUNT_WIDTH - 1)
    return paint(rule, "faint" if look.colour else "")


def _counted(count: int, text: str, look: Look) -> list[str]:
    number = f"{count:,}"
    first, *others = _hanging(f"{number:<{_COUNT_WIDTH}} ", printable(text), look, indent="")
    if look.colour:
        first = paint(number, "alarm") + first[len(number) :]
    return [first, *others]


def _hanging(label_text: str, text: str, look: Look, indent: str = " " * (_COUNT_WIDTH + 1)) -> list[str]:
    """The text after its label, wrapped under itself where lines end."""
    begin = indent + label_text
    if look.width is None:
        return [begin + text]
    wrapped = textwrap.wrap(
        text,
        width=max(look.width, _COUNT_WIDTH + 20),
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
    )
    return wrapped or [begin.rstrip()]
