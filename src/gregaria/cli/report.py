"""``gregaria report FILE``: the report of a run, made anew of its document."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gregaria.cli.parser import Parser
from gregaria.errors import CommandError, ExitCode
from gregaria.report.html import write_report
from gregaria.report.json import SCHEMA

__all__ = ["main"]

_ABOUT = """\
Make the report of a run, one file of HTML that opens offline, of the document that --json-file has written."""

_EXAMPLES = """\
examples:
  gregaria report out/a.json                    writes out/a.html
  gregaria report out/a.json -o tickets/123.html"""


def main(arguments: Sequence[str]) -> int:
    """Write the report; returns the exit code.

    Raises:
        CommandError: the file is no document, or the report cannot be written.
        SystemExit: ``--help`` was answered.
    """
    parser = Parser(
        prog="gregaria report", usage="gregaria report FILE [-o FILE]", description=_ABOUT, epilog=_EXAMPLES
    )
    parser.add_argument("document", metavar="FILE", help="a document that --json-file has written")
    parser.add_argument("-o", "--output", metavar="FILE", help="the report (default: the document's name with .html)")
    parser.add_argument("-h", "--help", action="help", help="show this")
    options = parser.parse_args(list(arguments))
    source = Path(options.document)
    output = Path(options.output) if options.output else source.with_suffix(".html")
    write_report(output, _read(source), "-o")
    print(output)
    return ExitCode.OK


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}", ExitCode.USAGE) from None
    except ValueError as error:
        raise CommandError(f"{path} is no document of --json-file: it is no JSON ({error})", ExitCode.USAGE) from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        schema = found.get("schema") if isinstance(found, dict) else None
        raise CommandError(
            f"{path} is no document of --json-file: its schema is {schema!r} where {SCHEMA!r} is expected",
            ExitCode.USAGE,
        )
    return found
