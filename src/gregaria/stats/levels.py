"""Blocks of time in levels: each block of a level is the sum of some of the level below, which are kept less long."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from gregaria.engine.blocks import join

__all__ = ["Block", "Levels", "joined"]

#: milliseconds of a level's blocks, and seconds that they are kept; None for as long as there is room
_SPANS_MS = (1_000, 10_000, 60_000, 3_600_000, 86_400_000)
_KEPT_MS = (600_000, 7_200_000, None, None, None)
#: what is shorter, as the last of a test may be, is no block of its own: its rates would mean nothing
_SHORTEST_MS = 500
#: what a block takes beside its rows
_BYTES_OF_BLOCK = 500


@dataclass(frozen=True, slots=True)
class Block:
    """What was counted in a stretch of time."""

    #: since the timeline began
    start_ms: int
    end_ms: int
    #: the most users that there were
    user_count: int
    #: seconds of it in which the generator was late
    late_seconds: int
    #: of every name, and their sum; as ``engine/blocks`` has them
    rows: bytes
    total: bytes

    @property
    def num_bytes(self) -> int:
        """Memory that it takes."""
        return len(self.rows) + len(self.total) + _BYTES_OF_BLOCK

    @property
    def middle_ms(self) -> float:
        return (self.start_ms + self.end_ms) / 2


def joined(blocks: Sequence[Block]) -> Block:
    """Blocks that follow each other as one."""
    if len(blocks) == 1:
        return blocks[0]
    return Block(
        start_ms=blocks[0].start_ms,
        end_ms=blocks[-1].end_ms,
        user_count=max(block.user_count for block in blocks),
        late_seconds=sum(block.late_seconds for block in blocks),
        rows=join([block.rows for block in blocks]),
        total=join([block.total for block in blocks]),
    )


@dataclass(slots=True)
class _Level:
    span_ms: int
    kept_ms: int | None
    #: in order, without gaps; earlier ones may have been dropped
    blocks: list[Block] = field(default_factory=list)
    #: the block that is not full yet, and until where all are
    growing: Block | None = None
    closed_ms: int = 0
    num_bytes: int = 0

    @property
    def first_ms(self) -> int:
        """From where on there are blocks."""
        return self.blocks[0].start_ms if self.blocks else self.closed_ms

    def is_full(self, block: Block) -> bool:
        # Whoever cuts once a second cuts a little early or late.
        return (block.end_ms + 500) // self.span_ms > (block.start_ms + 500) // self.span_ms

    def append(self, block: Block) -> None:
        self.blocks.append(block)
        self.closed_ms = block.end_ms
        self.num_bytes += block.num_bytes

    def extend(self, block: Block) -> None:
        """Add a block to the latest one."""
        latest = self.blocks.pop()
        self.num_bytes -= latest.num_bytes
        self.append(joined([latest, block]))

    def grow(self, block: Block) -> None:
        self.growing = block if self.growing is None else joined([self.growing, block])

    def drop_until(self, end_ms: int) -> None:
        count = bisect_right(self.blocks, end_ms, key=_end_ms)
        self.num_bytes -= sum(block.num_bytes for block in self.blocks[:count])
        del self.blocks[:count]


class Levels:
    """Takes the blocks of successive seconds, makes larger ones of them, and finds those of any stretch of time.

    Args:
        max_bytes: when they take more, the oldest of those go first that are part of a larger one.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._levels = [_Level(span_ms, kept_ms) for span_ms, kept_ms in zip(_SPANS_MS, _KEPT_MS, strict=True)]

    @property
    def end_ms(self) -> int:
        """Where the latest block ends; 0 if there is none."""
        return self._levels[0].closed_ms

    @property
    def num_bytes(self) -> int:
        """Memory that all blocks take."""
        return sum(level.num_bytes for level in self._levels)

    def add(self, block: Block) -> None:
        """Add the block that follows the latest one; a short one makes that longer."""
        if self.end_ms and block.end_ms - block.start_ms < _SHORTEST_MS:
            self._extend(block)
            return
        self._levels[0].append(block)
        for level in self._levels[1:]:
            level.grow(block)
            assert level.growing is not None
            if not level.is_full(level.growing):
                break
            block, level.growing = level.growing, None
            level.append(block)
        self._forget()

    def _extend(self, block: Block) -> None:
        for level in self._levels:
            if level.closed_ms != block.start_ms or not level.blocks:
                level.grow(block)
                break
            level.extend(block)

    def cover(self, from_ms: float, to_ms: float) -> list[Block]:
        """The largest blocks that make up a stretch of time, which snaps to the smallest that are there at its ends.

        None of a stretch that lies before or after all of them.
        """
        found = self._cover(len(self._levels) - 1, from_ms, to_ms)
        if not found and from_ms <= to_ms and to_ms >= 0 and from_ms < self.end_ms:
            # Shorter than what is left there: the block around it.
            middle_ms = min(max((from_ms + to_ms) / 2, 0), self.end_ms - 1)
            around = [block for block in self.finest(0) if block.start_ms <= middle_ms < block.end_ms]
            return around[:1]
        return found

    def finest(self, from_ms: float, to_ms: float = float("inf"), *, most: int | None = None) -> list[Block]:
        """The smallest blocks of a stretch of time, or larger ones if that would be more than ``most``."""
        found: list[Block] = []
        for number in range(len(self._levels)):
            found = [block for block in self._finest(number) if from_ms <= block.middle_ms < to_ms]
            if most is None or len(found) <= most:
                break
        return found

    def _cover(self, number: int, from_ms: float, to_ms: float) -> list[Block]:
        level = self._levels[number]
        found: list[Block] = []
        for block in level.blocks[bisect_right(level.blocks, from_ms, key=_end_ms) :]:
            if block.start_ms >= to_ms:
                break
            if from_ms <= block.start_ms and block.end_ms <= to_ms:
                found.append(block)
            elif number and self._levels[number - 1].first_ms <= block.start_ms:
                found += self._cover(number - 1, max(from_ms, block.start_ms), min(to_ms, block.end_ms))
            elif from_ms <= block.middle_ms < to_ms:
                found.append(block)
        if number and to_ms > level.closed_ms:
            found += self._cover(number - 1, max(from_ms, level.closed_ms), to_ms)
        return found

    def _finest(self, number: int) -> Iterable[Block]:
        """All time in blocks of a level, in larger ones before those and in smaller ones where none is full yet."""
        levels = self._levels
        parts: list[Iterable[Block]] = [levels[number].blocks]
        edge_ms = levels[number].first_ms
        for level in levels[number + 1 :]:
            larger = level.blocks[: bisect_right(level.blocks, edge_ms, key=_end_ms)]
            parts.insert(0, larger)
            edge_ms = larger[0].start_ms if larger else edge_ms
        for lower in range(number - 1, -1, -1):
            edge_ms = levels[lower + 1].closed_ms
            parts.append(block for block in levels[lower].blocks if block.start_ms >= edge_ms)
        return chain.from_iterable(parts)

    def _forget(self) -> None:
        for number, level in enumerate(self._levels):
            kept_ms = level.kept_ms
            while kept_ms is not None and level.first_ms < self.end_ms - kept_ms and self._drop_oldest(number):
                pass
        while self.num_bytes > self._max_bytes:
            largest = sorted(range(len(self._levels) - 1), key=lambda number: -self._levels[number].num_bytes)
            if not any(self._drop_oldest(number) for number in largest):
                break

    def _drop_oldest(self, number: int) -> bool:
        """Drop the parts of the oldest larger block that still has some, and all that is below them."""
        level, above = self._levels[number], self._levels[number + 1]
        if not level.blocks or above.closed_ms <= level.first_ms:
            return False
        parent = above.blocks[bisect_right(above.blocks, level.first_ms, key=_end_ms)]
        for each in self._levels[: number + 1]:
            each.drop_until(parent.end_ms)
        return True


def _end_ms(block: Block) -> int:
    return block.end_ms
