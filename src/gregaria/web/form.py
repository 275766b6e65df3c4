"""What the fields of the start form mean."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gregaria.context import CustomOption

__all__ = ["WrongFieldError", "as_rate", "as_run_time_s", "as_user_count", "as_value", "extra_option", "kind_of"]

_RUN_TIME = re.compile(r"(?=.)(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s?)?")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_YES = ("true", "on", "yes", "1")


class WrongFieldError(ValueError):
    """A field of the form says what it cannot say; the text is for the person."""


def kind_of(option: CustomOption, value: Any) -> str:
    """What a form shows: ``bool``, ``choice``, ``choices``, ``secret``, ``number``, ``list`` or ``text``."""
    if option.is_secret:
        return "secret"
    if isinstance(value, bool):
        return "bool"
    if option.choices is not None:
        return "choices" if option.is_multiple else "choice"
    if isinstance(value, int | float):
        return "number"
    return "list" if isinstance(value, list) else "text"


def extra_option(option: CustomOption, value: Any) -> dict[str, Any]:
    """An option with its value, as Locust's pages are told of it."""
    return {
        "default_value": value,
        "is_secret": option.is_secret,
        "is_required": option.is_required,
        "help_text": option.help or None,
        "is_multiple": option.is_multiple,
        "choices": None if option.choices is None else list(option.choices),
    }


def as_value(texts: Sequence[str], present: Any) -> Any:
    """The value of a field, of the type that the present one has; a text when there is none.

    Raises:
        WrongFieldError: it cannot be one.
    """
    text = texts[-1]
    if isinstance(present, bool):
        return text.lower() in _YES
    if isinstance(present, list):
        parts = list(texts) if len(texts) > 1 else [part.strip() for part in text.split(",") if part.strip()]
        are_numbers = bool(present) and all(type(each) is int for each in present)
        return [_converted(int, part) for part in parts] if are_numbers else parts
    if isinstance(present, int | float):
        return _converted(type(present), text)
    return text


def as_user_count(fields: Mapping[str, str]) -> int | None:
    """Of the field ``user_count``; None if it is not there or below zero.

    Raises:
        WrongFieldError: it is no whole number.
    """
    text = fields.get("user_count")
    if text is None:
        return None
    try:
        count = int(text)
    except ValueError:
        raise WrongFieldError(f"Invalid user_count value: {text!r} (must be an integer)") from None
    return count if count >= 0 else None


def as_rate(fields: Mapping[str, str]) -> float | None:
    """Of the field ``spawn_rate``; None if it is not there or not above zero.

    Raises:
        WrongFieldError: it is no number.
    """
    text = fields.get("spawn_rate")
    if text is None:
        return None
    try:
        rate = float(text)
    except ValueError:
        raise WrongFieldError(f"Invalid spawn_rate value: {text!r} (must be a number)") from None
    return rate if math.isfinite(rate) and rate > 0 else None


def as_run_time_s(text: str) -> int:
    """Seconds in ``20``, ``20s``, ``1h20m``.

    Raises:
        WrongFieldError: the text is no time.
    """
    found = _RUN_TIME.fullmatch(text.strip())
    if not found:
        raise WrongFieldError("Valid run_time formats are : 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.")
    return sum(int(found[unit] or 0) * seconds for unit, seconds in _SECONDS.items())


def _converted(kind: type, text: str) -> Any:
    try:
        value = kind(text)
        if kind is float and not math.isfinite(value):
            raise ValueError("no number that could be told")
        return value
    except (ValueError, OverflowError):
        raise WrongFieldError(f"{text!r} is not {'a whole number' if kind is int else 'a number'}") from None
