"""What a locustfile sees of test data: ``accounts = feed.csv("accounts.csv")``, and in a task ``accounts.next()``."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType

from gevent.event import AsyncResult

from gregaria.errors import FeedError, StopTest, StopUser
from gregaria.feed.deck import EXCLUSIVE, STRATEGIES, UNIQUE
from gregaria.feed.feeder import FEED_ERROR, OVER, Outcome, Waiter
from gregaria.feed.feeds import feeds
from gregaria.feed.pool import AGAIN, STOP_TEST, STOP_USER
from gregaria.feed.source import (
    CsvSource,
    FunctionSource,
    IterableSource,
    JsonLinesSource,
    ParquetSource,
    Row,
    Source,
    SqliteSource,
)

__all__ = ["CheckOut", "Feed", "csv", "function", "json_lines", "parquet", "rows", "sqlite"]

_ENDS = (STOP_USER, STOP_TEST, AGAIN)


class Feed:
    """Rows for users, each a dictionary.

    Args:
        name: its name, of which there is one in a test.
        source: where the rows come from.
        strategy: ``unique`` and ``shuffle`` give each row to one user of the whole test, in the order of the source or
            in any; ``circular`` begins again when all were given, ``random`` draws.
        at_end: what happens when ``unique`` or ``shuffle`` run out: ``stop_user`` (if not given), ``stop_test``, or
            ``again``.
        seed: makes ``random`` and ``shuffle`` draw the same again.

    Attributes:
        name, source, strategy, at_end, seed: as given.

    Raises:
        ValueError: there is no such strategy or end, or the strategy has no end.
        CommandError: there is a feed of that name.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        strategy: str = UNIQUE,
        at_end: str | None = None,
        seed: int | None = None,
    ) -> None:
        if strategy not in STRATEGIES:
            raise ValueError(f"there is no strategy {strategy!r}; feed {name!r} can have {', '.join(STRATEGIES)}")
        if at_end is not None and at_end not in _ENDS:
            raise ValueError(f"feed {name!r} cannot end with {at_end!r}; at_end is one of {', '.join(_ENDS)}")
        if at_end is not None and strategy not in EXCLUSIVE:
            raise ValueError(f"the rows of feed {name!r} do not end, as its strategy is {strategy!r}: leave at_end out")
        self.name = name
        self.source = source
        self.strategy = strategy
        self.at_end = at_end or STOP_USER
        self.seed = seed
        self._feeder = feeds.add(self)

    def __repr__(self) -> str:
        return f"<Feed {self.name!r}, {self.strategy}>"

    def next(self) -> Row:
        """The next row; other users run while it is on its way.

        Raises:
            StopUser, StopTest: there are no more rows, and ``at_end`` says so.
            FeedError: the rows cannot be read.
        """
        row, _ = self._take(uses=True)
        return row

    def check_out(self) -> "CheckOut":
        """A row for a with-block, in which nobody else has it; then it comes back, for others.

        When all rows are out, a user waits until one comes back.

        Raises:
            ValueError: the strategy gives rows to several users at a time.
        """
        if self.strategy not in EXCLUSIVE:
            raise ValueError(
                f"rows of feed {self.name!r} cannot be checked out, as {self.strategy!r} gives them to several users: "
                "make it with strategy='unique' or 'shuffle'"
            )
        return CheckOut(self)

    def _take(self, uses: bool) -> tuple[Row, int]:
        outcome = self._feeder.take(uses)
        if outcome is None:
            outcome = self._wait(uses)
        kind, row, ticket = outcome
        if kind == OVER:
            if self.at_end == STOP_TEST:
                raise StopTest(f"all rows of the feed {self.name!r} have been used")
            raise StopUser
        if kind == FEED_ERROR:
            raise FeedError(f"feed {self.name!r}: {row}")
        assert isinstance(row, dict)
        return row, ticket

    def _wait(self, uses: bool) -> Outcome:
        result: AsyncResult[Outcome] = AsyncResult()
        waiter = Waiter(result.set, uses)
        try:
            self._feeder.wait(waiter)
            outcome: Outcome = result.get()
        except BaseException:
            # The user ends while it waits: its row, if it has come by now, is for others.
            self._feeder.cancel(waiter)
            if result.ready():
                self._feeder.give_back(result.get()[2])
            raise
        if uses:
            self._feeder.confirm(outcome[2])
        return outcome


class CheckOut:
    """A row while one user has it; made by ``Feed.check_out``."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._ticket = 0

    def __enter__(self) -> Row:
        row, self._ticket = self._feed._take(uses=False)
        return row

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed._feeder.give_back(self._ticket)


def csv(
    path: str | Path,
    *,
    strategy: str = UNIQUE,
    at_end: str | None = None,
    name: str | None = None,
    seed: int | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    fields: Sequence[str] | None = None,
) -> Feed:
    """Rows from a CSV file, whose first line names the columns unless ``fields`` does; all values are texts."""
    source = CsvSource(path, _caller(), delimiter=delimiter, encoding=encoding, fields=fields)
    return Feed(name or Path(path).name, source, strategy, at_end, seed)


def json_lines(
    path: str | Path,
    *,
    strategy: str = UNIQUE,
    at_end: str | None = None,
    name: str | None = None,
    seed: int | None = None,
) -> Feed:
    """Rows from a file that has a JSON object in each line."""
    return Feed(name or Path(path).name, JsonLinesSource(path, _caller()), strategy, at_end, seed)


def parquet(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    strategy: str = UNIQUE,
    at_end: str | None = None,
    name: str | None = None,
    seed: int | None = None,
) -> Feed:
    """Rows from a Parquet file, of all columns or of these; dates and decimals are texts.

    Needs pyarrow: ``pip install 'gregaria[parquet]'``.
    """
    return Feed(name or Path(path).name, ParquetSource(path, _caller(), columns), strategy, at_end, seed)


def sqlite(
    path: str | Path,
    query: str,
    *,
    strategy: str = UNIQUE,
    at_end: str | None = None,
    name: str | None = None,
    seed: int | None = None,
) -> Feed:
    """Rows that a query finds in a SQLite file."""
    return Feed(name or Path(path).name, SqliteSource(path, _caller(), query), strategy, at_end, seed)


def rows(
    given: Iterable[Row] | Callable[[], Iterable[Row]],
    *,
    name: str,
    strategy: str = UNIQUE,
    at_end: str | None = None,
    seed: int | None = None,
) -> Feed:
    """Rows from an iterable, or from what a function returns, which is called where the rows are read only."""
    return Feed(name, IterableSource(given, f"feed {name!r}"), strategy, at_end, seed)


def function(make: Callable[[], Row | None], *, name: str | None = None, at_end: str | None = None) -> Feed:
    """Rows that a function makes, one with each call, where rows are read only; None says that there are no more."""
    named = name or str(getattr(make, "__name__", "function"))
    return Feed(named, FunctionSource(make, f"feed {named!r}"), UNIQUE, at_end)


def _caller() -> Path:
    """The folder of the locustfile that makes a feed."""
    return Path(sys._getframe(2).f_code.co_filename).parent
