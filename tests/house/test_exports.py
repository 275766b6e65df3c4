"""What the package gives to those who import it, and what it ships."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

import gregaria

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", gregaria.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(gregaria, name) is not None
    assert name in dir(gregaria)


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match="HttpUser"):
        _ = gregaria.NoSuchUser


def test_the_version_is_the_same_everywhere() -> None:
    assert gregaria.__version__ == PROJECT["version"] == importlib.metadata.version("gregaria")


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(gregaria.__file__).parent / "py.typed").is_file()


def test_nothing_is_needed_at_run_time_but_these_eight() -> None:
    names = {requirement.split(">")[0].strip() for requirement in PROJECT["dependencies"]}
    assert names == {"gevent", "greenlet", "requests", "psutil", "msgpack", "pyzmq", "flask", "flask-login"}
