"""A file becomes a module, and its mistakes are shown as its author knows them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gregaria.cli.loader import import_file, new_shape
from gregaria.errors import LocustfileError
from gregaria.runner.shape import LoadTestShape


@pytest.fixture(autouse=True)
def modules_as_they_were() -> Iterator[None]:
    modules, path = dict(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_file_finds_the_modules_beside_it(tmp_path: Path) -> None:
    written(tmp_path, "gregaria_test_shelves.py", "TOP = 3")
    path = written(tmp_path, "gregaria_test_main.py", "from gregaria_test_shelves import TOP")
    assert import_file(path).TOP == 3


def test_a_file_called_locust_is_the_module_locustfile(tmp_path: Path) -> None:
    assert import_file(written(tmp_path, "locust.py", "")).__name__ == "locustfile"


def test_a_file_named_like_another_module_takes_nothing_away(tmp_path: Path) -> None:
    before = sys.modules["json"]
    assert import_file(written(tmp_path, "json.py", "MINE = True")).MINE
    assert sys.modules["json"] is before


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    first = import_file(written(tmp_path / "a", "gregaria_test_users.py", "N = 1"))
    second = import_file(written(tmp_path / "b", "gregaria_test_users.py", "N = 2"))
    assert (first.N, second.N) == (1, 2)


def test_a_file_that_another_has_imported_is_the_same_module(tmp_path: Path) -> None:
    written(tmp_path, "gregaria_test_first.py", "import gregaria_test_second")
    path = written(tmp_path, "gregaria_test_second.py", "")
    first = import_file(tmp_path / "gregaria_test_first.py")
    assert import_file(path) is first.gregaria_test_second


def test_a_mistake_is_shown_with_its_own_lines_only(tmp_path: Path) -> None:
    path = written(tmp_path, "gregaria_test_wrong.py", "def prepare():\n    return 1 / 0\n\nprepare()\n")
    with pytest.raises(LocustfileError) as caught:
        import_file(path)
    lines = str(caught.value).splitlines()
    assert [line.strip() for line in lines if line.strip().startswith("File")] == [
        f'File "{path}", line 4, in <module>',
        f'File "{path}", line 2, in prepare',
    ]
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "gregaria_test_wrong" not in sys.modules


def test_a_wrong_syntax_is_shown_where_it_stands(tmp_path: Path) -> None:
    path = written(tmp_path, "gregaria_test_syntax.py", "x = 1\nclass A(:\n")
    with pytest.raises(LocustfileError) as caught:
        import_file(path)
    assert str(caught.value).splitlines()[0] == f'  File "{path}", line 2'
    assert str(caught.value).splitlines()[-1] == "SyntaxError: invalid syntax"


def test_the_cause_of_a_mistake_is_shown_too(tmp_path: Path) -> None:
    text = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('no shelf') from error\n"
    with pytest.raises(LocustfileError, match=r"(?s)division by zero.*direct cause.*no shelf"):
        import_file(written(tmp_path, "gregaria_test_cause.py", text))


def test_a_shape_whose_constructor_fails_is_told(tmp_path: Path) -> None:
    class Wrong(LoadTestShape):
        def __init__(self) -> None:
            raise ValueError("no curve")

    with pytest.raises(LocustfileError, match="no curve"):
        new_shape([Wrong])
    assert new_shape([]) is None
