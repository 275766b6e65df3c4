"""Makes users and keeps account of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gevent import Greenlet
from gevent.pool import Group

from gregaria.engine.gate import Gate


@dataclass(eq=False, slots=True)
class Running:
    """A user and its greenlet.

    Attributes:
        user: the instance.
        greenlet: runs it.
        class_name: name of its class.
        leaving: it was asked to end; when it does, nobody takes its place.
        killed: it has been sent a GreenletExit. In its ``on_stop`` it may still make requests.
    """

    user: Any
    greenlet: Greenlet
    class_name: str
    leaving: bool = False
    killed: bool = False

    @property
    def gate(self) -> Gate:
        """The gate that all requests of the user pass."""
        gate: Gate = self.user.gate
        return gate


class Spawner:
    """The users that are there.

    Args:
        environment: given to every user.
        group: all greenlets of users.
        on_end: called with each user that has ended, in a greenlet of its own.
    """

    def __init__(self, environment: Any, group: Group, on_end: Callable[[Running], None]) -> None:
        self._environment = environment
        self._group = group
        self._on_end = on_end
        # In the order in which they were started.
        self._running: dict[Greenlet, Running] = {}
        self._staying: dict[str, dict[Greenlet, Running]] = {}

    def make(self, user_class: Any) -> Any:
        """A user that has not been started yet.

        Raises:
            Exception: whatever the constructor raises.
        """
        return user_class(self._environment)

    def start(self, user: Any) -> Running:
        """Let a user run in a greenlet of its own."""
        greenlet = user.start(self._group)
        running = Running(user, greenlet, type(user).__name__)
        self._running[greenlet] = running
        self._staying.setdefault(running.class_name, {})[greenlet] = running
        greenlet.link(self._ended)
        return running

    def everybody(self) -> list[Running]:
        """All users whose greenlets have not ended."""
        return list(self._running.values())

    def count_staying(self) -> int:
        """How many users run and have not been asked to end."""
        return sum(len(of_class) for of_class in self._staying.values())

    def dismiss(self, class_name: str, count: int) -> list[Running]:
        """The users of a class that were started last, as many as asked for; from now on they are leaving."""
        latest = list(self._staying.get(class_name, {}).values())[-count:] if count > 0 else []
        self.mark_leaving(latest)
        return latest

    def mark_leaving(self, users: Iterable[Running]) -> None:
        """Nobody shall take the place of these users when they end."""
        for running in users:
            running.leaving = True
            self._staying.get(running.class_name, {}).pop(running.greenlet, None)

    def give_up(self, running: Running) -> None:
        """Forget a user that does not end."""
        self._group.discard(running.greenlet)
        self._forget(running.greenlet)

    def _ended(self, greenlet: Greenlet) -> None:
        running = self._forget(greenlet)
        if running is not None:
            self._on_end(running)

    def _forget(self, greenlet: Greenlet) -> Running | None:
        running = self._running.pop(greenlet, None)
        if running is not None:
            self._staying.get(running.class_name, {}).pop(greenlet, None)
            # What a user has spawned itself and left behind sends nothing more either.
            running.gate.close()
        return running
