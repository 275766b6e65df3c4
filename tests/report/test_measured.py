"""What of a run is compared: the time with all users, without seconds in which the generator was late."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from gregaria.errors import CommandError
from gregaria.report.measured import TOTAL, Part, Piece, Told, batches, load_run, run_of_document
from tests.report.runs import run_document

STATS = ["Type", "Name", "Request Count", "Failure Count", "Requests/s", "50%", "95%", "99%"]
HISTORY = ["Timestamp", "User Count", "Type", "Name", "50%", "95%", "99%", "Total Request Count", "Total Failure Count"]


def write_rows(path: Path, rows: list[list[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_ramp_up_and_end_are_left_out_and_so_are_late_seconds() -> None:
    run = run_of_document(run_document(1, late=frozenset({7, 8})), "a")
    # Two seconds of ramp-up, the one in which the last users came, two late ones and the last.
    assert run.length_s == 30 - 2 - 1 - 2 - 1
    assert run.user_count == 10
    assert run.notes == ("a: 2 s are left out, in which the generator itself was late.",)
    assert run.names == {("GET", "/a"), ("GET", "/b")}


def test_all_of_a_run_whose_number_of_users_changes_is_compared() -> None:
    run = run_of_document(run_document(1, users=lambda second: 2 if second < 15 else 10 if second < 20 else 4), "a")
    assert run.length_s == 28
    assert run.notes == ("a: the number of users changes during the run, of which all is compared.",)


def test_batches_have_all_requests_and_about_the_same_length() -> None:
    document = run_document(1, per_second=100)
    run = run_of_document(document, "a")
    for count in (1, 4, 7):
        found = batches(run.parts, TOTAL, count)
        assert len(found) == count
        assert sum(piece.requests for _, piece in found) == sum(part.pieces[TOTAL].requests for part in run.parts)
        assert all(abs(length_s - run.length_s / count) <= 1 for length_s, _ in found)


def test_percentiles_lie_between_the_edges_of_their_bucket_and_rise_with_their_rank() -> None:
    ((_, piece),) = batches(run_of_document(run_document(3), "a").parts, TOTAL, 1)
    for fraction in (0.05, 0.5, 0.95):
        assert piece.times.percentile_us(fraction) == pytest.approx(10_000 + 10_000 * fraction, rel=0.01)
    rising = [piece.times.percentile_us(number / 1000) or 0 for number in range(1, 1000)]
    assert rising == sorted(rising)
    assert len(set(rising)) == len(rising)


def test_a_document_without_a_timeline_has_totals_only() -> None:
    document = run_document(1) | {"timeline": None}
    run = run_of_document(document, "old.json")
    assert run.parts == []
    assert run.wholes["GET", "/a"].requests == document["requests"][0]["num_requests"]
    assert "old.json has no timeline" in run.notes[0]


def test_of_csv_files_the_history_is_cut_where_its_percentiles_do_not_overlap(tmp_path: Path) -> None:
    write_rows(tmp_path / "x_stats.csv", [STATS, ["", "Aggregated", 600, 6, 10.0, 15, 19, 20]])
    rows = [[1000 + n, 5, "", "Aggregated", 15 + n // 30, 19, "N/A", 10 * n, n // 10] for n in range(61)]
    write_rows(tmp_path / "x_stats_history.csv", [HISTORY, *rows])
    run = load_run(str(tmp_path / "x_stats.csv"))
    assert run.user_count == 5
    assert [(part.length_s, part.pieces[TOTAL].requests) for part in run.parts] == [(10.0, 100)] * 5
    assert run.parts[0].pieces[TOTAL] == Piece(100, 1, 100, Told({0.5: 15_000, 0.95: 19_000}))
    assert load_run(str(tmp_path / "x")).label == f"{tmp_path / 'x'}_stats.csv"


def test_without_a_history_there_are_totals(tmp_path: Path) -> None:
    write_rows(tmp_path / "x_stats.csv", [STATS, ["GET", "/", 600, 6, 10.0, 0, 19, 20]])
    run = load_run(str(tmp_path / "x_stats.csv"))
    assert run.names == {("GET", "/")}
    assert run.wholes["GET", "/"].times == Told({0.95: 19_000, 0.99: 20_000})
    assert "x_stats_history.csv" in run.notes[0]


def test_parts_of_percentiles_are_averaged() -> None:
    parts = [Part(0.0, 10.0, {TOTAL: Piece(10, 0, 10, Told({0.5: time_us}))}) for time_us in (1000, 4000)]
    assert batches(parts, TOTAL, 1)[0][1].times.percentile_us(0.5) == pytest.approx(2000)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing", None, "there is no .*nothing: name a document"),
        ("x.json", "{", "cannot be read as JSON"),
        ("x.json", "[]", "no document that --json-file wrote"),
        ("x.json", json.dumps({"schema": "other/1"}), "no document that --json-file wrote"),
        ("x.json", json.dumps({"schema": "gregaria.summary/1", "total": 3}), "no document that --json-file wrote"),
        ("x_stats.csv", "a,b\n1,2\n", "is no PREFIX_stats.csv: 'Request Count'"),
        ("x_stats.csv", None, "cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(CommandError, match=message):
        load_run(str(tmp_path / name))
