"""A terminal small enough to be looked at in a test: what it shows after the bytes a live area wrote to it."""

import io
import re
import sys

import pytest

_TOKEN = re.compile(r"\x1b\[(\?)?([0-9;]*)([A-Za-z])|(\n|\r)|([^\x1b\n\r])")


class Screen(io.TextIOBase):
    """A text stream that keeps a terminal's picture. Rows that scroll off at the top are kept in ``scrolled``."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns = columns
        self.rows = rows
        self.scrolled: list[str] = []
        self.raw = ""
        self._lines: list[list[str]] = [[]]
        self._row = 0
        self._column = 0
        self.wrapping = True

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.raw += text
        position = 0
        while position < len(text):
            token = _TOKEN.match(text, position)
            assert token, f"the screen does not know {text[position : position + 12]!r}"
            position = token.end()
            private, number, command, control, character = token.groups()
            if command:
                self._steer(bool(private), number, command)
            elif control == "\n":
                self._line_feed()
            elif control == "\r":
                self._column = 0
            else:
                self._put(character)
        return len(text)

    def take_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Become the process's terminal. To be called in the test itself: pytest puts its own streams before that."""
        monkeypatch.setattr(sys, "stdout", self)
        monkeypatch.setattr(sys, "stderr", self)

    @property
    def shown(self) -> list[str]:
        """The rows on the screen, without trailing blanks, down to the last that is not empty."""
        lines = ["".join(line).rstrip() for line in self._lines]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def everything(self) -> list[str]:
        """What a person can see who scrolls up."""
        return self.scrolled + self.shown

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column, from 0."""
        return self._row, self._column

    def _steer(self, private: bool, number: str, command: str) -> None:
        if private:
            assert number in ("7", "2026")
            if number == "7":
                self.wrapping = command == "h"
        elif command == "A":
            self._row = max(self._row - int(number or 1), 0)
        elif command == "K":
            del self._lines[self._row][self._column :]
        elif command == "J":
            del self._lines[self._row][self._column :]
            del self._lines[self._row + 1 :]
        else:
            assert command == "m"

    def _line_feed(self) -> None:
        self._column = 0
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append([])
        if self._row == self.rows:
            self.scrolled.append("".join(self._lines.pop(0)).rstrip())
            self._row -= 1

    def _put(self, character: str) -> None:
        if self._column == self.columns:
            if not self.wrapping:
                self._column -= 1
            else:
                self._line_feed()
        line = self._lines[self._row]
        line.extend(" " * (self._column + 1 - len(line)))
        line[self._column] = character
        self._column += 1
