"""Locustfiles as Locust's nodes send them to each other: their texts, under their last names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gregaria.cluster.cargo import LARGEST_TOTAL_BYTES, MOST_FILES

__all__ = ["for_locust", "from_locust"]


def for_locust(locustfiles: Sequence[Path]) -> dict[str, Any]:
    """What a worker of Locust's is answered that asks for the locustfiles; an error is an answer, too."""
    names = [path.name for path in locustfiles]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        return {"error": f"two locustfiles are called {doubles[0]}, and a worker of Locust takes only one: rename one"}
    try:
        return {"locustfiles": [{"filename": path.name, "contents": path.read_text("utf-8")} for path in locustfiles]}
    except (OSError, UnicodeDecodeError) as error:
        return {"error": f"the master cannot read its locustfiles: {error}"}


def from_locust(answer: object, folder: Path) -> tuple[list[Path], list[str]]:
    """Write what a master of Locust's has answered into a folder that is there; returns the files' paths, and URLs.

    Its master sends URLs on as it was given them.

    Raises:
        ValueError: it is an error or no answer, or the files cannot be written; none of them is left.
    """
    if not isinstance(answer, dict):
        raise ValueError("the master's answer holds no locustfiles")
    if answer.get("error"):
        raise ValueError(f"the master has no locustfile to give: {str(answer['error'])[:1000]}")
    told = answer.get("locustfiles")
    if not isinstance(told, list) or not 0 < len(told) <= MOST_FILES:
        raise ValueError("the master's answer holds no locustfiles")
    urls = [each for each in told if isinstance(each, str)]
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"the master names {url[:100]!r}, which is no URL")
    files = [_file(each) for each in told if not isinstance(each, str)]
    if len({name.casefold() for name, _ in files}) < len(files):
        raise ValueError("two of the master's locustfiles have the same name: rename one, or use a master of Gregaria")
    if sum(len(content) for _, content in files) > LARGEST_TOTAL_BYTES:
        raise ValueError(f"the master's locustfiles have more than {LARGEST_TOTAL_BYTES:,} bytes")
    return _written(files, folder), urls


def _file(told: object) -> tuple[str, bytes]:
    name, text = (told.get("filename"), told.get("contents")) if isinstance(told, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(text, str):
        raise ValueError("the master's answer holds something that is no locustfile")
    if not name.endswith(".py") or len(name) > 200 or any(character in name for character in "/\\:\0"):
        raise ValueError(f"the master sends a locustfile called {name[:100]!r}, which is no name of a Python file")
    try:
        return name, text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} from the master is no text: {error}") from None


def _written(files: Sequence[tuple[str, bytes]], folder: Path) -> list[Path]:
    paths: list[Path] = []
    try:
        for name, content in files:
            path = folder / name
            with open(path, "xb") as opened:
                paths.append(path)
                opened.write(content)
    except OSError as error:
        for path in paths:
            path.unlink(missing_ok=True)
        raise ValueError(f"the master's locustfiles cannot be written into {folder}: {error}") from None
    return paths
