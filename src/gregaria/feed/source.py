"""Where the rows of a feed come from: CSV, JSON lines, Parquet and SQLite files, iterables, a function.

A source is made in every process and read in one: nothing is opened before the first row is wanted. A row is a
dictionary of what can be sent to a worker: texts, numbers, bytes, True, False, None, lists and dictionaries.
"""

import csv
import datetime
import decimal
import importlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgpack

from gregaria.errors import CommandError, ExitCode

__all__ = [
    "CsvSource",
    "FunctionSource",
    "IterableSource",
    "JsonLinesSource",
    "ParquetSource",
    "Row",
    "Source",
    "SqliteSource",
]

Row = dict[str, Any]


class Source(Protocol):
    """What rows are read from.

    Attributes:
        label: how messages call it.
        may_wait: whether reading it runs code of the locustfile's, which may wait for something.
    """

    label: str
    may_wait: bool

    def rows(self, start: int) -> Iterator[Row]:
        """All rows from the one with that index, anew with each call.

        Raises:
            CommandError: here or at a row, it cannot be read; the message says where and what to do.
        """


class CsvSource:
    """A file with a heading line, or with ``fields`` in place of one.

    Args:
        path: the file; relative to where the command was started, or else to ``beside``.
        beside: the folder of the file that names it.
        delimiter, encoding: how it is written.
        fields: the names of the columns, when the file has no heading.
    """

    may_wait = False

    def __init__(
        self, path: str | Path, beside: Path, *, delimiter: str, encoding: str, fields: Sequence[str] | None
    ) -> None:
        self.label = str(path)
        self._path, self._beside = path, beside
        self._delimiter, self._encoding = delimiter, encoding
        self._fields = list(fields) if fields is not None else None

    def rows(self, start: int) -> Iterator[Row]:
        path = _existing(self._path, self._beside)
        try:
            with open(path, newline="", encoding=self._encoding) as file:
                reader = csv.reader(file, delimiter=self._delimiter, strict=True)
                filled = (cells for cells in reader if cells)
                fields = self._fields or next(filled, None)
                if fields is None:
                    return
                _check_names(fields, str(path))
                for cells in itertools.islice(filled, start, None):
                    if len(cells) != len(fields):
                        raise CommandError(
                            f"{path}:{reader.line_num}: the line has {len(cells)} cells, and the heading names "
                            f"{len(fields)} columns: mend the line, or name another delimiter="
                        )
                    yield dict(zip(fields, cells, strict=True))
        except (UnicodeDecodeError, LookupError) as error:
            raise CommandError(f"{path} cannot be read: {error}; say how it is written with encoding=") from None
        except csv.Error as error:
            raise CommandError(f"{path}:{reader.line_num}: no CSV: {error}") from None
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}") from None


class JsonLinesSource:
    """A file with a JSON object in each line."""

    may_wait = False

    def __init__(self, path: str | Path, beside: Path) -> None:
        self.label = str(path)
        self._path, self._beside = path, beside

    def rows(self, start: int) -> Iterator[Row]:
        path = _existing(self._path, self._beside)
        try:
            with open(path, "rb") as file:
                lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
                for number, line in itertools.islice(lines, start, None):
                    try:
                        row = json.loads(line)
                    except (ValueError, RecursionError) as error:
                        raise CommandError(f"{path}:{number}: no JSON: {error}") from None
                    yield checked(row, f"{path}:{number}")
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}") from None


class ParquetSource:
    """A Parquet file; ``columns`` names those that are wanted. Needs pyarrow."""

    may_wait = False

    def __init__(self, path: str | Path, beside: Path, columns: Sequence[str] | None) -> None:
        self.label = str(path)
        self._path, self._beside = path, beside
        self._columns = list(columns) if columns is not None else None

    def rows(self, start: int) -> Iterator[Row]:
        try:
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError:
            raise CommandError(
                f"reading {self.label} needs pyarrow, which is not installed: pip install 'gregaria[parquet]'"
            ) from None
        path = _existing(self._path, self._beside)
        try:
            with parquet.ParquetFile(path) as file:
                unknown = set(self._columns or ()) - set(file.schema_arrow.names)
                if unknown:
                    raise CommandError(f"{path} has no column {min(unknown)!r}; it has {file.schema_arrow.names}")
                index = 0
                for batch in file.iter_batches(batch_size=1000, columns=self._columns):
                    if index + batch.num_rows > start:
                        for row in batch.slice(max(start - index, 0)).to_pylist():
                            yield checked({name: _plain(value) for name, value in row.items()}, str(path))
                    index += batch.num_rows
        except (OSError, ValueError) as error:
            # pyarrow's own errors are these, too.
            raise CommandError(f"{path} cannot be read: {error}") from None


