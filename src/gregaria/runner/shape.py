"""The number of users as a function of time, written by the author of a locustfile."""

import logging
import math
import numbers
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import gevent

from gregaria.errors import StopTest
from gregaria.runner.beat import next_beat_s
from gregaria.users.declare import where

logger = logging.getLogger("gregaria.runner.shape")

#: seconds between two questions to a shape
TICK_S = 1.0


class Tick(NamedTuple):
    """What a shape wants right now.

    Attributes:
        user_count: users.
        spawn_rate: users per second on the way there.
        user_classes: only these classes shall have users; None for all.
    """

    user_count: int
    spawn_rate: float
    user_classes: tuple[Any, ...] | None


class Followed(Protocol):
    """The runner, as a shape sees it."""

    environment: Any
    shape_last_tick: Tick | None

    @property
    def user_count(self) -> int:
        """How many users there are right now."""

    def start(
        self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Sequence[Any] | None = None
    ) -> None:
        """Head for another load."""

    def stop_test(self, reason: str) -> None:
        """End the test."""

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        """Count an exception."""


class LoadTestShape:
    """Subclass it in a locustfile and write ``tick``; the run then follows the shape.

    Attributes:
        abstract: a class that others inherit from and that is never run itself; not inherited.
        use_common_options: keep ``-u``, ``-r`` and ``-t`` as settings for the shape to read in
            ``self.runner.environment.parsed_options``. ``-t`` ends the test with any shape.
        runner: the runner that follows this shape, once there is one.
    """

    abstract: ClassVar[bool] = True
    use_common_options: ClassVar[bool] = False
    runner: Followed | None = None

    _started_s: float | None = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "abstract" not in cls.__dict__:
            cls.abstract = False

    def __init__(self) -> None:
        self.reset_time()

    def reset_time(self) -> None:
        """Let the run time begin now; done when the test starts."""
        self._started_s = time.perf_counter()

    def go_on_after(self, run_time_s: float) -> None:
        """The test has been running that long already, under another master."""
        self._started_s = time.perf_counter() - run_time_s

    def get_run_time(self) -> float:
        """Seconds since the test started."""
        if self._started_s is None:
            # An __init__ of one's own need not call this class's.
            self.reset_time()
        assert self._started_s is not None
        return time.perf_counter() - self._started_s

    def get_current_user_count(self) -> int:
        """How many users there are right now."""
        return self.runner.user_count if self.runner is not None else 0

    def tick(self) -> tuple[Any, ...] | None:
        """What shall be, asked about once a second.

        Returns:
            ``(users, users per second)``, or the same with a list of user classes as a third value, or None to end
            the test.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method tick(self)")


def read_tick(answer: Any) -> Tick | None:
    """Understand what ``tick`` returned.

    Raises:
        ValueError: it is none of the three things that ``tick`` may return.
    """
    if answer is None:
        return None
    if not isinstance(answer, Sequence) or isinstance(answer, str) or len(answer) not in (2, 3):
        raise ValueError(
            f"tick() returned {answer!r}; it must be (users, spawn_rate), (users, spawn_rate, user_classes) or None"
        )
    users, rate, *rest = answer
    for value in (users, rate):
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
            raise ValueError(f"tick() returned {answer!r}; users and spawn_rate must be finite numbers")
    classes = rest[0] if rest else None
    if classes is None:
        return Tick(round(users), float(rate), None)
    if isinstance(classes, type) or not all(isinstance(user_class, type) for user_class in classes):
        raise ValueError(f"tick() returned {answer!r}; the third value must be a list of user classes, or None")
    return Tick(round(users), float(rate), tuple(classes))


def follow(
    shape: LoadTestShape,
    runner: Followed,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = gevent.sleep,
) -> None:
    """Ask a shape once a second what it wants and let the runner start that, until the shape or the test ends."""
    began_s = now()
    while True:
        try:
            tick = read_tick(shape.tick())
            if tick is not None and tick != runner.shape_last_tick:
                runner.start(tick.user_count, tick.spawn_rate, user_classes=tick.user_classes)
        except StopTest as error:
            runner.stop_test(str(error) or f"StopTest was raised by {type(shape).__name__}")
            return
        except Exception as error:
            _tell_of_failure(shape, runner, error)
            return
        if tick is None:
            runner.stop_test(f"the shape {type(shape).__name__} has come to its end")
            return
        runner.shape_last_tick = tick
        sleep(next_beat_s(now(), TICK_S, began_s) - now())


def _tell_of_failure(shape: LoadTestShape, runner: Followed, error: Exception) -> None:
    logger.error(
        "The shape %s raised %s; the test ends", where(type(shape)), repr(error), exc_info=error
    )
    runner.log_exception("local", str(error), "".join(traceback.format_exception(error)))
    runner.stop_test(f"the shape {type(shape).__name__} failed")
