"""Wait times as written before Locust 1.0: ``min_wait``, ``max_wait`` and ``wait_function``, in milliseconds."""

import random
from collections.abc import Iterator
from typing import Any

__all__ = ["adopt_legacy_wait", "legacy_remarks"]

#: what a side that was not given used to be
DEFAULT_WAIT_MS = 1000.0


def wait_between_min_and_max(instance: Any) -> float:
    """The ``wait_time`` of a class with ``min_wait`` and ``max_wait``, in seconds."""
    shortest_ms = DEFAULT_WAIT_MS if instance.min_wait is None else instance.min_wait
    longest_ms = max(DEFAULT_WAIT_MS, shortest_ms) if instance.max_wait is None else instance.max_wait
    return random.uniform(min(shortest_ms, longest_ms), longest_ms) / 1000


def wait_as_wait_function_says(instance: Any) -> float:
    """The ``wait_time`` of a class with a ``wait_function``, in seconds."""
    milliseconds: float = instance.wait_function()
    return milliseconds / 1000


LEGACY = (wait_between_min_and_max, wait_as_wait_function_says)


def adopt_legacy_wait(cls: Any) -> None:
    """Give ``cls`` a ``wait_time`` that does what its old attributes say, unless it has one of its own."""
    for base in cls.__mro__:
        if base.__dict__.get("wait_time") is not None:
            return
        if base.__dict__.get("wait_function") is not None:
            cls.wait_time = wait_as_wait_function_says
            return
        if base.__dict__.get("min_wait") is not None or base.__dict__.get("max_wait") is not None:
            cls.wait_time = wait_between_min_and_max
            return


def legacy_remarks(cls: Any) -> Iterator[str]:
    """What to tell the author of ``cls`` about its old attributes; nothing when it has none."""
    old = [name for name in ("min_wait", "max_wait", "wait_function") if getattr(cls, name, None) is not None]
    if not old:
        return
    names = " and ".join(old)
    if cls.wait_time not in LEGACY:
        yield f"{names} of {cls.__qualname__} is ignored, because it has a wait_time."
    elif cls.wait_time is wait_as_wait_function_says:
        yield f"{names} of {cls.__qualname__} is honoured; write today: a method wait_time(self) that returns seconds."
    else:
        low = (DEFAULT_WAIT_MS if cls.min_wait is None else cls.min_wait) / 1000
        high = (max(DEFAULT_WAIT_MS, low * 1000) if cls.max_wait is None else cls.max_wait) / 1000
        yield (
            f"{names} of {cls.__qualname__} (milliseconds) is honoured; write today: "
            f"wait_time = between({low:g}, {high:g}), in seconds."
        )
