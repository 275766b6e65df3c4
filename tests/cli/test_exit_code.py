"""The exit code follows from what happened."""

from typing import Any

import pytest

from gregaria.cli.exit_code import exit_code_of
from gregaria.errors import ExitCode, GeneratorError, NoHost
from gregaria.stats.failures import ExceptionTable
from gregaria.stats.summary import Summary, summarize
from gregaria.stats.table import RequestStats
from gregaria.stats.verdict import RuleResult, Verdict


def rule(state: str, code: int = ExitCode.RULES, about_failures: bool = False) -> RuleResult:
    return RuleResult("p95 > 1s", "--fail-if", state, 1.0, 2.0, "ms", None, "because", code, about_failures)


def summary(
    *, failures: int = 0, exceptions: int = 0, generator_errors: int = 0, rules: tuple[RuleResult, ...] = ()
) -> Summary:
    stats, table = RequestStats(), ExceptionTable()
    stats.log_request("GET", "/", 5, 10)
    for _ in range(failures):
        stats.log_error("GET", "/", "refused")
    for _ in range(exceptions):
        table.add("local", "wrong", "Traceback")
    for _ in range(generator_errors):
        stats.recorder.generator_error(stats.recorder.entry("GET", "/"), GeneratorError("too many open files"))
    return summarize(stats, table, verdict=Verdict(rules) if rules else None)


@pytest.mark.parametrize(
    ("happened", "given", "code"),
    [
        ({}, {}, 0),
        ({"failures": 1}, {}, 1),
        ({"exceptions": 1}, {}, 1),
        ({"failures": 1}, {"code_on_error": 7}, 7),
        ({"failures": 1}, {"code_on_error": 0}, 0),
        ({"generator_errors": 1}, {}, 1),
        ({"generator_errors": 1}, {"code_on_error": 7}, 7),
        ({"generator_errors": 1}, {"code_on_error": 0}, 1),
        ({"generator_errors": 1, "failures": 1}, {"code_on_error": 0}, 1),
        ({"generator_errors": 1}, {"wished": 0}, 0),
        ({}, {"unhandled": 3}, 2),
        ({"failures": 1}, {"unhandled": 3}, 1),
        ({"failures": 1}, {"wished": 0}, 0),
        ({}, {"wished": 5}, 5),
        ({"exceptions": 1}, {"stop_error": NoHost("no host")}, 6),
        ({}, {"stop_error": NoHost("no host"), "wished": 3}, 3),
        ({"rules": (rule("passed"),)}, {}, 0),
        ({"rules": (rule("not judged"),)}, {}, 0),
        ({"rules": (rule("passed"), rule("broken"))}, {}, 16),
        ({"rules": (rule("no data"),)}, {}, 16),
        ({"rules": (rule("broken", 3),)}, {}, 3),
        ({"rules": (rule("broken", 3), rule("broken"), rule("passed", 17))}, {}, 16),
        ({"rules": (rule("broken"), rule("broken", 17))}, {}, 17),
        ({"rules": (rule("broken"),), "failures": 1, "generator_errors": 1}, {"code_on_error": 0}, 16),
        ({"rules": (rule("passed"),), "failures": 1}, {}, 1),
        ({"rules": (rule("passed", about_failures=True),), "failures": 1}, {}, 0),
        ({"rules": (rule("passed", about_failures=True),), "exceptions": 1}, {}, 1),
        ({"rules": (rule("passed", about_failures=True),), "generator_errors": 1}, {}, 1),
        ({"rules": (rule("broken"),)}, {"wished": 0}, 0),
        ({"rules": (rule("broken"),)}, {"stop_error": NoHost("no host")}, 6),
    ],
)
def test_the_exit_code_follows_from_what_happened(happened: Any, given: Any, code: int) -> None:
    usual: dict[str, Any] = {"wished": None, "code_on_error": 1, "stop_error": None, "unhandled": 0}
    assert exit_code_of(summary(**happened), **{**usual, **given}) == code
