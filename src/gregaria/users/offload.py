"""offload(): work that computes or blocks, in a thread, while all other users go on."""

import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

from gregaria.settings import settings

__all__ = ["offload"]

P = ParamSpec("P")
R = TypeVar("R")

#: seconds after which a thread that computes hands Python's lock to one that waits for it, at most
_SWITCH_INTERVAL_S = 0.0005

#: the threads that are doing offloaded work
_working: set[int] = set()


def offload(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function(*args, **kwargs)`` in a thread of the operating system; other users run meanwhile.

    There are ``settings.offload_threads`` such threads; who finds all of them busy waits for one. Called from offloaded
    work, the function is called right there.

    Returns:
        What the function returns.

    Raises:
        BaseException: what the function raises, with its traceback.
    """
    thread: int = monkey.get_original("_thread", "get_ident")()
    if thread in _working:
        return function(*args, **kwargs)
    result, error = _pool().apply(_work, (function, args, kwargs))
    if error is not None:
        try:
            raise error
        finally:
            # The traceback holds this frame.
            del error
    returned: R = result
    return returned


def _work(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, BaseException | None]:
    """Result or error; raised here, the error would be printed by the pool and count as nobody's."""
    thread: int = monkey.get_original("_thread", "get_ident")()
    _working.add(thread)
    try:
        return function(*args, **kwargs), None
    except BaseException as error:
        return None, error
    finally:
        _working.discard(thread)


def _pool() -> ThreadPool:
    """The threads that belong to this thread's event loop."""
    hub = gevent.get_hub()
    pool: ThreadPool | None = getattr(hub, "gregaria_offload", None)
    if pool is None:
        # Not the hub's own, in which names are looked up: those are not to wait for somebody's computing.
        pool = hub.gregaria_offload = ThreadPool(settings.offload_threads, hub=hub)
        # Python lets a thread compute for 5 ms before another gets its turn. The event loop needs one for each step.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
    elif pool.maxsize != settings.offload_threads:
        pool.maxsize = settings.offload_threads
    return pool
