"""Plain data for another process, and from one: each field is what it should be, or the whole is refused."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["dictionary_of", "integer_of", "list_of", "moment_of", "number_of", "row_of", "sendable", "text_of"]

#: what no count, size or time exceeds, so that sums stay within 64 bits
_LARGEST = 2**62
_LONGEST_TEXT = 2**20
#: seconds since 1970 up to the year 5138
_LATEST_S = 1e11


def sendable(text: str, longest: int = _LONGEST_TEXT) -> str:
    """The text as UTF-8 can have it: halves of characters become question marks, and what is too long is cut."""
    text = text[:longest]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def dictionary_of(value: Any, what: str) -> Mapping[str, Any]:
    """A dictionary.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no dictionary but {_shown(value)}")
    return value


def list_of(value: Any, what: str, most: int) -> Sequence[Any]:
    """A list of at most so many items.

    Raises:
        ValueError: it is none, or longer.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{what} is no list but {_shown(value)}")
    if len(value) > most:
        raise ValueError(f"{what} has {len(value):,} items, and {most:,} are the most")
    return value


def row_of(value: Any, what: str, size: int) -> Sequence[Any]:
    """A list of exactly so many items.

    Raises:
        ValueError: it is none.
    """
    row = list_of(value, what, size)
    if len(row) != size:
        raise ValueError(f"{what} has {len(row)} items instead of {size}")
    return row


def integer_of(value: Any, what: str) -> int:
    """A count, a size or a time in whole units.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise ValueError(f"{what} is no whole number from 0 to 2^62 but {_shown(value)}")
    return value


def number_of(value: Any, what: str) -> float:
    """A number that is not negative.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LARGEST:
        raise ValueError(f"{what} is no number from 0 to 2^62 but {_shown(value)}")
    return float(value)


def moment_of(value: Any, what: str, shift_s: int) -> float | None:
    """Seconds since 1970 of this machine's clock, of a moment that another's has told; None where none is known.

    Raises:
        ValueError: it is no moment.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{what} is no moment but {_shown(value)}")
    moment_s = value + shift_s
    if not 0 <= moment_s <= _LATEST_S:
        raise ValueError(f"{what} is {moment_s!r}, and moments are seconds since 1970")
    return moment_s


def text_of(value: Any, what: str) -> str:
    """A text.

    Raises:
        ValueError: it is none, or too long.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise ValueError(f"{what} is no text of at most {_LONGEST_TEXT:,} characters but {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:80] if isinstance(value, (int, float)) else f"a {type(value).__name__}"
