"""Where the time of requests went: the six phases, named, as a table."""

from gregaria.engine.phases import PHASES
from gregaria.report.cells import fit, milliseconds, paint, printable
from gregaria.report.table import Cell, Column, Table
from gregaria.report.tables import PLAIN, Look
from gregaria.settings import settings
from gregaria.stats.summary import RequestRow, Summary

__all__ = ["LABELS", "phase_table"]

#: the phases as a person reads them, in order
LABELS = tuple(name.replace("_", " ").replace("tls", "TLS") for name in PHASES)

_LONGEST_TYPE = 16
_FRACTIONS = (0.5, 0.95)


def phase_table(summary: Summary, look: Look = PLAIN) -> list[str]:
    """Title and table of each name's phases, median and 95th percentile in ms; empty if none were measured."""
    rows = [row for row in (*summary.requests, summary.total) if row.phases_us is not None]
    if not rows:
        return []
    table = Table(
        [
            Column("Type", comfortable=settings.stats_type_width, left=True),
            Column("Name", left=True, flexible=True),
            *(Column(label, comfortable=12, opens_group=not place) for place, label in enumerate(LABELS)),
        ],
        [_cells(row) for row in rows],
        max_width=look.width,
        max_flexible=look.name_width,
        colour=look.colour,
    )
    title = "Where the time went (ms, median / 95%)"
    return [paint(title, "strong" if look.colour else ""), *table.lines()]


def _cells(row: RequestRow) -> list[Cell]:
    phases = row.phases_us or {}
    return [
        Cell(fit(printable(row.method), _LONGEST_TYPE)),
        Cell(printable(row.name)),
        *(
            Cell(" / ".join(milliseconds(phases.get(name, {}).get(fraction)) for fraction in _FRACTIONS))
            for name in PHASES
        ),
    ]
