"""What a worker has counted since it last told, and how a master adds that to what it has."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gregaria.engine.increments import Ledger, merge, rows_of
from gregaria.engine.recorder import TOTAL, Entry
from gregaria.stats.entry import StatsEntry
from gregaria.stats.exchanges import Exchange
from gregaria.stats.failures import OTHER, ExceptionTable, FailureTable, StatsError
from gregaria.stats.fields import dictionary_of, integer_of, list_of, moment_of, sendable, text_of
from gregaria.stats.generator_increment import GeneratorIncrement
from gregaria.stats.generator_log import Mark
from gregaria.stats.table import RequestStats

__all__ = ["Increments", "add_report"]

#: Rows of histograms that are all different still become half of it, and most of that at once.
_COMPRESSION_LEVEL = 1
#: ten times what a thousand names with all their histograms need
_LARGEST_ROWS_BYTES = 64 * 1024 * 1024
#: characters of a name that are told, here as in the rows
_LONGEST_NAME = 2**18
#: of each report; what is more comes with the next
_MOST_EXCHANGES = 50
#: groups and exceptions in a report: more than any worker's limits
_MOST_ITEMS = 100_000
#: the end of a worker's name: the digits of a UUID, of which a few are enough to tell it from others
_DIGITS = re.compile(r"(?<=_[0-9a-f]{6})[0-9a-f]{26}$")


class Increments:
    """What is new in the statistics of this process each time that somebody asks; everything is told once.

    It may be asked from another thread of the system than the one that counts, but by one at a time.

    Args:
        stats: what is counted.
        exceptions: the runner's table.
    """

    def __init__(self, stats: RequestStats, exceptions: ExceptionTable) -> None:
        self._stats = stats
        self._exceptions = exceptions
        self._rows = Ledger()
        self._outcomes = Ledger()
        self._failures = _Groups(stats.errors)
        self._generator_errors = _Groups(stats.generator_errors)
        self._exceptions_told: dict[int, tuple[dict[str, Any], int]] = {}
        self._mark = Mark()

    def take(self) -> dict[str, Any] | None:
        """What is new, as texts, numbers, bytes, lists and dictionaries of those; None when nothing is."""
        generator, self._mark = self._stats.generator.since(self._mark)
        found = {
            "rows": _compressed(self._rows.take(self._stats.recorder)),
            "outcomes": _compressed(self._outcomes.take(self._stats.outcomes)),
            "failures": self._failures.take(),
            "generator_errors": self._generator_errors.take(),
            "exceptions": self._take_exceptions(),
            "generator": generator.plain(),
        }
        return {name: value for name, value in found.items() if value} or None

    def take_for_locust(self) -> dict[str, Any]:
        """What is new, as Locust's workers send it: ``stats``, ``stats_total`` and ``errors``."""
        total = Entry("", TOTAL, self._stats.started_us)
        rows = []
        for row in self._rows.take_rows(self._stats.recorder):
            total.merge(row)
            if row.num_requests or row.num_failures:
                rows.append(self._for_locust(row))
        errors = {}
        for plain in self._failures.take():
            error = _error_of(plain, 0)
            if error.occurrences:
                errors[StatsError.create_key(error.method, error.name, error.error)] = error.serialize()
        return {"stats": rows, "stats_total": self._for_locust(total), "errors": errors}

    def _for_locust(self, row: Entry) -> dict[str, Any]:
        return StatsEntry(self._stats, sendable(row.name), sendable(row.method), native=row).serialize()

    def _take_exceptions(self) -> list[dict[str, Any]]:
        found, told = [], {}
        for row in list(self._exceptions.values()):
            count = row["count"]
            known, before = self._exceptions_told.get(id(row), (None, 0))
            told[id(row)] = (row, count)
            new = count - (before if known is row else 0)
            if new:
                found.append({"message": sendable(row["msg"]), "traceback": sendable(row["traceback"]), "count": new})
        self._exceptions_told = told
        return found


class _Groups:
    """What of a table of failures has been told."""

    def __init__(self, table: FailureTable) -> None:
        self._table = table
        self._told: dict[StatsError, tuple[int, int]] = {}

    def take(self) -> list[dict[str, Any]]:
        found, told = [], {}
        room = _MOST_EXCHANGES
        for group in list(self._table.values()):
            occurrences, num_exchanges = self._told.get(group, (0, 0))
            exchanges = group.exchanges[num_exchanges : num_exchanges + room]
            room -= len(exchanges)
            count = group.occurrences
            told[group] = (count, num_exchanges + len(exchanges))
            if count != occurrences or exchanges:
                found.append(_plain(group, count - occurrences, exchanges))
        self._told = told
        return found


