"""What an option's text may say: durations, rates, counts, levels; each says what it expected instead."""

import argparse

from gregaria import typed
from gregaria.client.allowed import check_entry

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def duration_s(text: str) -> int | float:
    """Seconds, as ``typed.duration_s`` reads them.

    Raises:
        argparse.ArgumentTypeError: the text is no duration, or one that nobody can mean.
    """
    try:
        return typed.duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def whole_number(text: str) -> int:
    """An int.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def count(text: str) -> int:
    """An int that is not below zero.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    number = whole_number(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below zero")
    return number


def positive_count(text: str) -> int:
    """An int above zero.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def some_text(text: str) -> str:
    """A text that is not empty, as that of a variable that nobody has set is.

    Raises:
        argparse.ArgumentTypeError: it is.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty: give a text, or leave the option out")
    return text


def port(text: str) -> int:
    """The number of a TCP port; 0 stands for any.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    number = whole_number(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is no port: they go from 1 to 65535")
    return number


def known_port(text: str) -> int:
    """The number of a TCP port to connect to.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    number = port(text)
    if number == 0:
        raise argparse.ArgumentTypeError("0 is no port to connect to: they go from 1 to 65535")
    return number


def address(text: str) -> str:
    """A host's name or address, without the brackets that an IPv6 address has in URLs.

    Raises:
        argparse.ArgumentTypeError: there is a scheme or a port at it.
    """
    if "://" in text or "]:" in text or text.count(":") == 1:
        raise argparse.ArgumentTypeError(f"{text!r}: write the name or the address alone; the port is another option")
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def rate(text: str) -> float:
    """A finite float above zero.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    try:
        return typed.rate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def exit_code(text: str) -> int:
    """An exit code that an operating system can carry.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    number = whole_number(text)
    if not 0 <= number <= 255:
        raise argparse.ArgumentTypeError(f"an exit code is 0 to 255, not {number}")
    return number


def log_level(text: str) -> str:
    """The name of a level in capitals.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    level = text.upper()
    if level not in _LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_LEVELS)}")
    return level


def base_url(text: str) -> str:
    """A host as typed; only what can never be one is refused.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        typed.check_host(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def allowed_host(text: str) -> str:
    """A host, or several at once, that a test may ask.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        check_entry(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def words(text: str) -> list[str]:
    """The words of an environment variable."""
    return text.split()
