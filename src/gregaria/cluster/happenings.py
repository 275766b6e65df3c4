"""What a machine tells its runner: the few things that can happen to a link."""

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Asked",
    "Back",
    "Connected",
    "Disturbed",
    "Failed",
    "Held",
    "Item",
    "Joined",
    "Left",
    "Lost",
    "Refused",
    "Resumed",
    "Waiting",
]


@dataclass(frozen=True, slots=True)
class Item:
    """An item has come, once and in order.

    Attributes:
        node_id: from whom; empty at a worker, where all come from the master.
        number: to say when it has been dealt with.
        kind, payload: what it is.
    """

    node_id: str
    number: int
    kind: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The link has ended by an error of its own: nothing comes or goes any more."""

    reason: str


# At a worker


@dataclass(frozen=True, slots=True)
class Connected:
    """The master has accepted this worker.

    Attributes:
        index: which worker this is, from 0.
        dialect: ``gregaria`` or ``locust``.
        about: what the master says of itself; empty in Locust's dialect.
        is_new: the master is another process than the one before.
    """

    index: int
    dialect: str
    about: dict[str, Any] = field(default_factory=dict)
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The master does not want this worker, or a worker is refused by this master.

    Attributes:
        reason: in words.
        node_id: of the worker, at a master.
        files: the master's files, when the worker's are others.
    """

    reason: str
    node_id: str = ""
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """The lease is over: nobody knows whether the users of this worker run elsewhere by now."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The lease goes on."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The master cannot be reached.

    Attributes:
        waited_s: for how long.
        gives_up: it has been too long.
    """

    waited_s: float
    gives_up: bool = False


# At a master


@dataclass(frozen=True, slots=True)
class Joined:
    """A worker has come, or come back after it had left.

    Attributes:
        node_id: its name.
        index: its number, from 0, the same for the same name.
        dialect: ``gregaria`` or ``locust``.
        about: what it says of itself.
    """

    node_id: str
    index: int
    dialect: str
    about: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker is not heard of any more; its users may be given to others.

    Attributes:
        node_id: its name.
        reason: in words.
        silent_s: seconds since it was heard of.
    """

    node_id: str
    reason: str
    silent_s: float


@dataclass(frozen=True, slots=True)
class Back:
    """A lost worker is heard of again; it has no users but those that it is given from now on."""

    node_id: str


@dataclass(frozen=True, slots=True)
class Left:
    """A worker has said goodbye.

    Attributes:
        node_id: its name.
        number: of the item that says so; 0 in Locust's dialect.
    """

    node_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants the files of the test.

    Attributes:
        identity: what the socket knows it by.
        is_ours: it is one of ours; else one of Locust's.
    """

    identity: bytes
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Disturbed:
    """Frames that mean nothing have come, and were dropped."""

    reason: str
    count: int
