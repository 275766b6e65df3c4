"""The thread of a link: what fails in it ends nothing but itself, and the link can always be closed."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import psutil
import zmq
from gevent.event import Event

from gregaria.cluster import files as master_files
from gregaria.cluster.happenings import Failed
from gregaria.cluster.link import Link, MasterSocket
from gregaria.cluster.master_machine import MasterMachine
from gregaria.cluster.wire import WireError, pack


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


def test_files_for_somebody_who_does_not_read_are_in_memory_once(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text("")
    (tmp_path / "data.bin").write_bytes(os.urandom(8 * 1024 * 1024))
    files = master_files.TestFiles([tmp_path / "locustfile.py"])
    machine = MasterMachine("master")
    socket = MasterSocket(machine, "127.0.0.1", 0, None)
    asked = Event()
    link = Link(socket, lambda what: asked.set())
    link.open()
    context: zmq.Context[Any] = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.IDENTITY, b"greedy")
    dealer.setsockopt(zmq.RCVHWM, 1)
    dealer.connect(f"tcp://127.0.0.1:{socket.port}")
    dealer.send(pack("locustfile", {"gregaria": 1}, ""))
    assert asked.wait(5)
    frame = files.answer(is_ours=True)
    before = psutil.Process().memory_info().rss
    for _ in range(100):
        link.ask(lambda: machine.outbox.append((b"greedy", files.answer(is_ours=True))))
    # In the turn after theirs they have been handed to the socket.
    for _ in range(2):
        done = Event()
        link.ask(partial(gevent.get_hub().loop.run_callback_threadsafe, done.set))
        assert done.wait(5)
    assert psutil.Process().memory_info().rss - before < 20 * len(frame)
    dealer.close(linger=0)
    context.term()
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
