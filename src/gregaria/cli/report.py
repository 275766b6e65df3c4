"""``gregaria report FILE``: the report of a run, made anew of its document."""

from collections.abc import Sequence
from pathlib import Path

from gregaria.cli.parser import Parser
from gregaria.errors import CommandError, ExitCode
from gregaria.report.html import write_report
from gregaria.report.reading import read_document

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
    document = read_document(source)
    if output.exists() and output.samefile(source):
        raise CommandError(f"{output} is the document itself: name the report with -o", ExitCode.USAGE)
    write_report(output, document, "-o")
    print(output)
    return ExitCode.OK
