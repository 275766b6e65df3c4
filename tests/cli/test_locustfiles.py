"""-f names files, directories and URLs."""

from pathlib import Path

import pytest

from gregaria.cli.locustfiles import Locustfiles
from gregaria.errors import CommandError, ExitCode


def paths(named: str, *, is_default: bool = False) -> list[Path]:
    with Locustfiles(named, is_default=is_default) as files:
        return files.paths()


def test_several_files_keep_their_order_and_come_once(tmp_path: Path) -> None:
    one, two = tmp_path / "b.py", tmp_path / "a.py"
    one.touch()
    two.touch()
    assert paths(f"{one}, {two},{one}") == [one, two]


def test_a_directory_means_its_python_files_but_for_those_with_an_underscore(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "_shared.py", "notes.txt", "deep/c.py", "deep/__init__.py", ".venv/d.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert paths(str(tmp_path)) == [tmp_path / "a.py", tmp_path / "b.py", tmp_path / "deep" / "c.py"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing.py", "there is no"), ("there", r"did you mean .*there\.py"), ("notes.txt", r"end in \.py")],
)
def test_what_is_no_python_file_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "there.py").touch()
    with pytest.raises(CommandError, match=message) as caught:
        paths(str(tmp_path / name))
    assert caught.value.exit_code == ExitCode.LOCUSTFILE_BROKEN


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no Python files"):
        paths(str(tmp_path))


def test_without_any_file_the_option_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="-f"):
        paths("locustfile.py", is_default=True)


def test_a_folder_for_files_from_elsewhere_is_gone_with_the_block_also_when_the_process_works_in_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Locustfiles("-") as files:
        folder = files.new_folder()
        (folder / "locustfile.py").touch()
        monkeypatch.chdir(folder)
    assert not folder.parent.exists()
    assert Path.cwd() == tmp_path


def test_files_of_a_master_stand_alone() -> None:
    with pytest.raises(CommandError, match="stands alone") as caught:
        paths("-")
    assert caught.value.exit_code == ExitCode.USAGE


def test_an_address_that_answers_nothing_is_told() -> None:
    with pytest.raises(CommandError, match=r"cannot fetch http://127\.0\.0\.1:1/a\.py"):
        paths("http://127.0.0.1:1/a.py")
