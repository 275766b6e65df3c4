"""Names the code that a thread is stuck in: the task, the line of it, and a library that is known to block."""

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from gregaria.stats.generator import HoldUp
from gregaria.users.cooperative import BLOCKING

__all__ = ["culprit"]

OFFLOAD = "Use gregaria.offload() for work that computes or blocks."

_OURS = str(Path(__file__).parent.parent) + os.sep
_LIBRARIES = ("<frozen", *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
#: what in users/taskset.py calls tasks; whatever else calls a person's code calls no task
_CALLS_TASKS = frozenset({"_loop_quickly", "execute_task"})
#: variables that are looked at for an object of a blocking library
_MOST_VARIABLES = 100


def culprit(innermost: FrameType) -> HoldUp | None:
    """Who is running; None if it is the event loop itself, which is then waiting, or is held up from outside."""
    frames = list(_outwards(innermost))
    entry = _entry(frames)
    if entry is None:
        return _own_work(frames)
    own = next((frame for frame in frames if _is_person_s(frame)), entry)
    caller = entry.f_back
    is_task = caller is not None and _is_ours(caller) and caller.f_code.co_name in _CALLS_TASKS
    name = _name_of(entry)
    if own.f_code is not entry.f_code:
        name = f"{name}, in {_name_of(own)}"
    if is_task:
        name = f"task {name}"
    library = _blocking_library(innermost, own)
    if library is not None:
        return HoldUp("library", f"{library} in {name}", f"{library} {BLOCKING[library]}", _file_of(own), own.f_lineno)
    return HoldUp("task" if is_task else "code", name, OFFLOAD, _file_of(own), own.f_lineno)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _entry(frames: list[FrameType]) -> FrameType | None:
    """The outermost frame that belongs neither to Gregaria nor to the event loop: where somebody's code begins."""
    for frame in reversed(frames):
        if not _is_ours(frame) and not _is_loop_s(frame):
            if _is_person_s(frame):
                return frame
            # a library, reached from Gregaria itself (a report that is written) or from code that is no file
            inner = frames[: frames.index(frame)]
            return frame if any(_is_person_s(each) for each in inner) else None
    return None


def _own_work(frames: list[FrameType]) -> HoldUp | None:
    own = next((frame for frame in frames if _is_ours(frame)), None)
    if own is not None:
        file = own.f_code.co_filename.removeprefix(_OURS)
        return HoldUp("generator", f"Gregaria's own {own.f_code.co_qualname}", "", file, own.f_lineno)
    foreign = next((frame for frame in frames if not _is_loop_s(frame)), None)
    if foreign is None:
        return None
    return HoldUp("code", _name_of(foreign), OFFLOAD, _file_of(foreign), foreign.f_lineno)


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)


def _is_loop_s(frame: FrameType) -> bool:
    return _package_of(frame) == "gevent"


def _is_person_s(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    if file.startswith(_OURS) or any(part in file for part in _INSTALLED):
        return False
    return not file.startswith(_LIBRARIES)


def _package_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _name_of(frame: FrameType) -> str:
    name = frame.f_code.co_qualname
    return name.rpartition("<locals>.")[2] if not name.endswith(">") else name


def _file_of(frame: FrameType) -> str:
    try:
        return frame.f_code.co_filename.removeprefix(os.getcwd() + os.sep)
    except OSError:
        # somebody has removed the folder
        return frame.f_code.co_filename


def _blocking_library(innermost: FrameType, own: FrameType) -> str | None:
    """A library known to wait without giving way, if the code is inside it or holds an object of it."""
    package = _package_of(innermost)
    if package in BLOCKING:
        return package
    # A library in C has no frame of its own: its objects are what is left to see. Rarely is one imported at all.
    if not any(name in sys.modules for name in BLOCKING) or not own.f_code.co_flags & 2:
        return None
    for value in _reachable(own.f_locals):
        package = str(getattr(type(value), "__module__", "")).partition(".")[0]
        if package in BLOCKING:
            return package
    return None


def _reachable(variables: Mapping[str, object]) -> Iterator[object]:
    values = list(variables.values())[:_MOST_VARIABLES]
    yield from values
    for value in values:
        attributes = getattr(type(value), "__dict__", {}).get("__dict__") and vars(value)
        if isinstance(attributes, dict):
            yield from list(attributes.values())[:_MOST_VARIABLES]
