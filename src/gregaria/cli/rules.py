"""``gregaria rules``: what a rule of ``--fail-if`` may say; with rules, whether they can be understood."""

from collections.abc import Sequence

from gregaria.cli.parser import Parser
from gregaria.errors import ExitCode
from gregaria.rules.grammar import GRAMMAR, parse

__all__ = ["main"]

_ABOUT = f"""\
Tell how rules are written, or with rules see whether they can be understood. A rule says what must not be, and stands
in --fail-if, in a configuration file (fail-if = ["...", "..."]) or in a locustfile: environment.fail_if("...").

{GRAMMAR}

Without for or over it is judged by the whole run, or by the seconds in which the comparison after while holds. for 30s:
it holds in each of 30 seconds. over 30s: it holds for the figures of 30 seconds taken together. abort ends the test at
once. A plain number beside a time is milliseconds. A rule without data is broken."""

_EXAMPLES = """\
examples:
  p95 > 500ms                            the 95th percentile of all requests, over the whole run
  fail_ratio > 1%
  p99 of 'GET /cart' > 800ms for 30s     one name; 30 seconds, each of which was that slow
  p95 of '/cart' > 300ms over 1min       all methods of a name; the figures of any one minute
  rps < 100 while users > 50             the rate in those seconds in which there were more than 50 users
  p95 > 1.1 * baseline                   slower than the run of --baseline by more than 10 %
  fail_ratio > 20% over 10s abort after 30s"""


def main(arguments: Sequence[str]) -> int:
    """Tell the grammar, or read rules; returns the exit code.

    Raises:
        RuleError: a rule cannot be understood.
        SystemExit: ``--help`` was answered.
    """
    parser = Parser(prog="gregaria rules", usage="gregaria rules [RULE ...]", description=_ABOUT, epilog=_EXAMPLES)
    parser.add_argument("rules", metavar="RULE", nargs="*", help="a rule to read")
    parser.add_argument("-h", "--help", action="help", help="show this")
    rules = parser.parse_args(list(arguments)).rules
    for text in rules:
        parse(text)
        print(f"understood: {text}")
    if not rules:
        print(f"{_ABOUT}\n\n{_EXAMPLES}")
    return ExitCode.OK
