"""A metric as Prometheus knows it: a name, what it means, and a line for each set of labels."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import gevent

__all__ = ["Family", "Sample", "labels", "lines_of"]

#: what comes behind the name, the labels in braces, the value
Sample = tuple[str, str, int | float]

#: lines after which others get their turn: users are not to wait for a scrape
_LINES_AT_ONCE = 1000


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


def labels(**values: str) -> str:
    """Labels in braces; characters that the format cannot carry are replaced."""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items()) + "}"


def lines_of(families: Iterable[Family]) -> Iterator[str]:
    """The families in Prometheus' text format, with a turn for others between every thousand lines."""
    number = 0
    for family in families:
        name = family.full_name
        yield f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n"
        for suffix, label_text, value in family.samples:
            yield f"{name}{suffix}{label_text} {value}\n"
            number += 1
            if number % _LINES_AT_ONCE == 0:
                gevent.sleep(0)


@functools.lru_cache(maxsize=16384)
def _escaped(value: str) -> str:
    value = value.encode("utf-8", "replace").decode("utf-8")
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
