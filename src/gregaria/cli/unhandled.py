"""What nobody has dealt with in this process, for the exit code."""

from gregaria.events import EventHook
from gregaria.logs import watch_greenlets

__all__ = ["Unhandled"]


class Unhandled:
    """Counts the exceptions that escape listeners and greenlets from its making on."""

    def __init__(self) -> None:
        self._listeners_before = EventHook.errors
        self._greenlets = watch_greenlets()

    def count(self) -> int:
        """How many so far."""
        return EventHook.errors - self._listeners_before + self._greenlets.count
