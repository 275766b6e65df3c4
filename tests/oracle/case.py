"""One case of the oracle, and how it is written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.places import Places
from tests.oracle.ways import OURS, Client, Options

Do = Callable[[Client, Places], None]


@dataclass(frozen=True)
class Case:
    """A piece of HTTP that has to come out the same whichever way it goes.

    Attributes:
        phrase: of the requirement that it is a case of.
        name: what is special about it.
        do: makes the calls.
        server: which of ``Places`` is talked to.
        options: what the session is made with; a function of the places where it needs to know them.
        ways: those that can be told to do this at all.
        in_order: whether what the server received is compared in the order it came.
        counted: {row: requests} of the statistics; None for as many as there are calls, under whatever name.
        checks: what the reference itself has to show, so that no case is empty: called with client and received.
    """

    phrase: str
    name: str
    do: Do
    server: str = "plain"
    options: Options | Callable[[Places], Options] = field(default_factory=Options)
    ways: tuple[str, ...] = OURS
    in_order: bool = True
    counted: Mapping[str, int] | None = None
    checks: Callable[[Client, list[Any]], None] | None = None

    @property
    def id(self) -> str:
        return f"{self.phrase}: {self.name}"


class Fresh:
    """An argument that has to be made anew for each call: a file, an iterator."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def fresh(value: Any, opened: list[Any]) -> Any:
    """The value, with everything in it that is Fresh made anew; what has to be closed afterwards goes to ``opened``."""
    if isinstance(value, Fresh):
        made = value.make()
        if hasattr(made, "close"):
            opened.append(made)
        return made
    if type(value) is dict:
        return {key: fresh(each, opened) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(fresh(each, opened) for each in value)
    return value


def _by(function: str, times: int, positional: tuple[str, ...], arguments: dict[str, Any]) -> Do:
    def do(client: Client, places: Places) -> None:
        for _ in range(times):
            opened: list[Any] = []
            getattr(client, function)(*positional, **fresh(arguments, opened))
            for each in opened:
                each.close()

    return do


def call(method: str, url: str, *, times: int = 1, **arguments: Any) -> Do:
    """Make one call, or the same call several times."""
    return _by("request", times, (method, url), arguments)


def get(url: str, *, times: int = 1, **arguments: Any) -> Do:
    """As ``call``, by ``get()``."""
    return _by("get", times, (url,), arguments)


def post(url: str, *, times: int = 1, **arguments: Any) -> Do:
    """As ``call``, by ``post()``."""
    return _by("post", times, (url,), arguments)


def one_by_one(*steps: Do) -> Do:
    """Several of these, one after the other."""

    def do(client: Client, places: Places) -> None:
        for step in steps:
            step(client, places)

    return do
