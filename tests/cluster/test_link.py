"""The thread of a link: what fails in it ends nothing but itself, and the link can always be closed."""

from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event

from gregaria.cluster.happenings import Failed
from gregaria.cluster.link import Link, MasterSocket
from gregaria.cluster.master_machine import MasterMachine
from gregaria.cluster.wire import WireError


def opened(machine: MasterMachine) -> Link:
    link = Link(MasterSocket(machine, "127.0.0.1", 0, None), lambda what: None)
    link.open()
    return link


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_a_wish_that_cannot_be_granted_keeps_no_other_from_being_granted() -> None:
    link = opened(MasterMachine("master"))
    done = Event()
    loop = gevent.get_hub().loop
    link.ask(raising(WireError("too large")))
    link.ask(raising(RuntimeError("a dictionary has changed")))
    link.ask(lambda: loop.run_callback_threadsafe(done.set))
    assert done.wait(5)
    link.close()


def test_a_link_that_has_failed_says_so_once_takes_what_is_asked_and_can_be_closed() -> None:
    machine = MasterMachine("master")
    machine.tick = raising(RuntimeError("it cannot go on"))  # type: ignore[method-assign]
    happened: list[Any] = []
    told = Event()
    link = Link(MasterSocket(machine, "127.0.0.1", 0, None), lambda what: (happened.append(what), told.set()))
    link.open()
    assert told.wait(5)
    for _ in range(3):
        link.ask(raising(AssertionError("nobody is there who could")))
    with gevent.Timeout(5):
        link.close()
    assert happened == [Failed("RuntimeError: it cannot go on")]
