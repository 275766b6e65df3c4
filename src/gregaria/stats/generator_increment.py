"""What a generator has observed about itself since it last told: on its way from a worker to the master."""

from dataclasses import dataclass, fields
from typing import Any

from gregaria.stats.fields import dictionary_of, integer_of, list_of, moment_of, number_of, row_of, sendable, text_of
from gregaria.stats.generator import Cause, HoldUp, LateSecond, Second

__all__ = ["GeneratorIncrement", "Looks"]

#: more than a worker keeps of any
_MOST_ITEMS = 10_000
_SECOND_FIELDS = [field.name for field in fields(Second)]
_OPTIONAL = ("starved_us", "descriptors", "descriptor_limit")


@dataclass(frozen=True, slots=True)
class Looks:
    """How often a busy process was seen in a piece of code."""

    #: what tells one from another, as of a ``HoldUp``
    key: tuple[str, str, str]
    #: name and place
    who: str
    count: int


@dataclass(frozen=True, slots=True)
class GeneratorIncrement:
    """What is new."""

    seconds: tuple[Second, ...] = ()
    #: those that are new, or later than was known
    late_seconds: tuple[LateSecond, ...] = ()
    #: counts and times are what came to those that were told
    causes: tuple[Cause, ...] = ()
    looks: tuple[Looks, ...] = ()
    #: of a busy process, those at Gregaria's own work included
    num_looks: int = 0
    #: requests that the engine did not time, and whose times are in doubt
    num_late_calls: int = 0
    #: of all the time
    longest_delay_us: int = 0

    def plain(self) -> dict[str, Any]:
        """Lists, texts and numbers, of what there is; ``of`` reads them."""
        found: dict[str, Any] = {
            "seconds": [[getattr(second, name) for name in _SECOND_FIELDS] for second in self.seconds],
            "late_seconds": [[late.epoch_s, late.delay_us] for late in self.late_seconds],
            "causes": [_plain_cause(cause) for cause in self.causes],
            "looks": [[*map(sendable, (*looks.key, looks.who)), looks.count] for looks in self.looks],
            "num_looks": self.num_looks,
            "num_late_calls": self.num_late_calls,
            "longest_delay_us": self.longest_delay_us,
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def of(cls, plain: Any, shift_s: int) -> "GeneratorIncrement":
        """What ``plain`` made these of, in seconds of this machine's clock.

        Raises:
            ValueError: it made no such thing.
        """
        data = dictionary_of(plain, "generator")
        return cls(
            tuple(_second_of(row, shift_s) for row in list_of(data.get("seconds", []), "seconds", _MOST_ITEMS)),
            tuple(_late_of(row, shift_s) for row in list_of(data.get("late_seconds", []), "late seconds", _MOST_ITEMS)),
            tuple(map(_cause_of, list_of(data.get("causes", []), "causes", _MOST_ITEMS))),
            tuple(map(_looks_of, list_of(data.get("looks", []), "looks", _MOST_ITEMS))),
            integer_of(data.get("num_looks", 0), "num_looks"),
            integer_of(data.get("num_late_calls", 0), "num_late_calls"),
            integer_of(data.get("longest_delay_us", 0), "longest_delay_us"),
        )


def _plain_cause(cause: Cause) -> list[Any]:
    what = cause.what
    texts = map(sendable, (what.kind, what.name, what.advice, what.file))
    return [*texts, what.line, cause.count, cause.total_us, cause.longest_us]


def _cause_of(plain: Any) -> Cause:
    row = row_of(plain, "a cause", 8)
    kind, name, advice, file = (text_of(each, "a cause's text") for each in row[:4])
    line, count, total_us, longest_us = (integer_of(each, "a cause's number") for each in row[4:])
    return Cause(HoldUp(kind, name, advice, file, line), count, total_us, longest_us)


def _looks_of(plain: Any) -> Looks:
    *texts, count = row_of(plain, "looks", 5)
    kind, name, file, who = (text_of(each, "a look's text") for each in texts)
    return Looks((kind, name, file), who, integer_of(count, "looks"))


def _late_of(plain: Any, shift_s: int) -> LateSecond:
    epoch_s, delay_us = row_of(plain, "a late second", 2)
    return LateSecond(_epoch_s_of(epoch_s, shift_s), integer_of(delay_us, "a delay"))


def _second_of(plain: Any, shift_s: int) -> Second:
    given = dict(zip(_SECOND_FIELDS, row_of(plain, "a second", len(_SECOND_FIELDS)), strict=True))
    found: dict[str, Any] = {"epoch_s": _epoch_s_of(given.pop("epoch_s"), shift_s)}
    is_late = given.pop("is_late")
    if not isinstance(is_late, bool):
        raise ValueError("is_late is neither true nor false")
    for name, value in given.items():
        if value is None and name in _OPTIONAL:
            found[name] = None
        else:
            found[name] = number_of(value, name) if name.endswith("_percent") else integer_of(value, name)
    return Second(**found, is_late=is_late)


def _epoch_s_of(value: Any, shift_s: int) -> int:
    moment_s = moment_of(integer_of(value, "epoch_s"), "epoch_s", shift_s)
    assert moment_s is not None
    return int(moment_s)
