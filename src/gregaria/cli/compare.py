"""``gregaria compare A B``: whether the second run is slower than the first, and by how much."""

import argparse
import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Sequence

from gregaria.cli.parser import Parser
from gregaria.errors import CommandError, ExitCode
from gregaria.report.cells import plain_letters
from gregaria.report.compare import METRICS, Comparison, Limit, beyond, compare
from gregaria.report.comparison import comparison_document, comparison_lines, limit_line, told_limit
from gregaria.report.live import has_colour, is_terminal
from gregaria.report.measured import Key, load_run

__all__ = ["main"]

_ABOUT = """\
Compare run B with run A, the one from before: what changed in rate, failures and response times, for each name and in
all, how sure that is, and one verdict.

A run is a document that --json-file wrote, or the CSV files of --csv (Gregaria's or Locust's), named by
PREFIX_stats.csv; without PREFIX_stats_history.csv beside it there are only totals, which cannot be told from chance.

Runs are compared while all users are there. Seconds in which the generator was late are left out."""

_EXAMPLES = """\
examples:
  gregaria compare before.json after.json
  gregaria compare before.json after.json --fail-above p95=10% --fail-above rate=-5% --fail-above failures=1%
  gregaria compare old_stats.csv new_stats.csv --name "GET /api/.*" --json
  gregaria compare before.json after.json > changes.txt        all names, whatever the size of the terminal

The verdict is one of: slower, faster, more failures, fewer failures, no difference beyond X %, cannot tell. Half a
minute or more of steady load each is enough for most targets. What differs from run to run (a cache, a neighbour on
the machine) no single pair can show: when in doubt, compare two runs of the same thing first.

exit codes: 0 whatever the verdict, 14 if a change is beyond a limit, 2 if a file is none that can be compared."""

_LIMIT = re.compile(rf"({'|'.join(METRICS)})=([+-]?\d+(?:\.\d+)?)%?")


def main(arguments: Sequence[str]) -> int:
    """Compare two runs; returns the exit code.

    Raises:
        CommandError: an option is wrong, or a file is none that can be compared.
        SystemExit: ``--help`` was answered.
    """
    parser = _new_parser()
    options = parser.parse_args(list(arguments))
    comparison = compare(
        load_run(options.a), load_run(options.b), least_effect=options.least_effect, wanted=_wanted(options.name)
    )
    if options.name and not (comparison.rows or comparison.only_in_a or comparison.only_in_b):
        raise CommandError(
            '--name fits no name of either run: a name is the whole of "GET /path"; .* stands for anything in it',
            ExitCode.USAGE,
        )
    found = beyond(comparison, options.fail_above)
    if options.json:
        print(json.dumps(comparison_document(comparison, found), indent=2, allow_nan=False))
    else:
        width, height = shutil.get_terminal_size() if is_terminal(sys.stdout) else (None, None)
        lines = comparison_lines(comparison, width=width, height=height, colour=has_colour(sys.stdout))
        print(plain_letters("\n".join(lines), sys.stdout.encoding))
    for limit, row in found:
        print(limit_line(limit, row), file=sys.stderr)
    for line in _unjudged(comparison, options.fail_above):
        print(line, file=sys.stderr)
    # A gate is not open because nothing came through it.
    is_empty = bool(options.fail_above) and comparison.a.has_requests and not comparison.b.has_requests
    if is_empty:
        print("Beyond all limits: B has no requests.", file=sys.stderr)
    return ExitCode.DIFFERENCE if found or is_empty else ExitCode.OK


def _new_parser() -> Parser:
    parser = Parser(
        prog="gregaria compare", usage="gregaria compare A B [OPTIONS]", description=_ABOUT, epilog=_EXAMPLES
    )
    parser.add_argument("a", metavar="A", help="the run from before: a document, or PREFIX_stats.csv")
    parser.add_argument("b", metavar="B", help="the run that is compared with it")
    parser.add_argument("-h", "--help", action="help", help="show this")
    parser.add_argument(
        "--fail-above",
        metavar="LIMIT",
        type=_limit,
        action="append",
        default=[],
        help=(
            "exit with 14 if a name or the total has certainly changed by more: p50=10%%, p95=10%%, p99=20%%, "
            "rate=-5%% (a fall), failures=1%% (points of the share of requests); may be given several times"
        ),
    )
    parser.add_argument(
        "--least-effect",
        metavar="PERCENT",
        type=_share,
        default=0.02,
        help="changes of response times below this do not matter to the verdict (default: 2)",
    )
    parser.add_argument(
        "--name",
        metavar="REGEX",
        type=_pattern,
        action="append",
        default=[],
        help='only names like this, as "GET /path"; may be given several times; the total is always that of all',
    )
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON instead of a table")
    return parser


def _limit(text: str) -> Limit:
    found = _LIMIT.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no limit; write one of {', '.join(METRICS)} with a change, such as p95=10% or rate=-5%"
        )
    metric, percent = found[1], float(found[2])
    if metric == "rate":
        if not -100 < percent <= 0:
            raise argparse.ArgumentTypeError(f"{text!r} is no fall: write how far the rate may fall, such as rate=-5%")
    elif not 0 <= percent < (100 if metric == "failures" else math.inf):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no rise that there can be: write how far {metric} may rise, such as {metric}=10%"
        )
    return Limit(metric, percent / 100)


def _share(text: str) -> float:
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 0 to 100, such as 2")
    return percent / 100


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


def _wanted(patterns: Sequence[re.Pattern[str]]) -> Callable[[Key], bool]:
    return lambda key: not patterns or any(pattern.fullmatch(" ".join(key).strip()) for pattern in patterns)


def _unjudged(comparison: Comparison, limits: Sequence[Limit]) -> list[str]:
    """A sentence for each limit of which not even the total can be told whether it is kept."""
    unknown = [limit for limit in limits if comparison.total.changes[limit.metric].low is None]
    return [f"Cannot tell whether {told_limit(limit)} is kept: there are too few blocks of time." for limit in unknown]
