"""Where an option's value comes from: the command line, else the environment, else a file, else its default.

Low to high: ``~/.locust.conf``, ``~/.gregaria.conf``, ``./locust.conf``, ``./gregaria.conf``, ``./pyproject.toml``
(``[tool.locust]``, then ``[tool.gregaria]``), the file of ``--config``, ``LOCUST_*``, ``GREGARIA_*``, the command line.
"""

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gregaria.cli.conf_file import Setting, list_of, read_file
from gregaria.cli.parser import Parser
from gregaria.errors import CommandError, ExitCode

_HOME_FILES = (".locust.conf", ".gregaria.conf")
_FOLDER_FILES = ("locust.conf", "gregaria.conf", "pyproject.toml")
_YES = {"true", "yes", "1", "on"}
_NO = {"false", "no", "0", "off", ""}


@dataclass(frozen=True, slots=True)
class Resolved:
    """The options of a run.

    Attributes:
        options: every option's value.
        typed: only what the command line set.
        elsewhere: only what environment and files set.
        sources: where each of these stands, by the name of its attribute.
    """

    options: argparse.Namespace
    typed: argparse.Namespace
    elsewhere: argparse.Namespace
    sources: Mapping[str, str]


def home_folder() -> Path | None:
    """Where a person's own configuration files are; None where nobody is at home."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def file_settings(folder: Path, home: Path | None, config: str | None) -> list[Setting]:
    """What the configuration files set, weakest first.

    Raises:
        CommandError: one cannot be read, or ``config`` is not there.
    """
    names = [home / name for name in _HOME_FILES] if home else []
    names += [folder / name for name in _FOLDER_FILES]
    # A home that this user may not look into (as of root, in a container with another user) is one without files.
    settings = [setting for path in names if os.path.isfile(path) for setting in read_file(path)]
    if config:
        settings += read_file(folder / Path(config).expanduser(), must_have_table=True)
    return settings


def environment_settings(parser: Parser, environ: Mapping[str, str]) -> list[Setting]:
    """What environment variables set, weakest first; an empty one sets nothing."""
    found = []
    for prefix in ("LOCUST_", "GREGARIA_"):
        for action in parser.actions():
            variable = getattr(action, "env_var", None)
            if not variable:
                continue
            if prefix == "GREGARIA_":
                if not variable.startswith("LOCUST_"):
                    continue
                variable = "GREGARIA_" + variable.removeprefix("LOCUST_")
            if environ.get(variable):
                text = environ[variable]
                source = f"environment variable {variable}"
                found.append(Setting(source, long_name(action), list_of(text) or text))
    return found


def resolve(
    parser: Parser,
    tokens: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    home: Path | None,
    *,
    strict: bool = True,
) -> Resolved:
    """Every option's value for this command line, environment and these folders.

    Args:
        parser: with the options that a locustfile adds, or without them when not ``strict``.
        tokens: the command line.
        strict: refuse what the parser does not know; else pass over it.

    Raises:
        CommandError: an option is unknown or a value is wrong; the message says where.
    """
    typed, unknown = parser.explicit(tokens)
    _add_classes(parser, typed, unknown, strict)
    elsewhere = argparse.Namespace()
    sources = {}
    for setting in [
        *file_settings(folder, home, getattr(typed, "config", None)),
        *environment_settings(parser, environ),
    ]:
        for name, value in vars(applied(parser, setting, strict)).items():
            setattr(elsewhere, name, value)
            sources[name] = setting.source
    options = parser.complete(argparse.Namespace(**{**vars(elsewhere), **vars(typed)}))
    return Resolved(options, typed, elsewhere, sources)


def _add_classes(parser: Parser, typed: argparse.Namespace, unknown: list[str], strict: bool) -> None:
    # argparse gives only the first run of words to the classes; those between later options come back as unknown.
    if strict and any(token.startswith("-") and token != "--" for token in unknown):
        parser.refuse_unknown(unknown)
    classes = [*(getattr(typed, "user_classes", None) or []), *(token for token in unknown if token != "--")]
    if classes:
        typed.user_classes = classes


def long_name(action: argparse.Action) -> str:
    """The long name of an option, as files have it."""
    long = [flag for flag in action.option_strings if flag.startswith("--")] or action.option_strings
    return long[-1].lstrip("-") if long else action.dest


def option_of(parser: Parser, key: str) -> argparse.Action | None:
    """The option that a setting is for, if the parser knows it."""
    dashed = key.replace("_", "-")
    for name in (f"--{key}", f"--{dashed}", f"-{key}"):
        action = parser.option(name)
        if action:
            return action
    positional = (action for action in parser.actions() if not action.option_strings)
    return next((action for action in positional if action.dest.replace("_", "-") == dashed), None)


def applied(parser: Parser, setting: Setting, strict: bool) -> argparse.Namespace:
    """What a setting makes of its option, by the name of its attribute.

    Args:
        parser: with the option.
        setting: from a file or the environment.
        strict: refuse what the parser does not know; else it makes nothing.

    Raises:
        CommandError: there is no such option, or the value is wrong; the message says where it stands.
    """
    action = option_of(parser, setting.key)
    if action is None or setting.key in ("help", "version", "config"):
        if not strict:
            return argparse.Namespace()
        nearest = parser.nearest(f"--{setting.key}")
        hint = f"; did you mean {nearest[2:]}?" if nearest else "; see gregaria --help for those there are"
        raise CommandError(f"{setting.source}: there is no option {setting.key}{hint}", ExitCode.USAGE)
    try:
        return parser.explicit(list(tokens_of(action, setting.value)))[0]
    except CommandError as error:
        raise CommandError(f"{setting.source}: {error}", error.exit_code) from None


def tokens_of(action: argparse.Action, value: str | bool | list[str]) -> Iterable[str]:
    """What would be written on a command line for a setting's value.

    Raises:
        CommandError: the option takes no such value.
    """
    flag = action.option_strings[-1] if action.option_strings else ""
    if action.nargs == 0:
        return [flag] if _is_on(action, value) else []
    values = value if isinstance(value, list) else [_as_text(value)]
    if getattr(action, "words", False) and not isinstance(value, list):
        values = _as_text(value).split()
    if not flag:
        return values
    if action.nargs in ("*", "+") or isinstance(action.nargs, int):
        return [flag, *values]
    if len(values) != 1 and not isinstance(action, argparse._AppendAction):
        raise CommandError(f"{flag} takes one value, not a list", ExitCode.USAGE)
    return [item for single in values for item in _single(flag, single)]


def _single(flag: str, value: str) -> list[str]:
    return [f"{flag}={value}"] if flag.startswith("--") else [flag + value]


def _as_text(value: str | bool | list[str]) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_on(action: argparse.Action, value: str | bool | list[str]) -> bool:
    text = _as_text(value).strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise CommandError(f"{action.option_strings[-1]} is either true or false, not {value!r}", ExitCode.USAGE)
