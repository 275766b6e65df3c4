"""Tells about exceptions in a user's own code: to listeners every time, to the log without drowning it."""

import logging
import math
import time
import traceback
from collections.abc import Hashable
from pathlib import Path
from types import TracebackType
from typing import Any

import gevent
from greenlet import GreenletExit

from gregaria.errors import (
    LONGEST_MESSAGE,
    LONGEST_TRACEBACK,
    CommandError,
    InterruptTaskSet,
    StopTest,
    StopUser,
    shortened,
)
from gregaria.users.declare import WrongDeclarationError

__all__ = ["CODE_ERRORS", "LEAVING", "ErrorLog", "exit_behind", "own_traceback", "report"]

logger = logging.getLogger(__name__)

#: what a mistake in a user's code can raise; gevent's Timeout is none of Python's Exceptions
CODE_ERRORS = (Exception, gevent.Timeout)

#: exceptions that are no mistake of a task, and end more than it
LEAVING = (InterruptTaskSet, StopUser, StopTest, WrongDeclarationError)

#: seconds between two log entries for exceptions of one kind, and kinds remembered per user class
LOG_INTERVAL_S = 5.0
MOST_KINDS = 200

_OURS = str(Path(__file__).parent)


class ErrorLog:
    """What is logged of one user class: each kind of exception with its traceback, then one line a while at most."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, tuple[float, int]] = {}
        self._said: set[str] = set()

    def tell(self, error: BaseException, tb: TracebackType | None, who: str) -> None:
        """Log ``error``: in full the first of its type and line, others in one line that counts those in between."""
        kind = (type(error), *_place(tb))
        now_s = time.monotonic()
        last_s, untold = self._kinds.get(kind, (-math.inf, 0))
        if now_s - last_s < LOG_INTERVAL_S:
            self._kinds[kind] = (last_s, untold + 1)
            return
        if len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()
        self._kinds[kind] = (now_s, 0)
        message = shortened(str(error), LONGEST_MESSAGE)
        if last_s > -math.inf:
            # The traceback has been told; the report has it too.
            file, line = _place(tb)
            more = f" and {untold} more like it" if untold else " again"
            logger.error("%s: %s: %s, %s:%d,%s", who, type(error).__name__, message, file, line, more)
            return
        trace = "".join(traceback.format_exception(type(error), error, tb)).rstrip()
        logger.error("%s: %s\n%s", who, message, shortened(trace, LONGEST_TRACEBACK))

    def say_once(self, level: int, message: str) -> None:
        """Log ``message``, if it has not been logged before."""
        if message not in self._said and len(self._said) < MOST_KINDS:
            self._said.add(message)
            logger.log(level, "%s", message)


def report(user: Any, error: BaseException, *, once: bool = False) -> None:
    """Fire ``user_error`` for an exception that escaped the code of ``user``, and log it (``once``: ever)."""
    tb = own_traceback(error)
    cls = type(user)
    if once or isinstance(error, WrongDeclarationError):
        # Its message says where; the traceback would show the task loop.
        cls.error_log.say_once(logging.ERROR, str(error))
    elif isinstance(error, CommandError):
        # It ends the run and says what to do; how it came about below the task helps nobody.
        file, line = _place(tb)
        cls.error_log.say_once(logging.ERROR, f"{file}:{line}: {error}" if file else str(error))
    else:
        cls.error_log.tell(error, tb, cls.fullname())
    user.environment.events.user_error.fire(user_instance=user, exception=error, tb=tb)


def exit_behind(error: BaseException) -> GreenletExit | None:
    """The end of the user that ``error`` was raised in the face of, if any.

    A task that is cut short cleans up in a ``finally``, and what it cleans up (a database connection in the
    middle of a statement, say) may be broken by just that. The user ends then; its error says nothing of the target.
    """
    context = error.__context__
    while context is not None and not isinstance(context, GreenletExit):
        context = context.__context__
    return context


def own_traceback(error: BaseException) -> TracebackType | None:
    """The traceback without the leading frames of the task loop, which are the same for everyone."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None and tb.tb_frame.f_code.co_filename.startswith(_OURS):
        tb = tb.tb_next
    return tb


def _place(tb: TracebackType | None) -> tuple[str, int]:
    if tb is None:
        return "", 0
    return tb.tb_frame.f_code.co_filename, tb.tb_lineno
