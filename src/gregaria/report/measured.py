"""A run as it is compared: stretches of time with counts and response times, read from a document or Locust's CSV."""

import bisect
import csv
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gregaria.errors import CommandError, ExitCode
from gregaria.report.reading import read_document

__all__ = [
    "FEWEST_PARTS",
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
    "history_of",
    "load_run",
    "merged",
    "run_file",
    "run_of_document",
]

Key = tuple[str, str]

TOTAL: Key = ("", "Aggregated")
#: of fewer parts nobody can tell how much they differ by chance
FEWEST_PARTS = 5
#: share of a block's seconds in which the generator may have been late
_MOST_LATE = 0.2
#: of a history of percentiles that look back, no two that have seconds in common
_LOOKS_BACK_S = 10.0
_FRACTIONS = {0.5: "50%", 0.95: "95%", 0.99: "99%"}
#: what a comparison needs of Locust's files; percentiles may be missing
_STATS_COLUMNS = ("Type", "Name", "Request Count", "Failure Count", "Requests/s")
_HISTORY_COLUMNS = ("Timestamp", "User Count", "Type", "Name", "Total Request Count", "Total Failure Count")
_OF_CSV = "_stats.csv"
_NUMBER = re.compile(r"\d{1,15}(\.\d+)?(e-\d{1,3})?", re.ASCII)


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
    def has_requests(self) -> bool:
        """Whether any are known of."""
        return any(whole.requests for whole in self.wholes.values()) or any(
            piece.requests for part in self.parts for piece in part.pieces.values()
        )

    @property
    def length_s(self) -> float:
        """Seconds that are compared."""
        return sum(part.length_s for part in self.parts)


def load_run(name: str) -> MeasuredRun:
    """A run from a file that ``--json-file`` wrote, or from ``PREFIX_stats.csv`` and what stands beside it.

    Args:
        name: of the document; of ``PREFIX_stats.csv``, or just ``PREFIX``.

    Raises:
        CommandError: there is no such file, or it is something else; says what is missing in it, or wrong.
    """
    found = run_file(name)
    path = Path(found)
    return _run_of_csv(found, path) if found.endswith(_OF_CSV) else run_of_document(read_document(path), found)


def run_file(name: str) -> str:
    """The file that ``load_run`` reads first.

    Raises:
        CommandError: there is none, or it is one that says too little.
    """
    if name.endswith(_OF_CSV):
        return name
    path = Path(name)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror or error}", ExitCode.USAGE) from None
    if path.is_file() or path.is_fifo():
        if path.suffix.lower() == ".csv":
            raise CommandError(f"{name} alone cannot be compared: name PREFIX_stats.csv", ExitCode.USAGE)
        return name
    for beside in (f"{name}.json", f"{name}{_OF_CSV}"):
        if Path(beside).is_file():
            return beside
    trouble = f"{name} is a folder" if path.is_dir() else f"there is no {name}"
    raise CommandError(
        f"{trouble}: name a document that --json-file wrote, or the CSV files of a run by PREFIX_stats.csv",
        ExitCode.USAGE,
    )


def run_of_document(document: Mapping[str, Any], label: str) -> MeasuredRun:
    """A run from its document.

    Args:
        document: what ``read_document`` or ``report.json.document`` makes.
    """
    told = document.get("after_warmup") or document
    wholes = {_key(row): _whole_of_row(row) for row in told["requests"]} | {TOTAL: _whole_of_row(told["total"])}
    timeline = document.get("timeline")
    if timeline is None:
        note = f"{label} has no timeline: it was written by an older version, or its test never began."
        users = document["options"].get("users")
        return MeasuredRun(label, [], wholes, users if isinstance(users, int) else None, (note,))
    return _run_of_timeline(timeline, wholes, label)


# -- documents ---------------------------------------------------------------------------------------------------------


def _key(row: Mapping[str, Any]) -> Key:
    return row["method"], row["name"]


