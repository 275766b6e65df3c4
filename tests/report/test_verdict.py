"""The verdict is the same on the console, in the document and for builds, whatever names have in them."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import xmlschema

from gregaria.errors import CommandError, ExitCode
from gregaria.report.annotations import add_to_step_summary, annotations
from gregaria.report.baseline import baseline_files, load_baseline
from gregaria.report.cases import Case, cases_of
from gregaria.report.console import final_report
from gregaria.report.file import write_text
from gregaria.report.frame import live_frame
from gregaria.report.json import document, write_document
from gregaria.report.junit import junit_text
from gregaria.report.markdown import markdown_text
from gregaria.report.tables import Look
from gregaria.rules.expression import Metric
from gregaria.rules.grammar import parse
from gregaria.stats.summary import Stretch
from gregaria.stats.verdict import RuleResult, Verdict
from tests.report.runs import run_document
from tests.report.sample import failure, generator_error, row, summary, task_exception

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
NASTY = """GET /a|b`c``d <b>&amp;'"]]> [x](http://evil.example) @someone ``#1`` \x00\x1b[31m\ud800\n漢字"""


def result(text: str = "p95 > 500ms", state: str = "passed", **given: Any) -> RuleResult:
    values: dict[str, Any] = {
        "source": "--fail-if",
        "value": 812.0,
        "limit": 500.0,
        "unit": "ms",
        "broke_epoch_s": 1_700_000_005.0 if state == "broken" else None,
        "sentence": "812 ms, the limit is 500 ms",
        "exit_code": ExitCode.RULES,
    }
    return RuleResult(text, state=state, **(values | given))


RESULTS = (
    result("p95 > 1s"),
    result("p95 > 500ms", "broken"),
    result("p95 of '/x' > 500ms", "no data", value=None, sentence="nothing was counted of '/x'"),
    result("rps < 1 while users > 9", "not judged", sentence="users > 9 did not hold in any second"),
)


def test_the_console_begins_with_the_verdict() -> None:
    lines = final_report(summary(row(), verdict=Verdict(RESULTS, "before.json", 60)), Look())
    assert lines[:5] == [
        "Verdict: failed, 2 of 4 rules broken (the first 60 s are not judged; the baseline is before.json)",
        "  ✗ p95 > 500ms              812 ms, the limit is 500 ms",
        "  ✗ p95 of '/x' > 500ms      no data: nothing was counted of '/x'",
        "  ✓ p95 > 1s                 812 ms, the limit is 500 ms",
        "  · rps < 1 while users > 9  not judged: users > 9 did not hold in any second",
    ]
    passed = final_report(summary(row(), verdict=Verdict((RESULTS[0], RESULTS[3]))), Look())
    assert passed[0] == "Verdict: passed, 1 of 2 rules kept, 1 not judged"
    assert not final_report(summary(row()), Look())[0].startswith("Verdict")


def test_the_console_begins_with_what_broke_first_and_has_reasons_below_rules_where_it_is_narrow() -> None:
    results = (*RESULTS, result("max > 2s", "broken", broke_epoch_s=1_700_000_001.0, sentence="9 s, " * 12))
    lines = final_report(summary(row(), verdict=Verdict(results)), Look(width=60))
    assert lines[1:7] == [
        "  ✗ max > 2s",
        "      9 s, 9 s, 9 s, 9 s, 9 s, 9 s, 9 s, 9 s, 9 s, 9 s, 9 s,",
        "      9 s,",
        "  ✗ p95 > 500ms              812 ms, the limit is 500 ms",
        "  ✗ p95 of '/x' > 500ms",
        "      no data: nothing was counted of '/x'",
    ]
    long = Verdict((result("p95 of 'GET /a b' + 1ms > 2s", "broken"),))
    narrow = final_report(summary(row(), verdict=long), Look(width=24))
    assert narrow[1:4] == ["  ✗ p95 of 'GET /a b' +", "    1ms > 2s", "      812 ms, the limit"]


def test_the_live_picture_names_what_is_broken() -> None:
    broken = [result(f"p9{number} > 5ms", "broken") for number in range(5)]
    frame = live_frame(summary(row(), verdict=Verdict((*RESULTS[2:], *broken))), Look(width=80), 24)
    assert [line for line in frame if "✗" in line] == [
        "✗ p90 > 5ms: 812 ms, the limit is 500 ms",
        "✗ p91 > 5ms: 812 ms, the limit is 500 ms",
        "✗ p92 > 5ms: 812 ms, the limit is 500 ms (and 2 more)",
    ]


def test_a_warm_up_without_rules_makes_no_verdict() -> None:
    assert not final_report(summary(row(), verdict=Verdict((), None, 60.0)), Look())[0].startswith("Verdict")


def test_what_came_after_the_warm_up_is_told_beside_the_whole_run() -> None:
    stretch = Stretch(1_700_000_060.0, 12.0, (row("/late", num_requests=77),), row("Aggregated", "", num_requests=77))
    made = summary(row(), after_warmup=stretch)
    text = "\n".join(final_report(made, Look()))
    assert text.index("Whole run") < text.index("After the warm-up, 12.0 s")
    assert "/late" in text
    told = document(made)["after_warmup"]
    assert (told["from_epoch_s"], told["duration_s"]) == (1_700_000_060.0, 12.0)
    assert told["requests"][0]["num_requests"] == told["total"]["num_requests"] == 77
    assert "after the warm-up" in markdown_text(made, [])


def test_the_document_has_every_rule() -> None:
    told = document(summary(row(), verdict=Verdict(RESULTS, None, 0.0)))["verdict"]
    assert told["passed"] is False
    assert [rule["state"] for rule in told["rules"]] == ["passed", "broken", "no data", "not judged"]
    assert told["rules"][1] == {
        "rule": "p95 > 500ms", "source": "--fail-if", "state": "broken", "value": 812.0, "limit": 500.0, "unit": "ms",
        "broke_epoch_s": 1_700_000_005.0, "sentence": "812 ms, the limit is 500 ms", "exit_code": 16,
    }  # fmt: skip
    assert document(summary(row()))["verdict"] is None


def test_what_counts_beside_rules_is_a_case_too() -> None:
    failed = summary(row(num_failures=3), failures=[failure(occurrences=3)], exceptions=[task_exception()])
    names = [case.name for case in cases_of(failed, True)]
    assert names == ["requests without failures", "tasks without exceptions"]
    assert all(case.has_failed for case in cases_of(failed, True))
    assert cases_of(failed, False) == []
    limited = summary(row(), verdict=Verdict((result("fail_ratio > 1%", is_about_failures=True),)))
    assert [case.name for case in cases_of(limited, True)] == ["fail if fail_ratio > 1%", "tasks without exceptions"]
    total = row("Aggregated", "", num_generator_errors=2)
    own = summary(row(), total=total, generator_errors=[generator_error(occurrences=2)])
    assert [case.has_failed for case in cases_of(own, False)] == [True]


def test_junit_is_valid_whatever_stands_in_it(tmp_path: Path) -> None:
    verdict = Verdict((*RESULTS, result(NASTY, "broken", sentence=NASTY)))
    made = summary(row(), verdict=verdict, failures=[failure(NASTY, occurrences=2)], host=NASTY, duration_s=12345.6)
    cases = cases_of(made, True)
    path = tmp_path / "new" / "junit.xml"
    write_text(path, junit_text(made, cases), "--junit")
    SCHEMA.validate(path)
    suite = ElementTree.parse(path).getroot()[0]
    assert [len(suite), suite.get("tests"), suite.get("failures"), suite.get("skipped")] == [7, "7", "4", "1"]
    found = {case.get("name"): [child.tag for child in case] for case in suite}
    assert found["fail if p95 > 1s"] == []
    assert found["fail if p95 > 500ms"] == found["requests without failures"] == ["failure"]
    assert found["fail if rps < 1 while users > 9"] == ["skipped"]
    assert "漢字" in (suite[4].get("name") or "")
    SCHEMA.validate(junit_text(summary(), cases_of(summary(), False)))


def test_markdown_has_rules_first_and_nothing_that_leads_anywhere() -> None:
    verdict = Verdict((*RESULTS, result(NASTY, "broken", sentence=NASTY)))
    made = summary(row("/fast"), row(NASTY, num_failures=9), verdict=verdict, failures=[failure(NASTY)], host=NASTY)
    text = markdown_text(made, cases_of(made, True))
    lines = text.splitlines()
    assert lines[0] == "### ❌ Load test failed, 4 of 7 checks, 1 not judged"
    # Those that are not kept first, so that none of them is cut off.
    assert lines[4] == "| ❌ | `fail if p95 > 500ms` | 812 ms, the limit is 500 ms |"
    assert "| ✅ | `fail if p95 > 1s` | 812 ms, the limit is 500 ms |" in lines[7:]
    assert "漢字" in text
    names = [line for line in lines if "/fast" in line or line.startswith("| ``` GET GET") or "| ```GET GET" in line]
    assert "/fast" in names[-1]
    # What is not code has no mentions, tags and addresses.
    prose = re.sub(r"(`+)[^\n]*?(?<!`)\1(?!`)", "", text)
    assert "@someone" not in prose
    assert "<b>" not in prose
    assert "http://" not in prose
    assert "](" not in prose.replace("\\](", "")
    columns = {line.replace("\\|", "").count("|") for line in lines if line.startswith("|")}
    assert columns == {4, 9}


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("passed",), "✅ Load test passed, 1 of 1 check"),
        (("passed", "not judged"), "✅ Load test passed, 1 of 2 checks, 1 not judged"),
        (("passed", "no data"), "❌ Load test failed, 1 of 2 checks"),
        ((), "✅ Load test passed, 0 of 0 checks"),
    ],
)
def test_the_headline_of_markdown_tells_what_was_not_judged(states: tuple[str, ...], told: str) -> None:
    cases = [Case(f"rule {number}", state, "") for number, state in enumerate(states)]
    assert markdown_text(summary(row()), cases).splitlines()[0] == f"### {told}"


