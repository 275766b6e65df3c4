"""Rows from files and code: what they are, and what is said where they are none."""

import datetime
import decimal
import importlib
import itertools
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gregaria.errors import CommandError
from gregaria.feed.source import (
    CsvSource,
    FunctionSource,
    IterableSource,
    JsonLinesSource,
    ParquetSource,
    Source,
    SqliteSource,
)


def of_csv(path: Path, **how: Any) -> CsvSource:
    return CsvSource(path, path.parent, **{"delimiter": ",", "encoding": "utf-8-sig", "fields": None, **how})


def test_a_csv_file_has_its_names_in_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('\ufeffname,city\nAda,London\n\n"Grace ""Amazing""","New\nYork"\n', "utf-8")
    assert list(of_csv(path).rows(0)) == [
        {"name": "Ada", "city": "London"},
        {"name": 'Grace "Amazing"', "city": "New\nYork"},
    ]
    assert [row["city"] for row in of_csv(path).rows(1)] == ["New\nYork"]


def test_a_csv_file_without_a_heading_is_given_names(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Ada;Zürich\n", "latin-1")
    source = of_csv(path, delimiter=";", encoding="latin-1", fields=["name", "city"])
    assert list(source.rows(0)) == [{"name": "Ada", "city": "Zürich"}]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n1,2\n3\n", r"x\.csv:3: the line has 1 cells, and the heading names 2"),
        (b"a,b\n1,2,3\n", r"x\.csv:2: the line has 3 cells"),
        (b"a,a\n1,2\n", "two columns called 'a'"),
        (b"a\n\xff\n", "encoding="),
        (b'a\n"1" 2\n', r"x\.csv:2: no CSV"),
    ],
)
def test_a_broken_csv_file_is_told_with_its_line(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=told):
        list(of_csv(path).rows(0))


def test_an_unknown_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(CommandError, match="encoding="):
        list(of_csv(tmp_path / "x.csv", encoding="utf-99").rows(0))


