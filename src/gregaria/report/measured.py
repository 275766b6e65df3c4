"""A run as it is compared: stretches of time with counts and response times, read from a document or Locust's CSV."""

import bisect
import csv
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gregaria.errors import CommandError, ExitCode

__all__ = [
    "TOTAL",
    "Counted",
    "Key",
    "MeasuredRun",
    "Part",
    "Piece",
    "Times",
    "Told",
    "Whole",
    "batches",
    "load_run",
    "merged",
    "run_of_document",
]

Key = tuple[str, str]

TOTAL: Key = ("", "Aggregated")
#: share of a block's seconds in which the generator may have been late
_MOST_LATE = 0.2
#: of a history of percentiles that look back, no two that have seconds in common
_LOOKS_BACK_S = 10.0
_FRACTIONS = (0.5, 0.95, 0.99)


class Times(Protocol):
    """Response times of a stretch of time."""

    def percentile_us(self, fraction: float) -> float | None:
        """In microseconds, between the edges of its bucket; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Response times in buckets."""

    #: {lower edge in us: count}
    counts: Mapping[int, int]
    per_octave: int

    def percentile_us(self, fraction: float) -> float | None:
        edges = sorted(self.counts)
        seen = list(itertools.accumulate(self.counts[edge_us] for edge_us in edges))
        if not seen:
            return None
        rank = fraction * seen[-1]
        place = min(bisect.bisect_left(seen, rank), len(edges) - 1)
        edge_us = edges[place]
        before = seen[place] - self.counts[edge_us]
        width_us = max((1 << max(edge_us.bit_length() - 1, 0)) // self.per_octave, 1)
        return edge_us + width_us * (rank - before) / self.counts[edge_us]


@dataclass(frozen=True, slots=True)
class Told:
    """Percentiles that somebody else has computed."""

    percentiles_us: Mapping[float, float]

    def percentile_us(self, fraction: float) -> float | None:
        return self.percentiles_us.get(fraction)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one name, or all, did in a block of time."""

    requests: int = 0
    failures: int = 0
    timed: int = 0
    times: Times = Told({})


@dataclass(frozen=True, slots=True)
class Part:
    """A block of time."""

    start_s: float
    length_s: float
    pieces: Mapping[Key, Piece]


@dataclass(frozen=True, slots=True)
class Whole:
    """What one name, or all, did in the whole run, where there are no blocks."""

    requests: int
    failures: int
    requests_per_s: float
    times: Times
    #: None where it is not known, or nothing was timed
    extremes_us: "Extremes | None" = None
    #: percentiles as the run told them itself
    told: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extremes:
    """The average of response times, and the ends."""

    avg: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run, or what of it can be compared."""

    #: how the person named it
    label: str
    #: blocks with the full number of users; empty if only totals are known
    parts: Sequence[Part]
    #: of each name and of all, the whole run; only asked for where there are no blocks
    wholes: Mapping[Key, Whole]
    user_count: int | None
    #: what a reader of the comparison has to know of the run
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> set[Key]:
        """All names, without the total."""
        return set(self.wholes) - {TOTAL}

    @property
    def length_s(self) -> float:
        """Seconds that are compared."""
        return sum(part.length_s for part in self.parts)


def load_run(name: str) -> MeasuredRun:
    """A run from a file that ``--json-file`` wrote, or from ``PREFIX_stats.csv`` and what stands beside it.

    Args:
        name: of the document; of ``PREFIX_stats.csv``, or just ``PREFIX``.

    Raises:
        CommandError: there is no such file, or it is something else.
    """
    path = Path(name)
    if name.endswith("_stats.csv"):
        return _run_of_csv(name, path)
    if path.is_file():
        return run_of_document(_json_of(path), name)
    for beside in (f"{name}.json", f"{name}_stats.csv"):
        if Path(beside).is_file():
            return load_run(beside)
    raise CommandError(
        f"there is no {name}: name a document that --json-file wrote, or the CSV files of a run by PREFIX_stats.csv",
        ExitCode.USAGE,
    )


def run_of_document(document: Any, label: str) -> MeasuredRun:
    """A run from its document.

    Raises:
        CommandError: it is none.
    """
    try:
        if not str(document["schema"]).startswith("gregaria.summary/"):
            raise ValueError(document["schema"])
        timeline = document.get("timeline")
        told = document.get("after_warmup") or document
        wholes = {_key(row): _whole_of_row(row) for row in told["requests"]} | {TOTAL: _whole_of_row(told["total"])}
        if timeline is None:
            note = f"{label} has no timeline: it was written by an older version, or its test never began."
            return MeasuredRun(label, [], wholes, document["options"].get("users"), (note,))
        return _run_of_timeline(timeline, wholes, label)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CommandError(
            f"{label} is no document that --json-file wrote ({type(error).__name__}: {error})", ExitCode.USAGE
        ) from None


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}", ExitCode.USAGE) from None


