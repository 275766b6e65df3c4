import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event

from gregaria.engine.phases import PHASES
from gregaria.report.console import ConsoleReporter, final_report
from gregaria.report.tables import Look
from gregaria.settings import settings
from gregaria.stats.summary import Summary
from tests.report.sample import exchange, failure, generator_error, row, silent_row, summary, task_exception
from tests.report.screen import Screen


class Moments:
    """Makes summaries, and tells when the n-th one was asked for."""

    def __init__(self, made: Summary) -> None:
        self.made = made
        self.asked = 0
        self._reached: dict[int, Event] = {}

    def __call__(self) -> Summary:
        self.asked += 1
        self._event(self.asked).set()
        return self.made

    def wait_for(self, count: int) -> None:
        """Return when what was made of the ``count``-th summary has been printed."""
        assert self._event(count).wait(timeout=10)
        # the greenlet prints before it lets go
        gevent.sleep(0)

    def _event(self, count: int) -> Event:
        return self._reached.setdefault(count, Event())


@pytest.fixture
def moments() -> Moments:
    return Moments(summary(row("/cart"), duration_s=12.0))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Screen(columns=80, rows=24)


@pytest.fixture
def spawned() -> Iterator[Callable[[ConsoleReporter], ConsoleReporter]]:
    greenlets: list[gevent.Greenlet] = []

    def spawn(reporter: ConsoleReporter) -> ConsoleReporter:
        greenlets.append(reporter.spawn())
        return reporter

    yield spawn
    gevent.killall(greenlets)


Spawn = Callable[[ConsoleReporter], ConsoleReporter]

needs_live = pytest.mark.skipif(os.name == "nt", reason="on Windows the console is plain")


def test_a_pipe_gets_a_table_at_every_interval_and_the_whole_run_at_the_end(moments: Moments, spawned: Spawn) -> None:
    out = io.StringIO()
    reporter = spawned(ConsoleReporter(moments, out, live=True, interval_s=0.001, run_time_s=60))
    moments.wait_for(3)
    reporter.finish(moments.made)
    text = out.getvalue()
    assert text.count("00:12 of 01:00, running, 10 users, 100.0 req/s, no failures\nType ") >= 3
    assert text.count("Whole run, 12.0 s (times in ms)\nType") == 1
    assert "\x1b" not in text


def test_nothing_more_is_printed_after_the_end(moments: Moments, spawned: Spawn) -> None:
    out = io.StringIO()
    reporter = spawned(ConsoleReporter(moments, out, live=False, interval_s=0.001))
    moments.wait_for(1)
    greenlet = reporter.spawn()
    reporter.finish(moments.made)
    assert greenlet.dead


def test_only_the_summary_is_printed_if_so_asked(moments: Moments, spawned: Spawn) -> None:
    out = io.StringIO()
    reporter = spawned(ConsoleReporter(moments, out, live=False, only_summary=True, interval_s=0))
    reporter.spawn().join(timeout=10)
    reporter.finish(moments.made)
    assert moments.asked == 0
    assert out.getvalue().startswith("\nWhole run")


def test_a_run_can_be_told_that_was_never_watched(moments: Moments) -> None:
    out = io.StringIO()
    ConsoleReporter(moments, out, live=True).finish(moments.made)
    assert "Aggregated" in out.getvalue()


