"""The options that judge a run may stand wherever options stand, and give way to a locustfile's own."""

from pathlib import Path
from typing import Any

import pytest

from gregaria.cli.config import resolve
from gregaria.cli.options import new_parser
from gregaria.cli.rules_options import set_up_judge
from gregaria.errors import CommandError
from gregaria.rules.judge import Judge
from gregaria.stats.table import RequestStats


def options(folder: Path, *tokens: str, **environ: str) -> Any:
    return resolve(new_parser(), tokens, environ, folder, None).options


def rules_of(options: Any) -> list[tuple[str, str, int]]:
    stats = RequestStats()
    judge = Judge(stats, lambda: 1.0, lambda reason: None)
    set_up_judge(judge, options)
    stats.timeline.begin(1.0)
    verdict = judge.verdict
    return [] if verdict is None else [(rule.text, rule.source, rule.exit_code) for rule in verdict.rules]


def test_without_any_nothing_is_judged(tmp_path: Path) -> None:
    assert rules_of(options(tmp_path)) == []


def test_a_variable_has_one_rule_or_a_list(tmp_path: Path) -> None:
    assert rules_of(options(tmp_path, LOCUST_FAIL_IF="p95 > 5ms")) == [("p95 > 5ms", "--fail-if", 16)]
    several = options(tmp_path, GREGARIA_FAIL_IF="""["p95 of 'GET /a' > 5ms", "rps < 1"]""")
    assert [text for text, *_ in rules_of(several)] == ["p95 of 'GET /a' > 5ms", "rps < 1"]


def test_a_file_has_a_list_and_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.gregaria]\nfail-if = ["p95 > 5ms", "p99 > 7ms"]\nwarmup = "1m"\n')
    found = options(tmp_path)
    assert [text for text, *_ in rules_of(found)] == ["p95 > 5ms", "p99 > 7ms"]
    assert found.warmup_s == 60
    assert [text for text, *_ in rules_of(options(tmp_path, "--fail-if", "rps < 1"))] == ["rps < 1"]


def test_checks_of_locust_plugins_are_rules(tmp_path: Path) -> None:
    found = options(
        tmp_path, "--check-fail-ratio", "1e-3", LOCUST_CHECK_RPS="12.50", LOCUST_CHECK_AVG_RESPONSE_TIME="200"
    )
    assert rules_of(found) == [
        ("rps < 12.5", "--check-rps", 3),
        ("fail_ratio > 0.001", "--check-fail-ratio", 3),
        ("avg > 200ms", "--check-avg-response-time", 3),
    ]


@pytest.mark.parametrize(
    ("tokens", "environ", "says"),
    [
        (("--fail-if", "p95 >> 5"), {}, "argument --fail-if: > cannot stand here"),
        ((), {"LOCUST_FAIL_IF": "p95"}, "environment variable LOCUST_FAIL_IF: argument --fail-if: the rule ends here"),
        (("--check-rps", "-1"), {}, "'-1' is no number from 0 on"),
        (("--check-rps", "nan"), {}, "'nan' is no number from 0 on"),
        (("--check-fail-ratio", "5"), {}, "'5' is no share from 0 to 1; 5 percent is 0.05"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, tokens: tuple[str, ...], environ: dict[str, str], says: str
) -> None:
    with pytest.raises(CommandError) as raised:
        options(tmp_path, *tokens, **environ)
    assert says in str(raised.value)


def test_an_option_that_a_locustfile_declares_is_its_own(tmp_path: Path) -> None:
    parser = new_parser()
    parser.add_argument("--fail-if", default="never")
    parser.add_argument("--check-rps", type=float)
    found = resolve(parser, ["--fail-if", "it rains", "--check-rps", "3"], {}, tmp_path, None).options
    assert rules_of(found) == []
    assert found.fail_if == "it rains"