# -- documents ---------------------------------------------------------------------------------------------------------


def _key(row: Mapping[str, Any]) -> Key:
    return row["method"], row["name"]


def _whole_of_row(row: Mapping[str, Any]) -> Whole:
    counts = {int(edge): count for edge, count in row["histogram_us"].items()}
    told_us = {float(key[1:]) / 100: time_ms * 1000 for key, time_ms in row["percentiles_ms"].items() if time_ms}
    return Whole(
        row["num_requests"],
        row["num_failures"],
        row["total_rps"],
        Counted(counts, 64),
        None if row["avg_ms"] is None else Extremes(*(row[key] * 1000 for key in ("avg_ms", "min_ms", "max_ms"))),
        told_us,
    )


@dataclass(slots=True)
class _Block:
    start_s: float
    length_s: float
    users: int
    late: int
    rows: list[Any]


def _run_of_timeline(timeline: Mapping[str, Any], wholes: Mapping[Key, Whole], label: str) -> MeasuredRun:
    blocks = [_Block(*block) for block in timeline["blocks"]]
    names = [(method, name) for method, name in timeline["names"]]
    steady, notes = _steady(blocks, [block.users for block in blocks], label)
    kept = [block for block in steady if block.late <= _MOST_LATE * max(block.length_s, 1)]
    if len(kept) < len(steady):
        late_s = sum(block.length_s for block in steady) - sum(block.length_s for block in kept)
        notes.append(f"{label}: {late_s:.0f} s are left out, in which the generator itself was late.")
    edges_us, per_octave = timeline["edges_us"], timeline["buckets_per_octave"]
    parts = [Part(block.start_s, block.length_s, _pieces_of(block.rows, names, edges_us, per_octave)) for block in kept]
    return MeasuredRun(label, parts, wholes, max((block.users for block in kept), default=None), tuple(notes))


def _pieces_of(rows: list[Any], names: list[Key], edges_us: list[int], per_octave: int) -> dict[Key, Piece]:
    pieces: dict[Key, Piece] = {}
    whole: dict[int, int] = {}
    requests = failures = 0
    for place, row_requests, row_failures, _, told in rows:
        counts: dict[int, int] = {}
        bucket = 0
        for distance, count in zip(told[::2], told[1::2], strict=True):
            bucket += distance
            edge_us = edges_us[bucket]
            counts[edge_us] = count
            whole[edge_us] = whole.get(edge_us, 0) + count
        pieces[names[place]] = Piece(row_requests, row_failures, sum(counts.values()), Counted(counts, per_octave))
        requests += row_requests
        failures += row_failures
    pieces[TOTAL] = Piece(requests, failures, sum(whole.values()), Counted(whole, per_octave))
    return pieces


