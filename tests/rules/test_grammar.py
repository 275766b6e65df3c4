"""Rules are read as they are meant, and what is none is shown by its character."""

import re
from pathlib import Path

import pytest

from gregaria.errors import ExitCode, RuleError
from gregaria.rules.expression import Metric
from gregaria.rules.figures import Figures
from gregaria.rules.grammar import GRAMMAR, parse
from gregaria.rules.reading import View
from gregaria.stats.table import RequestStats


def view(times_ms: list[float], failures: int = 0, length_s: float = 10, users: int = 7, late_s: int = 1) -> View:
    stats = RequestStats()
    for time_ms in times_ms:
        stats.log_request("GET", "/", time_ms, 1)
    for _ in range(failures):
        stats.log_error("GET", "/", "refused")
    return View(lambda name: Figures(stats.recorder.total, length_s, users, late_s), lambda metric: 0.2)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p50 > 99ms", True),
        ("p50 > 101ms", False),
        ("p50 >= 99ms", True),
        ("min == 1.1", True),
        ("max != 1.1s", False),
        ("max == 1.1s", True),
        ("max > 1100", False),
        ("max < 0.02min", True),
        ("min <= 1100us", True),
        ("min < 1.1ms", False),
        ("avg == 325.275", True),
        ("avg > (1.1 + 100 + 1100) / 4 + 25", False),
        ("max - 11 * 100 == 0ms", True),
        ("max > 10 * p50", True),
        ("max > 11.1 * p50", False),
        ("1.1s == max", True),
        ("rps == 0.4", True),
        ("rps * 10s == requests", True),
        ("requests < 1k", True),
        ("failures / requests == 25%", True),
        ("fail_ratio == 0.25", True),
        ("fail_ratio > 25 %", False),
        ("fail_ratio\u00a0<=\u202f100\u00a0%", True),
        ("max / p50 > 5", True),
        ("fail_per_s < 0.2", True),
        ("users == 7", True),
        ("late_ratio == 10%", True),
        ("generator_errors == 0", True),
        ("p99.9 == 1.1s", True),
        ("p50 < baseline", True),
        ("p50 > baseline / 2 + 1", False),
        ("p50 > 1 - 0.5 * baseline", True),
        ("rps / users > 0.05", True),
        ("p50 / 0 > 1", None),
    ],
)
def test_what_a_comparison_says(text: str, holds: bool | None) -> None:
    comparison = parse(text).comparison
    figures = view([1.1, 100, 100, 1100], failures=1)
    assert comparison.holds(comparison.left(figures), comparison.right(figures)) is holds


