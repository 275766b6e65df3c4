"""The machine that made the load, in a few words: what figures depend on besides the target."""

import os
import platform

import psutil

__all__ = ["machine_document"]

_GIB = 1024**3


def machine_document() -> dict[str, str | int | None]:
    """System, processors and memory of this machine, and the Python that runs."""
    return {
        "host": platform.node() or None,
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "processors": _processors(),
        "memory": f"{psutil.virtual_memory().total / _GIB:.1f} GiB",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processors() -> int | None:
    """Those that this process may use, which in a container may be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
