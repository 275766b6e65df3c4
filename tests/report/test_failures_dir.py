import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.engine.phases import Phases
from gregaria.errors import CommandError, ExitCode
from gregaria.report.failures_dir import SCHEMA, check_failures_dir, write_failures
from gregaria.stats.exchanges import Exchange
from gregaria.stats.summary import FailureRow
from tests.report.sample import exchange, failure, half, row, summary


def kind(error: str = "500 Server Error", occurrences: int = 7, *exchanges: Exchange) -> FailureRow:
    return failure(error, occurrences=occurrences, exchanges=exchanges or (exchange(error=error),))


def write(folder: Path, *rows: FailureRow) -> list[str]:
    """The names of the files that were written."""
    write_failures(str(folder), summary(row(), failures=rows))
    return sorted(path.name for path in folder.iterdir())


def the_file(folder: Path, *rows: FailureRow) -> str:
    write(folder, *rows)
    (path,) = folder.glob("001-*.txt")
    return path.read_text()


def test_a_kind_of_failure_is_a_file_that_reads_as_http(tmp_path: Path) -> None:
    told = the_file(
        tmp_path,
        kind(
            "HTTPError('500')",
            1203,
            exchange(
                method="POST",
                name="/buy",
                error="HTTPError('500')",
                request=half("POST /buy HTTP/1.1", "Host: shop", "Cookie: sid=***", body=b"item=7\nmore=yes"),
                response=half("HTTP/1.1 500 Oh", body=b"out of stock", left_out=1500),
                phases=Phases(10, 2000, 0, 30, 10_000, 305),
            ),
            exchange(name="/buy", error="HTTPError('500')", response=None, duration_us=None),
        ),
    )
    assert told == (
        """\
Gregaria kept these exchanges: failure 1 of 1

Request:   POST /buy
Error:     HTTPError('500')
Occurred:  1,203 times
Seen:      2023-11-14T22:13:21.500Z to 2023-11-14T22:13:29.000Z
Kept:      the first 2 exchanges; secrets are masked

"""
        + "==== 1 of 2 ".ljust(100, "=")
        + """
2023-11-14T22:13:21.500Z, 12.35 ms
URL:       http://127.0.0.1:8000/?page=1
Phases:    name lookup 0.010, connect 2.000, TLS 0.000, sending 0.030, first byte 10.000, receiving 0.305 (ms)

"""
        + "---- Request ".ljust(100, "-")
        + """
POST /buy HTTP/1.1
Host: shop
Cookie: sid=***

item=7
more=yes

"""
        + "---- Response ".ljust(100, "-")
        + """
HTTP/1.1 500 Oh

out of stock
[1,500 more bytes are left out]

"""
        + "==== 2 of 2 ".ljust(100, "=")
        + """
2023-11-14T22:13:21.500Z
URL:       http://127.0.0.1:8000/?page=1
Error:     GET /buy: HTTPError('500')

"""
        + "---- Request ".ljust(100, "-")
        + """
GET /?page=1 HTTP/1.1
Host: 127.0.0.1:8000

"""
        + "---- Response ".ljust(100, "-")
        + """
(none)
"""
    )


def test_the_commonest_kind_comes_first_and_kinds_without_exchanges_have_no_file(tmp_path: Path) -> None:
    names = write(
        tmp_path,
        kind("rare", 1, exchange(error="rare", status=404)),
        failure("of a client that shows nothing", occurrences=99),
        kind("often", 5, exchange(method="PUT", name="/a b/[id]", error="ReadTimeout('x')", status=None)),
    )
    assert names == ["001-PUT-a-b-id-ReadTimeout.txt", "002-GET-HTTP-404.txt", "index.json"]


def test_the_index_tells_every_file_and_exchange(tmp_path: Path) -> None:
    write(
        tmp_path, kind("no", 5, exchange(error="no", phases=Phases(0, 0, 0, 20, 1000, 4)), exchange(duration_us=None))
    )
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["schema"] == SCHEMA == "gregaria.failures/1"
    (entry,) = index["failures"]
    assert entry["file"] == "001-GET-HTTP-500.txt"
    assert (entry["method"], entry["name"], entry["error"], entry["occurrences"]) == ("GET", "/", "no", 5)
    first, second = entry["exchanges"]
    assert first["phases_ms"] == {
        "name_lookup": 0, "connect": 0, "tls": 0, "sending": 0.02, "first_byte": 1.0, "receiving": 0.004,
    }  # fmt: skip
    assert (first["status"], first["duration_ms"], first["url"]) == (500, 12.345, "http://127.0.0.1:8000/?page=1")
    assert (second["duration_ms"], second["phases_ms"]) == (None, None)


