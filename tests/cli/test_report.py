import json
from pathlib import Path

import pytest

from gregaria.cli import report
from gregaria.errors import CommandError, ExitCode
from gregaria.report import html
from gregaria.report.json import document
from tests.report.sample import row, summary


@pytest.fixture(autouse=True)
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text('<script type="application/json" id="run"></script>')
    monkeypatch.setattr(html, "_PAGE", path)


def test_a_document_becomes_a_report_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "a.json"
    source.write_text(json.dumps(document(summary(row("/there")))))
    assert report.main([str(source)]) == ExitCode.OK
    assert "/there" in (tmp_path / "a.html").read_text()
    assert capsys.readouterr().out == f"{tmp_path / 'a.html'}\n"


def test_or_elsewhere(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text(json.dumps(document(summary(row()))))
    assert report.main([str(source), "-o", str(tmp_path / "new" / "b.html")]) == ExitCode.OK
    assert (tmp_path / "new" / "b.html").exists()


def test_what_is_no_document_is_refused_and_no_report_is_left(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    source.write_text('{"schema": "gregaria.summary/1"}')
    with pytest.raises(
        CommandError, match=r"a\.json is broken, or no document of --json-file: gregaria_version is miss"
    ) as refused:
        report.main([str(source)])
    assert refused.value.exit_code == ExitCode.USAGE
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize(("name", "options"), [("a.json", ["-o", "{}"]), ("a.html", [])])
def test_the_document_is_not_overwritten(tmp_path: Path, name: str, options: list[str]) -> None:
    source = tmp_path / name
    source.write_text(json.dumps(document(summary(row()))))
    with pytest.raises(CommandError, match="is the document itself: name the report with -o"):
        report.main([str(source), *(option.format(source) for option in options)])
    assert json.loads(source.read_text())["schema"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"missing\.json cannot be read: No such file"):
        report.main([str(tmp_path / "missing.json")])


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        report.main(["--help"])
    assert end.value.code == 0
    assert "gregaria report out/a.json" in capsys.readouterr().out
