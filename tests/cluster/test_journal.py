"""Where a master's notes may be, and what they must not take the place of."""

import os
import stat
from pathlib import Path

import pytest

from gregaria.cluster.journal import Journal
from gregaria.errors import CommandError, ExitCode


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "notes").symlink_to(tmp_path / "disk" / "notes")
    journal = Journal(str(tmp_path / "notes"))
    journal.write(b"what was counted")
    journal.close()
    assert (tmp_path / "notes").is_symlink()
    assert (tmp_path / "disk" / "notes").read_bytes() == b"what was counted"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["disk", "notes", "notes"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["pipe", "link", "folder", "circle"])
def test_what_is_no_regular_file_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(CommandError, match=r"--journal \S+: .*; name a file") as refused:
        Journal(str(tmp_path / name))
    assert refused.value.exit_code == ExitCode.OUTPUT
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "folder", "link", "circle"}
