"""Names the code that a thread is stuck in: the task, the line of it, and a library that is known to block."""

import inspect
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, GetSetDescriptorType

from gregaria.stats.generator import HoldUp
from gregaria.users.cooperative import BLOCKING

__all__ = ["Culprit", "culprit"]

OFFLOAD = "Use gregaria.offload() for work that computes or blocks."

_OURS = str(Path(__file__).parent.parent) + os.sep
_PLACES = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
_LIBRARIES = ("<frozen", *(sysconfig.get_path(name) for name in _PLACES))
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
#: what in users/taskset.py calls tasks; whatever else calls a person's code calls no task
_CALLS_TASKS = frozenset({"_loop_quickly", "execute_task"})
_INNER = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>")
#: variables that are looked at for an object of a blocking library
_MOST_VARIABLES = 100


@dataclass(frozen=True, slots=True)
class Culprit:
    """The code that a thread was seen at.

    Attributes:
        what: whose it is.
        library: one in C that is known to block, if the code is inside it or has an object of it at hand; else empty.
    """

    what: HoldUp
    library: str = ""

    def waiting(self) -> HoldUp:
        """The hold-up, if the thread did not compute: then it is the library that waits."""
        if not self.library:
            return self.what
        name, advice = f"{self.library} in {self.what.name}", f"{self.library} {BLOCKING[self.library]}"
        return replace(self.what, kind="library", name=name, advice=advice)


def culprit(innermost: FrameType) -> Culprit | None:
    """Who is running; None if it is the event loop itself, which is then waiting, or is held up from outside."""
    frames = list(_outwards(innermost))
    entry = _entry(frames)
    if entry is None:
        own_work = _own_work(frames)
        return Culprit(own_work) if own_work is not None else None
    own = next((frame for frame in frames if _is_person_s(frame)), entry)
    is_task = _is_called_as_task(entry)
    name = _name_of(entry)
    if own.f_code is not entry.f_code and _name_of(own) != name:
        name = f"{name}, in {_name_of(own)}"
    if is_task:
        name = f"task {name}"
    what = HoldUp("task" if is_task else "code", name, OFFLOAD, _file_of(own), own.f_lineno)
    return Culprit(what, _blocking_library(innermost, own))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _entry(frames: list[FrameType]) -> FrameType | None:
    """The outermost frame of a person's code, or of a task that a library has brought along."""
    for frame in reversed(frames):
        if _is_person_s(frame) or (_is_called_as_task(frame) and not _is_ours(frame)):
            return frame
    return None


def _is_called_as_task(frame: FrameType) -> bool:
    caller = frame.f_back
    return caller is not None and _is_ours(caller) and caller.f_code.co_name in _CALLS_TASKS


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
    """Class and function; of what is written inside a function, the function."""
    name = frame.f_code.co_qualname
    while name.endswith(_INNER):
        name = name.rpartition(".<locals>.")[0] or "<module>"
    return name.rpartition("<locals>.")[2]


def _file_of(frame: FrameType) -> str:
    try:
        return frame.f_code.co_filename.removeprefix(os.getcwd() + os.sep)
    except OSError:
        # somebody has removed the folder
        return frame.f_code.co_filename


def _blocking_library(innermost: FrameType, own: FrameType) -> str:
    package = _package_of(innermost)
    if package in BLOCKING:
        return package
    # A library in C has no frame of its own: its objects are what is left to see. Rarely is one imported at all.
    if not any(name in sys.modules for name in BLOCKING) or not own.f_code.co_flags & inspect.CO_NEWLOCALS:
        return ""
    for value in _reachable(own.f_locals):
        package = str(type(value).__module__).partition(".")[0]
        if package in BLOCKING:
            return package
    return ""


def _reachable(variables: Mapping[str, object]) -> Iterator[object]:
    values = list(variables.values())[:_MOST_VARIABLES]
    yield from values
    for value in values:
        yield from list(_attributes(value).values())[:_MOST_VARIABLES]


def _attributes(value: object) -> dict[str, object]:
    """What ``vars(value)`` gives, without running any code of the value's class."""
    for kind in type(value).__mro__:
        descriptor = kind.__dict__.get("__dict__")
        if isinstance(descriptor, GetSetDescriptorType):
            found = descriptor.__get__(value)
            return found if isinstance(found, dict) and not isinstance(value, type) else {}
    return {}
