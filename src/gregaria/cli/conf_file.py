"""Configuration files: what stands in them, and on which line."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gregaria.errors import CommandError, ExitCode

_LINE = re.compile(r"(?:--)?(?P<key>[\w-]+)\s*(?:[=:]|\s|$)\s*(?P<value>.*)")
_COMMENT = re.compile(r"\s[#;].*$")
_TABLES = ("locust", "gregaria")


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and where it was found.

    Attributes:
        source: for messages: ``locust.conf:3`` or ``environment variable LOCUST_USERS``.
        key: the option's long name without dashes in front.
        value: text, or a list of texts, or a bool.
    """

    source: str
    key: str
    value: str | bool | list[str]


def read_file(path: Path, *, must_have_table: bool = False) -> list[Setting]:
    """What a configuration file sets: TOML tables for ``.toml``, else lines of ``key = value``.

    Raises:
        CommandError: it cannot be read, or a line is none of this; the message has file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"cannot read the configuration file {path}: {reason}", ExitCode.USAGE) from None
    if path.suffix == ".toml":
        return _read_toml(path, text, must_have_table)
    return _read_lines(path, text)


def list_of(text: str) -> list[str] | None:
    """The values in ``[a, b]``, or None when the text has no brackets around it."""
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")):
        return None
    try:
        return [_text(item) for item in json.loads(stripped)]
    except ValueError:
        items = (_unquoted(item.strip()) for item in stripped[1:-1].split(","))
        return [item for item in items if item]


def _read_lines(path: Path, text: str) -> list[Setting]:
    settings = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if not content or content[0] in "#;[" or content.startswith("---"):
            continue
        match = _LINE.fullmatch(content)
        if not match:
            raise CommandError(f"{path}:{number}: expected `option = value`, found {content!r}", ExitCode.USAGE)
        settings.append(Setting(f"{path}:{number}", match["key"], _value(match["value"])))
    return settings


def _value(text: str) -> str | list[str]:
    if text[:1] not in ('"', "'"):
        text = _COMMENT.sub("", " " + text).strip()
    else:
        closing = text.find(text[0], 1)
        if closing > 0 and re.fullmatch(r"\s*([#;].*)?", text[closing + 1 :]):
            return text[1:closing]
    return list_of(text) or text or "true"


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _read_toml(path: Path, text: str, must_have_table: bool) -> list[Setting]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"{path} is not TOML: {error}", ExitCode.USAGE) from None
    tool = document.get("tool", {})
    settings = []
    for table in _TABLES:
        for key, value in tool.get(table, {}).items():
            settings.append(Setting(f"{path}:{_line_of(text, table, key)}", key, _toml_value(value)))
    if must_have_table and not any(table in tool for table in _TABLES):
        raise CommandError(f"{path} has no table [tool.locust] or [tool.gregaria]", ExitCode.USAGE)
    return settings


def _line_of(text: str, table: str, key: str) -> int:
    start = re.search(rf"^\s*\[\s*tool\s*\.\s*{table}\s*\]", text, re.MULTILINE)
    begin = start.start() if start else 0
    found = re.compile(rf"^\s*[\"']?{re.escape(key)}[\"']?\s*=", re.MULTILINE).search(text, begin)
    position = len(text[: found.end()].rstrip()) if found else begin
    return text.count("\n", 0, position) + 1


def _toml_value(value: Any) -> str | bool | list[str]:
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [_text(item) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, default=str) if isinstance(value, dict | list | bool) else str(value)
