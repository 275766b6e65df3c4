"""Summary: the frozen numbers that every report and page reads."""

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gregaria.engine import clock
from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import OTHER, Entry
from gregaria.settings import settings
from gregaria.stats.course import Course
from gregaria.stats.exchanges import Exchange
from gregaria.stats.generator import Generator
from gregaria.stats.masking import Mask
from gregaria.stats.phases import phase_percentiles
from gregaria.stats.verdict import Verdict

if TYPE_CHECKING:
    from gregaria.stats.table import RequestStats

__all__ = [
    "ExceptionRow",
    "FailureRow",
    "GeneratorErrorRow",
    "HistoryPoint",
    "RequestRow",
    "Stretch",
    "Summary",
    "notes_of",
    "reported_fractions",
    "row_of",
    "summarize",
    "told_name",
]

#: states of a run in which requests are expected, so that silence brings the current rates down
RUNNING = frozenset({"spawning", "running"})

#: what a row and each bucket of its histogram take in JSON, about
_BYTES_OF_ROW = 1000
_BYTES_OF_BUCKET = 12


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One row of the statistics: a (method, name), or the total, whose method is empty and name "Aggregated"."""

    method: str
    name: str
    num_requests: int
    #: requests that were reported without a response time
    num_none_requests: int
    num_failures: int
    #: on the wire when the test ended; in no other figure
    num_interrupted: int
    min_us: int | None
    max_us: int | None
    avg_us: float
    median_us: int
    #: {fraction 0..1: microseconds}, empty when nothing was timed
    percentiles_us: dict[float, int]
    #: the same from the intended start, for those requests that had one
    intended_percentiles_us: dict[float, int]
    avg_size_bytes: float
    total_size_bytes: int
    #: over the last whole seconds (settings.current_window_s)
    current_rps: float
    current_fail_per_s: float
    #: over the whole run
    total_rps: float
    total_fail_per_s: float
    #: sparse histogram {lower edge in us: count}
    histogram_us: dict[int, int]
    #: {epoch second: (requests, failures)} of the last seconds
    per_second: dict[int, tuple[int, int]]
    #: that a limit of this process or machine kept from being made; in no other figure
    num_generator_errors: int = 0
    #: whose end was seen late, without a stamp of the kernel that tells the real one
    num_late: int = 0
    #: {phase: {fraction: microseconds}}, the phases of engine/phases.py; None when none were measured
    phases_us: dict[str, dict[float, int]] | None = None

    @property
    def fail_ratio(self) -> float:
        """Failures per request, 0..1; 1 when there were failures but no request."""
        if self.num_requests:
            return self.num_failures / self.num_requests
        return 1.0 if self.num_failures else 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the test that is told apart, as what came after the warm-up is."""

    from_epoch_s: float
    duration_s: float
    #: with the rates of the stretch as current and as total ones; extremes are exact to 1 %
    requests: tuple[RequestRow, ...]
    total: RequestRow


