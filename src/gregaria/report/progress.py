"""Two lines that tell at a glance where a running test stands: time, users, rate, failures."""

import re
from collections.abc import Sequence

from gregaria.report.cells import clock, fit, milliseconds, paint, printable, width
from gregaria.report.generator import late_mark
from gregaria.report.percentiles import of_row
from gregaria.report.tables import Look
from gregaria.stats.summary import Summary

__all__ = ["TEST_IS_OVER", "bar", "is_progress_sentence", "progress_lines", "progress_sentence", "sparkline"]

#: logged after a test, whatever became of its reports; who waits for them looks for it
TEST_IS_OVER = "The test is over, and its reports are written"

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK_SECONDS = 30
_STATES = {
    "ready": "about to start",
    "spawning": "starting users",
    "cleanup": "cleaning up",
    "stopping": "stopping",
    "stopped": "ended",
}
_SENTENCE = re.compile(r"[\d:]+(?: of [\d:]+)?, [a-z ]+, [\d,]+(?: of [\d,]+)? users, [\d,.]+ req/s, ")


def progress_lines(
    summary: Summary, look: Look, run_time_s: float | None = None, target_users: int | None = None
) -> list[str]:
    """The two lines above the live table, no wider than ``look.width``."""
    columns = look.width or 100
    total = summary.total
    users = f"{summary.user_count:,}" + (f"/{target_users:,}" if target_users else "") + " users"
    first = [(_time_left(summary.duration_s, run_time_s, columns), ""), (users, "strong")]
    if state := _STATES.get(summary.state):
        first.append((state, "fresh"))
    if summary.host:
        first.append((printable(summary.host), "faint"))
    second = [(f"{total.current_rps:,.0f} req/s", "strong")]
    if spark := sparkline(_rates(summary)):
        second.append((spark, "fresh"))
    second.append((_failures(summary), "alarm" if total.num_failures else ""))
    if mark := late_mark(summary):
        second.append((mark, "alarm"))
    if summary.exceptions:
        count = sum(row.count for row in summary.exceptions)
        second.append((f"{count:,} {'exception' if count == 1 else 'exceptions'} in tasks", "alarm"))
    if total.num_generator_errors:
        second.append((_generator_errors(summary), "alarm"))
    if total.max_us is not None:
        second.append((f"median {milliseconds(total.median_us)} ms, 95% {milliseconds(of_row(total, 0.95))} ms", ""))
    return [_joined(first, columns, look.colour), _joined(second, columns, look.colour)]


def progress_sentence(summary: Summary, run_time_s: float | None = None, target_users: int | None = None) -> str:
    """The same in one line for a log file."""
    elapsed = clock(summary.duration_s) + (f" of {clock(run_time_s)}" if run_time_s else "")
    users = f"{summary.user_count:,}" + (f" of {target_users:,}" if target_users is not None else "")
    state = _STATES.get(summary.state, summary.state)
    told = [elapsed, state, f"{users} users", f"{summary.total.current_rps:,.1f} req/s", _failures(summary)]
    if summary.total.num_generator_errors:
        told.append(_generator_errors(summary))
    mark = late_mark(summary)
    return ", ".join([*told, mark] if mark else told)


def is_progress_sentence(line: str) -> bool:
    """Whether a line of a log is such a sentence; a table and an empty line follow it."""
    return _SENTENCE.match(line) is not None


def bar(part: float, columns: int) -> str:
    """A bar of ``columns`` characters filled to ``part`` (0..1)."""
    filled = round(min(max(part, 0.0), 1.0) * columns)
    return "█" * filled + "░" * (columns - filled)


def sparkline(values: Sequence[float]) -> str:
    """One block a value, its height relative to the highest; empty if there is nothing but zeros."""
    highest = max(values, default=0)
    if highest <= 0:
        return ""
    return "".join(_BLOCKS[min(int(value / highest * len(_BLOCKS)), len(_BLOCKS) - 1)] for value in values)


def _time_left(elapsed_s: float, run_time_s: float | None, columns: int) -> str:
    if not run_time_s:
        return clock(elapsed_s)
    room = min(max(columns - 60, 8), 40)
    return f"{clock(elapsed_s)} {bar(elapsed_s / run_time_s, room)} {clock(run_time_s)}"


def _failures(summary: Summary) -> str:
    total = summary.total
    if not total.num_failures:
        return "no failures"
    noun = "failure" if total.num_failures == 1 else "failures"
    text = f"{total.num_failures:,} {noun} ({total.fail_ratio * 100:.2f}%)"
    return text + (f", {total.current_fail_per_s:,.1f}/s" if total.current_fail_per_s else "")


def _generator_errors(summary: Summary) -> str:
    count = summary.total.num_generator_errors
    return f"{count:,} generator {'error' if count == 1 else 'errors'}"


def _rates(summary: Summary) -> list[float]:
    """Requests of the last whole seconds, oldest first; the newest second is still being filled and left out."""
    per_second = summary.total.per_second
    if len(per_second) < 3:
        return []
    newest = max(per_second) - 1
    oldest = max(min(per_second), newest - _SPARK_SECONDS + 1)
    return [per_second.get(second, (0, 0))[0] for second in range(oldest, newest + 1)]


def _joined(parts: Sequence[tuple[str, str]], columns: int, colour: bool) -> str:
    """The parts side by side, as many as fit; the first always."""
    shown: list[str] = []
    left = columns
    for text, style in parts:
        gap = "   " if shown else ""
        if shown and width(text) + len(gap) > left:
            continue
        written = fit(text, left)
        left -= len(gap) + width(written)
        shown.append(gap + (paint(written, style) if colour else written))
    return "".join(shown)
