"""What files and variables say of a run on a cluster becomes arguments, a file, or a word about why it does not."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from gregaria.cli.elsewhere import Elsewhere, said_elsewhere
from gregaria.cli.options import new_parser
from gregaria.errors import CommandError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "test").mkdir()
    monkeypatch.chdir(tmp_path / "test")
    return tmp_path / "test"


def said(environ: Mapping[str, str] | None = None, typed: Collection[str] = (), config: str | None = None) -> Elsewhere:
    return said_elsewhere(
        new_parser(),
        config,
        environ or {},
        taken=("html", "fail-if", "headless"),
        typed=typed,
        not_for_it={"web-port": "it has no port"},
    )


def test_the_strongest_place_decides_and_the_command_line_is_stronger_than_all(folder: Path) -> None:
    (folder / "locust.conf").write_text("users = 5\nspawn_rate = 2\nfail-if = p95 > 5ms\nhtml = a.html\n")
    (folder / "given.conf").write_text('fail-if = ["rps < 1", "fail_ratio > 1%"]\n')
    found = said({"LOCUST_USERS": "7", "GREGARIA_SPAWN_RATE": "9"}, ("html",), "given.conf")
    assert sorted(found.arguments) == ["--spawn-rate=9", "--users=7"]
    assert found.taken == {"fail-if": ["rps < 1", "fail_ratio > 1%"]}
    assert found.file() == b""


def test_what_may_be_a_locustfiles_own_keeps_its_value_and_its_place(folder: Path) -> None:
    path = folder / "pyproject.toml"
    path.write_text('[tool.gregaria]\nits-flag = true\nits-list = ["a", "b"]\nits-text = "say \\"hé\\" \\\\ #"\n')
    (folder / "gregaria.conf").write_text("user-classes = Buyer Seller\n")
    text = said().file().decode()
    assert tomllib.loads(text)["tool"]["gregaria"] == {
        "its-flag": True,
        "its-list": ["a", "b"],
        "its-text": 'say "hé" \\ #',
        "user-classes": "Buyer Seller",
    }
    assert f"# {path}:2" in text


def test_what_means_nothing_there_is_left_out_with_the_reason(folder: Path) -> None:
    (folder / "locust.conf").write_text("headless = false\nweb-port = many\n")
    found = said()
    assert found.left_out == [f"{folder}/locust.conf:2: web-port is left out: it has no port"]
    assert found.arguments == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users = many", ":1: argument -u/--users"),
        ("fail-if = p95 >", ":1: argument --fail-if"),
        ("fail-if", "--fail-if"),
    ],
)
def test_a_value_that_is_wrong_is_told_with_its_place(folder: Path, text: str, told: str) -> None:
    (folder / "locust.conf").write_text(text)
    with pytest.raises(CommandError, match=told):
        said()


def test_an_option_that_a_locustfile_may_declare_is_for_it_to_judge(folder: Path) -> None:
    assert said({"LOCUST_WARMUP": "until it is warm"}).arguments == ["--warmup=until it is warm"]
