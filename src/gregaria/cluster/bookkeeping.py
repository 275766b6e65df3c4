"""What a master writes down so that another could go on with its test, and what it acknowledges when that is done."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import gevent
from gevent.lock import Semaphore

from gregaria.cluster.journal import Journal, Notes
from gregaria.cluster.master_machine import Peer
from gregaria.errors import CommandError, ExitCode
from gregaria.stats.failures import ExceptionTable
from gregaria.stats.increments import add_report
from gregaria.stats.table import RequestStats

__all__ = ["Bookkeeper", "noted_exceptions", "restore"]

logger = logging.getLogger("gregaria.cluster.master")


class Bookkeeper:
    """Keeps a journal, and knows which items are not in it yet.

    Args:
        journal: where to write.
        command: what the test is started with.

    Attributes:
        command: the same.
    """

    def __init__(self, journal: Journal, command: str) -> None:
        self.command = command
        self._journal = journal
        self._has_failed = False
        self._unwritten: list[tuple[str, int]] = []
        # The last note must not come in the way of the one before.
        self._writing = Semaphore()

    def notes_to_go_on_with(self) -> Notes | None:
        """What the master before has written of a test that has not ended; None if there is none.

        Raises:
            CommandError: the file is no journal, or one of another command.
        """
        notes = self._journal.read()
        if notes is None or notes.is_over:
            return None
        if notes.command != self.command:
            raise CommandError(
                "the journal holds a test that has not ended, and that was started with another command: "
                f"{notes.command!r}. Start that one to go on with it, delete the file, or name another with --journal",
                ExitCode.USAGE,
            )
        return notes

    def took(self, node_id: str, number: int) -> None:
        """An item has been taken, and will be acknowledged when that is written down."""
        self._unwritten.append((node_id, number))

    def places(
        self, peers: Mapping[str, Peer], known: Mapping[str, tuple[str, int, int]]
    ) -> dict[str, tuple[str, int, int]]:
        """``{node id: (incarnation, index, number of the last item taken)}`` of our own workers that have not left.

        A goodbye that is not acknowledged yet is said to another master, too, so that this one does not wait in vain.
        ``known`` are those of the master before this one that have not come back yet.
        """
        latest: dict[str, int] = {}
        for node_id, number in self._unwritten:
            latest[node_id] = max(latest.get(node_id, 0), number)
        return {
            **known,
            **{
                node_id: (peer.incarnation, peer.index, _last_taken(peer, latest.get(node_id, 0)))
                for node_id, peer in list(peers.items())
                if peer.incarnation and not peer.has_left
            },
        }

    def let_go(self) -> list[tuple[str, int]]:
        """There is nothing to go on with any more; returns the items that can be acknowledged by that."""
        unwritten, self._unwritten = self._unwritten, []
        return unwritten

    def write(self, notes: Notes) -> list[tuple[str, int]] | None:
        """Write the notes of this moment; returns the items that can be acknowledged by that, None if it failed."""
        written, self._unwritten = self._unwritten, []
        packed = self._journal.pack(notes)
        with self._writing:
            error = gevent.get_hub().threadpool.apply(self._error_of_writing, (packed,))
        if error is not None:
            if not self._has_failed:
                logger.error(
                    "The journal cannot be written: %s. Another master could only go on from its last note, so for now "
                    "workers keep what they report and rows of feeds are not sent: make room for it, let it be "
                    "written, or start the test without --journal",
                    error,
                )
            self._has_failed = True
            self._unwritten = written + self._unwritten
            return None
        if self._has_failed:
            self._has_failed = False
            logger.info("The journal is written again")
        return written

    def _error_of_writing(self, packed: bytes) -> OSError | None:
        """Write; an error that leaves a thread of the pool would count as one that nobody has handled."""
        try:
            self._journal.write(packed)
        except OSError as error:
            return error
        return None


def _last_taken(peer: Peer, latest: int) -> int:
    number = max(peer.channel.dealt, latest)
    return min(number, peer.goodbye - 1) if peer.goodbye else number


def noted_exceptions(exceptions: Mapping[int, Mapping[str, Any]]) -> list[Any]:
    """``[message, traceback, count, nodes]`` of each."""
    return [[row["msg"], row["traceback"], row["count"], sorted(row["nodes"])] for row in exceptions.values()]


def restore(notes: Notes, stats: RequestStats, exceptions: ExceptionTable) -> list[str]:
    """Take over what the master before has counted; returns the sentences that belong beside the figures."""
    stats.clear_all()
    exceptions.clear()
    if notes.counted is not None:
        add_report(notes.counted, stats, ExceptionTable(), "")
    for message, trace, count, nodes in notes.exceptions:
        for place, node_id in enumerate(nodes):
            exceptions.add(node_id, message, trace, count if place == 0 else 0)
    gap_s = max(time.time() - notes.written_epoch_s, 0.0)
    return [*notes.notes, f"The master was started anew {gap_s:.0f} s after its last note; nothing was counted twice."]
