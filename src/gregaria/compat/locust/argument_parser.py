import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gregaria.cli.config import resolve
from gregaria.cli.options import new_parser
from gregaria.cli.parser import Parser as LocustArgumentParser
from gregaria.compat._explain import LATER, explain
from gregaria.events import events
from gregaria.web.form import extra_option

DEFAULT_CONFIG_FILES = ("~/.locust.conf", "locust.conf", "pyproject.toml")

__all__ = [
    "DEFAULT_CONFIG_FILES",
    "LocustArgumentParser",
    "default_args_dict",
    "get_parser",
    "parse_options",
    "ui_extra_args_dict",
]


def get_parser(default_config_files: Sequence[str] = DEFAULT_CONFIG_FILES) -> LocustArgumentParser:
    """The command's parser with what locustfiles have added."""
    parser = new_parser()
    events.init_command_line_parser.fire(parser=parser)
    return parser


def parse_options(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Every option's value for ``args``, the environment and the configuration files; those of this process without."""
    tokens = sys.argv[1:] if args is None else args
    return resolve(get_parser(), tokens, os.environ, Path.cwd(), Path.home()).options


def ui_extra_args_dict(args: Sequence[str] | None = None) -> dict[str, Any]:
    """{name: what a form shows of it} of the options that locustfiles have added."""
    parser = get_parser()
    options = resolve(parser, sys.argv[1:] if args is None else args, os.environ, Path.cwd(), Path.home()).options
    added = parser.added().items()
    return {name: extra_option(option, getattr(options, name)) for name, option in added if option.is_shown}


def default_args_dict() -> dict[str, Any]:
    """{option: its default}."""
    return vars(get_parser().complete(argparse.Namespace()))


if not TYPE_CHECKING:
    __getattr__ = explain(
        __name__,
        {
            "get_empty_argument_parser": f"{LATER}; get_parser() gives the whole parser.",
            "setup_parser_arguments": f"{LATER}; get_parser() gives the parser with every option.",
            "parse_locustfile_option": f"{LATER}; parse_options(args).locustfile holds it.",
            "get_locustfiles_locally": f"{LATER}; list the files yourself, `gregaria -f` does it for the command.",
        },
    )
