"""Imports locustfiles: Python files in, user classes and shape classes out."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from gregaria import compat
from gregaria.errors import CommandError, ExitCode, LocustfileError
from gregaria.runner.shape import LoadTestShape
from gregaria.users.user import User

_OURS = str(Path(__file__).resolve().parent.parent)


@dataclass
class Loaded:
    """What the locustfiles define.

    Attributes:
        user_classes: by name, in the order of the names.
        shape_classes: by name, in the order found.
        test_functions: names of functions that only a test runner would call.
    """

    user_classes: dict[str, type[User]] = field(default_factory=dict)
    shape_classes: dict[str, type[LoadTestShape]] = field(default_factory=dict)
    test_functions: list[str] = field(default_factory=list)


def load(paths: Sequence[Path]) -> Loaded:
    """Import the files with Locust's import paths in place, and the ``locust_plugins`` package where it is installed.

    Raises:
        CommandError: a file cannot be imported, or two files define a class of the same name.
    """
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    compat.enable()
    _import_plugins()
    loaded = Loaded()
    for path in paths:
        _add(loaded, import_file(path))
    loaded.user_classes = dict(sorted(loaded.user_classes.items()))
    return loaded


def import_file(path: Path) -> ModuleType:
    """The module of a file, imported now if it was not yet.

    Raises:
        LocustfileError: its own code raised.
    """
    name = "locustfile" if path.stem == "locust" else path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if known is not None or name in sys.builtin_module_names:
        # Another module owns that name (a file called json.py, say); taking it away would break who uses it.
        name = f"locustfile_{name}_{len(sys.modules)}"
    folder = str(path.parent)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _run(lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]
    except BaseException:
        del sys.modules[name]
        raise
    return module


def new_shape(shape_classes: Iterable[type[LoadTestShape]]) -> LoadTestShape | None:
    """An instance of the first shape class, if there is one.

    Raises:
        LocustfileError: its constructor raised.
    """
    for shape_class in shape_classes:
        shape: list[LoadTestShape] = []
        _run(lambda made=shape, kind=shape_class: made.append(kind()))  # type: ignore[misc]
        return shape[0]
    return None


def own_traceback(error: BaseException) -> str:
    """The traceback as the locustfile's author knows it: without Gregaria's frames and the import system's."""
    exception = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = exception
    while part is not None:
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if not _is_foreign(frame.filename)]
        )
        part = part.__cause__ or part.__context__
    lines = exception.format() if exception.stack else exception.format_exception_only()
    return "".join(lines).rstrip()


def _run(code: Callable[[], Any]) -> None:
    try:
        code()
    except CommandError:
        raise
    except Exception as error:
        raise LocustfileError(own_traceback(error)) from None


def _import_plugins() -> None:
    if importlib.util.find_spec("locust_plugins") is not None:
        _run(lambda: importlib.import_module("locust_plugins"))


def _is_foreign(filename: str) -> bool:
    return filename.startswith((_OURS, "<frozen importlib"))


def _add(loaded: Loaded, module: ModuleType) -> None:
    for value in list(vars(module).values()):
        if not isinstance(value, type):
            if isinstance(value, FunctionType) and value.__name__.startswith("test_"):
                loaded.test_functions.append(value.__name__)
        elif issubclass(value, User) and not value.abstract:
            _add_class(loaded.user_classes, value)
        elif issubclass(value, LoadTestShape) and not value.abstract:
            _add_class(loaded.shape_classes, value)


def _add_class(classes: dict[str, Any], found: type) -> None:
    known = classes.get(found.__name__)
    if known is not None and _file_of(known) != _file_of(found):
        raise CommandError(
            f"two classes are called {found.__name__}, in {_file_of(known)} and in {_file_of(found)}; rename one",
            ExitCode.LOCUSTFILE_BROKEN,
        )
    classes[found.__name__] = found


def _file_of(found: type) -> str:
    module = sys.modules.get(found.__module__)
    return str(getattr(module, "__file__", None) or found.__module__)
