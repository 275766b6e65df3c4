import io
import json
import sys
from pathlib import Path

import pytest

from gregaria.cli.compare import main
from gregaria.errors import CommandError, ExitCode
from gregaria.report.json import document
from tests.report.runs import run_document
from tests.report.sample import summary


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    for name, factor in (("a", 1.0), ("b", 1.1)):
        (tmp_path / f"{name}.json").write_text(json.dumps(run_document(ord(name), factor=factor)))
    return str(tmp_path / "a.json"), str(tmp_path / "b.json")


def test_the_verdict_is_printed_last_and_is_no_failure(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(runs) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith("B is slower: p")
    assert err == ""


def test_a_change_beyond_a_limit_is_exit_code_14(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*runs, "--fail-above", "p95=5%", "--fail-above", "rate=-50", "--name", "GET /a"]) == 14
    _, err = capsys.readouterr()
    lines = err.splitlines()
    assert [line.split(" has changed")[0] for line in lines] == [
        "Beyond the limit p95=+5%: p95 of GET /a",
        "Beyond the limit p95=+5%: p95 of Aggregated",
    ]
    assert main([*runs, "--fail-above", "p95=50%"]) == 0


def test_a_limit_that_cannot_be_judged_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(run_document(1, seconds=4)))
    assert main([str(tmp_path / "a"), str(tmp_path / "b"), "--fail-above", "p50=1%"]) == 0
    assert capsys.readouterr().err.startswith("Cannot tell whether the limit p50=+1% is kept")


def test_a_run_without_requests_is_beyond_all_limits(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.json").write_text(json.dumps(document(summary())))
    assert main([*runs, "--fail-above", "p95=50%"]) == 14
    assert capsys.readouterr().err.splitlines()[-1] == "Beyond all limits: B has no requests."
    assert main(runs) == 0


def test_the_comparison_as_json(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*runs, "--json", "--least-effect", "30", "--name", "GET /(a|c)"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["least_effect"]) == ("no difference", 0.3)
    assert [(row["method"], row["name"]) for row in found["rows"]] == [("GET", "/a")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.json"], "the following arguments are required: B"),
        (["a", "b", "--fail-above", "p90=3"], "'p90=3' is no limit; write one of rate, failures, p50, p95, p99"),
        (["a", "b", "--fail-above", "p95=nan"], "'p95=nan' is no limit"),
        (
            ["a", "b", "--fail-above", "p95=-10%"],
            "'p95=-10%' is no rise .*: write how far p95 may rise, such as p95=10%",
        ),
        (["a", "b", "--fail-above", "failures=100"], "write how far failures may rise, such as failures=10%"),
        (["a", "b", "--fail-above", "p50=1" + "0" * 400], "is no rise that there can be"),
        (["a", "b", "--fail-above", "rate=5%"], "'rate=5%' is no fall: write how far .* may fall, such as rate=-5%"),
        (["a", "b", "--fail-above", "rate=-100%"], "'rate=-100%' is no fall"),
        (["a", "b", "--least-effect", "x"], "'x' is no percentage from 0 to 100"),
        (["a", "b", "--least-effect", "nan"], "'nan' is no percentage from 0 to 100"),
        (["a", "b", "--least-effect", "-1"], "'-1' is no percentage from 0 to 100"),
        (["a", "b", "--name", "("], "'\\(' is no regular expression"),
        (["a", "b"], "there is no a: name a document that --json-file wrote"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        main(arguments)


def test_a_pattern_that_fits_no_name_is_a_mistake(runs: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=r"--name fits no name of either run") as refused:
        main([*runs, "--name", "/a"])
    assert refused.value.exit_code == ExitCode.USAGE


def test_a_later_document_is_refused(runs: tuple[str, str]) -> None:
    Path(runs[1]).write_text(json.dumps(run_document(1) | {"schema": "gregaria.summary/9"}))
    with pytest.raises(
        CommandError, match=r"b\.json is of a later version: .*/9, and Gregaria .* reads .*/1"
    ) as refused:
        main(runs)
    assert refused.value.exit_code == ExitCode.USAGE


def test_a_terminal_of_another_encoding_gets_escapes(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(runs[0]).write_text(json.dumps(run_document(1, names=("/\u00fc",))))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert main(runs) == 0
    sys.stdout.flush()
    assert b"Only in A: GET /\\xfc\n" in sys.stdout.buffer.getvalue()  # type: ignore[attr-defined]


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out, _ = capsys.readouterr()
    assert "gregaria compare before.json after.json --fail-above p95=10%" in out
    assert max(map(len, out.splitlines())) <= 120