def _steady(blocks: list[Any], users: list[int], label: str) -> tuple[list[Any], list[str]]:
    """The blocks between ramp-up and end; all of them where the number of users changes on purpose."""
    if not blocks:
        return [], []
    final = sorted(users[len(users) // 2 :])[(len(users) - len(users) // 2) // 2]
    first = len(users)
    # The last one is that in which users left.
    while first and (users[first - 1] == final or first == len(users)):
        first -= 1
    if (len(users) - first) * 2 > len(users) or first == 0:
        # In the first with all users they were still coming.
        return blocks[first + 1 : -1], []
    return blocks[1:-1], [f"{label}: the number of users changes during the run, of which all is compared."]


# -- Locust's CSV files ------------------------------------------------------------------------------------------------


def _run_of_csv(label: str, path: Path) -> MeasuredRun:
    wholes = {}
    for row in _rows_of(path):
        try:
            wholes[row["Type"], row["Name"]] = Whole(
                int(row["Request Count"]),
                int(row["Failure Count"]),
                float(row["Requests/s"]),
                _told_of(row),
                _extremes_of(row),
            )
        except (KeyError, ValueError) as error:
            raise CommandError(f"{path} is no PREFIX_stats.csv: {error}", ExitCode.USAGE) from None
    history = path.with_name(f"{path.name.removesuffix('_stats.csv')}_stats_history.csv")
    if not history.is_file():
        note = f"{label} has only totals: without {history.name} beside it there are no intervals."
        return MeasuredRun(label, [], wholes, None, (note,))
    try:
        parts, users, notes = _parts_of_history(_rows_of(history), label)
    except (KeyError, ValueError) as error:
        raise CommandError(f"{history} is no PREFIX_stats_history.csv: {error}", ExitCode.USAGE) from None
    return MeasuredRun(label, parts, wholes, users, tuple(notes))


def _rows_of(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read: {error}", ExitCode.USAGE) from None


def _extremes_of(row: Mapping[str, str]) -> Extremes | None:
    texts = [row.get(f"{which} Response Time") or "" for which in ("Average", "Min", "Max")]
    return Extremes(*(float(text) * 1000 for text in texts)) if all(texts) else None


def _told_of(row: Mapping[str, str]) -> Told:
    known = {}
    for fraction in _FRACTIONS:
        text = row.get(f"{fraction * 100:.6g}%") or "N/A"
        # In Locust's whole milliseconds 0 is anything below a half.
        if text != "N/A" and float(text) > 0:
            known[fraction] = float(text) * 1000
    return Told(known)


@dataclass(slots=True)
class _Moment:
    """All rows of a history's second."""

    epoch_s: int
    users: int
    rows: dict[Key, dict[str, str]] = field(default_factory=dict)


def _parts_of_history(rows: Iterable[dict[str, str]], label: str) -> tuple[list[Part], int | None, list[str]]:
    moments: list[_Moment] = []
    for row in rows:
        epoch_s = int(float(row["Timestamp"]))
        if not moments or moments[-1].epoch_s != epoch_s:
            moments.append(_Moment(epoch_s, int(row["User Count"])))
        moments[-1].rows[row["Type"], row["Name"]] = row
    steady, notes = _steady(moments, [moment.users for moment in moments], label)
    parts = []
    # The percentiles of a row look back.
    before = steady[0] if steady else None
    for moment in steady[1:]:
        assert before is not None
        if moment.epoch_s - before.epoch_s >= _LOOKS_BACK_S:
            parts.append(_part_between(before, moment))
            before = moment
    return parts, max((moment.users for moment in steady), default=None), notes


def _part_between(before: _Moment, after: _Moment) -> Part:
    pieces = {}
    for key, row in after.rows.items():
        earlier = before.rows.get(key, {})
        requests = int(row["Total Request Count"]) - int(earlier.get("Total Request Count", 0))
        failures = int(row["Total Failure Count"]) - int(earlier.get("Total Failure Count", 0))
        pieces[key] = Piece(requests, failures, requests, _told_of(row))
    return Part(before.epoch_s, float(after.epoch_s - before.epoch_s), pieces)


# -- batches -----------------------------------------------------------------------------------------------------------


def batches(parts: Sequence[Part], key: Key, count: int) -> list[tuple[float, Piece]]:
    """The parts as so many stretches of time of about the same length: (seconds, what a name did in them)."""
    if not parts:
        return []
    share = math.fsum(part.length_s for part in parts) / count
    groups: list[list[Part]] = [[] for _ in range(count)]
    passed_s = 0.0
    for part in parts:
        groups[min(int((passed_s + part.length_s / 2) / share), count - 1)].append(part)
        passed_s += part.length_s
    return [
        (math.fsum(part.length_s for part in group), summed([part.pieces.get(key, Piece()) for part in group]))
        for group in groups
        if group
    ]


def summed(pieces: Sequence[Piece]) -> Piece:
    """What a name did in several stretches of time."""
    counted = [piece.times for piece in pieces if isinstance(piece.times, Counted)]
    times: Times
    if counted:
        times = merged(counted)
    else:
        times = _averaged([piece.times for piece in pieces if isinstance(piece.times, Told)])
    return Piece(
        sum(piece.requests for piece in pieces),
        sum(piece.failures for piece in pieces),
        sum(piece.timed for piece in pieces),
        times,
    )


def merged(counted: Sequence[Counted]) -> Counted:
    """Response times of several, at least one, in equally fine buckets."""
    whole: dict[int, int] = {}
    for each in counted:
        for edge_us, count in each.counts.items():
            whole[edge_us] = whole.get(edge_us, 0) + count
    return Counted(whole, counted[0].per_octave)


def _averaged(told: Sequence[Told]) -> Told:
    """Percentiles cannot be added; their geometric mean stands for all."""
    found = {}
    for fraction in _FRACTIONS:
        known = [each.percentiles_us[fraction] for each in told if fraction in each.percentiles_us]
        if known:
            found[fraction] = math.exp(math.fsum(map(math.log, known)) / len(known))
    return Told(found)
