"""Users that ended by an error: told once per kind, counted, and summed up at the end."""

import logging
import traceback
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

logger = logging.getLogger("gregaria.runner.faults")

_OURS = str(Path(__file__).parent.parent)


class Fault(NamedTuple):
    """A kind of error: the same class of user, the same class of error, the same line."""

    user_class: str
    error: str
    file: str
    line: int


class Faults:
    """All kinds of errors that have ended users in this test.

    Attributes:
        counts: how often each kind has occurred.
    """

    def __init__(self) -> None:
        self.counts: Counter[Fault] = Counter()

    def clear(self) -> None:
        """Forget them all, for a new test."""
        self.counts.clear()

    def tell(self, user_class: str, error: BaseException, consequence: str, *, traceback_wanted: bool) -> None:
        """Count an error, and log it when it is the first of its kind.

        Args:
            user_class: name of the user's class.
            error: what ended the user.
            consequence: a sentence that says what happens now.
            traceback_wanted: nobody else has logged the traceback.
        """
        file, line = where(error.__traceback__)
        fault = Fault(user_class, type(error).__name__, file, line)
        self.counts[fault] += 1
        if self.counts[fault] == 1:
            logger.error(
                "A user of %s ended by %s: %s (%s:%d). %s",
                user_class,
                type(error).__name__,
                error,
                file,
                line,
                consequence,
                exc_info=error if traceback_wanted else None,
            )

    def sum_up(self) -> None:
        """Log how often each kind that came more than once has come."""
        for fault, count in self.counts.most_common():
            if count > 1:
                logger.error(
                    "%d users of %s ended by %s (%s:%d)", count, fault.user_class, fault.error, fault.file, fault.line
                )


def where(trace: TracebackType | None) -> tuple[str, int]:
    """File and line that an author should look at: the first of the traceback that is not Gregaria's own."""
    frames = traceback.extract_tb(trace)
    for frame in frames:
        if not frame.filename.startswith(_OURS):
            return frame.filename, frame.lineno or 0
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else ("unknown file", 0)