def test_files_of_an_earlier_run_are_replaced_and_all_others_stay(tmp_path: Path) -> None:
    write(tmp_path, *(kind(f"kind {letter}", 9, exchange(error=f"kind {letter}", status=None)) for letter in "abc"))
    (tmp_path / "notes.txt").write_text("mine")
    # Somebody has written over one of ours.
    (tmp_path / "002-GET-kind-b.txt").write_text("mine, too")
    names = write(
        tmp_path, *(kind(f"kind {letter}", 9, exchange(error=f"kind {letter}", status=None)) for letter in "cb")
    )
    assert names == ["001-GET-kind-c.txt", "002-GET-kind-b-2.txt", "002-GET-kind-b.txt", "index.json", "notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "002-GET-kind-b.txt").read_text() == "mine, too"
    assert write(tmp_path) == ["002-GET-kind-b.txt", "index.json", "notes.txt"]


def test_an_index_that_was_changed_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "failures"
    write(folder, kind())
    outside = tmp_path / "001-outside.txt"
    outside.write_text("Gregaria kept these exchanges: of somebody else")
    (folder / "001-link.txt").symlink_to(outside)
    index = json.loads((folder / "index.json").read_text())
    index["failures"] += [{"file": name} for name in ("../001-outside.txt", str(outside), "001-link.txt", "", "..", 7)]
    (folder / "index.json").write_text(json.dumps(index))
    assert write(folder) == ["001-link.txt", "index.json"]
    assert outside.exists()


@pytest.mark.parametrize(
    "foreign",
    ["", "[]", "{}", '{"schema": "other", "failures": []}', '{"schema": "gregaria.failures/1"}', "\x00", '"text"'],
)
def test_somebody_elses_index_is_refused_before_and_after_the_run(tmp_path: Path, foreign: str) -> None:
    (tmp_path / "index.json").write_text(foreign)
    for refused in (check_failures_dir, lambda name: write_failures(name, summary(row(), failures=(kind(),)))):
        with pytest.raises(CommandError, match=r"--failures-dir.*index\.json.*Choose a directory of its own") as caught:
            refused(str(tmp_path))
        assert caught.value.exit_code == ExitCode.OUTPUT
    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]
    assert (tmp_path / "index.json").read_text() == foreign


def test_a_directory_is_made_and_left_empty_before_the_run(tmp_path: Path) -> None:
    check_failures_dir(str(tmp_path / "new" / "deep"))
    assert list((tmp_path / "new" / "deep").iterdir()) == []


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below"):
        with pytest.raises(CommandError, match="--failures-dir"):
            check_failures_dir(str(tmp_path / name))


def test_what_is_no_text_is_shown_as_hex(tmp_path: Path) -> None:
    told = the_file(
        tmp_path, kind("no", 1, exchange(error="no", response=half("HTTP/1.1 500 Oh", body=b"\x89PNG\0" * 200)))
    )
    assert "00000000  89 50 4e 47 00 89 50 4e 47 00 89 50 4e 47 00 89  |.PNG..PNG..PNG..|\n" in told
    assert told.endswith("[488 more bytes are left out]\n")
    short = the_file(tmp_path, kind("no", 1, exchange(error="no", response=half("HTTP/1.1 500 Oh", body=b"\xff\xfe!"))))
    assert short.endswith(f"00000000  ff fe 21{' ' * 40} |..!|\n")


def test_a_text_that_was_cut_within_a_character_is_still_text(tmp_path: Path) -> None:
    cut = "über ähm €".encode()[:-1]
    told = the_file(tmp_path, kind("no", 1, exchange(error="no", response=half("HTTP/1.1 500", body=cut, left_out=9))))
    assert told.endswith("über ähm \n[9 more bytes are left out]\n")


def test_a_server_cannot_steer_the_terminal_of_who_reads_the_file(tmp_path: Path) -> None:
    evil = "\x1b[2J"
    told = the_file(
        tmp_path,
        kind(
            evil, 1,
            exchange(error=evil, name=evil, url=evil, request=half(f"GET /{evil} HTTP/1.1"),
                     response=half(f"HTTP/1.1 500 {evil}", body=b"a\tb\r\nc \xc2\x9b2J")),
        ),
    )  # fmt: skip
    assert "\x1b" not in told
    assert "\x9b" not in told
    assert r"HTTP/1.1 500 \x1b[2J" in told
    assert told.endswith("\n\na    b\nc \\x9b2J\n")


def test_bodies_that_are_not_known_and_lines_that_are_left_out_are_told(tmp_path: Path) -> None:
    whole = half("POST / HTTP/1.1", body=None)
    told = the_file(tmp_path, kind("no", 1, exchange(error="no", request=whole)))
    assert "POST / HTTP/1.1\n\n[the body is not kept: it was sent or read piece by piece]\n" in told


def test_all_other_kinds_share_a_file(tmp_path: Path) -> None:
    others = failure("(other)", method="", name="", exchanges=(exchange(error="one"), exchange(name="/b", error="two")))
    told = the_file(tmp_path, others)
    assert [path.name for path in tmp_path.glob("*.txt")] == ["001-other.txt"]
    assert "Error:     GET /: one\n" in told
    assert "Error:     GET /b: two\n" in told


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_whatever_the_names_are_the_files_stay_in_the_directory(
    tmp_path_factory: pytest.TempPathFactory, method: str, name: str, error: str
) -> None:
    folder = tmp_path_factory.mktemp("failures") / "here"
    names = write(folder, kind(error, 3, exchange(method=method, name=name, error=error, status=None)))
    assert len(names) == 2
    assert [path.name for path in folder.parent.iterdir()] == ["here"]
    assert all(each.isascii() and len(each) < 200 for each in names)
    assert write(folder) == ["index.json"]
