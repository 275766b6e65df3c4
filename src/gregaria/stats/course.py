"""The course of a test as plain figures: points for charts, marks, and blocks for whoever computes."""

from dataclasses import dataclass
from typing import Any

__all__ = ["MARK_KINDS", "POINT_FRACTIONS", "Course", "CourseBlock", "Mark", "Point"]

#: percentiles (0..1) of a point
POINT_FRACTIONS = (0.5, 0.9, 0.95, 0.99, 1.0)
MARK_KINDS = ("start", "edit", "stage", "stop", "reset", "warning", "worker", "rule")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment."""

    epoch_s: float
    #: one of MARK_KINDS
    kind: str
    text: str

    def plain(self) -> list[Any]:
        """As the document and the page have it."""
        return [round(self.epoch_s, 3), self.kind, self.text]


@dataclass(frozen=True, slots=True)
class Point:
    """What was counted in a stretch of time, of all requests or of those of one name."""

    epoch_s: float
    length_s: float
    #: the most users that there were
    user_count: int
    requests: int
    failures: int
    sum_us: int
    #: of POINT_FRACTIONS; None where nothing was timed
    percentiles_us: tuple[int | None, ...]
    #: cell, count, cell, count ...: cell k has the times from 2^(k/4) to 2^((k+1)/4) us
    cells: tuple[int, ...]
    #: seconds of it in which the generator itself was late
    late_seconds: int

    def plain(self) -> list[Any]:
        """As the document and the page have it."""
        return [
            self.epoch_s,
            self.length_s,
            self.user_count,
            self.requests,
            self.failures,
            self.sum_us,
            list(self.percentiles_us),
            list(self.cells),
            self.late_seconds,
        ]


@dataclass(frozen=True, slots=True)
class CourseBlock:
    """What was counted of every name in a stretch of time."""

    #: since the course began
    offset_s: float
    length_s: float
    user_count: int
    late_seconds: int
    #: [[name, requests, failures, sum_us, [distance, count, ...]], ...]; name and bucket are places in the course's
    #: lists, and a distance is to the bucket before, the first one's to 0
    rows: list[list[Any]]

    def plain(self) -> list[Any]:
        """As the document has it."""
        return [self.offset_s, self.length_s, self.user_count, self.late_seconds, self.rows]


@dataclass(frozen=True, slots=True)
class Course:
    """A whole test in blocks: the sum of their rows is all that was counted."""

    started_epoch_s: float
    #: how fine the buckets are; those below twice as many microseconds are 1 us wide
    buckets_per_octave: int
    names: tuple[tuple[str, str], ...]
    #: lower edges of the buckets that occur, ascending
    edges_us: tuple[int, ...]
    blocks: tuple[CourseBlock, ...]
    #: of all requests, finer than the blocks where there are many names
    points: tuple[Point, ...]
    marks: tuple[Mark, ...]