def test_the_clauses_of_a_rule() -> None:
    rule = parse(" rps of 'GET /cart' < 100 while users > 50 while rps > 1 for 1.5min abort after 2 min ")
    assert rule.text == "rps of 'GET /cart' < 100 while users > 50 while rps > 1 for 1.5min abort after 2 min"
    assert (rule.for_s, rule.over_s, rule.aborts, rule.aborts_after_s) == (90, None, True, 120)
    assert rule.conditions_text == "users > 50 while rps > 1"
    assert len(rule.conditions) == 2
    assert parse("p95 > 3 over 1h").over_s == 3600
    assert not parse("p95 > 3").aborts


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("'GET /a b[1]'", "GET /a b[1]"),
        ('"it\'s"', "it's"),
        (r"'it\'s'", "it's"),
        (r'"a \"b\" \\ c"', r'a "b" \ c'),
        (r"'C:\dir'", r"C:\dir"),
        ("'while 漢字 > 3'", "while 漢字 > 3"),
    ],
)
def test_names_are_quoted(said: str, name: str) -> None:
    metrics = parse(f"p95 of {said} > 1").comparison.metrics
    assert [metric.name for metric in metrics if isinstance(metric, Metric)] == [name]


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 0, "the rule ends here; expected a number, a metric"),
        ("p95", 3, "the rule ends here; expected >, >="),
        ("p95 >> 5", 5, "> cannot stand here; expected a number"),
        ("p95 = 5", 4, "== compares"),
        ("p95 > 5kg", 7, "there is no unit kg; there are us, ms"),
        ("p95 > 5 and p50 > 3", 8, "expected a unit, +, -"),
        ("p95 > 5 and p50 > 3", 8, "the end (while adds a condition)"),
        ("p95 > 5 or p50 > 3", 8, "(two rules say two things that must not be)"),
        ("p95 > 5 for 3s while rps > 1", 15, "or the end (while stands behind a comparison, before for and over)"),
        ("p95 > 5 for 3", 13, "expected s, min"),
        ("p95 > 5 for ever", 12, "expected a duration"),
        ("p95 > 5 for 0.5s", 12, "from 1s to 1h"),
        ("p95 > 5 over 2h", 13, "from 1s to 1h"),
        ("p95 > 5 for 3s over 3s", 15, "expected abort or the end"),
        ("p95 > 5 abort now", 14, "expected after or the end"),
        ("p95 of GET > 3", 7, "a name in quotes"),
        ("p95 of '' > 3", 7, "the name is empty"),
        ("p95 of 'a > 3", 7, "has no end"),
        ("users of 'a' > 3", 6, "has no names"),
        ("p0 > 3", 0, "no percentile p0"),
        ("p100.1 > 3", 0, "no percentile p100.1"),
        ("latency > 3", 0, "no metric latency"),
        ("fail_ration > 3", 0, "did you mean fail_ratio?"),
        ("P99.9 > 3", 0, "did you mean p99.9?"),
        ("Median > 3", 0, "did you mean median?"),
        ("p(95) > 3", 0, "did you mean p95?"),
        ("error_rate > 3%", 0, "did you mean fail_ratio?"),
        ("fail_ratio > 5", 13, "fail_ratio is a share, at most 1 (100%); 5 percent is 5%"),
        ("101% < late_ratio", 0, "late_ratio is a share, at most 1 (100%)\n"),
        ("p95 > 10%", 4, "a time on the left and a share on the right"),
        ("p95 + rps > 3", 4, "a time on the left and a rate per second on the right"),
        ("p95 * p95 > 3", 10, "no number means that"),
        ("5 > 3", 2, "one side needs a metric"),
        ("p95 - p50 > baseline", 12, "here are several"),
        ("p95 > (3", 8, "expected ), +"),
        ("p95 of '漢字' >> 3", 13, "expected a number"),
        ("p95 > 3 §", 8, "has no meaning"),
        ("p95\u00a0≥ 3", 4, "'≥' has no meaning"),
        ("p95 > 1234567890123456", 6, "at most 15 digits"),
        ("(" * 30 + "p95", 20, "20 times at most"),
    ],
)
def test_what_is_wrong_is_shown(text: str, at: int, says: str) -> None:
    with pytest.raises(RuleError) as raised:
        parse(text)
    assert raised.value.at == at
    assert says in str(raised.value)
    assert raised.value.exit_code == ExitCode.USAGE


def test_the_caret_stands_below_the_character() -> None:
    with pytest.raises(RuleError) as raised:
        parse("p95 of '漢字'\t>> 3")
    _, rule, caret = str(raised.value).split("\n")
    assert rule == "    p95 of '漢字' >> 3"
    # Each of the two takes two columns.
    assert caret.index("^") == rule.index(">>") + 1 + 2


def test_the_documentation_has_the_grammar() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    assert f"```\n{GRAMMAR}\n```" in text
    # Every rule that it shows can be understood.
    shown = re.findall(r'--fail-if "([^"]+)"', text)
    shown += re.findall(r"^\| `([^`]+)` \| (?:at the end|each|the figures|as)", text, re.MULTILINE)
    assert len(shown) > 9
    for rule in shown:
        if ">>" not in rule:
            parse(rule)


def test_a_book_is_no_rule() -> None:
    with pytest.raises(RuleError, match="at most 1000 characters"):
        parse("p95 > 1 + " * 200)