def test_markdown_has_the_notes() -> None:
    assert "users waited for their turn" in markdown_text(summary(row(), notes=("users waited for their turn",)), [])


def test_markdown_fits_into_a_comment() -> None:
    results = tuple(
        result(f"p95 of '{'é' * 290}{number}' > 5ms", "broken", sentence="é" * 900) for number in range(300)
    )
    rows = [row("ü" * 2000 + str(number)) for number in range(500)]
    made = summary(*rows, verdict=Verdict(results))
    text = markdown_text(made, cases_of(made, True))
    assert len(text.encode()) <= 60_000
    assert re.search(r"\.\.\. and \d+ more", text)
    assert "485 more names are not shown" in text or "more |" in text


def test_annotations_are_for_a_job_of_github() -> None:
    cases = [Case(f"p95: a, b {number}", "broken", "100 % of\nit") for number in range(12)]
    assert annotations(cases, {}) == []
    lines = annotations(cases, {"GITHUB_ACTIONS": "true"})
    assert lines[0] == "::error title=p95%3A a%2C b 0::100 %25 of%0Ait"
    assert len(lines) == 10
    assert lines[-1] == "::error title=Load test::3 more checks failed"
    assert annotations([Case("a", "passed", ""), Case("b", "not judged", "")], {"GITHUB_ACTIONS": "true"}) == []