class SqliteSource:
    """The rows that a query finds in a SQLite file, which is only read."""

    may_wait = False

    def __init__(self, path: str | Path, beside: Path, query: str) -> None:
        self.label = str(path)
        self._path, self._beside, self._query = path, beside, query

    def rows(self, start: int) -> Iterator[Row]:
        path = _existing(self._path, self._beside)
        try:
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            try:
                cursor = connection.execute(self._query)
                if cursor.description is None:
                    raise CommandError(f"the query {self._query!r} finds no rows: it must be a SELECT")
                names = [column[0] for column in cursor.description]
                _check_names(names, f"the query {self._query!r}")
                for values in itertools.islice(cursor, start, None):
                    yield dict(zip(names, values, strict=True))
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise CommandError(f"{path} cannot be read with {self._query!r}: {error}") from None


class IterableSource:
    """Any iterable of dictionaries, or a function without arguments that returns one.

    An iterator (a generator, say) can be read once; a list or a function as often as is wanted.
    """

    def __init__(self, given: Iterable[Row] | Callable[[], Iterable[Row]], label: str) -> None:
        self.label = label
        self.may_wait = not isinstance(given, list | tuple)
        self._given = given
        self._was_read = False

    def rows(self, start: int) -> Iterator[Row]:
        given = self._given() if callable(self._given) else self._given
        if iter(given) is given and not callable(self._given):
            if self._was_read:
                raise CommandError(
                    f"the rows of {self.label} come from an iterator, which can be read only once: give the feed a "
                    "list, or the function that makes the iterator"
                )
            self._was_read = True
        for index, row in enumerate(itertools.islice(given, start, None), start):
            yield checked(row, f"row {index + 1} of {self.label}")


class FunctionSource:
    """A function that is called for each row and returns it; None says that there are no more."""

    may_wait = True

    def __init__(self, function: Callable[[], Row | None], label: str) -> None:
        self.label = label
        self._function = function

    def rows(self, start: int) -> Iterator[Row]:
        # What a call has made cannot be skipped: each makes something new.
        for index in itertools.count(start):
            row = self._function()
            if row is None:
                return
            yield checked(row, f"row {index + 1} of {self.label}")


def checked(row: Any, where: str) -> Row:
    """The row, if it is one that can be sent.

    Raises:
        CommandError: it is not.
    """
    if not isinstance(row, dict):
        raise CommandError(f"{where} is {type(row).__name__} and no dictionary: a row is {{name: value, ...}}")
    for name, value in row.items():
        if not isinstance(name, str):
            raise CommandError(f"{where} has a name that is no text: {name!r}")
        if type(value) is not str:
            try:
                msgpack.packb(value)
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                raise CommandError(
                    f"{where} cannot be sent to a worker: {name!r} is {type(value).__name__} ({error}). Rows hold "
                    "texts, numbers, bytes, True, False, None, lists and dictionaries"
                ) from None
    return row


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _check_names(names: Sequence[str], where: str) -> None:
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise CommandError(f"{where} has two columns called {doubles[0]!r}: rename one")


def _existing(path: str | Path, beside: Path) -> Path:
    given = Path(path).expanduser()
    for candidate in (given, beside / given):
        if candidate.is_file():
            return candidate
    places = f"in {Path.cwd()}" + (f" or {beside}" if beside != Path.cwd() else "")
    raise CommandError(
        f"there is no {path}{'' if given.is_absolute() else f' {places}'}; it is read where users are started from: "
        "here, or at the master of a distributed run",
        ExitCode.USAGE,
    )
