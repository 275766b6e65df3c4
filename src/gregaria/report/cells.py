"""How a figure or a name is written for a person: short, aligned, and harmless to a terminal."""

import unicodedata
from collections.abc import Iterable

__all__ = [
    "clock",
    "fit",
    "milliseconds",
    "padded",
    "paint",
    "plain_letters",
    "printable",
    "rate",
    "share",
    "start",
    "width",
]

#: SGR codes of the few styles there are
_STYLES = {"alarm": "31", "strong": "1", "faint": "2", "fresh": "36"}
#: the drawing characters we use, for outputs that cannot show them; one for one, so that columns stay in place
_PLAIN = str.maketrans("…·█░▁▂▃▄▅▆▇✓✗", "~-#.___--==+x")


def milliseconds(time_us: float | None) -> str:
    """A time in milliseconds: ``-``, ``0.021``, ``0.21``, ``4.70``, ``32.5``, ``1,234``."""
    if time_us is None:
        return "-"
    time_ms = time_us / 1000
    if time_ms == 0:
        return "0"
    # the limits are where rounding would otherwise show one digit too many
    if time_ms < 0.0995:
        return f"{time_ms:.3f}"
    if time_ms < 9.995:
        return f"{time_ms:.2f}"
    if time_ms < 99.95:
        return f"{time_ms:.1f}"
    return f"{time_ms:,.0f}"


def rate(per_second: float) -> str:
    """Something per second, two decimals."""
    return f"{per_second:,.2f}"


def share(part: int, ratio: float) -> str:
    """A count and the share it is of the whole (``ratio`` 0..1), as ``35(20.11%)``."""
    return f"{part:,}({ratio * 100:.2f}%)"


def clock(seconds: float) -> str:
    """A duration as ``01:05`` or ``2:00:00``."""
    minutes, second = divmod(max(int(seconds), 0), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


def printable(text: str) -> str:
    """The text on one line with everything that could steer a terminal written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def width(text: str) -> int:
    """Columns that printable text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def fit(text: str, columns: int) -> str:
    """The text, shortened in the middle if it is wider than ``columns``."""
    if width(text) <= columns:
        return text
    if columns <= 1:
        return "…"[:columns]
    head = start(text, (columns - 1) // 2)
    tail = start(text[::-1], columns - 1 - width(head))[::-1]
    return f"{head}…{tail}"


def start(text: Iterable[str], columns: int) -> str:
    """The beginning of the text, as much of it as fits."""
    taken = []
    for character in text:
        columns -= _columns(character)
        if columns < 0:
            break
        taken.append(character)
    return "".join(taken)


def padded(text: str, columns: int, *, left: bool = False) -> str:
    """The text with spaces to ``columns``, on its right if ``left``."""
    spaces = " " * (columns - width(text))
    return text + spaces if left else spaces + text


def paint(text: str, style: str) -> str:
    """The text in a style (``alarm``, ``strong``, ``faint``, ``fresh``; empty for none) for a terminal with colours."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and text else text


def plain_letters(text: str, encoding: str | None) -> str:
    """The text in what ``encoding`` can carry: drawing characters as ASCII ones, the rest as escapes."""
    target = encoding or "utf-8"
    try:
        text.encode(target)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(target, "backslashreplace").decode(target)
    return text


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
