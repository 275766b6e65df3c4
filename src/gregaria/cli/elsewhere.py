"""What configuration files and variables say of a run on a cluster, where neither of them is."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gregaria.cli.conf_file import Setting
from gregaria.cli.config import (
    applied,
    environment_settings,
    file_settings,
    home_folder,
    long_name,
    option_of,
    tokens_of,
)
from gregaria.cli.parser import Parser

__all__ = ["Elsewhere", "said_elsewhere"]


@dataclass
class Elsewhere:
    """What is said elsewhere than on the command line, of each option the strongest.

    Attributes:
        taken: values of options that the command deals with itself, by their long names.
        arguments: the others, as they would be on the command line.
        unknown: what may be an option of the locustfile's own, and the names of user classes.
        left_out: why something has no effect, in sentences.
    """

    taken: dict[str, Any] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    unknown: list[Setting] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def file(self) -> bytes:
        """A configuration file with all that is unknown; empty if there is nothing."""
        lines = [
            f"{json.dumps(each.key)} = {json.dumps(each.value, ensure_ascii=False)}  # {each.source}"
            for each in self.unknown
        ]
        return "\n".join(["[tool.gregaria]", *lines, ""]).encode() if lines else b""


def said_elsewhere(
    parser: Parser,
    config: str | None,
    environ: Mapping[str, str],
    *,
    taken: Collection[str],
    typed: Collection[str],
    not_for_it: Mapping[str, str],
) -> Elsewhere:
    """Read what any run that is started here would read.

    Args:
        parser: with all options that are not a locustfile's.
        config: the file of ``--config``.
        environ: variables.
        taken: long names of options that the command deals with itself.
        typed: long names of options that stand on the command line, which is stronger.
        not_for_it: why options mean nothing to such a run, by their long names.

    Raises:
        CommandError: a file cannot be read, or a value is wrong; the message says where.
    """
    settings = [*file_settings(Path.cwd(), home_folder(), config), *environment_settings(parser, environ)]
    strongest = {_name_of(parser, setting): setting for setting in settings}
    found = Elsewhere()
    for name, setting in strongest.items():
        action = option_of(parser, setting.key)
        if name in typed:
            continue
        if name in not_for_it:
            found.left_out.append(f"{setting.source}: {name} is left out: {not_for_it[name]}")
        elif name in taken:
            found.taken[name] = next(iter(vars(applied(parser, setting, strict=True)).values()), None)
        elif action is None or not action.option_strings:
            found.unknown.append(setting)
        else:
            if not getattr(action, "yields", False):
                # What a locustfile may declare for itself is for it to judge.
                applied(parser, setting, strict=True)
            found.arguments += tokens_of(action, setting.value)
    return found


def _name_of(parser: Parser, setting: Setting) -> str:
    action = option_of(parser, setting.key)
    return setting.key.replace("_", "-") if action is None else long_name(action)