def _whole_of_row(row: Mapping[str, Any]) -> Whole:
    counts = {int(edge): count for edge, count in row["histogram_us"].items()}
    # As fine as it is written: what is less is nothing.
    rate = round(row["total_rps"], 6)
    told_us = {float(key[1:]) / 100: time_ms * 1000 for key, time_ms in row["percentiles_ms"].items() if time_ms}
    return Whole(
        row["num_requests"],
        row["num_failures"],
        rate,
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


def history_of(path: Path) -> Path:
    """The file of intervals beside ``PREFIX_stats.csv``; it need not be there."""
    return path.with_name(f"{path.name.removesuffix(_OF_CSV)}_stats_history.csv")


def _run_of_csv(label: str, path: Path) -> MeasuredRun:
    heading, rows = _table_of(path, _STATS_COLUMNS)
    wholes = {}
    for row in rows:
        row.refuse_if_cut()
        wholes[row["Type"], row["Name"]] = Whole(
            row.count("Request Count"),
            row.count("Failure Count"),
            row.number("Requests/s"),
            _told_of(row),
            _extremes_of(row),
        )
    notes = []
    if TOTAL not in wholes:
        notes.append(f"{label} has no row Aggregated: nothing is known of all requests together.")
    missing = [column for column in _FRACTIONS.values() if column not in heading]
    if missing:
        notes.append(f"{label} has no column {' and no '.join(missing)}: nothing is known of these percentiles.")
    history = history_of(path)
    if not history.is_file() or not history.stat().st_size:
        notes.append(f"{label} has only totals: without {history.name} beside it there are no intervals.")
        return MeasuredRun(label, [], wholes, None, tuple(notes))
    moments = _moments_of(history)
    parts, users, more = _parts_of_history(moments, label)
    if parts and set(wholes) - {TOTAL} and not any(set(moment.rows) - {TOTAL} for moment in moments):
        more.append(f"{label} has intervals of all requests only; with --csv-full-history it has those of each name.")
    return MeasuredRun(label, parts, wholes, users, (*notes, *more))


class _Row(dict[str, str]):
    """A row of a CSV file, by column.

    Attributes:
        place: file and line, for errors.
        is_cut: whether it ends before its last column.
    """

    place: str
    is_cut: bool

    def refuse_if_cut(self) -> None:
        """See that it has all columns.

        Raises:
            CommandError: it ends before.
        """
        if self.is_cut:
            raise CommandError(f"{self.place}: the row ends in the middle", ExitCode.USAGE)

    def number(self, column: str) -> float:
        """A figure, none below 0.

        Raises:
            CommandError: it is none.
        """
        text = self[column]
        if not _NUMBER.fullmatch(text):
            raise CommandError(f"{self.place}: {column} is {text[:60]!r} where a number is expected", ExitCode.USAGE)
        # As fine as it is written: what is less is nothing.
        return round(float(text), 6)

    def count(self, column: str) -> int:
        """A whole number.

        Raises:
            CommandError: it is none.
        """
        return int(self.number(column))


def _table_of(path: Path, needed: Sequence[str]) -> tuple[Sequence[str], list[_Row]]:
    """The columns and the rows of a CSV file.

    Raises:
        CommandError: the file cannot be read, or lacks a column that is needed.
    """
    rows = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            heading = next(reader, [])
            for fields in filter(None, reader):
                row = _Row(zip(heading, fields, strict=False))
                row.place, row.is_cut = f"{path}, line {reader.line_num:,}", len(fields) < len(heading)
                rows.append(row)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}", ExitCode.USAGE) from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} cannot be read: it is no text in UTF-8", ExitCode.USAGE) from None
    except csv.Error as error:
        raise CommandError(f"{path}, line {reader.line_num + 1:,}, cannot be read: {error}", ExitCode.USAGE) from None
    if not heading:
        raise CommandError(f"{path} is empty", ExitCode.USAGE)
    if missing := [column for column in needed if column not in heading]:
        raise CommandError(
            f"{path} is none of the files that --csv writes: it has no column {', '.join(missing)}", ExitCode.USAGE
        )
    return heading, rows


def _extremes_of(row: _Row) -> Extremes | None:
    columns = [f"{which} Response Time" for which in ("Average", "Min", "Max")]
    return Extremes(*(row.number(column) * 1000 for column in columns)) if all(map(row.get, columns)) else None


def _told_of(row: _Row) -> Told:
    known = {}
    for fraction, column in _FRACTIONS.items():
        # In Locust's whole milliseconds 0 is anything below a half.
        if row.get(column, "N/A") != "N/A" and (time_ms := row.number(column)) > 0:
            known[fraction] = time_ms * 1000
    return Told(known)


@dataclass(slots=True)
class _Moment:
    """All rows of a history's second."""

    epoch_s: int
    users: int
    rows: dict[Key, _Row] = field(default_factory=dict)


def _moments_of(history: Path) -> list[_Moment]:
    _, rows = _table_of(history, _HISTORY_COLUMNS)
    # Whoever wrote it may have been killed at its last row.
    if rows and rows[-1].is_cut:
        rows.pop()
    moments: list[_Moment] = []
    for row in rows:
        row.refuse_if_cut()
        epoch_s = row.count("Timestamp")
        if not moments or moments[-1].epoch_s != epoch_s:
            moments.append(_Moment(epoch_s, row.count("User Count")))
        moments[-1].rows[row["Type"], row["Name"]] = row
    return moments


def _parts_of_history(moments: list[_Moment], label: str) -> tuple[list[Part], int | None, list[str]]:
    steady, notes = _steady(moments, [moment.users for moment in moments], label)
    parts = []
    # The percentiles of a row look back.
    before = steady[0] if steady else None
    for moment in steady[1:]:
        assert before is not None
        if moment.epoch_s - before.epoch_s >= _LOOKS_BACK_S:
            parts.append(_part_between(before, moment))
            before = moment
    if len(steady) > 1 and len(parts) < FEWEST_PARTS:
        notes.append(
            f"A block of a history takes {_LOOKS_BACK_S:.0f} s, as its percentiles look back so far: it is two minutes "
            "with all users until there are twelve."
        )
    rising = [part for part in parts if all(min(each.requests, each.failures) >= 0 for each in part.pieces.values())]
    if len(rising) < len(parts):
        lost_s = sum(part.length_s for part in parts) - sum(part.length_s for part in rising)
        notes.append(f"{label}: {lost_s:.0f} s are left out, in which the statistics were reset.")
    return rising, max((moment.users for moment in steady), default=None), notes


def _part_between(before: _Moment, after: _Moment) -> Part:
    pieces = {}
    for key, row in after.rows.items():
        earlier = before.rows.get(key)
        requests, failures = (
            row.count(column) - (earlier.count(column) if earlier else 0)
            for column in ("Total Request Count", "Total Failure Count")
        )
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