def test_json_lines_are_objects(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1, "b": [true, null]}\n\n{"a": 2.5}\n')
    source = JsonLinesSource(path, tmp_path)
    assert list(source.rows(0)) == [{"a": 1, "b": [True, None]}, {"a": 2.5}]
    assert list(source.rows(1)) == [{"a": 2.5}]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", r"x\.jsonl:2: no JSON"),
        ("[1]", r"x\.jsonl:2 is list and no dictionary"),
        (json.dumps({"a": 2**70}), r"x\.jsonl:2 cannot be sent to a worker: 'a' is int"),
    ],
)
def test_a_line_that_is_no_object_is_told(line: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n' + line)
    with pytest.raises(CommandError, match=told):
        list(JsonLinesSource(tmp_path / "x.jsonl", tmp_path).rows(0))


def test_a_parquet_file_gives_what_can_be_sent(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed here")
    parquet = importlib.import_module("pyarrow.parquet")
    columns = {
        "number": list(range(2500)),
        "day": [datetime.date(2026, 1, 2)] * 2500,
        "price": [decimal.Decimal("1.50")] * 2500,
        "parts": [[{"at": datetime.datetime(2026, 1, 2, 3, 4)}]] * 2500,
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "x.parquet")
    rows = list(ParquetSource(tmp_path / "x.parquet", tmp_path, None).rows(0))
    assert len(rows) == 2500
    assert rows[7] == {"number": 7, "day": "2026-01-02", "price": "1.50", "parts": [{"at": "2026-01-02T03:04:00"}]}
    later = ParquetSource(tmp_path / "x.parquet", tmp_path, ["number"]).rows(2345)
    assert list(later) == [{"number": number} for number in range(2345, 2500)]
    with pytest.raises(CommandError, match="has no column 'colour'"):
        list(ParquetSource(tmp_path / "x.parquet", tmp_path, ["colour"]).rows(0))
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(CommandError, match=r"no\.parquet cannot be read"):
        list(ParquetSource(tmp_path / "no.parquet", tmp_path, None).rows(0))


def test_without_pyarrow_a_parquet_file_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    with pytest.raises(CommandError, match=r"pip install 'gregaria\[parquet\]'"):
        list(ParquetSource(tmp_path / "x.parquet", tmp_path, None).rows(0))


def test_a_query_finds_rows_in_a_sqlite_file_that_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "a b#c.db"
    connection = sqlite3.connect(path)
    connection.execute("create table people (name text, age integer)")
    connection.executemany("insert into people values (?, ?)", [("Ada", 36), ("Grace", None)])
    connection.commit()
    connection.close()
    source = SqliteSource(path, tmp_path, "select * from people order by name")
    assert list(source.rows(0)) == [{"name": "Ada", "age": 36}, {"name": "Grace", "age": None}]
    assert list(source.rows(1)) == [{"name": "Grace", "age": None}]
    for query, told in [
        ("select * from nobody", "no such table"),
        ("delete from people", "readonly"),
        ("select name, name from people", "two columns called 'name'"),
    ]:
        with pytest.raises(CommandError, match=told):
            list(SqliteSource(path, tmp_path, query).rows(0))


def test_a_list_can_be_read_again_and_an_iterator_once() -> None:
    rows = [{"n": 1}, {"n": 2}]
    source = IterableSource(rows, "feed")
    assert list(source.rows(0)) == list(source.rows(0)) == rows
    again = IterableSource(lambda: iter(rows), "feed")
    assert list(again.rows(0)) == list(again.rows(0)) == rows
    once = IterableSource(iter(rows), "feed 'x'")
    assert list(once.rows(0)) == rows
    with pytest.raises(CommandError, match="feed 'x' come from an iterator"):
        list(once.rows(0))


def test_a_function_is_called_for_each_row_until_it_returns_none() -> None:
    numbers = iter([{"n": 1}, {"n": 2}, None])
    assert list(FunctionSource(lambda: next(numbers), "feed").rows(0)) == [{"n": 1}, {"n": 2}]
    calls = itertools.count()
    rows = FunctionSource(lambda: {"n": next(calls)}, "feed").rows(100)
    # Nothing is made only to be left out.
    assert next(rows) == {"n": 0}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("Ada", "row 2 of feed is str and no dictionary"),
        ({1: "x"}, "a name that is no text: 1"),
        ({"when": datetime.datetime(2026, 1, 1)}, "'when' is datetime"),
        ({"what": [object()]}, "'what' is list"),
    ],
)
def test_a_row_that_could_not_be_sent_is_told_in_a_local_run_too(row: Any, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        list(IterableSource([{"a": 1}, row], "feed").rows(0))


def test_a_file_is_looked_for_here_and_beside_who_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, beside = tmp_path / "here", tmp_path / "beside"
    for folder in (here, beside):
        folder.mkdir()
    monkeypatch.chdir(here)
    (beside / "x.csv").write_text("place\nbeside\n")

    def read() -> list[Any]:
        source = CsvSource("x.csv", beside, delimiter=",", encoding="utf-8", fields=None)
        return list(source.rows(0))

    assert read() == [{"place": "beside"}]
    (here / "x.csv").write_text("place\nhere\n")
    assert read() == [{"place": "here"}]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "sqlite"])
def test_a_missing_file_is_told_with_the_places_that_were_looked_at(kind: str, tmp_path: Path) -> None:
    sources: dict[str, Source] = {
        "csv": CsvSource("gone", tmp_path, delimiter=",", encoding="utf-8", fields=None),
        "jsonl": JsonLinesSource("gone", tmp_path),
        "sqlite": SqliteSource("gone", tmp_path, "select 1"),
    }
    with pytest.raises(CommandError, match=rf"there is no gone in .* or {tmp_path}.*the master"):
        next(iter_of(sources[kind]))


def iter_of(source: Source) -> Iterator[Any]:
    return source.rows(0)
