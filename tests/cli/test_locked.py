"""What the user who runs the command may not look into, as a folder of root's in a container: it is told in words."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gregaria.cli.config import file_settings
from gregaria.cli.locustfiles import Locustfiles
from gregaria.errors import CommandError, ExitCode
from gregaria.report.failures_dir import check_failures_dir
from gregaria.report.measured import load_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="who may read what is another matter on Windows")

_NOBODY = 65534


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder with ``locustfile.py`` and a configuration file, not even for who runs the tests as root."""
    folder = tmp_path / "locked"
    folder.mkdir()
    (folder / "locustfile.py").touch()
    (folder / ".gregaria.conf").write_text("users = 3\n")
    folder.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(user)
        folder.chmod(0o700)


def test_a_home_is_one_without_configuration(locked: Path) -> None:
    assert file_settings(Path("/"), locked, None) == []


def locustfiles(name: str) -> None:
    with Locustfiles(name) as files:
        files.paths()


@pytest.mark.parametrize(
    ("call", "name", "exit_code", "told"),
    [
        (locustfiles, "locustfile.py", ExitCode.LOCUSTFILE_BROKEN, "locustfile.py cannot be read: Permission denied"),
        (locustfiles, "", ExitCode.LOCUSTFILE_BROKEN, "locked cannot be read: Permission denied"),
        (check_failures_dir, "failures", ExitCode.OUTPUT, r"--failures-dir: cannot write .* \(Permission denied\)"),
        (load_run, "run.json", ExitCode.USAGE, "run.json cannot be read: Permission denied"),
    ],
)
def test_a_file_is_refused_by_its_name(
    locked: Path, call: Callable[[str], object], name: str, exit_code: ExitCode, told: str
) -> None:
    with pytest.raises(CommandError, match=told) as refused:
        call(str(locked / name))
    assert refused.value.exit_code == exit_code
