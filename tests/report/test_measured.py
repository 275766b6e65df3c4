"""What of a run is compared: the time with all users, without seconds in which the generator was late."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gregaria.errors import CommandError, ExitCode
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
    assert "x_stats_history.csv" in run.notes[1]


def test_parts_of_percentiles_are_averaged() -> None:
    parts = [Part(0.0, 10.0, {TOTAL: Piece(10, 0, 10, Told({0.5: time_us}))}) for time_us in (1000, 4000)]
    assert batches(parts, TOTAL, 1)[0][1].times.percentile_us(0.5) == pytest.approx(2000)


def written(folder: Path, files: dict[str, str]) -> str:
    """Files with these contents; returns the name of the first."""
    for name, content in files.items():
        (folder / name).write_text(content)
    return str(folder / next(iter(files)))


HEAD = ",".join(STATS) + "\n"
ROWS = "GET,/,600,6,10.0,15,19,20\n,Aggregated,600,6,10.0,15,19,20\n"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is no .*nothing: name a document"),
        ({"x_failures.csv": "a"}, "x_failures.csv alone cannot be compared: name PREFIX_stats.csv"),
        ({"x_stats.csv": ""}, "x_stats.csv is empty"),
        (
            {"x_stats.csv": "Type,Name,Failure Count\n"},
            "x_stats.csv is none of the files that --csv writes: it has no column Request Count, Requests/s",
        ),
        ({"x_stats.csv": HEAD + "GET,/,600,6,10"}, "x_stats.csv, line 2: the row ends in the middle"),
        (
            {"x_stats.csv": HEAD + ROWS.replace("600", "nan", 1)},
            "line 2: Request Count is 'nan' where a number is expect",
        ),
        (
            {"x_stats.csv": HEAD + ROWS.replace("10.0", "-1", 1)},
            "line 2: Requests/s is '-1' where a number is expected",
        ),
        ({"x_stats.csv": HEAD + ROWS.replace("15", "9" * 400)}, "line 2: 50% is '9{60}' where a number is expected"),
        ({"x_stats.csv": HEAD + '"' + "x" * 200_000}, "x_stats.csv, line .* cannot be read: field larger"),
        (
            {"x_stats.csv": HEAD + ROWS, "x_stats_history.csv": "Timestamp,User Count,Name\n"},
            "x_stats_history.csv is none of the files .*: it has no column Type, Total Request Count, Total F",
        ),
        (
            {"x_stats.csv": HEAD + ROWS, "x_stats_history.csv": ",".join(HISTORY) + "\n1,5\n2,5\n"},
            "x_stats_history.csv, line 2: the row ends in the middle",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(tmp_path: Path, files: dict[str, str], message: str) -> None:
    name = written(tmp_path, files) if files else str(tmp_path / "nothing")
    with pytest.raises(CommandError, match=message) as refused:
        load_run(name)
    assert refused.value.exit_code == ExitCode.USAGE


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"x_stats\.csv cannot be read: No such file"):
        load_run(str(tmp_path / "x_stats.csv"))
    (tmp_path / "x_stats.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match=r"x_stats\.csv cannot be read: it is no text in UTF-8"):
        load_run(str(tmp_path / "x_stats.csv"))


def test_percentiles_that_were_not_written_are_told(tmp_path: Path) -> None:
    text = "Type,Name,Request Count,Failure Count,Requests/s,95%\nGET,/,600,6,10.0,19\n"
    run = load_run(written(tmp_path, {"x_stats.csv": "\ufeff" + text, "x_stats_history.csv": ""}))
    assert run.wholes["GET", "/"].times == Told({0.95: 19_000})
    assert [note.split("_stats.csv ")[1] for note in run.notes] == [
        "has no row Aggregated: nothing is known of all requests together.",
        "has no column 50% and no 99%: nothing is known of these percentiles.",
        "has only totals: without x_stats_history.csv beside it there are no intervals.",
    ]


def history(count: int, requests: Callable[[int], int]) -> list[list[Any]]:
    return [HISTORY, *([1000 + n, 5, "", "Aggregated", 15, 19, 20, requests(n), 0] for n in range(count))]


def test_a_history_that_ends_in_the_middle_of_a_row_is_used_up_to_there(tmp_path: Path) -> None:
    name = written(tmp_path, {"x_stats.csv": HEAD + ROWS})
    path = tmp_path / "x_stats_history.csv"
    write_rows(path, history(61, lambda n: 10 * n))
    whole = load_run(name)
    path.write_text(path.read_text() + "1061,5,,Aggreg")
    assert load_run(name) == whole
    assert whole.notes == (
        f"{name} has intervals of all requests only; with --csv-full-history it has those of each name.",
    )


def test_where_the_statistics_were_reset_a_history_has_a_gap(tmp_path: Path) -> None:
    name = written(tmp_path, {"x_stats.csv": HEAD + ROWS})
    write_rows(tmp_path / "x_stats_history.csv", history(92, lambda n: 10 * (n if n < 45 else n - 45)))
    run = load_run(name)
    assert [part.pieces[TOTAL].requests for part in run.parts] == [100] * 7
    assert f"{name}: 10 s are left out, in which the statistics were reset." in run.notes


def test_of_a_short_history_it_is_told_how_long_it_has_to_be(tmp_path: Path) -> None:
    name = written(tmp_path, {"x_stats.csv": HEAD + ROWS})
    write_rows(tmp_path / "x_stats_history.csv", history(20, lambda n: 10 * n))
    assert "A block of a history takes 10 s" in load_run(name).notes[0]


def test_a_request_that_is_called_as_the_total_is_not_taken_for_it() -> None:
    document = run_document(1)
    document["requests"][0] |= {"method": "", "name": "Aggregated"}
    assert run_of_document(document, "a").wholes[TOTAL].requests == document["total"]["num_requests"]


def test_options_that_a_locustfile_has_made_its_own_are_no_number_of_users() -> None:
    document = run_document(1) | {"timeline": None, "options": {"users": "many"}}
    assert run_of_document(document, "a").user_count is None