@needs_live
def test_a_terminal_shows_one_table_in_place_with_prints_above_it(
    moments: Moments, screen: Screen, spawned: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.take_over(monkeypatch)
    reporter = spawned(
        ConsoleReporter(moments, screen, live=True, interval_s=0.001, run_time_s=60, target_users=lambda: 20)
    )
    moments.wait_for(2)
    print("hello")
    moments.wait_for(moments.asked + 2)
    assert screen.everything[0] == "hello"
    assert screen.everything[1].startswith("00:12 ██")
    assert "10/20 users" in screen.everything[1]
    assert sum("Aggregated" in line for line in screen.everything) == 1
    reporter.finish(moments.made)
    assert sys.stdout is sys.stderr is screen
    assert screen.everything[:3] == ["hello", "", "Whole run, 12.0 s (times in ms)"]


@needs_live
def test_a_killed_reporter_puts_the_terminal_back(
    moments: Moments, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.take_over(monkeypatch)
    reporter = ConsoleReporter(moments, screen, live=True, interval_s=0.001)
    greenlet = reporter.spawn()
    moments.wait_for(1)
    greenlet.kill()
    assert sys.stdout is screen
    assert screen.everything == []


@needs_live
def test_a_summary_that_cannot_be_made_leaves_the_terminal_as_it_was(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.take_over(monkeypatch)

    def fail() -> Summary:
        raise ZeroDivisionError

    monkeypatch.setattr(gevent.get_hub(), "handle_error", lambda *_: None)
    greenlet = ConsoleReporter(fail, screen, live=True).spawn()
    greenlet.join(timeout=10)
    assert isinstance(greenlet.exception, ZeroDivisionError)
    assert sys.stdout is screen


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_served_like_a_pipe(
    moments: Moments, screen: Screen, spawned: Spawn, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    reporter = spawned(ConsoleReporter(moments, screen, live=True, interval_s=0.001))
    moments.wait_for(2)
    reporter.finish(moments.made)
    assert "\x1b" not in screen.raw


@needs_live
def test_no_color_keeps_the_live_table_and_drops_the_colours(
    moments: Moments, screen: Screen, spawned: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    moments.made = summary(row(num_failures=5), failures=(failure(),))
    reporter = spawned(ConsoleReporter(moments, screen, live=True, interval_s=0.001))
    moments.wait_for(2)
    assert "\x1b[?7l" in screen.raw
    reporter.finish(moments.made)
    assert not re.search(r"\x1b\[[0-9;]*m", screen.raw)


def test_the_interval_is_the_setting_unless_given(
    moments: Moments, spawned: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "console_stats_interval_s", 0.001)
    spawned(ConsoleReporter(moments, io.StringIO(), live=False))
    moments.wait_for(2)


def test_a_reader_that_has_gone_does_not_stop_the_end(moments: Moments) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EPIPE, "Broken pipe")

    ConsoleReporter(moments, Gone(), live=False).finish(moments.made)


def test_an_ascii_output_gets_ascii(moments: Moments) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    moments.made = summary(row("/ü" * 90))
    ConsoleReporter(moments, out, live=False).finish(moments.made)
    out.flush()
    assert b"/\\xfc" in out.buffer.getvalue()  # type: ignore[attr-defined]


def test_a_run_without_requests_says_so() -> None:
    assert final_report(summary(silent_row("/never")), Look()) == ["No requests were made in 10.0 s.", ""]


def test_a_run_whose_tasks_only_raised_shows_the_exceptions() -> None:
    lines = final_report(summary(exceptions=(task_exception(),)), Look())
    assert lines[:3] == ["No requests were made in 10.0 s.", "", "Exceptions in tasks"]


def test_the_end_tells_everything_in_order() -> None:
    made = summary(
        row(num_failures=7, num_interrupted=3, phases_us={phase: {0.5: 1} for phase in PHASES}),
        failures=(failure(exchanges=(exchange(),)),),
        generator_errors=(generator_error(),),
        exceptions=(task_exception(),),
        notes=("Names beyond 1,000 are told as (other).",),
    )
    lines = final_report(made, Look())
    titles = [
        "Whole run", "Response time percentiles", "Where the time went", "Error report", "The first exchanges",
        "Generator errors", "Exceptions in tasks", "Note:",
    ]  # fmt: skip
    found = [next(index for index, line in enumerate(lines) if line.startswith(title)) for title in titles]
    assert found == sorted(found)
    assert lines[-3:-1] == [
        "Note: 3 requests were still on the wire when the test ended: interrupted, in no figure above.",
        "Note: Names beyond 1,000 are told as (other).",
    ]


def test_who_does_not_know_is_told_once_where_failures_can_be_seen_whole() -> None:
    kinds = (failure("a", exchanges=(exchange(),)), failure("b", exchanges=(exchange(),)))
    told = [line for line in final_report(summary(row(), failures=kinds), Look()) if "exchanges" in line]
    assert told == ["The first exchanges of each kind can be written with --failures-dir DIR."]
    known = final_report(summary(row(), failures=kinds, options={"failures_dir": "out/\x1bx"}), Look())
    assert [line for line in known if "exchanges" in line] == [r"The first exchanges of each kind are in out/\x1bx."]
    assert "exchanges" not in "".join(final_report(summary(row(), failures=(failure(),)), Look()))


def test_interrupted_requests_are_not_mentioned_when_there_are_none() -> None:
    assert "interrupted" not in "".join(final_report(summary(row()), Look()))
