"""How the two dialects tell each other apart: what a worker says when it is ready, and what a master answers.

Locust's master takes any text as its worker's version and looks at the first four characters. So a worker of ours says
the version it stands for, and behind it what it is: ``2.47.0 gregaria {"protocol": 1, ...}``. Locust's worker ignores
what it does not know in the answer, so a master of ours adds what it is: ``{"index": 0, "gregaria": {...}}``.
"""

import json
from typing import Any

from gregaria.version import VERSION

__all__ = ["PROTOCOL", "answer", "greeting", "mismatch", "what_master_is", "what_worker_is"]

#: the version of our dialect; another one is refused
PROTOCOL = 1
#: the Locust that our workers stand for
STANDS_FOR = "2.47.0"
_MARK = " gregaria "
_LONGEST = 10_000


def greeting(about: dict[str, Any]) -> str:
    """What a worker says when it is ready."""
    return STANDS_FOR + _MARK + json.dumps({"protocol": PROTOCOL, "version": VERSION, **about}, sort_keys=True)


def what_worker_is(said: object) -> dict[str, Any] | None:
    """What a worker of ours has told of itself; None for a worker of Locust's.

    Raises:
        ValueError: it is no worker that one could talk to.
    """
    if said == -1:
        # Workers in other languages, whose version means nothing.
        return None
    if not isinstance(said, str) or not 0 < len(said) <= _LONGEST:
        raise ValueError("it does not tell its version, so it is older than Locust 2.0")
    _, mark, text = said.partition(_MARK)
    if not mark:
        return None
    try:
        about = json.loads(text)
    except RecursionError:
        raise ValueError("what it says of itself is nested too deeply") from None
    if not isinstance(about, dict) or not isinstance(about.get("incarnation"), str):
        raise ValueError("it says that it is Gregaria's, but not which")
    return about


def answer(index: int, about: dict[str, Any]) -> dict[str, Any]:
    """What a master answers to a worker of ours."""
    return {"index": index, "gregaria": {"protocol": PROTOCOL, "version": VERSION, **about}}


def what_master_is(data: object) -> tuple[int, dict[str, Any] | None]:
    """A worker's index, and what a master of ours has told of itself; None for a master of Locust's."""
    if not isinstance(data, dict):
        return 0, None
    index, about = data.get("index"), data.get("gregaria")
    return index if isinstance(index, int) else 0, about if isinstance(about, dict) else None


def mismatch(here: str, theirs: dict[str, Any]) -> str | None:
    """Why a worker and a master cannot work together, or None; ``here`` is "master" or "worker"."""
    if theirs.get("protocol") == PROTOCOL:
        return None
    there = "worker" if here == "master" else "master"
    return (
        f"the {here} is Gregaria {VERSION}, which speaks protocol {PROTOCOL}, and the {there} is Gregaria "
        f"{theirs.get('version')}, which speaks protocol {theirs.get('protocol')}: install the same version on both"
    )
