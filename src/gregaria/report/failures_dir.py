"""The first exchanges of each kind of failure as text files in a directory, and an index of them."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gregaria.engine.recorder import OTHER
from gregaria.errors import CommandError, ExitCode
from gregaria.report.cells import printable
from gregaria.report.file import ensure_writable, refusal, replace_text
from gregaria.report.phases import LABELS
from gregaria.stats.exchanges import Exchange, Half
from gregaria.stats.summary import FailureRow, Summary
from gregaria.version import VERSION

__all__ = ["SCHEMA", "check_failures_dir", "write_failures"]

#: name and version of the index's layout
SCHEMA = "gregaria.failures/1"

_OPTION = "--failures-dir"
_INDEX = "index.json"
#: what each file begins with; a file without it is somebody else's
_MARK = "Gregaria kept these exchanges: "
_OUR_NAME = re.compile(r"\d{3,}-[\w.-]+\.txt", re.ASCII)
_LONGEST_PART = 40
_HEX_BYTES = 512
_HEX_WIDTH = 16
#: control characters that text has; a body with any other is not text
_PLAIN_CONTROLS = frozenset("\t\n\r\f")


def check_failures_dir(name: str) -> None:
    """See before the test that the files can be written after it.

    Raises:
        CommandError: they cannot (exit code OUTPUT): it is no directory, may not be written to, or has an index that is
            somebody else's.
    """
    directory = Path(name)
    # Neither raises where this user may not look: that is told below.
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise _refusal(directory, "it is not a directory")
    ensure_writable(directory / _INDEX, _OPTION)
    _earlier(directory)


def write_failures(name: str, summary: Summary) -> Path:
    """Write a file for each kind of failure that exchanges were kept of, commonest first, and ``index.json``.

    The files of an earlier run are removed; what else is in the directory stays.

    Returns:
        the directory.

    Raises:
        CommandError: they could not be written (exit code OUTPUT).
    """
    directory = Path(name)
    rows = sorted((row for row in summary.failures if row.exchanges), key=lambda row: -row.occurrences)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path in _earlier(directory):
            path.unlink(missing_ok=True)
        entries = []
        for number, row in enumerate(rows, 1):
            path = _free(directory, f"{number:03}-{_name_of(row)}")
            replace_text(path, "\n".join(_file(row, number, len(rows))) + "\n")
            entries.append({"file": path.name, **_entry(row)})
        index = {"schema": SCHEMA, "gregaria_version": VERSION, "failures": entries}
        replace_text(directory / _INDEX, json.dumps(index, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise refusal(Path(error.filename or directory), _OPTION, error) from error
    return directory


def _earlier(directory: Path) -> list[Path]:
    """The files of an earlier run.

    Raises:
        CommandError: there is an index that is not ours.
    """
    index = directory / _INDEX
    if not index.exists():
        return []
    try:
        told = json.loads(index.read_text("utf-8"))
        files = [entry["file"] for entry in told["failures"]] if told["schema"] == SCHEMA else None
    except (OSError, ValueError, LookupError, TypeError):
        files = None
    if files is None:
        raise _refusal(index, "it is there already and not of an earlier run")
    # Nothing but names of our own making: an index that somebody has changed leads nowhere else.
    return [directory / name for name in files if isinstance(name, str) and _is_ours(directory / name, name)]


def _is_ours(path: Path, name: str) -> bool:
    if not _OUR_NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK.encode()


def _free(directory: Path, stem: str) -> Path:
    """A name that nobody else's file has."""
    path, further = directory / f"{stem}.txt", 2
    while path.exists() or path.is_symlink():
        path, further = directory / f"{stem}-{further}.txt", further + 1
    return path


def _refusal(path: Path, reason: str) -> CommandError:
    return CommandError(
        f"{_OPTION}: cannot write {path} ({reason}). Choose a directory of its own for the failures.", ExitCode.OUTPUT
    )


def _name_of(row: FailureRow) -> str:
    """``GET-checkout-HTTP-500``: letters that every file system takes."""
    method, name, _ = _told(row)
    parts = [method, name, _kind_of(row)]
    plain = [re.sub(r"[^A-Za-z0-9._]+", "-", part)[:_LONGEST_PART].strip("-.") for part in parts]
    return "-".join(part for part in plain if part) or "failure"


def _told(row: FailureRow) -> tuple[str, str, str]:
    """Method, name and error as they may be told: those of the first exchange, in which secrets are masked."""
    if row.error == OTHER:
        return "", OTHER, "all kinds beyond settings.max_failures"
    first = row.exchanges[0]
    return first.method, first.name, first.error


