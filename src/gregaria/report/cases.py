"""What a run had to show to be good enough, as cases that passed or failed: what builds are told."""

from collections.abc import Sequence
from dataclasses import dataclass

from gregaria.report.verdict import reason
from gregaria.stats.summary import Summary
from gregaria.stats.verdict import NOT_JUDGED, PASSED

__all__ = ["Case", "cases_of"]

_MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Case:
    """Something that was asked of the run."""

    name: str
    #: ``passed``, ``broken``, ``no data`` or ``not judged``
    state: str
    #: why, in one sentence
    sentence: str
    #: more of it, line by line
    details: Sequence[str] = ()

    @property
    def has_failed(self) -> bool:
        return self.state not in (PASSED, NOT_JUDGED)


def cases_of(summary: Summary, failures_count: bool) -> list[Case]:
    """A case for each rule, and for what decides the exit code beside them.

    Args:
        summary: of the whole run.
        failures_count: whether the command ends with another code than 0 when a request failed or a task raised.
    """
    verdict = summary.verdict
    rules = () if verdict is None else verdict.rules
    cases = [Case(f"fail if {rule.text}", rule.state, reason(rule)) for rule in rules]
    total = summary.total
    if failures_count and not (verdict is not None and verdict.limits_failures):
        examples = [f"{row.occurrences:,} x {row.method} {row.name}: {row.error}" for row in summary.failures]
        failed = max(total.num_failures, sum(row.occurrences for row in summary.failures))
        sentence = f"{failed:,} of {total.num_requests:,} requests failed"
        cases.append(_case("requests without failures", failed, sentence, examples))
    if failures_count:
        count = sum(row.count for row in summary.exceptions)
        raised = [f"{row.count:,} x {row.message}" for row in summary.exceptions]
        cases.append(_case("tasks without exceptions", count, f"{count:,} exceptions escaped tasks", raised))
    if errors := total.num_generator_errors:
        reasons = [f"{row.occurrences:,} x {row.error}" for row in summary.generator_errors]
        sentence = f"{errors:,} requests could not be made for a limit of the generator's own machine"
        cases.append(_case("the generator made every request", errors, sentence, reasons))
    return cases


def _case(name: str, count: int, sentence: str, details: Sequence[str]) -> Case:
    told = list(details[:_MOST_EXAMPLES])
    if more := details[_MOST_EXAMPLES:]:
        told.append(f"... and {len(more)} more kinds")
    return Case(name, "broken" if count else PASSED, sentence, told if count else ())
