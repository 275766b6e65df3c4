"""The argument parser: argparse, with environment variables, Locust's extra keywords, and errors that help.

Locustfiles get it in ``events.init_command_line_parser`` and add arguments of their own.
"""

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from gregaria.context import CustomOption
from gregaria.errors import CommandError, ExitCode
from gregaria.stats.masking import texts_of


class _Container(argparse._ActionsContainer):
    """Takes the keywords that Locust adds to ``add_argument``.

    Keywords:
        env_var: name of the environment variable that sets the option, too.
        include_in_web_ui, is_secret, is_required, is_multiple: how a web page shows the option; they change nothing
            on the command line, but that a multiple one may be given several times there and is always a list, and
            that a secret one's value is masked in every report.
        yields: gives way when a locustfile or plugin declares the same name (names that Locust does not have).
        words: an environment variable or a file gives several values with blanks between them.
    """

    def add_argument(
        self,
        *flags: str,
        env_var: str | None = None,
        include_in_web_ui: bool = True,
        is_secret: bool = False,
        is_required: bool = False,
        is_multiple: bool = False,
        yields: bool = False,
        words: bool = False,
        **keywords: Any,
    ) -> argparse.Action:
        if is_multiple and "nargs" not in keywords and keywords.get("action") is None:
            keywords["action"] = "append"
        action = super().add_argument(*flags, **keywords)
        extra = vars(action)
        extra["env_var"] = env_var
        extra["include_in_web_ui"] = include_in_web_ui
        extra["is_secret"] = is_secret
        extra["is_required"] = is_required
        extra["is_multiple"] = is_multiple
        extra["yields"] = yields
        extra["words"] = words
        return action

    def _check_conflict(self, action: argparse.Action) -> None:
        for flag in action.option_strings:
            other = self._option_string_actions.get(flag)
            if other is not None and getattr(other, "yields", False):
                self._handle_conflict_resolve(action, [(flag, other)])
        super()._check_conflict(action)

    def add_argument_group(self, *arguments: Any, **keywords: Any) -> "_Group":
        group = _Group(self, *arguments, **keywords)
        self._action_groups.append(group)
        return group

    def add_mutually_exclusive_group(self, **keywords: Any) -> "_Exclusive":
        group = _Exclusive(self, **keywords)
        self._mutually_exclusive_groups.append(group)
        return group


class _Group(_Container, argparse._ArgumentGroup):
    pass


class _Exclusive(_Container, argparse._MutuallyExclusiveGroup):
    pass


