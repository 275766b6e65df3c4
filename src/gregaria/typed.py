"""What a person types, on the command line or in the page, and what it must be: durations, rates and hosts."""

import math
import re

__all__ = ["NoDurationError", "check_host", "duration_s", "rate"]

_DURATION = re.compile(
    r"(?=.)(?:(?P<hours>\d+(?:\.\d+)?)h)?(?:(?P<minutes>\d+(?:\.\d+)?)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s?)?",
    re.IGNORECASE,
)
#: 100 years: clocks and timers still know what that is
_LONGEST_S = 100 * 365 * 24 * 3600

#: a scheme, and what tells it from the name of a host with a port
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<goes_on>//|\d)?", re.IGNORECASE)
#: what a browser would run or open itself where the host of a test is a link
_NOT_HOSTS = ("javascript", "vbscript", "data")


class NoDurationError(ValueError):
    """A text is no duration at all; the error says what one looks like."""


def duration_s(text: str) -> int | float:
    """Seconds in ``20``, ``20s``, ``3m``, ``1h20m``, ``0.5s``; whole seconds are an int, as Locust gives them.

    Raises:
        NoDurationError: the text is no duration.
        ValueError: it is longer than anybody can mean.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise NoDurationError(f"{text!r} is not a duration; write 20, 20s, 3m, 2h, 1h20m, 3h30m10s or 0.5s")
    total_s = sum(
        float(match[unit] or 0) * seconds for unit, seconds in (("hours", 3600), ("minutes", 60), ("seconds", 1))
    )
    if total_s > _LONGEST_S:
        raise ValueError(f"{text[:40]!r} is longer than 100 years")
    return int(total_s) if total_s == int(total_s) else total_s


def rate(text: str) -> float:
    """A finite number above zero.

    Raises:
        ValueError: it is something else.
    """
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not math.isfinite(number) or number <= 0:
        raise ValueError(f"must be a number > 0, not {text}")
    return number


def check_host(text: str) -> None:
    """Refuse what can never be a host of a test; ``shop.example:1883`` and ``ws://shop.example`` are for some users.

    Raises:
        ValueError: there are blanks in it, or it is something else with a colon, such as ``javascript:...``.
    """
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError(f"{text[:200]!r} has blanks in it; write it like https://www.example.com")
    match = _SCHEME.match(text)
    if match and (not match["goes_on"] or match["scheme"].lower() in _NOT_HOSTS):
        raise ValueError(f"{text[:200]!r} is no host; write it like https://www.example.com")
