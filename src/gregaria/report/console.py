"""Tells a run to the person at the terminal: live in place or table by table, and whole at the end."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TextIO

import gevent

from gregaria.report.capture import Capture
from gregaria.report.cells import paint, plain_letters, printable
from gregaria.report.frame import live_frame
from gregaria.report.generator import generator_part
from gregaria.report.live import LiveArea, can_be_live, has_colour, is_terminal
from gregaria.report.phases import phase_table
from gregaria.report.progress import progress_sentence
from gregaria.report.tables import (
    Look,
    error_report,
    exception_report,
    generator_error_report,
    intended_percentile_table,
    percentile_table,
    stats_table,
)
from gregaria.report.verdict import broken_lines, verdict_part
from gregaria.settings import settings
from gregaria.stats.summary import Summary

__all__ = ["ConsoleReporter", "final_report", "terminal_size"]

_LIVE_INTERVAL_S = 0.5
#: the share of all time that telling may take; a run with a thousand names is told less often
_LARGEST_SHARE = 0.02


class ConsoleReporter:
    """Prints the tables of a run while it goes on, and the final report.

    While it is live, ``sys.stdout``, ``sys.stderr`` and the handlers of ``logging`` that write to a terminal are
    redirected, so that what they print appears above the table; ``finish`` puts them back.

    Args:
        summary_of: makes the Summary of this moment.
        out: where to print: ``sys.stderr`` as Locust does, so that ``--json`` has stdout for itself.
        live: redraw one table in place, if ``out`` is a terminal that can.
        only_summary: print nothing before the end.
        interval_s: seconds between two tables; ``settings.console_stats_interval_s`` by default, live at most 0.5.
        run_time_s: how long the test is to last, for the progress bar.
        target_users: tells how many users are asked for at this moment.
    """

    def __init__(
        self,
        summary_of: Callable[[], Summary],
        out: TextIO,
        *,
        live: bool,
        only_summary: bool = False,
        interval_s: float | None = None,
        run_time_s: float | None = None,
        target_users: Callable[[], int | None] | None = None,
    ) -> None:
        self._summary_of = summary_of
        self._out = out
        self._live = live and can_be_live(out)
        self._only_summary = only_summary
        self._interval_s = interval_s
        self._run_time_s = run_time_s
        self._target_users = target_users or (lambda: None)
        self._area = LiveArea(out, lambda: terminal_size(out).columns)
        self._latest: Summary | None = None
        self._greenlet: gevent.Greenlet | None = None

    def spawn(self) -> gevent.Greenlet:
        """Start printing in a greenlet of its own, until ``finish`` or until it is killed."""
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = gevent.spawn(self._run)
        return self._greenlet

    def finish(self, summary: Summary) -> None:
        """Stop printing, put the terminal back and tell the whole run."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None
        self._print(["", *final_report(summary, _look(self._out))])

    def redraw_below(self) -> None:
        """Draw the next picture below what somebody else has written to the terminal meanwhile."""
        self._area.forget()

    def _run(self) -> None:
        if self._only_summary:
            return
        if self._live:
            with self._area_on_screen():
                self._repeat(self._draw)
        else:
            gevent.sleep(self._pause_s())
            self._repeat(self._print_table)

    def _repeat(self, tell: Callable[[], None]) -> None:
        while True:
            started = time.perf_counter()
            self._latest = self._summary_of()
            tell()
            cost_s = time.perf_counter() - started
            gevent.sleep(max(self._pause_s(), cost_s / _LARGEST_SHARE))

    def _pause_s(self) -> float:
        if self._interval_s is not None:
            return self._interval_s
        usual = settings.console_stats_interval_s
        return min(usual, _LIVE_INTERVAL_S) if self._live else usual

    def _draw(self) -> None:
        if self._latest is None:
            return
        size = terminal_size(self._out)
        # a character in the last column would leave the cursor hanging there
        look = Look(width=size.columns - 1, colour=has_colour(self._out))
        frame = live_frame(self._latest, look, size.lines, self._run_time_s, self._target_users())
        self._area.draw(frame)

    def _print_table(self) -> None:
        if self._latest is None:
            return
        sentence = progress_sentence(self._latest, self._run_time_s, self._target_users())
        look = _look(self._out)
        self._print([sentence, *broken_lines(self._latest, look), *stats_table(self._latest, True, look), ""])

    @contextmanager
    def _area_on_screen(self) -> Iterator[None]:
        capture = Capture(self._area)
        watchers = self._watch_terminal()
        capture.start()
        try:
            yield
        finally:
            self._area.clear()
            capture.stop()
            for cancel in watchers:
                cancel()

    def _watch_terminal(self) -> list[Callable[[], object]]:
        """Draw at once when the terminal changes its size, and anew when the process was suspended."""
        if threading.current_thread() is not threading.main_thread():
            return []
        resized = gevent.signal_handler(signal.SIGWINCH, self._draw)
        resumed = gevent.signal_handler(signal.SIGCONT, self.redraw_below)
        return [resized.cancel, resumed.cancel]

    def _print(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        try:
            self._out.write(plain_letters(text, getattr(self._out, "encoding", None)))
            self._out.flush()
        except (OSError, ValueError):
            # nobody reads any more (a closed pipe or terminal); the other reports are still to be written
            pass


def final_report(summary: Summary, look: Look) -> list[str]:
    """Everything there is to say when a run is over: verdict, tables of the whole run, what failed, what to know."""
    parts = [
        verdict_part(summary, look),
        _requests_part(summary, look),
        _warmed_up_part(summary, look),
        intended_percentile_table(summary, look),
        phase_table(summary, look),
        _failures_part(summary, look),
        generator_error_report(summary, look),
        exception_report(summary, look),
        _remarks(summary, look),
        generator_part(summary, look),
    ]
    lines: list[str] = []
    for part in parts:
        if part:
            lines += [*part, ""]
    return lines


def _requests_part(summary: Summary, look: Look) -> list[str]:
    if not summary.total.num_requests and not summary.total.num_failures:
        return [f"No requests were made in {summary.duration_s:,.1f} s."]
    title = f"Whole run, {summary.duration_s:,.1f} s (times in ms)"
    return [
        paint(title, "strong" if look.colour else ""),
        *stats_table(summary, False, look),
        "",
        *percentile_table(summary, look),
    ]


def _warmed_up_part(summary: Summary, look: Look) -> list[str]:
    """The figures after the warm-up once more, as they are what rules look at."""
    stretch = summary.after_warmup
    if stretch is None:
        return []
    title = f"After the warm-up, {stretch.duration_s:,.1f} s (times in ms)"
    told = replace(summary, requests=stretch.requests, total=stretch.total)
    return [
        paint(title, "strong" if look.colour else ""),
        *stats_table(told, False, look),
        "",
        *percentile_table(told, look),
    ]


def _failures_part(summary: Summary, look: Look) -> list[str]:
    lines = error_report(summary, look)
    if any(row.exchanges for row in summary.failures):
        directory = summary.options.get("failures_dir")
        lines.append(
            f"The first exchanges of each kind are in {printable(str(directory))}."
            if directory
            else "The first exchanges of each kind can be written with --failures-dir DIR."
        )
    return lines


def _remarks(summary: Summary, look: Look) -> list[str]:
    remarks = [printable(note) for note in summary.notes]
    if interrupted := summary.total.num_interrupted:
        noun, verb = ("request", "was") if interrupted == 1 else ("requests", "were")
        remarks.insert(
            0, f"{interrupted:,} {noun} {verb} still on the wire when the test ended: interrupted, in no figure above."
        )
    label = paint("Note:", "strong" if look.colour else "")
    return [f"{label} {remark}" for remark in remarks]


def _look(out: TextIO) -> Look:
    columns = terminal_size(out).columns if is_terminal(out) else None
    return Look(width=columns, colour=has_colour(out))


def terminal_size(out: TextIO) -> os.terminal_size:
    """Columns and lines of a terminal; the usual ones where it does not tell them."""
    try:
        size = os.get_terminal_size(out.fileno())
    except (OSError, ValueError, AttributeError):
        size = os.terminal_size((0, 0))
    return os.terminal_size((size.columns or 80, size.lines or 24))
