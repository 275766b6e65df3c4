"""The options that decide whether a run was good enough."""

import argparse
import math
from decimal import Decimal
from typing import Any

from gregaria.cli import values
from gregaria.cli.parser import Parser
from gregaria.errors import ExitCode, RuleError
from gregaria.report.baseline import load_baseline
from gregaria.rules.grammar import parse
from gregaria.rules.judge import Judge

__all__ = ["add_rules_options", "known_rule", "set_up_judge"]


def add_rules_options(parser: Parser) -> None:
    """Declare them."""
    group = parser.add_argument_group("What must not be")
    group.add_argument(
        "--fail-if",
        env_var="LOCUST_FAIL_IF",
        dest="fail_rules",
        metavar="RULE",
        type=known_rule,
        action="append",
        yields=True,
        help='exit with 16 if this is so: "p95 > 500ms", "fail_ratio > 1%%", "p99 of \'GET /cart\' > 800ms for 30s",'
        ' "rps < 100 while users > 50"; may be given several times; gregaria rules tells what can be written',
    )
    group.add_argument(
        "--baseline",
        env_var="LOCUST_BASELINE",
        dest="baseline_file",
        metavar="FILE",
        yields=True,
        help='the run that baseline stands for in rules, "p95 > 1.1 * baseline": a document of --json-file, or CSV',
    )
    group.add_argument(
        "--warmup",
        env_var="LOCUST_WARMUP",
        dest="warmup_s",
        metavar="TIME",
        type=values.duration_s,
        yields=True,
        help="rules look at what comes after this time; reports tell both",
    )
    group.add_argument(
        "--fail-if-saturated",
        env_var="LOCUST_FAIL_IF_SATURATED",
        dest="fails_if_saturated",
        action="store_true",
        yields=True,
        help="exit with 17 if the generator was the bottleneck, so that the figures say little of the target",
    )
    for option, metavar, read, text in (
        ("--check-rps", "N", _limit, "exit with 3 if there were fewer requests per second over the whole run"),
        ("--check-fail-ratio", "RATIO", _share, "exit with 3 if a larger share of requests failed, 0 to 1"),
        ("--check-avg-response-time", "MS", _limit, "exit with 3 if the average response time was longer"),
    ):
        group.add_argument(
            option,
            env_var=f"LOCUST_{option[2:].replace('-', '_').upper()}",
            # Another name than that of locust-plugins, which declares the same options and then does the checks.
            dest=_dest(option),
            metavar=metavar,
            type=read,
            yields=True,
            help=text,
        )


def set_up_judge(judge: Judge, options: Any) -> None:
    """Give a test's judge what the options say. Those whose names a locustfile has taken for its own say nothing.

    Raises:
        CommandError: a rule cannot be judged, or the baseline cannot be read.
    """
    if name := getattr(options, "baseline_file", None):
        judge.compare_with(name, load_baseline(name))
    if warmup_s := getattr(options, "warmup_s", None):
        judge.warm_up(warmup_s)
    for text in getattr(options, "fail_rules", None) or ():
        judge.add_rule(text, "--fail-if")
    for option, rule in (
        ("--check-rps", "rps < {}"),
        ("--check-fail-ratio", "fail_ratio > {}"),
        ("--check-avg-response-time", "avg > {}ms"),
    ):
        limit = getattr(options, _dest(option), None)
        if limit is not None:
            judge.add_rule(rule.format(limit), option, ExitCode.CHECKS)
    judge.fails_if_saturated = bool(getattr(options, "fails_if_saturated", False))


def _dest(option: str) -> str:
    return f"limit_of_{option[2:].replace('-', '_')}"


def known_rule(text: str) -> str:
    """A rule, as it is written.

    Raises:
        argparse.ArgumentTypeError: it is none; the message shows what is wrong.
    """
    try:
        parse(text)
    except RuleError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _limit(text: str) -> str:
    """A number as rules have it."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1e12:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return format(round(Decimal(text), 9).normalize(), "f")


def _share(text: str) -> str:
    """A number from 0 to 1, as rules have it."""
    limit = _limit(text)
    if Decimal(limit) > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1; 5 percent is 0.05")
    return limit
