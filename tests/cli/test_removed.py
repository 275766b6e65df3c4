"""What is there no longer is answered with what to write today."""

from pathlib import Path

import pytest

from gregaria.cli.config import Resolved, resolve
from gregaria.cli.options import new_parser
from gregaria.errors import CommandError


def given(folder: Path, *tokens: str) -> Resolved:
    return resolve(new_parser(), tokens, {}, folder, None)


@pytest.mark.parametrize(
    ("tokens", "today"),
    [
        (("--slave",), "--worker"),
        (("--hatch-rate", "3"), "--spawn-rate"),
        (("--no-web",), "--headless"),
        (("-c", "3"), "--users"),
        (("--clients", "3"), "--users"),
        (("--expect-slaves=2",), "--expect-workers"),
        (("--num-request", "10"), "--iterations"),
        (("--csv-base-name", "x"), "--csv"),
    ],
)
def test_old_options_are_answered_with_what_to_write_today(tokens: tuple[str, ...], today: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=f"no longer.*{today}"):
        given(tmp_path, *tokens)


def test_an_old_option_in_a_file_is_answered_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text("hatch-rate = 3\n")
    with pytest.raises(CommandError, match=r"locust\.conf:1: .*--spawn-rate"):
        given(tmp_path)
