"""What is not there yet, or no longer, is answered by name."""

from pathlib import Path

import pytest

from gregaria.cli.config import Resolved, resolve
from gregaria.cli.later import later_names, refuse_later, remarks_on_later
from gregaria.cli.options import new_parser
from gregaria.errors import CommandError, ExitCode


def given(folder: Path, *tokens: str, environ: dict[str, str] | None = None) -> Resolved:
    return resolve(new_parser(), tokens, environ or {}, folder, None)


@pytest.mark.parametrize("option", later_names())
def test_what_comes_later_is_refused_by_name(option: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=f"^{option}: .*later") as caught:
        refuse_later(new_parser(), given(tmp_path, option))
    assert caught.value.exit_code == ExitCode.NOT_AVAILABLE


def test_the_environment_is_only_remarked_on(tmp_path: Path) -> None:
    found = given(tmp_path, environ={"LOCUST_ENABLE_OPENTELEMETRY": "true"})
    refuse_later(new_parser(), found)
    assert [remark.split(":")[0] for remark in remarks_on_later(new_parser(), found)] == [
        "environment variable LOCUST_ENABLE_OPENTELEMETRY",
    ]


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
