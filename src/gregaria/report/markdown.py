"""Verdict and figures as Markdown, for a comment to a pull request or the summary of a job."""

import re
from collections.abc import Iterable, Iterator, Sequence

from gregaria.report.cases import Case
from gregaria.report.cells import milliseconds, printable
from gregaria.report.percentiles import of_row
from gregaria.stats.summary import RequestRow, Summary
from gregaria.stats.verdict import NOT_JUDGED

__all__ = ["markdown_text"]

#: what GitHub takes of a comment is 65,536 characters
_MOST_BYTES = 60_000
_BYTES_OF_CASES = 40_000
_MOST_NAMES = 15
_MOST_NOTES = 10
_LONGEST_TEXT = 300
_SIGNS = {"passed": "✅", "broken": "❌", "no data": "❌", "not judged": "⚪"}
_BACKTICKS = re.compile("`+")


def markdown_text(summary: Summary, cases: Sequence[Case]) -> str:
    """The rules first, then the names that fail and those that are slow; without links, at most 60 KB."""
    told = summary.after_warmup or summary
    lines = [_headline(cases), ""]
    if cases:
        rows = map(_case_row, sorted(cases, key=lambda case: not case.has_failed))
        lines += ["| | check | result |", "|---|---|---|", *_within(_BYTES_OF_CASES, rows, len(cases))]
        lines.append("")
    lines += [_about(summary), ""]
    if told.requests:
        what = "after the warm-up" if summary.after_warmup is not None else "whole run"
        shown = sorted(told.requests, key=_weight, reverse=True)[:_MOST_NAMES]
        lines += [
            f"| name ({what}, times in ms) | requests | failed | req/s | median | p95 | p99 | max |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
            *_within(_MOST_BYTES - _BYTES_OF_CASES - 5000, map(_name_row, shown), len(shown)),
            _name_row(told.total),
        ]
        if hidden := len(told.requests) - len(shown):
            lines.append(f"\n{hidden:,} more names are not shown: those that failed and the slowest are.")
    for note in summary.notes[:_MOST_NOTES]:
        lines += ["", _plain(note)]
    if summary.generator is not None:
        lines += ["", _plain(summary.generator.verdict.sentence)]
    return "\n".join(lines) + "\n"


def _headline(cases: Sequence[Case]) -> str:
    failed = sum(case.has_failed for case in cases)
    unasked = sum(case.state == NOT_JUDGED for case in cases)
    sign, word, count = ("❌", "failed", failed) if failed else ("✅", "passed", len(cases) - unasked)
    headline = f"### {sign} Load test {word}, {count} of {len(cases)} {'check' if len(cases) == 1 else 'checks'}"
    return f"{headline}, {unasked} not judged" if unasked else headline


def _within(num_bytes: int, rows: Iterable[str], count: int) -> Iterator[str]:
    """As many rows as fit, and how many others there are."""
    for number, row in enumerate(rows):
        num_bytes -= len(row.encode()) + 1
        if num_bytes < 0:
            yield f"| | ... and {count - number} more | |"
            return
        yield row


def _case_row(case: Case) -> str:
    details = "".join(f"<br>{_code(line)}" for line in case.details)
    return f"| {_SIGNS[case.state]} | {_code(case.name)} | {_plain(case.sentence)}{details} |"


def _about(summary: Summary) -> str:
    total = summary.total
    host = f" against {_code(summary.host)}" if summary.host else ""
    failures = f"{total.num_failures:,} failed ({total.fail_ratio:.2%})" if total.num_failures else "none failed"
    return f"{total.num_requests:,} requests in {summary.duration_s:,.0f} s{host}, {failures}."


def _name_row(row: RequestRow) -> str:
    name = _code(f"{row.method} {row.name}") if row.method else f"**{row.name}**"
    failed = f"{row.num_failures:,} ({row.fail_ratio:.2%})" if row.num_failures else "0"
    times = [of_row(row, 0.5), of_row(row, 0.95), of_row(row, 0.99), row.max_us]
    figures = [f"{row.num_requests:,}", failed, f"{row.total_rps:,.1f}", *map(milliseconds, times)]
    return f"| {name} | {' | '.join(figures)} |"


def _weight(row: RequestRow) -> tuple[bool, float, float]:
    return row.num_failures > 0, row.fail_ratio, of_row(row, 0.95) or 0


def _code(text: str) -> str:
    """Text that means nothing: in a code span there are no links, mentions or tags."""
    text = _shortened(printable(text)).replace("|", "\\|") or " "
    fence = "`" * (max((len(found) for found in _BACKTICKS.findall(text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _plain(text: str) -> str:
    """Prose of ours, in which names may be quoted that would mean something."""
    text = _shortened(printable(text)).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", text)
    # Neither mentions nor addresses.
    return text.replace("@", "@\u200b").replace("://", ":\u200b//").replace("www.", "www\u200b.")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
