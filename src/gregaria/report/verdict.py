"""The verdict, for the console and the document: each rule, how it stands, and why."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from gregaria.report.cells import fit, padded, paint, printable, width
from gregaria.report.tables import Look
from gregaria.stats.summary import Summary
from gregaria.stats.verdict import BROKEN, PASSED, RuleResult, Verdict

__all__ = ["SIGNS", "broken_lines", "reason", "verdict_document", "verdict_part"]

#: what stands before a rule
SIGNS = {"passed": "✓", "broken": "✗", "no data": "✗", "not judged": "·"}
_MOST_LIVE = 3
_WIDEST_RULE = 60
#: before what goes on of a rule, and before a reason that stands below it
_BESIDE, _BELOW = " " * 4, " " * 6


def verdict_part(summary: Summary, look: Look) -> list[str]:
    """The verdict and every rule, for the end of a run; nothing without rules."""
    verdict = summary.verdict
    if verdict is None or not verdict.rules:
        return []
    label = paint("Verdict:", ("alarm" if verdict.failed else "strong") if look.colour else "")
    lines = [f"{label} {verdict.sentence}{_of_what(verdict)}"]
    widths = [width(printable(rule.text)) for rule in verdict.rules]
    # A few long ones do not move the reasons of all others to the far right.
    room = max((each for each in widths if each <= _WIDEST_RULE), default=0)
    # What the run was not good enough for comes first, in the order in which it broke.
    for rule in sorted(verdict.rules, key=lambda rule: (not rule.fails, rule.broke_epoch_s or math.inf)):
        lines += [paint(line, "alarm" if rule.fails and look.colour else "") for line in _lines_of(rule, room, look)]
    return lines


def _lines_of(rule: RuleResult, room: int, look: Look) -> list[str]:
    """A rule and its reason: side by side, or below each other where that is too wide."""
    text, why = printable(rule.text), printable(reason(rule))
    line = f"  {SIGNS[rule.state]} {padded(text, max(room, width(text)), left=True)}  {why}"
    if look.width is None or width(line) <= look.width:
        return [line]
    above = textwrap.wrap(text, look.width, initial_indent=f"  {SIGNS[rule.state]} ", subsequent_indent=_BESIDE)
    return [*above, *textwrap.wrap(why, look.width, initial_indent=_BELOW, subsequent_indent=_BELOW)]


def broken_lines(summary: Summary, look: Look) -> list[str]:
    """A line for each of the first rules that are broken at this moment, for the live picture."""
    broken = () if summary.verdict is None else summary.verdict.broken
    told = [f"✗ {printable(rule.text)}: {printable(rule.sentence)}" for rule in broken[:_MOST_LIVE]]
    if more := broken[_MOST_LIVE:]:
        told[-1] += f" (and {len(more)} more)"
    return [paint(fit(line, look.width or width(line)), "alarm" if look.colour else "") for line in told]


def reason(rule: RuleResult) -> str:
    """Why a rule stands as it does, in words."""
    return rule.sentence if rule.state in (PASSED, BROKEN) else f"{rule.state}: {rule.sentence}"


def verdict_document(verdict: Verdict | None) -> dict[str, Any] | None:
    """The document's section ``verdict``; None without rules."""
    if verdict is None:
        return None
    return {
        "passed": not verdict.failed,
        "sentence": verdict.sentence,
        "baseline": verdict.baseline,
        "warmup_s": verdict.warmup_s,
        "rules": [_rule(rule) for rule in verdict.rules],
    }


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "rule": rule.text,
        "source": rule.source,
        "state": rule.state,
        "value": _rounded(rule.value),
        "limit": _rounded(rule.limit),
        "unit": rule.unit,
        "broke_epoch_s": _rounded(rule.broke_epoch_s),
        "sentence": rule.sentence,
        "exit_code": int(rule.exit_code),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _of_what(verdict: Verdict) -> str:
    parts: Sequence[str] = [
        f"the first {verdict.warmup_s:g} s are not judged" if verdict.warmup_s else "",
        f"the baseline is {printable(verdict.baseline)}" if verdict.baseline else "",
    ]
    told = "; ".join(part for part in parts if part)
    return f" ({told})" if told else ""
