"""Which row of a source comes next: in order, in a circle, at random, or shuffled."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

from gregaria.errors import CommandError
from gregaria.feed.source import Row, Source

__all__ = ["CIRCULAR", "EXCLUSIVE", "RANDOM", "SHUFFLE", "STRATEGIES", "UNIQUE", "Deck"]

UNIQUE, CIRCULAR, RANDOM, SHUFFLE = "unique", "circular", "random", "shuffle"
STRATEGIES = (UNIQUE, CIRCULAR, RANDOM, SHUFFLE)
#: strategies with which a row goes to one user only
EXCLUSIVE = (UNIQUE, SHUFFLE)


class Deck:
    """Draws rows.

    Args:
        source: where they come from; ``unique`` and ``circular`` read it as rows are drawn, the others at once.
        strategy: one of ``STRATEGIES``.
        seed: makes ``random`` and ``shuffle`` draw the same again.

    Attributes:
        is_over: whether all rows were drawn; never with ``circular`` and ``random``.
        drawn: how many rows were drawn since the beginning or the last ``begin_again``.
        passes: how often it has begun again.
    """

    def __init__(self, source: Source, strategy: str, seed: int) -> None:
        self.is_over = False
        self.drawn = 0
        self.passes = 0
        self._source = source
        self._strategy = strategy
        self._seed = seed
        self._reading: Iterator[Row] | None = None
        self._rows: list[Row] | None = None
        self._order: list[int] = []
        self._random = random.Random(seed)

    def draw(self, count: int) -> list[tuple[int, Row]]:
        """That many rows, each with its index in the source; fewer when there are no more.

        Raises:
            CommandError: the source cannot be read, or has no rows.
        """
        if self._strategy == RANDOM:
            rows = self._all()
            indexes = [self._random.randrange(len(rows)) for _ in range(count)]
            self.drawn += count
            return [(index, rows[index]) for index in indexes]
        if self._strategy == SHUFFLE:
            return self._draw_shuffled(count)
        return self._draw_in_order(count)

    def begin_again(self) -> None:
        """All rows can be drawn once more."""
        self.passes += 1
        self.drawn = 0
        self.is_over = False
        self._reading = None
        self._order = []

    def snapshot(self) -> dict[str, Any]:
        """What ``restore`` needs to go on from here."""
        return {"drawn": self.drawn, "passes": self.passes, "is_over": self.is_over, "seed": self._seed}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on where a deck of the same source and strategy was."""
        self.drawn, self.passes, self.is_over = snapshot["drawn"], snapshot["passes"], snapshot["is_over"]
        self._seed = snapshot["seed"]
        self._random = random.Random(f"{self._seed}-{self.drawn}")
        self._reading = None
        self._order = []

    def _draw_in_order(self, count: int) -> list[tuple[int, Row]]:
        found: list[tuple[int, Row]] = []
        while len(found) < count and not self.is_over:
            if self._reading is None:
                self._reading = self._source.rows(self.drawn)
            for row in itertools.islice(self._reading, count - len(found)):
                found.append((self.drawn, row))
                self.drawn += 1
            if len(found) < count:
                self._end_pass()
        return found

    def _end_pass(self) -> None:
        if self.drawn == 0:
            raise CommandError(_no_rows(self._source))
        if self._strategy == CIRCULAR:
            self.begin_again()
        else:
            self.is_over = True
            self._reading = None

    def _draw_shuffled(self, count: int) -> list[tuple[int, Row]]:
        rows = self._all()
        if not self._order:
            self._order = list(range(len(rows)))
            random.Random(f"{self._seed}-{self.passes}").shuffle(self._order)
        indexes = self._order[self.drawn : self.drawn + count]
        self.drawn += len(indexes)
        self.is_over = self.drawn >= len(rows)
        return [(index, rows[index]) for index in indexes]

    def _all(self) -> list[Row]:
        if self._rows is None:
            rows = list(self._source.rows(0))
            if not rows:
                raise CommandError(_no_rows(self._source))
            self._rows = rows
        return self._rows


def _no_rows(source: Source) -> str:
    return f"{source.label} has no rows, and users wait for some: put at least one in"
