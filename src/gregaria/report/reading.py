"""Documents of runs as they are read: what ``--json-file`` wrote, checked before anybody relies on it."""

import functools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gregaria.errors import CommandError, ExitCode
from gregaria.report.json import SCHEMA
from gregaria.report.shape import Misshapen, checker_of
from gregaria.version import VERSION

__all__ = ["SCHEMA_FILE", "read_document"]

#: the schema as it is published
SCHEMA_FILE = Path(__file__).with_name("summary.schema.json")
#: what documents of earlier versions with the same schema do not have
_ADDED_LATER = frozenset(
    {"timeline", "machine", "task_ratios", "kept_exchanges", "shown_percentiles", "verdict", "after_warmup", "limits"}
)
_VERSIONED = re.compile(r"(.+)/(\d{1,9})")


def read_document(path: Path, label: str | None = None) -> dict[str, Any]:
    """The document of a run, as its schema describes it.

    Args:
        path: of the file.
        label: what errors call it; None for the path.

    Raises:
        CommandError: it cannot be read, or is no such document; says which field is wrong, and what is expected.
    """
    name = str(path) if label is None else label
    found: dict[str, Any] = _parsed(path, name)
    _check_schema(found, name)
    try:
        _checker()(found)
        _check_timeline(found.get("timeline"))
    except Misshapen as error:
        raise _refusal(f"{name} is broken, or no document of --json-file: {error}") from None
    except RecursionError:
        raise _refusal(f"{name} is no document of --json-file: it is nested too deeply") from None
    return found


def _parsed(path: Path, name: str) -> Any:
    try:
        # Some editors and shells begin a file with a byte-order mark.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _refusal(f"{name} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise _refusal(f"{name} is no document of --json-file: it is no text in UTF-8") from None
    if not text.strip():
        raise _refusal(f"{name} is no document of --json-file: it is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        is_cut = error.pos >= len(text.rstrip())
        trouble = f"it ends in the middle, at {where}" if is_cut else f"it is no JSON at {where}"
    except RecursionError:
        trouble = "it is nested too deeply"
    except ValueError:
        # What Python refuses to count in.
        trouble = "it has a number of thousands of digits"
    raise _refusal(f"{name} is no document of --json-file: {trouble}")


def _check_schema(found: Any, name: str) -> None:
    """Refuse what is none of our documents, or one that is later than this version knows."""
    if isinstance(found, list):
        raise _refusal(
            f"{name} is no document of --json-file: it is a list, such as --json prints; --json-file writes what is "
            "needed"
        )
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema == SCHEMA:
        return
    told, known = (_VERSIONED.fullmatch(text) if isinstance(text, str) else None for text in (schema, SCHEMA))
    assert known is not None
    if told is not None and told[1] == known[1] and int(told[2]) > int(known[2]):
        raise _refusal(
            f"{name} is of a later version: its schema is {schema}, and Gregaria {VERSION} reads {SCHEMA}; use the "
            "version that wrote it, or a later one"
        )
    trouble = "has no schema" if schema is None else f"has the schema {json.dumps(schema)[:80]}"
    raise _refusal(f"{name} is no document of --json-file: it {trouble}, where {SCHEMA} is expected")


@functools.cache
def _checker() -> Callable[[Any], None]:
    return checker_of(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")), _ADDED_LATER)


def _check_timeline(timeline: Mapping[str, Any] | None) -> None:
    """What a schema cannot say: that places in lists are there, and that counts of buckets are any.

    Raises:
        Misshapen: they are not.
    """
    if timeline is None:
        return
    most_names, most_edges = len(timeline["names"]), len(timeline["edges_us"])
    for number, (_, _, _, _, rows) in enumerate(timeline["blocks"]):
        for place, (name, _, _, _, told) in enumerate(rows):
            trouble = ""
            if name >= most_names:
                trouble = f"names entry {name:,} of {most_names:,} names"
            elif len(told) % 2:
                trouble = "ends with a distance where its count is expected"
            elif sum(told[::2]) >= most_edges and told:
                trouble = f"names bucket {sum(told[::2]):,} of {most_edges:,} buckets"
            elif 0 in told[1::2]:
                trouble = "has a bucket of 0 where a count from 1 on is expected"
            if trouble:
                error = Misshapen(trouble)
                error.place = ["timeline", "blocks", number, 4, place]
                raise error


def _refusal(message: str) -> CommandError:
    return CommandError(message, ExitCode.USAGE)
