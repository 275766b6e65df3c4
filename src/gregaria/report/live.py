"""An area at the bottom of the terminal that is redrawn in place, with everything else printed above it.

Nothing is switched on in the terminal that would have to be switched off again (no other screen, no hidden cursor, no
scrolling region): each frame is one write that leaves the cursor at the start of the line below the area. So however
the process ends, the terminal is as it was, and the last frame stays readable.
"""

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from gregaria.report.cells import plain_letters, start, width

__all__ = ["LiveArea", "can_be_live", "has_colour"]

# one update of the screen to the frame, for terminals that know how
_UPDATE_BEGIN = "\x1b[?2026h"
_UPDATE_END = "\x1b[?2026l"
# the area's own lines are not wrapped, should the terminal become narrower meanwhile
_WRAP_OFF = "\x1b[?7l"
_WRAP_ON = "\x1b[?7h"
_CLEAR_TO_LINE_END = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"
#: texts above the area for which it is redrawn at once, each a whole frame; more of them wait for the next frame
_MOST_REDRAWS = 20
#: characters that may wait; what is more goes straight through, and the area comes back with the next frame
_MOST_WAITING = 64 * 1024
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def can_be_live(out: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether ``out`` is a terminal on which lines can be redrawn."""
    return os.name != "nt" and is_terminal(out) and environ.get("TERM", "") not in ("", "dumb")


def has_colour(out: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether ``out`` shows colours and the user has not declined them (``NO_COLOR``)."""
    return can_be_live(out, environ) and not environ.get("NO_COLOR")


def is_terminal(out: TextIO) -> bool:
    """Whether a person reads ``out`` on a terminal."""
    try:
        return out.isatty()
    except (AttributeError, ValueError):
        # not quite a file, or closed
        return False


class LiveArea:
    """Lines that stay at the bottom of a terminal.

    A terminal that is gone makes every call do nothing; it must not end a test.

    Attributes:
        active: the area is drawn, or will be again; what others print has to go through ``write_above``.
    """

    def __init__(self, out: TextIO, columns: Callable[[], int]) -> None:
        self.active = False
        self._out = out
        self._columns = columns
        self._lines: list[str] = []
        self._on_screen = False
        self._open_line = False
        self._redraws = 0
        self._waiting = ""
        # reentrant: what is called while a frame is written (a signal's handler) may print
        self._lock = threading.RLock()

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines in place of those shown before; what is wider than the terminal is cut off."""
        with self._lock:
            above = self._above()
            columns = self._columns()
            self._lines = [_cut(line, columns) for line in lines]
            self._open_line = False
            self._redraws = 0
            self._write_frame(above)

    def write_above(self, text: str) -> None:
        """Print text above the area.

        A flood of lines waits for the next ``draw``, so that the area does not flicker. An unfinished line takes the
        area away until it is finished or ``draw`` is called.
        """
        if not text:
            return
        with self._lock:
            self._redraws += 1
            is_flood = self.active and self._redraws > _MOST_REDRAWS
            is_whole = text.endswith("\n")
            if is_flood and is_whole and len(self._waiting) + len(text) <= _MOST_WAITING:
                self._waiting += text
                return
            above = self._above(text)
            self._open_line = not is_whole
            if is_flood or self._open_line:
                self._write(above)
            else:
                self._write_frame(above)

    def clear(self) -> None:
        """Take the area away; what is printed next stands where it was."""
        with self._lock:
            if self.active:
                self._write(self._above() + _CLEAR_BELOW)
            self.active = self._open_line = False
            self._lines = []

    def forget(self) -> None:
        """Draw the next frame where the cursor is: somebody else has written to the terminal (a shell, say)."""
        self._on_screen = False

    def _write_frame(self, above: str) -> None:
        frame = "".join(f"{line}{_CLEAR_TO_LINE_END}\n" for line in self._lines)
        self._write(f"{_UPDATE_BEGIN}{above}{_WRAP_OFF}{frame}{_CLEAR_BELOW}{_WRAP_ON}{_UPDATE_END}")
        self._on_screen = self.active = True

    def _above(self, text: str = "") -> str:
        """Where the area began: what has waited, the text, and the end of a line that is still open."""
        text, self._waiting = self._waiting + text, ""
        erased = _CLEAR_BELOW if text and self._on_screen else ""
        ended = "\n" if self._open_line and not text else ""
        return self._rewind() + erased + text + ended

    def _rewind(self) -> str:
        """Move the cursor to the area's first line. A terminal that was made narrower has wrapped those lines."""
        if not self._on_screen:
            return ""
        self._on_screen = False
        columns = max(self._columns(), 1)
        rows = sum(max(-(-width(_STYLE.sub("", line)) // columns), 1) for line in self._lines)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _write(self, text: str) -> None:
        try:
            self._out.write(plain_letters(text, getattr(self._out, "encoding", None)))
            self._out.flush()
        except (OSError, ValueError):
            # the terminal was closed
            pass


def _cut(line: str, columns: int) -> str:
    bare = _STYLE.sub("", line)
    return line if width(bare) <= columns else start(bare, columns)
