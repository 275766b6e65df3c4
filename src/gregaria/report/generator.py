"""What the generator says of itself, for each output: late seconds, who held it up, whether to trust the figures."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from gregaria.report.cells import milliseconds, paint, printable
from gregaria.report.tables import Look
from gregaria.settings import settings
from gregaria.stats.generator import Cause, LateSecond, Second
from gregaria.stats.summary import Summary

__all__ = ["GENERATOR_HEADER", "LateMarks", "generator_document", "generator_part", "generator_rows", "late_mark"]

_MOST_CAUSES = 5

GENERATOR_HEADER = [
    "Timestamp", "Late", "Loop Delay", "Process CPU", "Busiest Core", "All Cores", "Waited for CPU", "Memory",
    "Collections", "Collecting Time", "Longest Collection", "Descriptors", "Descriptor Limit",
]  # fmt: skip


def late_mark(summary: Summary) -> str:
    """``GENERATOR LATE by 212 ms``, if it was in the seconds that current figures are of; else nothing."""
    found = summary.generator
    if found is None or not found.late_seconds:
        return ""
    newest = found.recent[-1].epoch_s + 1 if found.recent else found.late_seconds[-1].epoch_s
    late_us = found.late_between(newest - settings.current_window_s, newest + 2)
    return f"GENERATOR LATE by {milliseconds(late_us)} ms" if late_us else ""


class LateMarks:
    """Says of each row of a history how late the generator was since the one before."""

    def __init__(self) -> None:
        self._told_until_s = 0.0
        self._told: set[LateSecond] = set()

    def next(self, summary: Summary, epoch_s: float) -> int:
        """The most it was late by in the seconds that have not been told yet, in ms; 0 if it was not."""
        known = summary.generator.late_seconds if summary.generator is not None else ()
        # of the second in which the last row was written, more may have become known since
        recent = set(takewhile(lambda late: late.epoch_s + 1 > self._told_until_s, reversed(known)))
        new = recent - self._told
        self._told_until_s, self._told = epoch_s, recent
        return round(max((late.delay_us for late in new), default=0) / 1000)


def generator_part(summary: Summary, look: Look) -> list[str]:
    """The verdict, and who held up the loop, for the end of the console's report."""
    found = summary.generator
    if found is None:
        return []
    trusted = found.verdict.is_trusted
    label = paint("Generator:", ("strong" if trusted else "alarm") if look.colour else "")
    lines = [f"{label} {printable(found.verdict.sentence)}"]
    # the first of them is in the sentence
    others = found.causes[1:_MOST_CAUSES]
    lines += [f"    {printable(cause.sentence)}. {cause.what.advice}".rstrip() for cause in others]
    if more := found.causes[_MOST_CAUSES:]:
        lines.append(f"    ... and {len(more)} more, {sum(cause.count for cause in more):,} times")
    return lines


def generator_rows(seconds: Sequence[Second]) -> Iterator[list[object]]:
    """The rows of ``P_generator.csv``; times in ms, memory in bytes, CPU in percent of a core."""
    for second in seconds:
        yield [
            second.epoch_s,
            int(second.is_late),
            f"{second.delay_us / 1000:.1f}",
            f"{second.cpu_percent:.1f}",
            f"{second.core_percent:.1f}",
            f"{second.machine_percent:.1f}",
            "" if second.starved_us is None else f"{second.starved_us / 1000:.1f}",
            second.memory_bytes,
            second.collections,
            f"{second.collecting_us / 1000:.1f}",
            f"{second.longest_collection_us / 1000:.1f}",
            "" if second.descriptors is None else second.descriptors,
            "" if second.descriptor_limit is None else second.descriptor_limit,
        ]


def generator_document(summary: Summary) -> dict[str, Any] | None:
    """The document's section ``generator``; None if nobody has watched."""
    found = summary.generator
    if found is None:
        return None
    return {
        "verdict": {"trusted": found.verdict.is_trusted, "sentence": found.verdict.sentence},
        "late_limit_ms": found.late_limit_us / 1000,
        "seconds_watched": found.seconds_watched,
        "seconds_late": found.num_late_seconds,
        "seconds_busy": found.num_busy_seconds,
        "longest_delay_ms": found.longest_delay_us / 1000,
        "longest_cpu_percent": round(found.longest_cpu_percent, 1),
        "late_requests": found.num_late_requests,
        "late_seconds": [
            {"epoch_s": second.epoch_s, "delay_ms": second.delay_us / 1000} for second in found.late_seconds
        ],
        "causes": [_cause(cause) for cause in found.causes],
        "busy_with": [{"who": load.who, "share": round(load.share, 3)} for load in found.loads],
        "seconds": [_second(second) for second in found.seconds],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "kind": cause.what.kind,
        "who": cause.what.who,
        "file": cause.what.file or None,
        "line": cause.what.line or None,
        "count": cause.count,
        "total_ms": cause.total_us / 1000,
        "longest_ms": cause.longest_us / 1000,
        "sentence": cause.sentence,
        "advice": cause.what.advice,
    }


def _second(second: Second) -> dict[str, Any]:
    return {
        "epoch_s": second.epoch_s,
        "late": second.is_late,
        "delay_ms": second.delay_us / 1000,
        "cpu_percent": round(second.cpu_percent, 1),
        "core_percent": round(second.core_percent, 1),
        "machine_percent": round(second.machine_percent, 1),
        "starved_ms": None if second.starved_us is None else second.starved_us / 1000,
        "memory_bytes": second.memory_bytes,
        "collections": second.collections,
        "collecting_ms": second.collecting_us / 1000,
        "longest_collection_ms": second.longest_collection_us / 1000,
        "descriptors": second.descriptors,
        "descriptor_limit": second.descriptor_limit,
    }
