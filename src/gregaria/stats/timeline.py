"""The timeline of a test: what was new in each second, kept so that any stretch of time can be told exactly."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from gregaria.engine import clock
from gregaria.engine.blocks import Cutter, cells_of, join, mark_buckets, one_of, plain_rows, rows_of, total_of
from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import TOTAL, Entry, Recorder
from gregaria.settings import settings
from gregaria.stats.course import MARK_KINDS, POINT_FRACTIONS, Course, CourseBlock, Mark, Point
from gregaria.stats.levels import Block, Levels, joined
from gregaria.stats.summary import RequestRow, row_of
from gregaria.turn import give_turn

__all__ = ["Follower", "Timeline", "Window"]

#: points of a chart, and of the whole test
_MOST_POINTS = 1500
_MOST_POINTS_OF_TEST = 5000
_MOST_MARKS = 1000
#: bytes of blocks, and rows, that are worked on before others get their turn
_BYTES_AT_ONCE = 500_000
_ROWS_AT_ONCE = 25
#: share of a course's bytes that its points may take
_SHARE_OF_POINTS = 0.1
#: blocks below which the buckets of a course are made coarser first, and how coarse at most
_FEW_BLOCKS = 60
_FINEST_BUCKETS = 64
_COARSEST_BUCKETS = 8


@dataclass(frozen=True, slots=True)
class Window:
    """The statistics of a stretch of time, which begins and ends where blocks do."""

    from_epoch_s: float
    to_epoch_s: float
    #: of each row, its place in ``Timeline.names``
    ids: tuple[int, ...]
    #: with the rates of the window as current and as total ones; extremes are exact to 1 %
    rows: tuple[RequestRow, ...]
    total: RequestRow


class Follower(Protocol):
    """Whoever wants to know of each second as it passes."""

    def forget(self) -> None:
        """Counting begins anew."""

    def add(self, block: Block, names: list[tuple[str, str]]) -> None:
        """A second has passed; ``names`` are (method, name) of each id in it."""


class Timeline:
    """Keeps what happened when, from ``begin`` on; ``tick`` tells it that another second has passed.

    Args:
        recorder: where requests are counted.
        told: the name of a row as reports may tell it.

    Attributes:
        marks: what happened, oldest first.
        followers: are told of each block.
    """

    def __init__(self, recorder: Recorder, told: Callable[[str], str] = str) -> None:
        self._recorder = recorder
        self._told = told
        self._offset_us: int | None = None
        self._started_epoch_s: float | None = None
        self.followers: list[Follower] = []
        self._forget()

    # -- while the test runs -------------------------------------------------------------------------------------------

    def begin(self, epoch_s: float) -> None:
        """Begin anew, with a test that has begun at that moment."""
        self._offset_us = clock.offset_us()
        self._started_epoch_s = round(epoch_s, 3)
        self._forget()

    @property
    def started_epoch_s(self) -> float | None:
        """When counting began, in seconds since 1970; None before any test."""
        return self._started_epoch_s

    @property
    def now_epoch_s(self) -> float:
        """This moment in seconds since 1970, by a clock that nobody sets while the test runs."""
        offset_us = clock.offset_us() if self._offset_us is None else self._offset_us
        return (clock.now_us() + offset_us) / 1e6

    def tick(self, epoch_s: float, user_count: int, late_seconds: int = 0) -> None:
        """Keep what is new since the last time as a block that ends now; to be called once a second.

        Args:
            epoch_s: now; what is not after the last block's end counts as a millisecond after it.
            user_count: users at this moment.
            late_seconds: seconds since the last time in which the generator was late.
        """
        if self._started_epoch_s is None:
            self.begin(epoch_s)
        self._add(self._cutter.take(self._recorder), epoch_s, user_count, late_seconds)

    def catch_up(self) -> None:
        """Keep what has been counted since the last tick, if anything has."""
        if self._started_epoch_s is not None and (rows := self._cutter.take(self._recorder)):
            self._add(rows, self.now_epoch_s, 0, 0)

    def _add(self, rows: bytes, epoch_s: float, user_count: int, late_seconds: int) -> None:
        start_ms = self._levels.end_ms
        end_ms = max(round(self._ms_of(epoch_s)), start_ms + 1)
        late_seconds = min(late_seconds, -(-(end_ms - start_ms) // 1000))
        block = Block(start_ms, end_ms, user_count, late_seconds, rows, total_of(rows))
        self._levels.add(block)
        for follower in self.followers:
            follower.add(block, self._cutter.names)

    def mark(self, kind: str, text: str) -> None:
        """Something happens at this moment.

        Args:
            kind: one of MARK_KINDS.
            text: what, in a few words; what reports may not tell is masked.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in MARK_KINDS:
            raise ValueError(f"no mark is of kind {kind!r}: they are {', '.join(MARK_KINDS)}")
        self.marks.append(Mark(self.now_epoch_s, kind, self._told(text)))
        if len(self.marks) > _MOST_MARKS:
            self._thin_out_marks()

    def clear(self) -> None:
        """Forget everything: counting begins anew at this moment."""
        if self._started_epoch_s is not None:
            self._started_epoch_s = round(self.now_epoch_s, 3)
        self._forget()

    # -- what it tells -------------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[tuple[str, str]]:
        """(method, name) of each id, as reports may tell it."""
        return [(method, self._told(name)) for method, name in self._cutter.names]

    @property
    def num_bytes(self) -> int:
        """Memory that the blocks take."""
        return self._levels.num_bytes

    def points(self, since_epoch_s: float | None = None) -> list[Point]:
        """The course of all requests, oldest first, as finely as it is still known.

        Args:
            since_epoch_s: only what began at that moment or later.
        """
        since_ms = -1.0 if since_epoch_s is None else self._ms_of(since_epoch_s)
        blocks = self._levels.finest(since_ms, most=_MOST_POINTS_OF_TEST)
        return [self._point(block) for block in blocks if block.start_ms >= since_ms]

    def window(self, from_epoch_s: float, to_epoch_s: float) -> Window | None:
        """The statistics of a stretch of time; None if nothing is known of it. Others get their turn meanwhile."""
        names = self._cutter.names
        blocks = self._levels.cover(self._ms_of(from_epoch_s), self._ms_of(to_epoch_s))
        if not blocks:
            return None
        length_s = (blocks[-1].end_ms - blocks[0].start_ms) / 1000
        rows: list[tuple[int, RequestRow]] = []
        for name_id, entry in _entries_of(blocks):
            method, name = names[name_id]
            rows.append((name_id, _row(entry, method, self._told(name), length_s)))
        rows.sort(key=lambda each: (each[1].name, each[1].method))
        return Window(
            from_epoch_s=self._epoch_s_of(blocks[0].start_ms),
            to_epoch_s=self._epoch_s_of(blocks[-1].end_ms),
            ids=tuple(name_id for name_id, _ in rows),
            rows=tuple(row for _, row in rows),
            total=_row(_entry_of(join([block.total for block in blocks])), "", TOTAL, length_s),
        )

    def entries(self, from_epoch_s: float, to_epoch_s: float) -> Iterator[tuple[str, str, Entry]]:
        """(method, name as reports may tell it, row) of every name in a window. Others get their turn meanwhile."""
        names = self._cutter.names
        for name_id, entry in _entries_of(self._levels.cover(self._ms_of(from_epoch_s), self._ms_of(to_epoch_s))):
            method, name = names[name_id]
            yield method, self._told(name), entry

    def series(
        self, method: str, name: str, from_epoch_s: float | None = None, to_epoch_s: float | None = None
    ) -> list[Point]:
        """The course of one name, at most 1,500 points. Others get their turn meanwhile.

        Args:
            method, name: as ``names`` tells it; the total's are empty and ``Aggregated``.
            from_epoch_s, to_epoch_s: only of this stretch of time.
        """
        blocks = self._levels.finest(
            -1.0 if from_epoch_s is None else self._ms_of(from_epoch_s),
            float("inf") if to_epoch_s is None else self._ms_of(to_epoch_s),
            most=_MOST_POINTS,
        )
        if (method, name) == ("", TOTAL):
            return [self._point(block) for block in blocks]
        names = self.names
        if (method, name) not in names:
            return []
        name_id = names.index((method, name))
        return [self._point(block, one_of(block.rows, name_id)) for block in _giving_way(blocks)]

    def course(self, max_bytes: int) -> Course | None:
        """The whole test in blocks, as fine as goes into so many bytes of JSON; None if there was none."""
        if self._started_epoch_s is None or not self._levels.end_ms:
            return None
        # Others get their turn meanwhile, and may clear all this.
        started_epoch_s, names, marks = self._started_epoch_s, self.names, list(self.marks)
        blocks = self._levels.finest(-1)
        points = self._levels.finest(-1, most=_MOST_POINTS)
        told_points = [self._point(block) for block in points]
        while _size_of_plain(told_points) > max_bytes * _SHARE_OF_POINTS and len(points) > 1:
            points = _in_groups(points, len(points) // 2)
            told_points = [self._point(block) for block in points]
        room = max_bytes - _size_of_plain(told_points) - _size_of(names) - _size_of_plain(marks)
        per_octave = _FINEST_BUCKETS
        edges, coarse, size = _plain(blocks, per_octave, room)
        while size > room and (len(blocks) > 1 or per_octave > _COARSEST_BUCKETS):
            if len(blocks) > _FEW_BLOCKS or per_octave == _COARSEST_BUCKETS:
                least = _FEW_BLOCKS if len(blocks) > _FEW_BLOCKS else 1
                blocks = _in_groups(blocks, max(min(len(blocks) * room // size, len(blocks) * 3 // 4), least))
            else:
                # Half of the buckets are not less than half of the bytes.
                while size > room and per_octave > _COARSEST_BUCKETS:
                    per_octave, size = per_octave // 2, size // 2
            edges, coarse, size = _plain(blocks, per_octave, room)
        return Course(
            started_epoch_s=started_epoch_s,
            buckets_per_octave=per_octave,
            names=tuple(names),
            edges_us=tuple(edges),
            blocks=tuple(coarse),
            points=tuple(told_points),
            marks=tuple(marks),
        )

    # ------------------------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._cutter = Cutter()
        self._levels = Levels(settings.timeline_bytes)
        self.marks: list[Mark] = []
        for follower in self.followers:
            follower.forget()

    def _ms_of(self, epoch_s: float) -> float:
        return (epoch_s - (self._started_epoch_s or 0.0)) * 1000

    def _epoch_s_of(self, ms: int) -> float:
        return round((self._started_epoch_s or 0.0) + ms / 1000, 3)

    def _point(self, block: Block, row: bytes | None = None) -> Point:
        """A block's point: that of its total, or of one row."""
        entry = _entry_of(block.total if row is None else row)
        times = entry.times
        return Point(
            epoch_s=self._epoch_s_of(block.start_ms),
            length_s=(block.end_ms - block.start_ms) / 1000,
            user_count=block.user_count,
            requests=entry.num_requests,
            failures=entry.num_failures,
            sum_us=times.sum_us,
            percentiles_us=tuple(times.percentile_us(each) if times.total else None for each in POINT_FRACTIONS),
            cells=cells_of(times),
            late_seconds=block.late_seconds,
        )

    def _thin_out_marks(self) -> None:
        """Every second one of the commonest kind goes: a shape may want something else each second."""
        kinds = [mark.kind for mark in self.marks]
        commonest = max(set(kinds), key=kinds.count)
        places = [place for place, kind in enumerate(kinds) if kind == commonest]
        dropped = set(places[-2::-2])
        self.marks = [mark for place, mark in enumerate(self.marks) if place not in dropped]


def _entries_of(blocks: Sequence[Block]) -> Iterator[tuple[int, Entry]]:
    """(id, row) of every name in the sum of blocks; others get their turn after so many of them."""
    for number, row in enumerate(rows_of(_joined([block.rows for block in blocks]))):
        if number and not number % _ROWS_AT_ONCE:
            give_turn()
        yield row


def _giving_way(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks; others get their turn after so many bytes of them."""
    num_bytes = 0
    for block in blocks:
        if num_bytes > _BYTES_AT_ONCE:
            give_turn()
            num_bytes = 0
        num_bytes += block.num_bytes
        yield block


def _joined(blocks: Sequence[bytes]) -> bytes:
    """The sum of blocks; others get their turn after so many bytes of them."""
    parts: list[bytes] = []
    sums: list[bytes] = []
    for block in blocks:
        parts.append(block)
        if sum(map(len, parts)) > _BYTES_AT_ONCE:
            sums.append(join(parts))
            parts = []
            give_turn()
    return join([*sums, *parts])


def _in_groups(blocks: Sequence[Block], most: int) -> list[Block]:
    """The blocks joined to about equally long ones, no more than so many."""
    span_ms = -(-(blocks[-1].end_ms - blocks[0].start_ms) // most)
    groups = groupby(blocks, key=lambda block: min((block.middle_ms - blocks[0].start_ms) // span_ms, most - 1))
    found = []
    for _, group in groups:
        found.append(joined(list(group)))
        give_turn()
    return found


def _plain(blocks: Sequence[Block], per_octave: int, room: int) -> tuple[list[int], list[CourseBlock], int]:
    """Lower edges of the buckets that occur, blocks whose rows name them, and about how many bytes that is in all.

    When it is more than there is room for, not all of them are made.
    """
    num_bytes = sum(len(block.rows) for block in blocks)
    if per_octave == _FINEST_BUCKETS and num_bytes > room:
        # Of a byte comes more than one character.
        return [], [], num_bytes
    marks = bytearray(len(_EDGES_US))
    for block in _giving_way(blocks):
        mark_buckets(block.rows, marks)
    coarse = [_coarse(edge_us, per_octave) for edge_us in _EDGES_US]
    edges = sorted({coarse[bucket] for bucket, is_used in enumerate(marks) if is_used})
    place_of = {edge_us: place for place, edge_us in enumerate(edges)}
    places = [place_of.get(edge_us, 0) for edge_us in coarse]
    size = _size_of(edges)
    found: list[CourseBlock] = []
    for block in _giving_way(blocks):
        if found and size > room:
            return [], [], size * len(blocks) // len(found)
        found.append(
            CourseBlock(
                offset_s=block.start_ms / 1000,
                length_s=(block.end_ms - block.start_ms) / 1000,
                user_count=block.user_count,
                late_seconds=block.late_seconds,
                rows=plain_rows(block.rows, places),
            )
        )
        give_turn()
        size += _size_of(found[-1].plain()) + 1
    return edges, found, size


def _coarse(edge_us: int, per_octave: int) -> int:
    """The lower edge of the bucket that a bucket lies in when there are fewer to an octave."""
    width_us = max((1 << max(edge_us.bit_length() - 1, 0)) // per_octave, 1)
    return edge_us - edge_us % width_us


def _edges_us() -> Iterator[int]:
    bucket = 0
    while True:
        try:
            yield Histogram.edge_us(bucket)
        except ValueError:
            return
        bucket += 1


_EDGES_US = tuple(_edges_us())


def _entry_of(block: bytes) -> Entry:
    """The one row of a block; an empty one if there is none."""
    rows = rows_of(block)
    return rows[0][1] if rows else Entry("", "", 0)


def _row(entry: Entry, method: str, name: str, length_s: float) -> RequestRow:
    rates = entry.num_requests / length_s, entry.num_failures / length_s
    return row_of(entry, method, name, current=rates, elapsed_s=length_s)


def _size_of_plain(values: Sequence[Point | Mark]) -> int:
    return _size_of([value.plain() for value in values])


def _size_of(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")))
