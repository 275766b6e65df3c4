"""Whether plain values have the shape that a JSON schema asks for: what is wrong, where, and what is expected there.

Of the schema language it knows what our schemas use; a word that it does not know is a KeyError when it is first read.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Misshapen", "checker_of"]

#: tells by a Misshapen that a value is not as it should be
Check = Callable[[Any], None]

#: no figure is larger: beyond this, JSON's numbers are not exact
_MOST = 2**53 - 1
_KINDS: dict[str, tuple[type, str]] = {
    "string": (str, "text"),
    "integer": (int, "a whole number"),
    "number": (float, "a number"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
    "null": (type(None), "null"),
}
#: words that ask for nothing
_TOLD = {"$schema", "$id", "$defs", "title", "description", "format"}
_LONGEST_SHOWN = 60


class Misshapen(Exception):
    """A value is not what it should be.

    Attributes:
        place: of the value, from the outermost key or index on.
        trouble: what it is, and what is expected.
    """

    def __init__(self, trouble: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.place: list[str | int] = []

    def within(self, key: str | int) -> "Misshapen":
        """The same, told by the one that contains it under this key."""
        self.place.insert(0, key)
        return self

    def __str__(self) -> str:
        return f"{_path(self.place)} {self.trouble}"


def checker_of(schema: Mapping[str, Any], optional: frozenset[str] = frozenset()) -> Check:
    """A check for values of this schema. Numbers that are not finite are nowhere allowed.

    Args:
        schema: the whole of it, with its ``$defs``.
        optional: keys that may be missing though the schema requires them.
    """
    named: dict[str, Check] = {}
    checker = _Checkers(named, optional)
    named |= {f"#/$defs/{name}": checker.of(part) for name, part in schema.get("$defs", {}).items()}
    return checker.of(schema)


class _Checkers:
    """Makes the checks of a schema's parts.

    Args:
        named: those of its ``$defs``, looked up when a value is checked, as they may contain themselves.
        optional: keys that may be missing.
    """

    def __init__(self, named: Mapping[str, Check], optional: frozenset[str]) -> None:
        self._named = named
        self._optional = optional

    def of(self, schema: Mapping[str, Any]) -> Check:
        words = {word: value for word, value in schema.items() if word not in _TOLD}
        if not words:
            return _anything
        if "$ref" in words:
            name = words.pop("$ref")
            return lambda value: self._named[name](value)
        if choices := [*words.pop("enum", []), *([words.pop("const")] if "const" in words else [])]:
            return _one_of(choices)
        kinds = words.pop("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        expected = " or ".join(_KINDS[kind][1] for kind in kinds)
        # Each takes the words that it understands.
        limits = words.pop("minimum", -_MOST), words.pop("maximum", _MOST)
        checks = {}
        for kind in kinds:
            checks[_KINDS[kind][0]] = self._of_kind(kind, words, limits)
            if kind == "number":
                checks[int] = checks[float]
        if words:
            raise KeyError(f"words of a schema that nobody checks: {', '.join(words)}")
        return _by_kind(checks, expected)

    def _of_kind(self, kind: str, words: dict[str, Any], limits: tuple[float, float]) -> Check:
        if kind in ("integer", "number"):
            return _within(*limits, _KINDS[kind][1])
        if kind == "array":
            leading = [self.of(each) for each in words.pop("prefixItems", [])]
            each = self.of(words.pop("items", {}))
            return _list_of(leading, each, words.pop("minItems", 0), words.pop("maxItems", _MOST))
        if kind == "object":
            needed = [key for key in words.pop("required", []) if key not in self._optional]
            known = {key: self.of(each) for key, each in words.pop("properties", {}).items()}
            pattern = words.pop("propertyNames", {}).get("pattern", "")
            return _object_of(needed, known, self.of(words.pop("additionalProperties", {})), re.compile(pattern))
        return lambda _: None


def _by_kind(checks: Mapping[type, Check], expected: str) -> Check:
    def check(value: Any) -> None:
        inner = checks.get(type(value))
        if inner is None:
            raise Misshapen(f"is {_shown(value)} where {expected} is expected")
        inner(value)

    return check


def _one_of(choices: list[Any]) -> Check:
    told = " or ".join(json.dumps(choice) for choice in choices)

    def check(value: Any) -> None:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise Misshapen(f"is {_shown(value)} where {told} is expected")

    return check


def _within(low: float, high: float, expected: str) -> Check:
    def check(value: Any) -> None:
        if not low <= value <= high:
            raise Misshapen(f"is {_shown(value)} where {expected} from {low:,} to {high:,} is expected")

    return check


def _list_of(leading: list[Check], each: Check, least: int, most: int) -> Check:
    def check(value: Any) -> None:
        if not least <= len(value) <= most:
            raise Misshapen(f"has {len(value):,} entries where {least:,} {'are' if least != 1 else 'is'} expected")
        index = 0
        try:
            for index, check_one in enumerate(leading):
                check_one(value[index])
            for index in range(len(leading), len(value)):
                each(value[index])
        except Misshapen as error:
            raise error.within(index) from None

    return check


def _object_of(needed: list[str], known: Mapping[str, Check], other: Check, names: re.Pattern[str]) -> Check:
    def check(value: Any) -> None:
        for key in needed:
            if key not in value:
                raise Misshapen("is missing").within(key)
        key = ""
        try:
            for key, each in value.items():
                if names.pattern and not names.fullmatch(key):
                    raise Misshapen(f"is a key where one like {names.pattern} is expected")
                known.get(key, other)(each)
        except Misshapen as error:
            raise error.within(key) from None

    return check


def _anything(value: Any) -> None:
    """Whatever a later version may have to say, as long as it can be written as JSON again."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Misshapen(f"is {_shown(value)} where a number is expected")
    if isinstance(value, list):
        _LIST(value)
    elif isinstance(value, dict):
        _OBJECT(value)


_LIST = _list_of([], _anything, 0, _MOST)
_OBJECT = _object_of([], {}, _anything, re.compile(""))


def _shown(value: Any) -> str:
    """A value in JSON's words, or what kind it is of where it has contents."""
    if isinstance(value, list | dict) and value:
        return f"{_KINDS['array' if isinstance(value, list) else 'object'][1]} of {len(value):,}"
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _path(place: list[str | int]) -> str:
    """As ``requests[3].histogram_us["1792"]``."""
    text = ""
    for key in place:
        if isinstance(key, str) and key.isidentifier():
            text += f".{key}" if text else key
        else:
            text += f"[{_shown(key)}]"
    return text or "it"