@dataclass(frozen=True, slots=True)
class FailureRow:
    """Requests of one (method, name) that failed in the same way."""

    method: str
    name: str
    #: the group's text, variable parts masked
    error: str
    #: one message as it came but for secrets
    sample: str
    occurrences: int
    first_seen_epoch_s: float | None
    last_seen_epoch_s: float | None
    #: what was sent and received, of the first of them
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratorErrorRow:
    """Requests of one (method, name) that the same limit of this process or machine kept from being made."""

    method: str
    name: str
    #: which limit, and how to raise it; variable parts masked
    error: str
    #: one message as it came
    sample: str
    occurrences: int
    first_seen_epoch_s: float | None
    last_seen_epoch_s: float | None


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """Exceptions that escaped tasks with the same traceback."""

    count: int
    message: str
    traceback: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """The run at one moment."""

    epoch_s: float
    user_count: int
    current_rps: float
    current_fail_per_s: float
    avg_us: float
    #: {fraction: microseconds} over the last seconds
    current_percentiles_us: dict[float, int]
    num_requests: int
    num_failures: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Who could be asked, and how often."""

    #: the entries of ``--allow-host``; None where any host could be asked
    allowed_hosts: tuple[str, ...] | None
    #: requests that could be started in a second; None without a cap
    max_rps: float | None
    #: seconds in which users had to wait for the cap, of those that were looked at
    max_rps_reached_s: int = 0
    max_rps_watched_s: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """One test at one moment: everything a report may tell."""

    state: str
    user_count: int
    #: {class name: running users}
    user_classes: dict[str, int]
    host: str | None
    locustfiles: tuple[str, ...]
    started_epoch_s: float | None
    ended_epoch_s: float | None
    duration_s: float
    #: sorted by (name, method), without the total
    requests: tuple[RequestRow, ...]
    total: RequestRow
    failures: tuple[FailureRow, ...]
    exceptions: tuple[ExceptionRow, ...]
    history: tuple[HistoryPoint, ...]
    #: sentences that the person should read beside the figures
    notes: tuple[str, ...] = ()
    #: asked-for load: users, spawn_rate, run_time_s ... as given
    options: dict[str, object] = field(default_factory=dict)
    generator_errors: tuple[GeneratorErrorRow, ...] = ()
    #: what the generator observed about itself; None when nobody watched
    generator: Generator | None = None
    #: {"per_class": ..., "total": ...}: the share of each task, as the weights have it; None when nobody says
    task_ratios: Mapping[str, Any] | None = None
    #: what happened when; None unless it was asked for
    course: Course | None = None
    #: what the rules say; None when there are none
    verdict: Verdict | None = None
    #: the figures after the warm-up; None without one, and before it is over
    after_warmup: Stretch | None = None
    #: None where nobody says
    limits: Limits | None = None


def reported_fractions() -> list[float]:
    """Every percentile (0..1) that some report or page shows, in order."""
    wanted = (
        settings.percentiles_to_report,
        settings.percentiles_to_statistics,
        settings.percentiles_to_chart,
        settings.percentiles_for_html_report,
    )
    return sorted({fraction for fractions in wanted for fraction in fractions})


def summarize(
    stats: "RequestStats",
    exceptions: Mapping[int, Mapping[str, Any]],
    *,
    user_count: int = 0,
    user_classes: Mapping[str, int] | None = None,
    state: str = "ready",
    started: float | None = None,
    ended: float | None = None,
    host: str | None = None,
    locustfiles: Sequence[str] = (),
    notes: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
    task_ratios: Mapping[str, Any] | None = None,
    document_bytes: int = 0,
    verdict: Verdict | None = None,
    after_warmup: Stretch | None = None,
    limits: Limits | None = None,
) -> Summary:
    """Freeze everything that was counted until now, the last second included.

    Args:
        stats: what was counted.
        exceptions: the runner's table of exceptions that escaped tasks.
        user_count: running users.
        user_classes: running users per class.
        state: the runner's.
        started: seconds since 1970; None when the test has not begun.
        ended: seconds since 1970; None when the test has not ended.
        host: the target, as given.
        locustfiles: their paths.
        notes: sentences to show beside the figures; those that the figures themselves call for are added.
        task_ratios: the share of each task, see Summary.
        options: the load that was asked for.
        document_bytes: the course of the test is wanted too, and may take what the rest leaves of so many bytes
            of JSON. It may take seconds to make; others get their turn meanwhile.
        verdict, after_warmup, limits: see Summary.
    """
    if document_bytes:
        stats.timeline.catch_up()
    reference_us = clock.now_us() if state in RUNNING or stats.running else stats.last_us
    until = ended if ended is not None else time.time()
    mask = stats.errors.mask
    rows = [_row(entry, stats, reference_us) for _, entry in sorted(stats.recorder.entries.items())]
    return Summary(
        state=state,
        user_count=user_count,
        user_classes=dict(user_classes or {}),
        host=host,
        locustfiles=tuple(locustfiles),
        started_epoch_s=started,
        ended_epoch_s=ended,
        duration_s=max(until - started, 0.0) if started is not None else 0.0,
        requests=tuple(rows),
        total=_row(stats.recorder.total, stats, reference_us),
        failures=tuple(
            FailureRow(
                e.method,
                told_name(e.name, mask),
                e.error,
                e.sample,
                e.occurrences,
                e.first_seen,
                e.last_seen,
                tuple(e.exchanges),
            )
            for e in sorted(stats.errors.values(), key=lambda e: (e.error == OTHER, e.name, e.method, e.error))
        ),
        exceptions=tuple(
            ExceptionRow(row["count"], row["msg"], row["traceback"], tuple(sorted(row["nodes"])))
            for row in exceptions.values()
        ),
        history=tuple(stats.history),
        notes=(*notes, *notes_of(stats)),
        options=dict(options or {}),
        task_ratios=task_ratios,
        generator_errors=tuple(
            GeneratorErrorRow(
                e.method, told_name(e.name, mask), e.error, e.sample, e.occurrences, e.first_seen, e.last_seen
            )
            for e in sorted(stats.generator_errors.values(), key=lambda e: (e.name, e.method, e.error))
        ),
        generator=stats.generator.freeze(
            stats.recorder.total.num_requests,
            stats.recorder.total.num_late,
        ),
        course=stats.timeline.course(_left_of(document_bytes, rows)) if document_bytes else None,
        verdict=verdict,
        after_warmup=after_warmup,
        limits=limits,
    )


def _left_of(document_bytes: int, rows: Sequence[RequestRow]) -> int:
    """What rows leave of a document for the course of the test, which gets a fifth of it at least."""
    needed = sum(_BYTES_OF_ROW + _BYTES_OF_BUCKET * len(row.histogram_us) for row in rows)
    return max(document_bytes - needed, document_bytes // 5)


def _row(entry: Entry, stats: "RequestStats", reference_us: int) -> RequestRow:
    current = entry.rates(stats.started_us, max(reference_us, entry.last_us), settings.current_window_s)
    elapsed_s = (stats.last_us - stats.started_us) / 1e6
    return row_of(entry, entry.method, told_name(entry.name, stats.errors.mask), current=current, elapsed_s=elapsed_s)


def row_of(entry: Entry, method: str, name: str, *, current: tuple[float, float], elapsed_s: float) -> RequestRow:
    """An entry as a row.

    Args:
        method, name: as they are told.
        current: requests and failures per second, of the last seconds.
        elapsed_s: seconds that all of the entry's requests took.
    """
    times = entry.times
    return RequestRow(
        method=method,
        name=name,
        num_requests=entry.num_requests,
        num_none_requests=entry.num_none_requests,
        num_failures=entry.num_failures,
        num_interrupted=entry.num_interrupted,
        min_us=times.min_us if times.total else None,
        max_us=times.max_us if times.total else None,
        avg_us=times.sum_us / times.total if times.total else 0.0,
        median_us=times.percentile_us(0.5),
        percentiles_us=_percentiles(times),
        intended_percentiles_us=_percentiles(entry.intended) if entry.intended is not None else {},
        avg_size_bytes=entry.total_bytes / entry.num_requests if entry.num_requests else 0.0,
        total_size_bytes=entry.total_bytes,
        current_rps=current[0],
        current_fail_per_s=current[1],
        total_rps=entry.num_requests / elapsed_s if elapsed_s > 0 else 0.0,
        total_fail_per_s=entry.num_failures / elapsed_s if elapsed_s > 0 else 0.0,
        histogram_us=times.edges(),
        per_second=entry.per_second(),
        num_generator_errors=entry.num_generator_errors,
        num_late=entry.num_late,
        phases_us=phase_percentiles(entry, reported_fractions()),
    )


@functools.lru_cache(maxsize=16384)
def told_name(name: str, mask: Mask) -> str:
    """The name of a row as reports may tell it: a URL may have a secret in it."""
    return mask.text(name)


def _percentiles(times: Histogram) -> dict[float, int]:
    if not times.total:
        return {}
    return {fraction: times.percentile_us(fraction) for fraction in reported_fractions()}


def notes_of(stats: "RequestStats") -> list[str]:
    """Sentences that the figures themselves call for."""
    notes = []
    if any(error.error == OTHER for error in stats.errors.values()):
        notes.append(f"There were more than {settings.max_failures} kinds of failures; the rest is counted as (other).")
    if stats.recorder.overflowed:
        notes.append(
            f"There were more than {stats.recorder.limit} names; the rest is counted as (other). "
            "Give requests whose URLs differ only in an id one name with name=."
        )
    return [*notes, *_notes_on_generator(stats.recorder.total)]


def _notes_on_generator(total: Entry) -> list[str]:
    """What the generator has to say of itself: requests that it could not make."""
    notes = []
    if errors := total.num_generator_errors:
        noun, verb = ("request", "was") if errors == 1 else ("requests", "were")
        notes.append(
            f"{errors:,} {noun} {verb} not made, as a limit of the generator's own machine was reached (see generator "
            "errors). They say nothing about the target, are in no other figure, and the load was lower than asked for."
        )
    return notes
