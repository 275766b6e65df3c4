"""Options that are known and refused: those whose work comes later, and those that Locust itself has dropped."""

import argparse
from collections.abc import Iterable
from typing import Any

from gregaria.cli.config import Resolved
from gregaria.cli.parser import Parser, Removed
from gregaria.errors import CommandError, ExitCode

OTEL = "OpenTelemetry comes later; leave it out"

_flag: dict[str, Any] = {"action": "store_true"}

#: option strings, environment variable, why it is refused, keywords of add_argument
_LATER: tuple[tuple[tuple[str, ...], str | None, str, dict[str, Any]], ...] = (
    (("--otel",), "LOCUST_ENABLE_OPENTELEMETRY", OTEL, _flag),
)

#: option strings of old Locusts, and what to write today
_REMOVED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("-c", "--clients", "--num-clients"), "write -u/--users"),
    (("--hatch-rate",), "write -r/--spawn-rate"),
    (("--no-web",), "write --headless"),
    (("-n", "--num-request", "--num-requests"), "write -i/--iterations to end after that many tasks"),
    (("--slave",), "it is called --worker"),
    (("--expect-slaves",), "it is called --expect-workers"),
    (("--csv-base-name",), "write --csv"),
    (("--no-reset-stats",), "numbers are kept unless --reset-stats is given; leave it out"),
    (("--step-load", "--step-clients", "--step-users", "--step-time"), "write a LoadTestShape in the locustfile"),
    (("--web-auth",), "it is called --web-login"),
    (("--legacy-ui", "--modern-ui"), "there is one web interface; leave it out"),
    (("--port",), "it is called --web-port"),
    (
        ("--heartbeat-liveness", "--heartbeat-interval"),
        "they are settings: locust.runners.HEARTBEAT_INTERVAL and HEARTBEAT_LIVENESS",
    ),
)


def add_later_options(parser: Parser) -> None:
    """Declare the options whose work comes later."""
    for flags, variable, reason, keywords in _LATER:
        parser.add_argument(*flags, env_var=variable, later=reason, help=argparse.SUPPRESS, **keywords)


def add_removed_options(parser: Parser) -> None:
    """Declare the options of old Locusts; a locustfile may use their names for its own."""
    for flags, instead in _REMOVED:
        parser.add_argument(*flags, action=Removed, instead=instead, yields=True)


def later_names() -> list[str]:
    """The long names of the options whose work comes later, in the order of their groups."""
    return [flags[-1] for flags, *_ in _LATER]


def refuse_later(parser: Parser, resolved: Resolved) -> None:
    """Refuse what is asked for and is not there yet.

    What files and the environment say is not refused, so that those made for Locust can stay.

    Raises:
        CommandError: something is refused; the message says where it stands.
    """
    for action in _asked(parser, resolved.typed):
        raise CommandError(_sentence(action, ": "), ExitCode.NOT_AVAILABLE)


def remarks_on_later(parser: Parser, resolved: Resolved) -> list[str]:
    """Sentences about what the environment or a file asks for in vain."""
    return [
        f"{resolved.sources[action.dest]}: {_sentence(action, ' has no effect: ')}"
        for action in _asked(parser, resolved.elsewhere)
    ]


def _sentence(action: argparse.Action, between: str) -> str:
    return f"{action.option_strings[-1]}{between}{vars(action)['later']}"


def _asked(parser: Parser, given: argparse.Namespace) -> Iterable[argparse.Action]:
    return [
        action
        for action in parser.options()
        if getattr(action, "later", None) and getattr(given, action.dest, action.default) != action.default
    ]
