"""How long a user waits between two tasks: functions to assign to ``wait_time``.

Every function here returns a callable that is given the user (or task set) and answers with seconds. A user's own
``wait_time`` method, or any other callable that answers with seconds, does as well.
"""

import random
import time
from collections.abc import Callable
from types import MethodType
from typing import Any

__all__ = ["NO_WAIT", "NoWait", "Pacing", "between", "constant", "constant_pacing", "constant_throughput", "poisson"]

WaitTime = Callable[[Any], float]

#: the fractional parts of its multiples fill a period evenly, however many there are
GOLDEN_RATIO = 0.6180339887498949


class NoWait:
    """What ``constant(0)`` is: recognised by the task loop, which then does not ask at all."""

    def __call__(self, _instance: object = None) -> float:
        return 0


NO_WAIT = NoWait()


def between(min_wait: float, max_wait: float) -> WaitTime:
    """Wait a random time, uniformly between ``min_wait`` and ``max_wait`` seconds.

    Raises:
        TypeError: one of them is not a number (so do all functions of this module).
    """
    shortest_s, span_s = _number("between", min_wait), _number("between", max_wait) - min_wait
    return lambda instance: shortest_s + random.random() * span_s


def constant(wait_time: float) -> WaitTime:
    """Wait ``wait_time`` seconds after each task."""
    return (lambda instance: wait_time) if _number("constant", wait_time) > 0 else NO_WAIT


def constant_pacing(wait_time: float) -> WaitTime:
    """Start a task every ``wait_time`` seconds, at most: a task that takes longer is followed by the next at once.

    The users that share it are spread over the period, however they were started; see ``Pacing``.
    """
    return Pacing(wait_time) if _number("constant_pacing", wait_time) > 0 else NO_WAIT


def constant_throughput(task_runs_per_second: float) -> WaitTime:
    """Start at most ``task_runs_per_second`` tasks per second and user (``constant_pacing`` of the inverse).

    Raises:
        ValueError: the rate is not above 0.
    """
    return Pacing(1 / _positive("constant_throughput", task_runs_per_second))


def poisson(rate: float) -> WaitTime:
    """Wait an exponentially distributed time, on average ``1 / rate`` seconds, after each task.

    Raises:
        ValueError: the rate is not above 0.
    """
    rate = _positive("poisson", rate)
    return lambda instance: random.expovariate(rate)


class Pacing:
    """The schedule that ``constant_pacing`` keeps: a user starts a task once per period and never catches up.

    Users that were started together would fire together for ever. So each user has a phase of the period, and its
    first gap is longer (by less than a period) so that it ends on it; a task never starts sooner than a period after
    the one before. The first user's phase is its own start, so one user alone is not moved. Task sets with a pacing
    of their own keep a plain one.

    Attributes:
        period_s: seconds between the starts of two tasks.
    """

    def __init__(self, period_s: float, clock_s: Callable[[], float] = time.perf_counter) -> None:
        self.period_s = period_s
        self._clock_s = clock_s
        self._users = 0
        self._first_start_s = 0.0

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, instance: Any) -> float:
        now_s = self._clock_s()
        started_s: float = instance._cp_last_run + instance._cp_last_wait_time
        due_s = started_s + self.period_s
        if getattr(instance, "_paced_by", self) is not self:
            due_s += self._until_phase_s(started_s, due_s, now_s)
            instance._paced_by = self
        wait_s = max(0.0, due_s - now_s)
        instance._cp_last_run = now_s
        instance._cp_last_wait_time = wait_s
        return wait_s

    def _until_phase_s(self, started_s: float, due_s: float, now_s: float) -> float:
        """What a user's first gap has to be longer than a period to end on the phase that the user now gets."""
        ordinal = self._users
        self._users += 1
        if ordinal == 0:
            self._first_start_s = started_s
            return 0.0
        phase_s = ordinal * GOLDEN_RATIO % 1 * self.period_s
        earliest_s = max(due_s, now_s)
        return earliest_s - due_s + (self._first_start_s + phase_s - earliest_s) % self.period_s


def _number(name: str, value: Any) -> Any:
    if isinstance(value, str | bytes | None):
        raise TypeError(f"{name}({value!r}): give a number")
    return value


def _positive(name: str, rate: float) -> float:
    if not _number(name, rate) > 0:
        raise ValueError(f"{name}({rate!r}): the rate must be above 0")
    return rate
