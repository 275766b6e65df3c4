from hypothesis import given
from hypothesis import strategies as st

from gregaria.report.cells import width
from gregaria.report.table import Cell, Column, Table

COLUMNS = (
    Column("Type", comfortable=8, left=True),
    Column("Name", left=True, flexible=True),
    Column("Count", comfortable=7),
    Column("Min", comfortable=7, opens_group=True, spare=2),
    Column("Max", comfortable=7, spare=1),
)


def cells(*texts: str) -> list[Cell]:
    return [Cell(text) for text in texts]


ROWS = [cells("GET", "/a", "12", "1.00", "2.00"), cells("", "Aggregated", "1,234", "1.00", "2.00")]


def test_a_table_stands_between_a_heading_and_a_total() -> None:
    assert Table(COLUMNS, ROWS).lines() == [
        "Type     Name         Count |    Min     Max",
        "--------|----------|--------|-------|-------",
        "GET      /a              12 |   1.00    2.00",
        "--------|----------|--------|-------|-------",
        "         Aggregated   1,234 |   1.00    2.00",
    ]


def test_where_there_is_little_room_padding_goes_first_and_then_columns() -> None:
    assert Table(COLUMNS, ROWS, max_width=40).left_out() == []
    assert Table(COLUMNS, ROWS, max_width=40).lines()[2] == "GET    /a              12 |  1.00   2.00"
    assert Table(COLUMNS, ROWS, max_width=30).left_out() == ["Min"]
    assert Table(COLUMNS, ROWS, max_width=25).left_out() == ["Min", "Max"]


def test_a_long_name_is_shortened_before_columns_are_left_out() -> None:
    rows = [cells("GET", "/" + "segment/" * 20, "12", "1.00", "2.00")]
    table = Table(COLUMNS, rows, footer_rows=0, max_width=60)
    assert table.left_out() == []
    assert "…" in table.lines()[2]
    assert max(map(len, table.lines())) == 60


def test_the_name_column_can_be_held_to_a_width_of_its_own() -> None:
    rows = [cells("GET", "x" * 50, "1", "1", "1")]
    line = Table(COLUMNS, rows, footer_rows=0, max_flexible=11).lines()[2]
    assert line.startswith("GET      xxxxx…xxxxx ")


def test_styles_take_no_room() -> None:
    rows = [[*cells("GET", "/a", "12"), Cell("1.00", "alarm"), Cell("2.00")]]
    plain = Table(COLUMNS, rows, footer_rows=0).lines()[2]
    painted = Table(COLUMNS, rows, footer_rows=0, colour=True).lines()[2]
    assert painted.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain
    assert "\x1b[31m" in painted


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=60)


@given(st.lists(NAMES, min_size=1, max_size=5), st.integers(24, 120))
def test_no_line_is_ever_wider_than_the_terminal(names: list[str], columns: int) -> None:
    rows = [cells("GET", name, "12", "1.00", "2.00") for name in names]
    assert max(width(line) for line in Table(COLUMNS, rows, max_width=columns).lines()) <= columns
