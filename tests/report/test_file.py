"""Reports are written whole into files, and as they are into what is none."""

import os
import threading
from pathlib import Path

import pytest

from gregaria.errors import CommandError, ExitCode
from gregaria.report.file import ensure_writable, replace_text


def test_a_pipe_gets_the_text_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CommandError, match="--junit: cannot write") as raised:
        ensure_writable(pipe, "--junit")
    assert raised.value.exit_code == ExitCode.OUTPUT
    text = "é" * 200_000
    read: list[str] = []
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    ensure_writable(pipe, "--junit")
    os.set_blocking(reader, True)
    with open(reader, encoding="utf-8") as file:
        thread = threading.Thread(target=lambda: read.append(file.read()))
        # A reader of its own keeps the pipe open until the text is written.
        writer = os.open(pipe, os.O_WRONLY)
        thread.start()
        replace_text(pipe, text)
        os.close(writer)
        thread.join()
    assert read == [text]
    assert pipe.is_fifo()


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "nothing"
    link.symlink_to("/dev/null")
    for path in (link, Path("/dev/null")):
        ensure_writable(path, "--junit")
        replace_text(path, "text")
    assert Path("/dev/null").is_char_device()
    assert link.is_symlink()


def test_a_dash_is_no_file() -> None:
    with pytest.raises(CommandError, match="--markdown: - is no file; name one, or /dev/stdout") as raised:
        ensure_writable(Path("-"), "--markdown")
    assert raised.value.exit_code == ExitCode.USAGE
