"""What has been counted since a moment, of every name: the figures after a warm-up."""

from typing import TYPE_CHECKING

import gevent

from gregaria.engine import clock
from gregaria.engine.blocks import Cutter, join, rows_of, total_of
from gregaria.engine.recorder import TOTAL, Entry
from gregaria.stats.summary import RequestRow, Stretch, row_of, told_name

if TYPE_CHECKING:
    from gregaria.stats.table import RequestStats

__all__ = ["Since", "entry_of"]

#: rows that are worked on before others get their turn
_ROWS_AT_ONCE = 25


class Since:
    """Counts from the moment that it is made.

    Args:
        stats: where requests are counted.
        epoch_s: that moment.
    """

    def __init__(self, stats: "RequestStats", epoch_s: float) -> None:
        self._stats = stats
        self._epoch_s = epoch_s
        self._from_us = clock.now_us()
        self._cutter = Cutter()
        self._cutter.take(stats.recorder)
        self._rows = b""

    @property
    def elapsed_s(self) -> float:
        """Seconds until the latest request."""
        return max(self._stats.last_us - self._from_us, 0) / 1e6

    @property
    def names(self) -> list[tuple[str, str]]:
        """(method, name) of each id."""
        return self._cutter.names

    def rows(self) -> bytes:
        """What has been counted of every name, as ``engine/blocks`` has it."""
        self._rows = join([self._rows, self._cutter.take(self._stats.recorder)])
        return self._rows

    def stretch(self) -> Stretch:
        """The same as reports tell it; others get their turn meanwhile."""
        rows, elapsed_s = self.rows(), self.elapsed_s
        found = []
        for number, (name_id, entry) in enumerate(rows_of(rows)):
            if number and not number % _ROWS_AT_ONCE:
                gevent.sleep(0)
            method, name = self.names[name_id]
            found.append(_row(entry, method, told_name(name, self._stats.errors.mask), elapsed_s))
        found.sort(key=lambda row: (row.name, row.method))
        return Stretch(self._epoch_s, elapsed_s, tuple(found), _row(entry_of(total_of(rows)), "", TOTAL, elapsed_s))


def entry_of(block: bytes) -> Entry:
    """The one row of a block; an empty one if there is none."""
    rows = rows_of(block)
    return rows[0][1] if rows else Entry("", "", 0)


def _row(entry: Entry, method: str, name: str, elapsed_s: float) -> RequestRow:
    rates = (entry.num_requests / elapsed_s, entry.num_failures / elapsed_s) if elapsed_s else (0.0, 0.0)
    return row_of(entry, method, name, current=rates, elapsed_s=elapsed_s)