def _plain(group: StatsError, occurrences: int, exchanges: list[Exchange]) -> dict[str, Any]:
    found = {
        "method": sendable(group.method, _LONGEST_NAME),
        "name": sendable(group.name, _LONGEST_NAME),
        "sample": sendable(group.sample),
        "occurrences": occurrences,
        "first_seen": group.first_seen,
        "last_seen": group.last_seen,
        "is_other": group.is_other,
        "exchanges": [exchange.plain() for exchange in exchanges],
    }
    return {name: value for name, value in found.items() if value}


def add_report(
    report: Mapping[str, Any], stats: RequestStats, exceptions: ExceptionTable, node_id: str, shift_s: int = 0
) -> int:
    """Add what ``Increments.take`` has told in another process.

    Args:
        report: what it told; other keys are nobody's concern.
        stats, exceptions: what it is added to.
        node_id: the worker's name.
        shift_s: what this machine's clock is ahead of the worker's by, in seconds.

    Returns:
        How many requests were added.

    Raises:
        ValueError: it is no report, or has impossible numbers; nothing has been added.
    """
    found = _report_of(report, shift_s)
    # Nothing after this can be refused.
    added = 0 if found.rows is None else merge(stats.recorder, found.rows, shift_s)
    for outcome in found.outcomes:
        stats.outcomes.merge(outcome)
    for error in found.failures:
        stats.errors.merge(error)
    for error in found.generator_errors:
        stats.generator_errors.merge(error)
    for message, traceback, count in found.exceptions:
        exceptions.add(node_id, message, traceback, count)
    if found.generator is not None:
        stats.generator.add(found.generator, _DIGITS.sub("", node_id))
    return added


@dataclass(frozen=True, slots=True)
class _Report:
    rows: bytes | None
    outcomes: list[Entry]
    failures: list[StatsError]
    generator_errors: list[StatsError]
    exceptions: list[tuple[str, str, int]]
    generator: GeneratorIncrement | None


def _report_of(report: Any, shift_s: int) -> _Report:
    data = dictionary_of(report, "a report")
    rows, outcomes, generator = data.get("rows"), data.get("outcomes"), data.get("generator")
    return _Report(
        None if rows is None else _decompressed(rows),
        [] if outcomes is None else rows_of(_decompressed(outcomes)),
        [_error_of(each, shift_s) for each in list_of(data.get("failures", []), "failures", _MOST_ITEMS)],
        [
            _error_of(each, shift_s)
            for each in list_of(data.get("generator_errors", []), "generator_errors", _MOST_ITEMS)
        ],
        [_exception_of(each) for each in list_of(data.get("exceptions", []), "exceptions", _MOST_ITEMS)],
        None if generator is None else GeneratorIncrement.of(generator, shift_s),
    )


def _error_of(plain: Any, shift_s: int) -> StatsError:
    data = dictionary_of(plain, "a failure")
    sample = text_of(data.get("sample", ""), "a failure's text")
    is_other = data.get("is_other") is True
    error = StatsError(
        text_of(data.get("method", ""), "a failure's method"),
        text_of(data.get("name", ""), "a failure's name"),
        OTHER if is_other else sample,
        integer_of(data.get("occurrences", 0), "occurrences"),
        moment_of(data.get("first_seen"), "first_seen", shift_s),
        moment_of(data.get("last_seen"), "last_seen", shift_s),
    )
    if is_other:
        error.sample = sample
    exchanges = list_of(data.get("exchanges", []), "exchanges", _MOST_EXCHANGES)
    error.exchanges = [Exchange.of(each, shift_s) for each in exchanges]
    return error


def _exception_of(plain: Any) -> tuple[str, str, int]:
    data = dictionary_of(plain, "an exception")
    message = text_of(data.get("message"), "an exception's message")
    return message, text_of(data.get("traceback"), "a traceback"), integer_of(data.get("count"), "an exception's count")


def _compressed(rows: bytes | None) -> bytes | None:
    return None if rows is None else zlib.compress(rows, _COMPRESSION_LEVEL)


def _decompressed(rows: Any) -> bytes:
    if not isinstance(rows, bytes):
        raise ValueError(f"rows are no bytes but a {type(rows).__name__}")
    stream = zlib.decompressobj()
    try:
        packed = stream.decompress(rows, _LARGEST_ROWS_BYTES)
    except zlib.error as error:
        raise ValueError(f"rows cannot be decompressed: {error}") from None
    if not stream.eof or stream.unused_data:
        raise ValueError(f"rows are cut off, have a tail, or more than {_LARGEST_ROWS_BYTES:,} bytes")
    return packed
