"""Users for tests, and a wire that keeps the promises of a session without sending anything."""

from collections.abc import Callable
from typing import Any

import gevent
from greenlet import GreenletExit

from gregaria.users.declare import task
from gregaria.users.user import User
from gregaria.users.wait import constant


class Wire:
    """Where requests of tests go; counts as the target and as the report would.

    Attributes:
        seen: requests that the target has seen.
        counted: requests that are in the report.
        interrupted: requests that are told as such.
    """

    def __init__(self, duration_s: Callable[[], float] = lambda: 0.001) -> None:
        self.duration_s = duration_s
        self.seen = 0
        self.counted = 0
        self.interrupted = 0

    def request(self, user: User) -> None:
        gate = user.gate
        if not gate.open:
            raise GreenletExit
        gate.in_flight += 1
        self.seen += 1
        try:
            gevent.sleep(self.duration_s())
        except GreenletExit:
            self.interrupted += 1
            raise
        finally:
            gate.in_flight -= 1
        self.counted += 1
        if not gate.open:
            raise GreenletExit


class Idler(User):
    """Waits."""

    wait_time = constant(60)

    @task
    def nothing(self) -> None: ...


class Sleeper(User):
    """Is in its task, and not on the wire."""

    @task
    def sleep(self) -> None:
        gevent.sleep(60)


def busy_on(wire: Wire) -> Any:
    """A class of users that make one request after the other."""

    class Busy(User):
        @task
        def request(self) -> None:
            wire.request(self)

    return Busy