class _HelpFormatter(argparse.HelpFormatter):
    """Shows the default where there is one, and an option's words once instead of once per spelling."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help or ""
        shown = action.default is not None and action.default is not argparse.SUPPRESS
        if shown and action.default not in (False, "", []) and "default" not in text.lower():
            text += " (default: %(default)s)"
        return text

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "".join(indent + line for line in text.splitlines(keepends=True))


class Parser(_Container, argparse.ArgumentParser):
    """The command's parser; a mistake is raised as CommandError, never printed, and nothing is abbreviated."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, add_help=False, formatter_class=_HelpFormatter, **keywords)
        self._own: list[argparse.Action] = []

    def error(self, message: str) -> NoReturn:
        raise CommandError(message, ExitCode.USAGE)

    def options(self) -> Iterable[argparse.Action]:
        """Every action that has an option string."""
        return [action for action in self._actions if action.option_strings]

    def actions(self) -> Sequence[argparse.Action]:
        """Every action."""
        return self._actions

    def option(self, flag: str) -> argparse.Action | None:
        """The action behind ``--flag``, if there is one."""
        return self._option_string_actions.get(flag)

    def is_whole(self) -> None:
        """The command's own options are there: whatever is added from now on is a locustfile's."""
        self._own = list(self._actions)

    def added(self) -> dict[str, CustomOption]:
        """The options that locustfiles have added, by the names of their attributes."""
        return {
            action.dest: CustomOption(
                default=None if action.default is argparse.SUPPRESS else action.default,
                help="" if action.help in (None, argparse.SUPPRESS) else str(action.help),
                choices=None if action.choices is None else tuple(map(str, action.choices)),
                type=_type_of(action),
                is_list=_is_list(action),
                is_secret=bool(getattr(action, "is_secret", False)),
                is_required=bool(getattr(action, "is_required", False)),
                is_multiple=bool(getattr(action, "is_multiple", False)),
                is_shown=bool(getattr(action, "include_in_web_ui", True)),
            )
            for action in self._actions
            if action not in self._own and action.dest != argparse.SUPPRESS
        }

    def forget_yielding(self) -> None:
        """Drop the options that a locustfile may declare for itself, as long as it is not known whether it does."""
        for action in self.options():
            if getattr(action, "yields", False):
                for flag in list(action.option_strings):
                    self._handle_conflict_resolve(action, [(flag, action)])

    def explicit(self, tokens: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """Parse ``tokens`` alone: what they set, without defaults or demands, and what nobody knows.

        Raises:
            CommandError: a value is wrong.
        """
        before = [(action, action.default, action.required) for action in self._actions]
        demanding = [group for group in self._mutually_exclusive_groups if group.required]
        defaults, self._defaults = self._defaults, {}
        try:
            for action in self._actions:
                action.default = argparse.SUPPRESS
                action.required = False
            for group in demanding:
                group.required = False
            return self.parse_known_args(list(tokens))
        finally:
            self._defaults = defaults
            for action, default, required in before:
                action.default = default
                action.required = required
            for group in demanding:
                group.required = True

    def complete(self, given: argparse.Namespace) -> argparse.Namespace:
        """``given`` with every default filled in.

        Raises:
            CommandError: something required is missing.
        """
        before = [(action, action.default, action.required) for action in self._actions]
        try:
            for action in self._actions:
                if hasattr(given, action.dest):
                    action.required = False
                    if not action.option_strings:
                        action.default = argparse.SUPPRESS
            return self.parse_args([], given)
        finally:
            for action, default, required in before:
                action.default = default
                action.required = required

    def refuse_unknown(self, tokens: Sequence[str]) -> NoReturn:
        """Say which option nobody knows, and which may have been meant.

        Raises:
            CommandError: always.
        """
        unknown = [token for token in tokens if token.startswith("-")] or list(tokens)
        message = f"there is no option {unknown[0].split('=')[0]}"
        suggestion = self.nearest(unknown[0])
        if suggestion:
            message += f"; did you mean {suggestion}?"
        else:
            message += "; see gregaria --help"
        raise CommandError(message, ExitCode.USAGE)

    def secrets(self, options: argparse.Namespace) -> list[str]:
        """The values of the options that were declared ``is_secret``."""
        secret = [action.dest for action in self._actions if getattr(action, "is_secret", False)]
        return [text for name in secret for text in texts_of(getattr(options, name, None))]

    def nearest(self, flag: str) -> str | None:
        """The option that looks most like ``flag``, hidden ones left out."""
        shown = [
            name
            for action in self.options()
            if action.help is not argparse.SUPPRESS
            for name in action.option_strings
            if name.startswith("--")
        ]
        typed = flag.split("=")[0]
        longer = [name for name in shown if name.startswith(typed) and len(typed) > 4]
        close = difflib.get_close_matches(typed, shown, 1, 0.6)
        return (longer + close + [None])[0]

    def print_help(self, file: Any = None) -> None:
        super().print_help(file or sys.stdout)


def _type_of(action: argparse.Action) -> Callable[[str], Any] | None:
    """What makes a value of a text; not what opens a file, as nobody but the command's own person says which."""
    return action.type if callable(action.type) and not isinstance(action.type, argparse.FileType) else None


def _is_list(action: argparse.Action) -> bool:
    """Whether its value is a list of values, each of its type."""
    return action.nargs not in (None, 0, argparse.OPTIONAL) or isinstance(action, argparse._AppendAction)


class Removed(argparse.Action):
    """An option of old Locusts; answers with what to write today."""

    def __init__(self, option_strings: Sequence[str], dest: str, instead: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs="?", help=argparse.SUPPRESS)
        self.instead = instead

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        parser.error(f"{option} is no longer an option: {self.instead}")