def test_the_step_summary_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    add_to_step_summary("one", {"GITHUB_STEP_SUMMARY": str(path)})
    add_to_step_summary("two", {"GITHUB_STEP_SUMMARY": str(path)})
    add_to_step_summary("nowhere", {})
    assert path.read_text() == "before\none\ntwo\n"


@pytest.mark.parametrize("place", ["nowhere/summary.md", "full.md", "."])
def test_a_step_summary_that_cannot_be_added_to_is_a_warning(
    tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    full = tmp_path / "full.md"
    full.write_text("x" * (1024 * 1024 - 4))
    add_to_step_summary("verdict", {"GITHUB_STEP_SUMMARY": str(tmp_path / place)})
    assert full.stat().st_size == 1024 * 1024 - 4
    assert "not added to the job's summary, $GITHUB_STEP_SUMMARY" in caplog.text
    assert ("longer than 1 MiB" in caplog.text) == (place == "full.md")
    add_to_step_summary("ok", {"GITHUB_STEP_SUMMARY": str(full)})
    assert full.stat().st_size == 1024 * 1024 - 1


def metric(text: str) -> Metric:
    return parse(f"{text} > 1").comparison.metrics[0]


def test_a_baseline_tells_what_its_document_told(tmp_path: Path) -> None:
    before = summary(row("/a", num_failures=10), row("/a", "POST", avg_us=4000, num_requests=3000, min_us=100))
    write_document(str(tmp_path / "before"), before)
    baseline = load_baseline(str(tmp_path / "before.json"))
    told = {
        "p95 of 'GET /a'": 0.00294, "median of 'GET /a'": 0.00249, "max of 'GET /a'": 0.04821, "rps of 'GET /a'": 99.5,
        "requests of '/a'": 4000, "failures of '/a'": 10, "fail_ratio of '/a'": 0.0025, "rps of '/a'": 199.0,
        "avg of '/a'": pytest.approx((2345.6 + 3 * 4000) / 4 / 1e6), "min of '/a'": 0.0001,
        "p95 of '/a'": pytest.approx(0.002, rel=0.02), "p95 of '/new'": None, "late_ratio": None,
        "generator_errors": None,
    }  # fmt: skip
    assert {text: baseline(metric(text)) for text in told} == told
    assert baseline(metric("p99")) is not None


def test_a_baseline_is_what_came_after_its_warm_up(tmp_path: Path) -> None:
    stretch = Stretch(1.0, 12.0, (), row("Aggregated", "", total_rps=5.0))
    write_document(str(tmp_path / "before"), summary(row(), after_warmup=stretch))
    assert load_baseline(str(tmp_path / "before.json"))(metric("rps")) == 5.0


def test_a_baseline_may_be_tables_of_locust(tmp_path: Path) -> None:
    (tmp_path / "old_stats.csv").write_text(
        "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
        "Max Response Time,Requests/s,50%,95%,99%\n"
        "GET,/a,100,1,5,6.5,1,90,10.5,5,20,80\n,Aggregated,100,1,5,6.5,1,90,10.5,5,20,80\n"
    )
    baseline = load_baseline(str(tmp_path / "old_stats.csv"))
    told = {"p95": 0.02, "avg": 0.0065, "max of '/a'": 0.09, "rps": 10.5, "fail_ratio": 0.01, "p75": None}
    assert {text: baseline(metric(text)) for text in told} == told


def test_what_is_sent_of_a_baseline_says_the_same(tmp_path: Path) -> None:
    texts = ("p95", "p99 of '/a'", "median", "max of 'GET /b'", "avg", "rps", "fail_ratio of '/b'", "requests", "users")
    written = tmp_path / "before.json"
    written.write_text(json.dumps(run_document(7, failing=0.1)))
    (tmp_path / "old_stats.csv").write_text(
        "Type,Name,Request Count,Failure Count,Requests/s,50%\nGET,/a,100,1,10.5,5\n,Aggregated,100,1,10.5,5\n"
    )
    (tmp_path / "old_stats_history.csv").write_text(
        "Timestamp,User Count,Type,Name,Total Request Count,Total Failure Count\n"
        + "".join(f"{second},4,,Aggregated,{second * 10},0\n" for second in range(10))
    )
    for name, file in (("before", "before.json"), ("old", "old_stats.csv")):
        files = baseline_files(str(tmp_path / name))
        assert next(iter(files)) == file
        there = tmp_path / f"there of {name}"
        there.mkdir()
        for each, content in files.items():
            (there / each).write_bytes(content)
        here, sent = load_baseline(str(tmp_path / name)), load_baseline(str(there / file))
        told = {text: here(metric(text)) for text in texts}
        assert {text: sent(metric(text)) for text in texts} == told
        assert told["users"]
    assert (tmp_path / "there of before" / "before.json").stat().st_size * 2 < written.stat().st_size


def test_a_baseline_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no"):
        load_baseline(str(tmp_path / "nothing.json"))
    with pytest.raises(CommandError, match="is a folder: name a document"):
        load_baseline(str(tmp_path))
