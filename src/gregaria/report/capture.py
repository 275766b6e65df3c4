"""Sends what the rest of the process prints and logs above the live area, so that no line is torn."""

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from gregaria.report.live import LiveArea, is_terminal

__all__ = ["AboveArea", "Capture"]


class AboveArea:
    """Stands in for a terminal's stream: whole lines are printed above the area, unfinished ones when flushed.

    While the area is not active, everything goes straight through, so a handler that keeps this one loses nothing.
    """

    def __init__(self, stream: TextIO, area: LiveArea) -> None:
        self.stream = stream
        self._area = area
        self._pending = ""

    def write(self, text: str) -> int:
        if not self._area.active:
            self.release()
            return self.stream.write(text)
        lines, newline, self._pending = (self._pending + text).rpartition("\n")
        self._area.write_above(lines + newline)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        self.release()
        self.stream.flush()

    def release(self) -> None:
        """Print the unfinished line."""
        text, self._pending = self._pending, ""
        if text and self._area.active:
            self._area.write_above(text)
        elif text:
            self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Capture:
    """Puts an ``AboveArea`` in place of the terminal's streams, in ``sys`` and in every handler of ``logging``."""

    def __init__(self, area: LiveArea) -> None:
        self._area = area
        self._undo: list[Callable[[], None]] = []

    def start(self) -> None:
        """From now on, what is printed or logged appears above the area."""
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and is_terminal(stream) and not isinstance(stream, AboveArea):
                self._replace(name, stream, AboveArea(stream, self._area))

    def stop(self) -> None:
        """Put everything back; what somebody else has replaced meanwhile is left alone."""
        while self._undo:
            self._undo.pop()()

    def _replace(self, name: str, stream: TextIO, above: AboveArea) -> None:
        def put_back() -> None:
            above.release()
            if getattr(sys, name) is above:
                setattr(sys, name, stream)
            # those too that were made meanwhile
            for handler in _handlers_of(above):
                handler.setStream(stream)

        self._undo.append(put_back)
        setattr(sys, name, above)
        for handler in _handlers_of(stream):
            handler.setStream(above)


def _handlers_of(stream: object) -> list["logging.StreamHandler[Any]"]:
    loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    return [
        handler
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is stream
    ]
