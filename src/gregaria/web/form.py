"""What the fields of the start form mean."""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gregaria.context import CustomOption
from gregaria.typed import NoDurationError, check_host, duration_s

__all__ = [
    "WrongFieldError",
    "as_host",
    "as_rate",
    "as_run_time_s",
    "as_user_count",
    "as_value",
    "extra_option",
    "kind_of",
    "shown",
]

_YES = ("true", "on", "yes", "1")


class WrongFieldError(ValueError):
    """A field of the form says what it cannot say; the text is for the person.

    Args:
        message: the text.
        field: which one; None if that is not clear, or for whoever catches it to say.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


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
        "default_value": shown(value),
        "is_secret": option.is_secret,
        "is_required": option.is_required,
        "help_text": option.help or None,
        "is_multiple": option.is_multiple,
        "choices": None if option.choices is None else list(option.choices),
    }


def shown(value: Any) -> Any:
    """A value as a form is given it: what JSON does not know is a text, which ``as_value`` knows again."""
    is_plain = value is None or isinstance(value, bool | int | float | str | list | tuple)
    return value if is_plain else str(value)


def as_value(option: CustomOption, texts: Sequence[str], present: Any) -> Any:
    """The value of a field: of the option's type, or else of the type that the present value has.

    Args:
        option: whose value it is to be.
        texts: of the fields with its name.
        present: the value that it has.

    Raises:
        WrongFieldError: it cannot be one, or is none of the choices.
    """
    text = texts[-1]
    if isinstance(present, bool):
        return text.lower() in _YES
    if option.type is not None and text == str(present):
        return present
    is_free = option.type is None and option.choices is None
    if not text and not is_free and option.default in (None, ""):
        # Nothing has been written where nothing need be.
        return option.default
    if option.is_list or (isinstance(present, list) and option.type is None):
        parts = list(texts) if len(texts) > 1 else [part.strip() for part in text.split(",") if part.strip()]
        are_numbers = isinstance(present, list) and present and all(type(each) is int for each in present)
        return [_one_of(option, part, option.type or (int if are_numbers else str)) for part in parts]
    kind = option.type or (type(present) if isinstance(present, int | float) else str)
    return _one_of(option, ",".join(texts) if isinstance(present, list) else text, kind)


def _one_of(option: CustomOption, text: str, kind: Callable[[str], Any]) -> Any:
    value = _converted(kind, text, option.is_secret)
    defaults = option.default if isinstance(option.default, list | tuple) else [option.default]
    if option.choices is not None and str(value) not in option.choices and value not in defaults:
        raise WrongFieldError(f"{_quoted(text, option.is_secret)} is none of {', '.join(option.choices)}")
    return value


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


def as_run_time_s(text: str) -> int | float:
    """Seconds, as ``-t`` reads them.

    Raises:
        WrongFieldError: the text is no time, or one that nobody can mean.
    """
    try:
        return duration_s(text)
    except NoDurationError:
        raise WrongFieldError("Valid run_time formats are : 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.") from None
    except ValueError as error:
        raise WrongFieldError(f"Invalid run_time value: {error}") from None


def as_host(text: str) -> str:
    """A host, without what Locust takes from it.

    Raises:
        WrongFieldError: it can never be one.
    """
    host = text.replace("<", "").replace(">", "").strip()
    try:
        check_host(host)
    except ValueError as error:
        raise WrongFieldError(f"Invalid host value: {error}") from None
    return host


def _converted(kind: Callable[[str], Any], text: str, is_secret: bool) -> Any:
    try:
        value = kind(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("no number that could be told")
        return value
    except (ValueError, TypeError, OverflowError, ArgumentTypeError) as error:
        wanted = "a whole number" if kind is int else "a number" if kind is float else "a value that it takes"
        why = f" ({error})" if isinstance(error, ArgumentTypeError) and not is_secret else ""
        raise WrongFieldError(f"{_quoted(text, is_secret)} is not {wanted}{why}") from None


def _quoted(text: str, is_secret: bool) -> str:
    return "what was given" if is_secret else repr(text)
