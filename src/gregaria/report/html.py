"""The report as one file of HTML: the page's own panels, with a run's document inside."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gregaria.errors import CommandError, ExitCode
from gregaria.report.file import ensure_writable, write_text

__all__ = ["check_html_name", "check_html_path", "html_path", "report_html", "write_report"]

#: what ``make web`` has built
_PAGE = Path(__file__).parent.parent / "web" / "static" / "report.html"
#: where the document goes
_PLACE = re.compile(r'(<script type="application/json" id="run">)(</script>)')

_OPTION = "--html"

#: the beginning of the page, and the themes that it can be asked to open in
_ROOT = '<html lang="en"'
_THEMES = ("dark", "light")
#: what stands for something in the name of the file
_MARKS = {"{u}": "users", "{r}": "spawn rate", "{t}": "run time in seconds"}
_MARK = re.compile(r"\{[^{}]*\}")


def html_path(name: str, users: int | None, spawn_rate: float | None, run_time_s: float | None) -> Path:
    """The file of ``--html NAME``: ``{u}``, ``{r}``, ``{t}`` in it are users, spawn rate, run time in seconds."""
    for mark, value in zip(_MARKS, (users, spawn_rate, run_time_s), strict=True):
        name = name.replace(mark, "" if value is None else str(int(value) if value == int(value) else value))
    return Path(name)


def check_html_name(name: str) -> None:
    """Refuse a name with something in braces that stands for nothing.

    Raises:
        CommandError: it has that.
    """
    unknown = [mark for mark in _MARK.findall(name) if mark not in _MARKS]
    if unknown:
        known = ", ".join(f"{mark} ({meaning})" for mark, meaning in _MARKS.items())
        raise CommandError(f"{_OPTION} {name}: {unknown[0]} stands for nothing; there are {known}", ExitCode.USAGE)


def check_html_path(path: Path) -> None:
    """See before the test that the report can be made and written after it.

    Raises:
        CommandError: the page was not built (exit code NOT_AVAILABLE), or the file cannot be written (OUTPUT).
    """
    _page()
    ensure_writable(path, _OPTION)


def report_html(document: Mapping[str, Any], theme: str | None = None) -> str:
    """The report of a run.

    Args:
        document: what ``report.json.document`` makes, or what was read from a file of ``--json-file``.
        theme: ``dark`` or ``light``, to open in; anything else leaves it to whoever reads it.

    Raises:
        CommandError: the page was not built.
    """
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    # Nothing that a target, a locustfile or a name says may end the element that it stands in.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    page = _page()
    if theme in _THEMES:
        page = page.replace(_ROOT, f'{_ROOT} data-theme="{theme}"', 1)
    return _PLACE.sub(lambda found: f"{found[1]}{text}{found[2]}", page, count=1)


def write_report(path: Path, document: Mapping[str, Any], option: str = _OPTION) -> None:
    """Write the report of a run, whole or not at all.

    Args:
        path: the file; its directory is made.
        document: see ``report_html``.
        option: what asks for it, for the error.

    Raises:
        CommandError: the page was not built, or the file could not be written.
    """
    write_text(path, report_html(document), option)


def _page() -> str:
    try:
        return _PAGE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CommandError(
            "--html needs the page, which is built by Node.js: install Node.js >= 18, then make web",
            ExitCode.NOT_AVAILABLE,
        ) from None
