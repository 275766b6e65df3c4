"""Tells a run on a cluster to the person at the terminal: its pods, then the master's log with its table in place."""

from typing import TextIO

from gregaria.report.console import terminal_size
from gregaria.report.live import LiveArea, can_be_live
from gregaria.report.progress import is_progress_sentence

__all__ = ["Screen"]


class Screen:
    """Lines that stay, and an area below them that is redrawn where the terminal can do that.

    Args:
        out: where to print.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_live = can_be_live(out)
        self._area = LiveArea(out, lambda: terminal_size(out).columns)
        self._table: list[str] | None = None
        self._has_table = False
        self._progress = ""

    def say(self, line: str) -> None:
        """Print a line that stays."""
        if self._is_live:
            self._area.write_above(line + "\n")
        else:
            print(line, file=self._out, flush=True)

    def progress(self, sentence: str) -> None:
        """Show how far the pods are, until there is a table."""
        if sentence == self._progress or self._has_table:
            return
        self._progress = sentence
        if self._is_live:
            self._area.draw([sentence])
        else:
            self.say(sentence)

    def log(self, line: str) -> None:
        """Show a line of the master's log. Its tables, which end with an empty line, take each other's place."""
        if not self._is_live:
            self.say(line)
        elif is_progress_sentence(line):
            self._table, self._has_table = [line, ""], True
        elif self._table is None:
            self.say(line)
        elif line:
            self._table.append(line)
        else:
            self._area.draw(self._table[: max(terminal_size(self._out).lines - 3, 1)])
            self._table = None

    def close(self) -> None:
        """Take the area away."""
        self._area.clear()
