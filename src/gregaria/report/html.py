"""The report as one file of HTML: the page's own panels, with a run's document inside."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gregaria.errors import CommandError, ExitCode
from gregaria.report.file import ensure_writable, refusal, replace_text

__all__ = ["check_html_path", "html_path", "report_html", "write_report"]

#: what ``make web`` has built
_PAGE = Path(__file__).parent.parent / "web" / "static" / "report.html"
#: where the document goes
_PLACE = re.compile(r'(<script type="application/json" id="run">)(</script>)')

_OPTION = "--html"


def html_path(name: str, users: int | None, spawn_rate: float | None, run_time_s: float | None) -> Path:
    """The file of ``--html NAME``: ``{u}``, ``{r}``, ``{t}`` in it are users, spawn rate, run time in seconds."""
    for mark, value in (("{u}", users), ("{r}", spawn_rate), ("{t}", run_time_s)):
        name = name.replace(mark, "" if value is None else str(int(value) if value == int(value) else value))
    return Path(name)


def check_html_path(path: Path) -> None:
    """See before the test that the report can be made and written after it.

    Raises:
        CommandError: the page was not built (exit code NOT_AVAILABLE), or the file cannot be written (OUTPUT).
    """
    _page()
    ensure_writable(path, _OPTION)


def report_html(document: Mapping[str, Any]) -> str:
    """The report of a run.

    Args:
        document: what ``report.json.document`` makes, or what was read from a file of ``--json-file``.

    Raises:
        CommandError: the page was not built.
    """
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    # Nothing that a target, a locustfile or a name says may end the element that it stands in.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return _PLACE.sub(lambda found: f"{found[1]}{text}{found[2]}", _page(), count=1)


def write_report(path: Path, document: Mapping[str, Any], option: str = _OPTION) -> None:
    """Write the report of a run, whole or not at all.

    Args:
        path: the file; its directory is made.
        document: see ``report_html``.
        option: what asks for it, for the error.

    Raises:
        CommandError: the page was not built, or the file could not be written.
    """
    html = report_html(document)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, html)
    except OSError as error:
        raise refusal(path, option, error) from error


def _page() -> str:
    try:
        return _PAGE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CommandError(
            "--html needs the page, which is built by Node.js: install Node.js >= 18, then make web",
            ExitCode.NOT_AVAILABLE,
        ) from None
