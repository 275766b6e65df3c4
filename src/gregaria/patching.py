"""gevent patched into the standard library, without what takes most of the time."""

from importlib import metadata

from gevent import monkey

__all__ = ["patch_all"]


def patch_all() -> None:
    """Do what ``gevent.monkey.patch_all()`` does.

    That looks for plugins of its own among all installed packages, anew for each of some 25 steps; here it is once.
    """
    look_up, found = metadata.entry_points, metadata.entry_points()
    metadata.entry_points = found.select
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = look_up
