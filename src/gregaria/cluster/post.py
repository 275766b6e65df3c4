"""What goes between a master and its workers: the link's thread, and what it is asked to do with the machine in it."""

import errno
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import zmq

from gregaria.cluster.files import TestFiles
from gregaria.cluster.keys import Keys
from gregaria.cluster.link import Link, MasterSocket
from gregaria.cluster.master_machine import MasterMachine, Peer
from gregaria.cluster.timing import Timing
from gregaria.engine.names import place_of
from gregaria.errors import CommandError, ExitCode

__all__ = ["Post"]


class Post:
    """A master's link to its workers, for its runner; everything is done in order, soon, and by another thread.

    Args:
        host, port: where to listen; ``*`` is everywhere, port 0 any.
        keys: of the cluster, when it has a secret.
        timing: how often and how long.
        known: ``{node id: (incarnation, index, number of the last item dealt with)}`` of a master before this one.
        files: of the test, for workers that ask for them; None to give none.
        happened: called for everything that happens.
    """

    def __init__(
        self,
        host: str,
        port: int,
        keys: Keys | None,
        timing: Timing | None,
        known: dict[str, tuple[str, int, int]] | None,
        files: TestFiles | None,
        happened: Callable[[Any], object],
    ) -> None:
        self._files = files
        others = files.are_others if files is not None else (lambda digest: None)
        self._machine = MasterMachine(uuid.uuid4().hex[:16], timing or Timing.usual(), known, others)
        self._host = host
        self._socket = MasterSocket(self._machine, host, port, keys)
        self._link = Link(self._socket, happened)

    @property
    def port(self) -> int:
        """The port that workers connect to."""
        return self._socket.port

    @property
    def peers(self) -> Mapping[str, Peer]:
        """{node id: Peer}, as the link knows workers."""
        return self._machine.peers

    @property
    def known(self) -> dict[str, tuple[str, int, int]]:
        """What was known of workers that have not come back yet; to be asked before ``peers``."""
        return self._machine.known

    def status_of(self, node_id: str) -> Mapping[str, Any]:
        """What a worker has last said of itself."""
        peer = self._machine.peers.get(node_id)
        return peer.status if peer is not None else {}

    def open(self) -> None:
        """Listen.

        Raises:
            CommandError: the address cannot be listened on.
        """
        try:
            self._link.open()
        except zmq.ZMQError as error:
            raise CommandError(
                f"cannot listen for workers on {place_of(self._host, self.port)}: {_told(error)}", ExitCode.CLUSTER
            ) from None

    def close(self) -> None:
        """Send what is waiting to be sent, and listen no more."""
        self._link.close()

    def put(self, node_id: str, kind: str, payload: Any) -> None:
        """Send an item to a worker."""
        self._link.ask(partial(self._machine.put, node_id, kind, payload))

    def deal(self, node_id: str, number: int) -> None:
        """An item of a worker has been dealt with: it can forget it."""
        self._link.ask(partial(self._machine.deal, node_id, number))

    def welcome(self, node_id: str) -> None:
        """A worker that was lost has been told which users it has now: its lease goes on."""
        self._link.ask(partial(self._machine.welcome, node_id))

    def give_files(self, identity: bytes, is_ours: bool) -> None:
        """Answer somebody who wants the files of the test, in our dialect or in Locust's."""
        if self._files is None:
            self._link.ask(partial(self._machine.answer, identity, "locustfile", {"error": "it gives none"}))
        else:
            frame = self._files.answer(is_ours)
            self._link.ask(lambda: self._machine.outbox.append((identity, frame)))


def _told(error: zmq.ZMQError) -> str:
    if error.errno == errno.ENODEV:
        return "no host or network interface of that name is known here. Mend --master-bind-host; * is every address"
    if error.errno == zmq.EADDRNOTAVAIL:
        return "this machine has no such address. Choose one that it has with --master-bind-host; * is every one"
    return (
        f"{error}. Does another master run there? Choose another port with --master-bind-port (0 takes any), or "
        "another address with --master-bind-host"
    )
