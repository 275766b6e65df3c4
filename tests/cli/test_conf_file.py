"""Configuration files are read with the line of each value."""

from pathlib import Path

import pytest

from gregaria.cli.conf_file import list_of, read_file
from gregaria.errors import CommandError


def read(folder: Path, text: str, name: str = "locust.conf") -> dict[str, object]:
    (folder / name).write_text(text)
    return {setting.key: setting.value for setting in read_file(folder / name)}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("host = http://a:80/x", "http://a:80/x"),
        ("host: http://a:80/x", "http://a:80/x"),
        ("host http://a:80/x", "http://a:80/x"),
        ("--host = http://a", "http://a"),
        ("host = http://a  # the usual", "http://a"),
        ("host = http://a/#part", "http://a/#part"),
        ('host = "my # host"', "my # host"),
        ("host = [a, b]", ["a", "b"]),
        ("host = ['a b', \"c\"]", ["a b", "c"]),
        ("host", "true"),
        ("host =", "true"),
    ],
)
def test_a_line_gives_an_option_its_value(tmp_path: Path, line: str, value: object) -> None:
    assert read(tmp_path, line) == {"host": value}


def test_comments_sections_and_empty_lines_say_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "# a\n; b\n\n[section]\n---\nusers = 3\n") == {"users": "3"}


def test_a_value_knows_its_line(tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text("# a\n\nusers = 3\n")
    [setting] = read_file(tmp_path / "locust.conf")
    assert setting.source == f"{tmp_path / 'locust.conf'}:3"


def test_a_line_that_is_none_is_refused_with_its_number(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"locust\.conf:2: .*option = value"):
        read(tmp_path, "users = 3\n!!\n")


def test_toml_tables_give_their_values_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.other]\nusers = 1\n\n[tool.locust]\nusers = 3\ntags = ["a", "b"]\nheadless = true\n')
    settings = {setting.key: (setting.value, setting.source) for setting in read_file(path)}
    assert settings == {
        "users": ("3", f"{path}:5"),
        "tags": (["a", "b"], f"{path}:6"),
        "headless": (True, f"{path}:7"),
    }


def test_the_own_table_comes_after_that_of_locust(tmp_path: Path) -> None:
    text = "[tool.gregaria]\nusers = 2\n[tool.locust]\nusers = 1\n"
    assert read(tmp_path, text, "pyproject.toml") == {"users": "2"}


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="line 1"):
        read(tmp_path, "users = = 3", "a.toml")


def test_json_in_brackets_stays_json() -> None:
    assert list_of('[{"user_class_name": "A"}]') == ['{"user_class_name": "A"}']
    assert list_of("a, b") is None
