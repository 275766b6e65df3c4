import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["memoize"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def memoize(
    timeout: float, dynamic_timeout: bool = False
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Answer from memory for ``timeout`` seconds; if dynamic, for twice as long as making the answer takes, at least.

    The decorated function gets ``clear_cache()``. Arguments are not told apart: it is for functions that have none.
    """

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        kept: list[tuple[float, Result]] = []

        @functools.wraps(function)
        def answer(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Result:
            started_s = time.monotonic()
            if kept and started_s < kept[0][0]:
                return kept[0][1]
            result = function(*arguments, **keywords)
            now_s = time.monotonic()
            keep_s = max(timeout, 2 * (now_s - started_s)) if dynamic_timeout else timeout
            kept[:] = [(now_s + keep_s, result)]
            return result

        answer.clear_cache = kept.clear  # type: ignore[attr-defined]
        return answer

    return decorate
