"""What options of ``gregaria kubernetes`` may say; each says what it expected instead."""

import argparse
import re
from collections.abc import Callable

from gregaria.cli import values
from gregaria.version import VERSION

__all__ = ["image", "memory", "object_name", "quantity", "run_name", "seen_level", "timeout_s"]

_LEAST_BYTES = 1_000_000


def _written_as(pattern: str, otherwise: str) -> Callable[[str], str]:
    """A text as it is, if all of it has the pattern; ``otherwise`` follows the text in the error."""
    known = re.compile(pattern)

    def check(text: str) -> str:
        if not known.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r} {otherwise}")
        return text

    return check


run_name = _written_as(
    r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
    "can be no name of objects: small letters, digits and - between them, at most 40",
)
object_name = _written_as(
    r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?",
    "can be no name in Kubernetes: small letters, digits, and - or . between them",
)
# Registry, path, tag, digest; the cluster is more exact.
image = _written_as(
    r"[\w.-]+(:\d+)?(/[a-z0-9._/-]+)?(:[\w.-]+)?(@[\w:]+)?",
    f"is no name of an image, such as registry.example.com/load/gregaria:{VERSION}",
)
quantity = _written_as(
    r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", "is no quantity as Kubernetes writes them, such as 500m, 2 or 2Gi"
)


def memory(text: str) -> str:
    """A quantity of bytes in which a worker has room.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    if quantity(text).isdigit() and int(text) < _LEAST_BYTES:
        raise argparse.ArgumentTypeError(f"{text} are bytes, in which no worker has room: write {text}Mi")
    return text


def timeout_s(text: str) -> int:
    """Seconds that a run may take, of a duration.

    Raises:
        argparse.ArgumentTypeError: it is something else, or too short.
    """
    seconds = int(values.duration_s(text))
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"a run takes longer than {text}")
    return seconds


def seen_level(text: str) -> str:
    """A level of the log at which the end of a test is seen.

    Raises:
        argparse.ArgumentTypeError: it is no level, or hides that.
    """
    level = values.log_level(text)
    if level not in ("DEBUG", "INFO"):
        raise argparse.ArgumentTypeError(f"{level} would hide the end of the test, which is seen in the log")
    return level
