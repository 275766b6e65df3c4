"""A metric as Prometheus knows it: a name, what it means, and a line for each set of labels."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gregaria.turn import give_turn

__all__ = ["Family", "Labels", "Sample", "encodable", "labels", "pieces_of"]

#: what comes behind the name, the labels in braces ("" for none), the value
Sample = tuple[str, str, int | float]

#: lines after which others get their turn: users are not to wait for a scrape
_LINES_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        name: without what comes behind it (``_total``, ``_bucket``).
        kind: ``counter``, ``gauge``, ``histogram`` or ``summary``.
        help: one sentence.
        samples: its lines; they may be made while they are read.
    """

    name: str
    kind: str
    help: str
    samples: Iterable[Sample]

    @property
    def full_name(self) -> str:
        """The name under which the format describes it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


class Labels(str):
    """Labels in braces, as Prometheus reads them.

    Attributes:
        values: {name: value}, for who reads them otherwise.
    """

    __slots__ = ("values",)
    values: dict[str, str]


def labels(**values: str) -> Labels:
    """Labels in braces; characters that the format cannot carry are replaced."""
    values = {name: encodable(value) for name, value in values.items()}
    written = Labels("{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items()) + "}")
    written.values = values
    return written


def encodable(text: str) -> str:
    """The text as UTF-8 can have it: halves of characters, which Python may have, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def pieces_of(families: Iterable[Family]) -> Iterator[bytes]:
    """The families in Prometheus' text format, in pieces, with a turn for others between them."""
    lines: list[str] = []
    for family in families:
        name = family.full_name
        lines.append(f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n")
        for suffix, label_text, value in family.samples:
            lines.append(f"{name}{suffix}{label_text} {value}\n")
            if len(lines) >= _LINES_AT_ONCE:
                yield "".join(lines).encode()
                lines.clear()
                give_turn()
    yield "".join(lines).encode()


@functools.lru_cache(maxsize=16384)
def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
