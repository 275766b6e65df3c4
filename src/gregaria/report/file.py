"""Files that a reader never sees half written, and that are known to be writable before the test starts."""

import os
from pathlib import Path

from gregaria.errors import CommandError, ExitCode

__all__ = ["ensure_writable", "refusal", "replace_text", "write_text"]


def ensure_writable(path: Path, option: str) -> None:
    """Create the directories above ``path`` and see that a file can be written there.

    Raises:
        CommandError: it cannot (exit code OUTPUT), or the path is ``-`` (USAGE); the message names ``option``, the path
            and what to do.
    """
    if str(path) == "-":
        raise CommandError(f"{option}: - is no file; name one, or /dev/stdout", ExitCode.USAGE)
    try:
        if _is_device(path):
            os.close(_opened(path))
            return
        if path.is_dir():
            raise IsADirectoryError(None, "it is a directory", str(path))
        probe = _beside(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise refusal(path, option, error) from error


def refusal(path: Path, option: str, error: OSError) -> CommandError:
    """The error to raise when a report cannot be written."""
    reason = error.strerror or str(error)
    return CommandError(
        f"{option}: cannot write {path} ({reason}). Choose a place that you may write to, or free it.",
        ExitCode.OUTPUT,
    )


def write_text(path: Path, text: str, option: str) -> None:
    """Write a report that is one file, whole or not at all; the directories above it are made.

    Raises:
        CommandError: it could not be written (exit code OUTPUT); the message names ``option``.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)
    except OSError as error:
        raise refusal(path, option, error) from error


def replace_text(path: Path, text: str) -> None:
    """Make ``text`` the whole content of the file in one step, line ends as they are.

    A device or a pipe gets it written, as nothing can take its place.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    if _is_device(path):
        with open(_opened(path), "w", encoding="utf-8", errors="backslashreplace", newline="") as device:
            device.write(text)
        return
    # through a symbolic link to the file it means
    target = Path(os.path.realpath(path))
    temporary = _beside(target)
    try:
        # newline="": the text has the line ends it is to have
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _is_device(path: Path) -> bool:
    # What /dev/stdout leads to may be a file, in which others write as well.
    is_stream = str(path).startswith(("/dev/std", "/dev/fd/"))
    return is_stream or (path.exists() and not path.is_file() and not path.is_dir())


def _opened(path: Path) -> int:
    """A descriptor of a device or a pipe; a pipe that nobody reads is an error, and not waited for."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0))
    os.set_blocking(descriptor, True)
    return descriptor


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")