def _kind_of(row: FailureRow) -> str:
    if row.error == OTHER:
        return ""
    first = row.exchanges[0]
    if first.status is not None and first.status >= 400:
        return f"HTTP-{first.status}"
    exception = re.match(r"[A-Za-z_]\w*(?=\()", first.error)
    return exception.group() if exception else first.error


def _entry(row: FailureRow) -> dict[str, Any]:
    method, name, error = _told(row)
    return {
        "method": method,
        "name": name,
        "error": error,
        "occurrences": row.occurrences,
        "first_seen_epoch_s": row.first_seen_epoch_s,
        "last_seen_epoch_s": row.last_seen_epoch_s,
        "exchanges": [
            {
                "epoch_s": exchange.epoch_s,
                "url": exchange.url,
                "error": exchange.error,
                "status": exchange.status,
                "duration_ms": None if exchange.duration_us is None else exchange.duration_us / 1000,
                "phases_ms": None if exchange.phases is None else exchange.phases.as_ms(),
            }
            for exchange in row.exchanges
        ],
    }


def _file(row: FailureRow, number: int, of: int) -> Iterator[str]:
    kept = len(row.exchanges)
    method, name, error = _told(row)
    yield f"{_MARK}failure {number} of {of}"
    yield ""
    yield f"Request:   {printable(f'{method} {name}'.strip())}"
    yield f"Error:     {printable(error)}"
    yield f"Occurred:  {row.occurrences:,} {'time' if row.occurrences == 1 else 'times'}"
    if row.first_seen_epoch_s is not None and row.last_seen_epoch_s is not None:
        yield f"Seen:      {_moment(row.first_seen_epoch_s)} to {_moment(row.last_seen_epoch_s)}"
    yield f"Kept:      the first {f'{kept} exchanges' if kept > 1 else 'exchange'}; secrets are masked"
    for place, exchange in enumerate(row.exchanges, 1):
        yield ""
        yield f"==== {place} of {kept} ".ljust(100, "=")
        yield from _exchange(exchange, row)


def _exchange(exchange: Exchange, row: FailureRow) -> Iterator[str]:
    took = "" if exchange.duration_us is None else f", {exchange.duration_us / 1000:,.2f} ms"
    yield f"{_moment(exchange.epoch_s)}{took}"
    yield f"URL:       {printable(exchange.url)}"
    if (exchange.method, exchange.name, exchange.error) != _told(row):
        yield f"Error:     {printable(f'{exchange.method} {exchange.name}: {exchange.error}')}"
    if exchange.phases is not None:
        told = ", ".join(f"{label} {time / 1000:.3f}" for label, time in zip(LABELS, exchange.phases, strict=True))
        yield f"Phases:    {told} (ms)"
    answered = "Response" if exchange.status is not None else "Response, as far as it came"
    for title, half in (
        ("Request", exchange.request),
        (answered if exchange.response else "Response", exchange.response),
    ):
        yield ""
        yield f"---- {title} ".ljust(100, "-")
        yield from _half(half) if half is not None else ["(none)"]


def _half(half: Half) -> Iterator[str]:
    yield from (printable(line) for line in half.head)
    if half.lines_left_out:
        yield f"[{half.lines_left_out:,} more lines of the head are left out]"
    if half.body is None:
        yield from ("", "[the body is not kept: it was sent or read piece by piece]")
    elif half.body:
        yield from ("", *_body(half.body, half.bytes_left_out))


def _body(body: bytes, left_out: int) -> Iterator[str]:
    text = _as_text(body, left_out > 0)
    if text is not None:
        yield from (printable(line.replace("\t", "    ")) for line in re.split(r"\r?\n", text))
    else:
        head = body[:_HEX_BYTES]
        yield from (_hex_line(head, start) for start in range(0, len(head), _HEX_WIDTH))
        left_out += len(body) - len(head)
    if left_out:
        yield f"[{left_out:,} more {'byte is' if left_out == 1 else 'bytes are'} left out]"


def _as_text(body: bytes, is_cut: bool) -> str | None:
    """The body as text, None if it is none; the last character may have been cut."""
    ends = range(len(body), max(len(body) - 4, -1), -1) if is_cut else (len(body),)
    for end in ends:
        try:
            text = body[:end].decode()
        except UnicodeDecodeError:
            continue
        if all(character >= " " or character in _PLAIN_CONTROLS for character in text):
            return text
    return None


def _hex_line(content: bytes, start: int) -> str:
    part = content[start : start + _HEX_WIDTH]
    letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
    return f"{start:08x}  {part.hex(' '):<{3 * _HEX_WIDTH}} |{letters}|"


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
