import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

__all__ = ["retry"]

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def retry(
    delays: Sequence[float] = (1, 3, 5), exception: type[BaseException] | tuple[type[BaseException], ...] = Exception
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Call again after each delay (seconds) while ``exception`` is raised; the last one is raised on."""

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @functools.wraps(function)
        def call(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Result:
            for delay_s in delays:
                try:
                    return function(*arguments, **keywords)
                except exception as error:
                    logger.info("%s raised %r; again in %g s", function.__qualname__, error, delay_s)
                    time.sleep(delay_s)
            return function(*arguments, **keywords)

        return call

    return decorate
