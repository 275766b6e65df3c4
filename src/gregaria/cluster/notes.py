"""A master's notes while its test runs: what another one needs to go on with it, and who waits for them."""

import time
from collections.abc import Callable

import gevent

from gregaria.cluster.attendance import Attendance
from gregaria.cluster.bookkeeping import Bookkeeper, noted_exceptions, restore
from gregaria.cluster.iterations import Iterations
from gregaria.cluster.journal import Notes
from gregaria.cluster.post import Post
from gregaria.cluster.rows import Rows
from gregaria.cluster.running import Master, RunningTest
from gregaria.stats.increments import Increments

__all__ = ["NoteTaker"]

#: seconds between two notes in the journal
_NOTES_S = 1.0
#: the shortest time between two notes, if rows wait for the next one; at least so many times what a note takes
_NOTES_APART_S = 0.05
_NOTES_APART_TIMES = 4


class NoteTaker:
    """Writes notes of a master's test, and goes on with those of another.

    Args:
        master: whose test it is.
        test: the one that runs.
        keeper: of the journal.
        post: knows which items have come, and acknowledges them.
        attendance: knows the workers.
        iterations: those of the test.
        rows: wait to be sent until it is written down that they are.
        losses: tells what may be missing in the figures.
    """

    def __init__(
        self,
        master: Master,
        test: RunningTest,
        keeper: Bookkeeper,
        post: Post,
        attendance: Attendance,
        iterations: Iterations,
        rows: Rows,
        losses: Callable[[], list[str]],
    ) -> None:
        self._master = master
        self._test = test
        self._keeper = keeper
        self._post = post
        self._attendance = attendance
        self._iterations = iterations
        self._rows = rows
        self._losses = losses
        # The test that needs no notes any more.
        self._closed_run: str | None = None

    def go_on_with(self, notes: Notes) -> None:
        """Be the master that has written these."""
        test, master = self._test, self._master
        test.run, test.generation, test.continued = notes.run, notes.generation, notes
        test.notes[:] = restore(notes, master.stats, master.exceptions)
        self._attendance.go_on_with(notes.more.get("workers", {}), _NOTES_S)
        self._iterations.restore(notes.run, notes.more.get("iterations", {}))
        if notes.more.get("feeds"):
            self._rows.restore(notes.more["feeds"])

    def keep(self) -> None:
        """Write notes for ever, each second or when rows wait for it."""
        took_s = 0.0
        while True:
            pause_s = max(_NOTES_APART_S, _NOTES_APART_TIMES * took_s)
            gevent.sleep(pause_s)
            # Users wait for rows, and these for a note.
            self._rows.wait_for_unsent(max(_NOTES_S - pause_s, 0.0))
            began_s = time.monotonic()
            if self._test.run is not None and not self._test.is_over:
                self.write()
            took_s = time.monotonic() - began_s

    def took(self, node_id: str, number: int) -> None:
        """An item has been taken: acknowledge it when that is written down, or at once where nobody would go on."""
        if self._test.run == self._closed_run:
            self._post.deal(node_id, number)
        else:
            self._keeper.took(node_id, number)

    def close(self) -> None:
        """The test has come to its end: write that down, and keep nothing back any longer."""
        self.write()
        self._closed_run = self._test.run
        for node_id, number in self._keeper.let_go():
            self._post.deal(node_id, number)

    def write(self) -> None:
        """Write down how things are at this moment, and let go of what has waited for that."""
        test, master = self._test, self._master
        if test.run is None:
            return
        rows = self._rows.unsent()
        notes = Notes(
            run=test.run,
            generation=test.generation,
            is_over=test.is_over,
            command=self._keeper.command,
            started_epoch_s=self._started_epoch_s(),
            written_epoch_s=time.time(),
            users=master.target_user_count or (test.continued.users if test.continued is not None else 0),
            spawn_rate=master.spawn_rate,
            workers=self._keeper.places(known=self._post.known, peers=self._post.peers),
            counted=Increments(master.stats, master.exceptions).take(),
            exceptions=noted_exceptions(master.exceptions),
            notes=[*test.notes, *self._losses()],
            more={
                "feeds": self._rows.snapshot() if self._rows else None,
                "iterations": self._iterations.snapshot(),
                "workers": self._attendance.snapshot(),
            },
        )
        written = self._keeper.write(notes)
        if written is None:
            # What another master did not know of, it would hand out once more.
            self._rows.keep(rows)
            return
        for node_id, number in written:
            self._post.deal(node_id, number)
        self._rows.send(rows)

    def _started_epoch_s(self) -> float:
        if self._master.test_started_epoch_s is not None:
            return self._master.test_started_epoch_s
        return time.time() if self._test.continued is None else self._test.continued.started_epoch_s
