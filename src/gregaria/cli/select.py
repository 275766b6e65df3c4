"""Which user classes run, and with which attributes: names on the command line, and ``--config-users``."""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gregaria.cli.loader import Loaded
from gregaria.errors import CommandError, ExitCode
from gregaria.users.user import User


def chosen_classes(loaded: Loaded, names: Sequence[str] | None, locustfiles: Sequence[Path]) -> list[type[User]]:
    """The classes of these names, or all of them.

    Raises:
        CommandError: there are none, or a name is unknown.
    """
    classes = loaded.user_classes
    if not classes:
        raise CommandError(_why_no_users(loaded, locustfiles), ExitCode.NO_USERS)
    unknown = [name for name in names or () if name not in classes]
    if unknown:
        raise CommandError(_unknown(unknown[0], list(classes)), ExitCode.NO_USERS)
    return [classes[name] for name in dict.fromkeys(names or classes)]


def configure_users(classes: Sequence[type[User]], texts: Sequence[str]) -> None:
    """Set attributes of user classes as ``--config-users`` says.

    Args:
        classes: all that may be named.
        texts: each a JSON object, an array of them, or the path of a file with one of these.

    Raises:
        CommandError: a text is none of these, or names a class or task that is not there.
    """
    by_name = {user_class.__name__: user_class for user_class in classes}
    for text in texts:
        for wanted in _objects(text):
            _configure(by_name, wanted)


def _configure(by_name: Mapping[str, type[User]], wanted: Mapping[str, Any]) -> None:
    name = wanted.get("user_class_name")
    if name is None:
        raise _wrong(f"{json.dumps(wanted)} has no user_class_name")
    if name not in by_name:
        raise _wrong(_unknown(name, list(by_name)))
    user_class: Any = by_name[name]
    for attribute, value in wanted.items():
        if attribute == "tasks":
            user_class.tasks = _tasks_named(user_class, value)
        elif attribute != "user_class_name":
            setattr(user_class, attribute, value)


def _tasks_named(user_class: Any, names: Sequence[str]) -> list[Any]:
    known = {task.__name__: task for task in user_class.tasks}
    for name in names:
        if name not in known:
            raise _wrong(f"{user_class.__name__} has no task {name}; it has {', '.join(known)}")
    return [task for task in user_class.tasks if task.__name__ in names]


def _objects(text: str) -> list[Mapping[str, Any]]:
    content = text
    if text.endswith(".json"):
        try:
            content = Path(text).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _wrong(f"cannot read {text}: {getattr(error, 'strerror', None) or error}") from None
    try:
        found = json.loads(content)
    except ValueError as error:
        raise _wrong(f"{text} is not JSON: {error}") from None
    objects = found if isinstance(found, list) else [found]
    for item in objects:
        if not isinstance(item, dict):
            raise _wrong(f"expected objects with a user_class_name, found {json.dumps(item)}")
    return objects


def _wrong(problem: str) -> CommandError:
    return CommandError(f"--config-users: {problem}", ExitCode.CONFIG_USERS)


def _unknown(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    return f"there is no user class {name}; {hint}"


def _why_no_users(loaded: Loaded, locustfiles: Sequence[Path]) -> str:
    where = ", ".join(str(path) for path in locustfiles)
    if loaded.test_functions:
        return (
            f"{where} has test functions ({loaded.test_functions[0]}) and no user class; pytest-style locustfiles are"
            " not supported yet: write a class that inherits from HttpUser, with @task methods"
        )
    return f"{where} has no user class: write one that inherits from HttpUser and is not abstract, with @task methods"
