"""The exit code follows from what happened."""

from typing import Any

import pytest

from gregaria.cli.exit_code import exit_code_of
from gregaria.errors import GeneratorError, NoHost
from gregaria.stats.failures import ExceptionTable
from gregaria.stats.summary import Summary, summarize
from gregaria.stats.table import RequestStats


def summary(*, failures: int = 0, exceptions: int = 0, generator_errors: int = 0) -> Summary:
    stats, table = RequestStats(), ExceptionTable()
    stats.log_request("GET", "/", 5, 10)
    for _ in range(failures):
        stats.log_error("GET", "/", "refused")
    for _ in range(exceptions):
        table.add("local", "wrong", "Traceback")
    for _ in range(generator_errors):
        stats.recorder.generator_error(stats.recorder.entry("GET", "/"), GeneratorError("too many open files"))
    return summarize(stats, table)


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
    ],
)
def test_the_exit_code_follows_from_what_happened(happened: Any, given: Any, code: int) -> None:
    usual: dict[str, Any] = {"wished": None, "code_on_error": 1, "stop_error": None, "unhandled": 0}
    assert exit_code_of(summary(**happened), **{**usual, **given}) == code
