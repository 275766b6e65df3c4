"""Where rules read figures: of a second, of several seconds taken together, of the whole run."""

import difflib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gregaria.engine.blocks import join, one_of, total_of
from gregaria.engine.recorder import Entry
from gregaria.rules.expression import Metric
from gregaria.rules.figures import Figures
from gregaria.stats.levels import Block
from gregaria.stats.since import Since, entry_of

__all__ = ["TOLERANCE_MS", "Names", "Piece", "Second", "Sliding", "Sum", "View", "Whole"]

#: what a second may be longer or shorter by, as whoever cuts once a second cuts a little early or late
TOLERANCE_MS = 500


@dataclass(frozen=True, slots=True)
class View:
    """One stretch of time, as an expression reads it."""

    of: Callable[[str | None], Figures]
    baseline: Callable[[Metric], float | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one name, or all, did in a stretch of time."""

    #: one row, as ``engine/blocks`` has it; None of a name that nobody has requested yet
    row: bytes | None
    length_ms: int
    users: int
    late_s: int

    def figures(self) -> Figures:
        """The piece as figures."""
        entry = None if self.row is None else entry_of(self.row)
        return Figures(entry, self.length_ms / 1000, self.users, self.late_s)


def _summed(pieces: Sequence[Piece]) -> Piece:
    rows = [piece.row for piece in pieces if piece.row is not None]
    return Piece(
        row=join(rows) if rows else None,
        length_ms=sum(piece.length_ms for piece in pieces),
        users=max(piece.users for piece in pieces),
        late_s=sum(piece.late_s for piece in pieces),
    )


class Names:
    """Finds the rows that a rule means by a name: those of one method, or of all.

    Args:
        told: a row's name as reports tell it, which is what people write in rules.
    """

    def __init__(self, told: Callable[[str], str]) -> None:
        self._told = told
        self.forget()

    def forget(self) -> None:
        """The ids mean other names from now on."""
        self._ids: dict[str, list[int]] = {}
        self._seen: dict[str, int] = {}

    def ids(self, wanted: str, names: Sequence[tuple[str, str]]) -> list[int]:
        """The places in ``names``, which only ever grows, of the rows that are meant."""
        ids = self._ids.setdefault(wanted, [])
        seen = self._seen.get(wanted, 0)
        for place, (method, name) in enumerate(names[seen:], seen):
            if any(wanted in (each, f"{method} {each}") for each in (name, self._told(name))):
                ids.append(place)
        self._seen[wanted] = len(names)
        return ids


class Second:
    """A second that has passed.

    Args:
        block: what was counted in it.
        names: the names of the block's rows.
        found: knows them by what rules call them.
        is_of_the_end: whether the test was being stopped in it: users leave, and a cluster's last reports, of more than
            a second, come at once.
    """

    def __init__(
        self, block: Block, names: Sequence[tuple[str, str]], found: Names, is_of_the_end: bool = False
    ) -> None:
        self.is_of_the_end = is_of_the_end
        self.end_ms = block.end_ms
        self.length_ms = block.end_ms - block.start_ms
        self._block = block
        self._names = names
        self._found = found
        self._pieces: dict[str | None, Piece] = {}
        self._figures: dict[str | None, Figures] = {}

    def piece(self, name: str | None) -> Piece:
        """What a name, or all, did in it."""
        if name not in self._pieces:
            block = self._block
            row = block.total if name is None else self._row(name)
            self._pieces[name] = Piece(row, self.length_ms, block.user_count, block.late_seconds)
        return self._pieces[name]

    def of(self, name: str | None) -> Figures:
        """The same as figures."""
        if name not in self._figures:
            self._figures[name] = self.piece(name).figures()
        return self._figures[name]

    def _row(self, name: str) -> bytes | None:
        ids = self._found.ids(name, self._names)
        rows = [one_of(self._block.rows, each) for each in ids]
        return None if not ids else rows[0] if len(rows) == 1 else join(rows)


class Sum:
    """Seconds taken together, whichever they are.

    Args:
        names: whose figures are wanted.
    """

    def __init__(self, names: Iterable[str | None]) -> None:
        self._pieces: dict[str | None, Piece | None] = dict.fromkeys(names)

    def add(self, second: Second) -> None:
        """Another second belongs to it."""
        for name, before in self._pieces.items():
            piece = second.piece(name)
            self._pieces[name] = piece if before is None else _summed([before, piece])

    def of(self, name: str | None) -> Figures:
        """What a name, or all, did in them."""
        piece = self._pieces[name]
        return Figures(None, 0.0, 0, 0) if piece is None else piece.figures()


class Sliding:
    """The last seconds taken together.

    Sums of histograms cannot be taken apart again, so older seconds are kept as sums from each of them to the latest of
    the older ones: whatever the length, a second costs a few additions.

    Args:
        names: whose figures are wanted.
        length_ms: how many there are.
    """

    def __init__(self, names: Iterable[str | None], length_ms: float) -> None:
        self._names = list(names)
        self._length_ms = length_ms
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._newer: deque[dict[str | None, Piece]] = deque()
        self._newer_sum: dict[str | None, Piece] | None = None
        #: (length of the first second, sum from there on), the oldest last
        self._older: list[tuple[int, dict[str | None, Piece]]] = []
        self._total_ms = 0

    @property
    def is_full(self) -> bool:
        """Whether there are as many seconds as are wanted."""
        return self._total_ms >= self._length_ms - TOLERANCE_MS

    def add(self, second: Second) -> None:
        """A second has passed."""
        pieces = {name: second.piece(name) for name in self._names}
        self._newer.append(pieces)
        self._newer_sum = pieces if self._newer_sum is None else self._both(self._newer_sum, pieces)
        self._total_ms += second.length_ms
        while self._total_ms - self._oldest_ms() >= self._length_ms - TOLERANCE_MS:
            self._total_ms -= self._older.pop()[0]

    def of(self, name: str | None) -> Figures:
        """What a name, or all, did in them."""
        parts = [self._older[-1][1][name]] if self._older else []
        if self._newer_sum is not None:
            parts.append(self._newer_sum[name])
        return _summed(parts).figures() if parts else Figures(None, 0.0, 0, 0)

    def _oldest_ms(self) -> int:
        if not self._older:
            sums: dict[str | None, Piece] | None = None
            while self._newer:
                pieces = self._newer.pop()
                sums = pieces if sums is None else self._both(pieces, sums)
                self._older.append((pieces[self._names[0]].length_ms, sums))
            self._newer_sum = None
        return self._older[-1][0]

    def _both(self, one: dict[str | None, Piece], other: dict[str | None, Piece]) -> dict[str | None, Piece]:
        return {name: _summed([one[name], other[name]]) for name in self._names}


class Whole:
    """All that has been counted, or what came after the warm-up: the very figures that reports tell.

    Args:
        stats: of the run.
        told: a row's name as reports tell it.

    Attributes:
        since: what counts from the end of the warm-up on; None for the whole run.
    """

    def __init__(self, stats: Any, told: Callable[[str], str]) -> None:
        self._stats = stats
        self._found = Names(told)
        self.forget()

    def forget(self) -> None:
        """Counting begins anew."""
        self._begin(None)

    def warm_up_is_over(self, epoch_s: float) -> None:
        """What is counted from this moment on is all that counts."""
        self._begin(Since(self._stats, epoch_s))

    def _begin(self, since: Since | None) -> None:
        self.since = since
        self._found.forget()
        self._names: Sequence[tuple[str, str]] = []
        self._rows: bytes | None = None
        self._length_ms = self._users = self._late_s = 0

    def add(self, block: Block, names: Sequence[tuple[str, str]]) -> None:
        """A stretch of time has passed."""
        self._names = names
        self._users = max(self._users, block.user_count)
        self._late_s += block.late_seconds
        self._length_ms += block.end_ms - block.start_ms
        self._rows = None

    def of(self, name: str | None) -> Figures:
        """What a name, or all, did in it; no entry where nothing was counted."""
        stats = self._stats
        if self.since is None:
            entry, length_s = self._counted(name), max(stats.last_us - stats.started_us, 0) / 1e6
        else:
            entry, length_s = self._counted_since(self.since, name), self.since.elapsed_s
        if entry is not None and not (entry.num_requests or entry.num_failures or entry.num_generator_errors):
            entry = None
        return Figures(entry, length_s, self._users, self._late_s)

    def nearest(self, name: str) -> str | None:
        """The name among those that were requested that looks most like another one, which was not.

        Only when the test is over, as it takes its time.
        """
        if self._stats.running:
            return None
        known = [" ".join(each).strip() for each in self._names]
        close = difflib.get_close_matches(name, [*known, *(each for _, each in self._names)], 1, 0.6)
        return close[0] if close else None

    def _counted(self, name: str | None) -> Entry | None:
        recorder = self._stats.recorder
        if name is None:
            return recorder.total  # type: ignore[no-any-return]
        keys = [self._names[each] for each in self._found.ids(name, self._names)]
        entries = [recorder.entries[name, method] for method, name in keys if (name, method) in recorder.entries]
        if len(entries) == 1:
            return entries[0]  # type: ignore[no-any-return]
        merged = Entry("", "", 0)
        for entry in entries:
            merged.merge(entry)
        return merged

    def _counted_since(self, since: Since, name: str | None) -> Entry:
        if self._rows is None:
            self._rows = since.rows()
        if name is None:
            return entry_of(total_of(self._rows))
        return entry_of(join([one_of(self._rows, each) for each in self._found.ids(name, since.names)]))
