"""Asks a ``wait_time`` how long to wait now, and makes the best of an answer that is none."""

from typing import Any

from gregaria.errors import MissingWaitTimeError
from gregaria.users.declare import where
from gregaria.users.trouble import CODE_ERRORS, LEAVING, report

__all__ = ["WAIT_AFTER_MISTAKE_S", "seconds_to_wait"]

#: seconds in place of a wait that could not be found out, so that a mistake does not become a busy loop
WAIT_AFTER_MISTAKE_S = 1.0


def seconds_to_wait(task_set: Any, owner: Any) -> float:
    """What the ``wait_time`` of ``task_set`` says; a mistake in it is told, and waits a second.

    Args:
        task_set: who waits.
        owner: whose ``wait_time`` that is, the task set's own or its user's.
    """
    try:
        seconds: float = task_set.wait_time()
    except LEAVING:
        raise
    except CODE_ERRORS as error:
        return _after_mistake(task_set.user, owner, f"raises {error!r}", error)
    return seconds if _is_number(seconds) else _after_mistake(task_set.user, owner, f"answers with {seconds!r}", None)


def _is_number(value: Any) -> bool:
    """Whether ``value`` can be seconds; not-a-number cannot."""
    try:
        return bool(value > 0 or value <= 0)
    except TypeError:
        return False


def _after_mistake(user: Any, owner: Any, problem: str, cause: BaseException | None) -> float:
    mistake = MissingWaitTimeError(
        f"{where(type(owner))}: its wait_time {problem}. It must answer with seconds, as between(1, 5) and constant(2) "
        f"do; it waits {WAIT_AFTER_MISTAKE_S:g} s instead."
    )
    mistake.__cause__ = cause
    report(user, mistake, once=True)
    return WAIT_AFTER_MISTAKE_S
