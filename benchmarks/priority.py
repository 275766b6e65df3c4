"""A measurement that other work on the machine does not disturb."""

import argparse
import os

__all__ = ["add_undisturbed", "take_precedence"]


def add_undisturbed(parser: argparse.ArgumentParser) -> None:
    """Add the option that asks for it."""
    parser.add_argument(
        "--undisturbed", action="store_true", help="run before all other work of the machine (Linux, as root)"
    )


def take_precedence() -> None:
    """Have this process, and all that it starts from here on, run before all others.

    Raises:
        PermissionError: it may not.
    """
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
