"""The rows of the statistics with their labels, each set of labels once."""

from typing import Any

from gregaria.engine.recorder import Entry
from gregaria.metrics.family import Labels, encodable, labels
from gregaria.stats.summary import told_name
from gregaria.stats.table import RequestStats

__all__ = ["Row", "rows_of"]

Row = tuple[Labels, Entry]


def rows_of(stats: RequestStats) -> list[Row]:
    """Labels and counts of every name, in order; names that differ only in what is not told, as a secret, are one."""
    found: dict[tuple[str, str], Any] = {}
    for entry in list(stats.recorder.entries.values()):
        key = (encodable(told_name(entry.name, stats.errors.mask)), encodable(entry.method))
        known = found.get(key)
        if known is not None:
            both = Entry(known.method, known.name, known.started_us)
            both.merge(known)
            both.merge(entry)
            entry = both
        found[key] = entry
    return [(labels(method=method, name=name), found[name, method]) for name, method in sorted(found)]
