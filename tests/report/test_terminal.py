"""The console on a real terminal of the operating system, in a process of its own."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="there are no pseudo terminals here")

PROGRAM = """
    import logging, os, signal, sys
    import gevent
    from gregaria.report.console import ConsoleReporter
    from tests.report.sample import row, summary

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = 0

    def summary_of():
        global asked
        asked += 1
        return summary(row("/cart", num_failures=asked))

    reporter = ConsoleReporter(summary_of, sys.stderr, live=True, interval_s=0.01)
    reporter.spawn()
    while asked < 3:
        gevent.sleep(0.001)
    print("a print")
    logging.info("a log line")
    os.write(1, b"")
    {act}
"""


def run_on_terminal(act: str, *, columns: int = 100, **environ: str) -> tuple[int, str]:
    """Run the program on a terminal; returns its exit code and what it wrote."""
    ours, theirs = pty.openpty()
    import termios

    termios.tcsetwinsize(theirs, (30, columns))
    program = textwrap.dedent(PROGRAM).replace("{act}", act)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": ".", **environ},
    )
    os.close(theirs)
    written = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:
        # Linux tells the end of the other side so
        pass
    finally:
        os.close(ours)
    return process.wait(timeout=10), written.decode().replace("\r\n", "\n")


def test_the_picture_is_drawn_and_taken_away_before_the_final_report() -> None:
    code, written = run_on_terminal("reporter.finish(summary_of())")
    assert code == 0
    assert "\x1b[?7l" in written
    assert written.count("a print") == written.count("a log line") == 1
    live, _, final = written.rpartition("\x1b[J")
    assert "Whole run" in final
    assert "Whole run" not in live
    assert "\x1b[31m" in final


def test_it_fits_the_terminal_it_is_on() -> None:
    _, written = run_on_terminal("reporter.finish(summary_of())", columns=70)
    plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", written)
    assert max(map(len, plain.splitlines())) <= 70


#: a process that a shell starts in the background has it ignored
HEAR_SIGINT = "signal.signal(signal.SIGINT, signal.default_int_handler)"


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("sys.exit(3)", 3),
        ("raise RuntimeError('broken')", 1),
        (f"{HEAR_SIGINT}; os.kill(os.getpid(), signal.SIGINT); gevent.sleep(5)", -2),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9),
    ],
)
def test_however_the_process_ends_nothing_has_to_be_put_back(act: str, code: int) -> None:
    ended, written = run_on_terminal(act)
    assert ended == code
    # wrapping is the one thing that is switched off within a frame
    assert written.count("\x1b[?7l") == written.count("\x1b[?7h") > 0
    assert written.count("\x1b[?2026h") == written.count("\x1b[?2026l")


def test_an_error_that_ends_the_process_is_readable() -> None:
    _, written = run_on_terminal("raise RuntimeError('broken')")
    assert re.search(r"\x1b\[JRuntimeError: broken\n", written)


def test_a_dumb_terminal_gets_lines_only() -> None:
    _, written = run_on_terminal("reporter.finish(summary_of())", TERM="dumb")
    assert "\x1b" not in written
    assert "Whole run" in written
