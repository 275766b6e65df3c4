"""The thread of a link: what fails in it ends nothing but itself, and the link can always be closed."""

from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event

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


def test_a_link_that_has_failed_can_be_closed() -> None:
    machine = MasterMachine("master")
    machine.tick = raising(RuntimeError("it has failed"))  # type: ignore[method-assign]
    link = opened(machine)
    with gevent.Timeout(5):
        link.close()
