"""MasterRunner: shares a test out to its workers and adds up what they count; runs no users itself."""

import logging
import math
import time
import traceback
import uuid
from collections.abc import Sequence
from typing import Any

import gevent
from gevent import Greenlet
from gevent.event import Event

from gregaria.cluster.attendance import Attendance
from gregaria.cluster.bookkeeping import Bookkeeper
from gregaria.cluster.cap import Shares
from gregaria.cluster.files import TestFiles
from gregaria.cluster.happenings import Asked, Back, Disturbed, Failed, Item, Joined, Left, Lost, Refused
from gregaria.cluster.intake import Intake
from gregaria.cluster.iterations import Iterations
from gregaria.cluster.journal import Journal
from gregaria.cluster.keys import Keys
from gregaria.cluster.notes import NoteTaker
from gregaria.cluster.placing import Placing
from gregaria.cluster.post import Post
from gregaria.cluster.roster import WorkerNode, WorkerNodes, number_of
from gregaria.cluster.rows import Rows
from gregaria.cluster.running import RunningTest
from gregaria.cluster.shared_cap import SharedCap
from gregaria.cluster.timing import GOODBYE_S, ROWS_S, TICK_AT_S, Timing
from gregaria.cluster.watching import watch_workers
from gregaria.cluster.wire import change_of, copy_of
from gregaria.cluster.worker_machine import LOCUST
from gregaria.errors import CommandError, ExitCode, shortened
from gregaria.feed.feeds import feeds
from gregaria.logs import OncePerKind
from gregaria.runner.cap import CapLog, Capping
from gregaria.runner.dispatch import Placement, UsersDispatcher
from gregaria.runner.messages import Message
from gregaria.runner.roles import DistributedRunner
from gregaria.runner.state import STATE_RUNNING, STATE_STOPPING
from gregaria.runner.steering import SteeringRunner
from gregaria.settings import settings

__all__ = ["MasterRunner"]

logger = logging.getLogger("gregaria.cluster.master")

#: seconds that workers have to say that all their users are there, and at the end that they have stopped, beyond what
#: the options grant them
_PATIENCE_S = 10.0
#: seconds that the link has to send what is waiting when nothing else is waited for
_FLUSH_S = 0.2
#: exceptions that a worker may say have escaped
_MOST_UNHANDLED = 2**53
#: workers whose refusal is told
_MOST_REFUSED = 100


class MasterRunner(SteeringRunner, DistributedRunner):
    """Shares users out to workers.

    Args:
        environment: whose test it is.
        master_bind_host, master_bind_port: where to listen; ``*`` is everywhere, port 0 any.
        keys: of the cluster, when it has a secret.
        timing: how often and how long.
        journal: where to keep notes, from which another master could go on; None for nowhere.
        command: what the test is started with: notes of another command are not gone on with.
        files: of the test, for workers that ask for them; None to give none.
        balance: ``equal`` for the same number of users on each worker, ``capacity`` for shares by what each can do.

    Attributes:
        clients: {node id: WorkerNode} of all workers that have come and not left.
        port: where it listens.

    Raises:
        CommandError: the address cannot be listened on.
    """

    tick_at_s = TICK_AT_S

    def __init__(
        self,
        environment: Any,
        master_bind_host: str = "*",
        master_bind_port: int = 5557,
        *,
        keys: Keys | None = None,
        timing: Timing | None = None,
        journal: Journal | None = None,
        command: str = "",
        files: TestFiles | None = None,
        balance: str = "equal",
    ) -> None:
        super().__init__(environment)
        self.client_id = "master"
        self.clients = WorkerNodes()
        self._test = RunningTest()
        self._changed = Event()
        self._unhandled: dict[str, int] = {}
        self._refused = OncePerKind(logger, logging.ERROR, _MOST_REFUSED)
        self._faults = OncePerKind(logger, logging.ERROR)
        keeper = Bookkeeper(journal, command) if journal is not None else None
        notes = keeper.notes_to_go_on_with() if keeper is not None else None
        known = notes.workers if notes is not None else None
        self._post = Post(master_bind_host, master_bind_port, keys, timing, known, files, self._happened)
        self._rows = Rows(
            feeds.serve(),
            lambda node_id, payload: self._post.put(node_id, "feed", payload),
            is_noted=journal is not None,
        )
        self._placing = Placing(self, self._test, self.clients, self._post, balance)
        self._iterations = Iterations()
        self._shares = Shares()
        self._attendance = Attendance(
            self, self._test, self.clients, self._placing, self._rows, self._iterations, self._shares, self._post
        )
        self._intake = Intake(self, self._test, self.clients, self._iterations, self._shares, self._post)
        self._note_taker: NoteTaker | None = None
        if keeper is not None:
            self._note_taker = NoteTaker(
                self,
                self._test,
                keeper,
                self._post,
                self._attendance,
                self._iterations,
                self._rows,
                self._losses,
            )
            if notes is not None:
                self._note_taker.go_on_with(notes)
        environment.shared_data.writer = self.client_id
        environment.shared_data.tell = self._tell_shared
        self._post.open()
        self.greenlet.spawn(watch_workers, self, self.clients, self._post.peers)
        if self._note_taker is not None:
            self.greenlet.spawn(self._note_taker.keep)
        self._keep_watch()

    # -- workers ---------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port that workers connect to."""
        return self._post.port

    @property
    def worker_indexes(self) -> dict[str, int]:
        """``{node id: number of the worker}`` of all that have come."""
        return self._attendance.indexes

    @property
    def workers(self) -> tuple[WorkerNode, ...]:
        """All workers that have come and not left, in the order of their numbers."""
        return tuple(sorted(self.clients.values(), key=lambda node: node.index))

    @property
    def worker_count(self) -> int:
        """How many workers are heard of."""
        return len(self.clients.present)

    @property
    def user_count(self) -> int:
        return sum(node.user_count for node in self.clients.present)

    @property
    def user_classes_count(self) -> dict[str, int]:
        counts = dict.fromkeys(self.user_classes_by_name, 0)
        for node in self.clients.present:
            for name, count in node.user_classes_count.items():
                counts[name] = counts.get(name, 0) + count
        return counts

    reported_user_classes_count = user_classes_count

    @property
    def is_testing(self) -> bool:
        """Whether a test runs, or is about to end."""
        return self._is_testing

    @property
    def is_ending(self) -> bool:
        """Whether the test, or all work, is about to end."""
        return self._ender is not None

    def get_worker_index(self, client_id: str) -> int:
        """The number of a worker, from 0; the same for the same name as long as this process lives."""
        return self.worker_indexes.setdefault(client_id, len(self.worker_indexes))

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send a message to the workers.

        Args:
            msg_type: which listener it is for.
            data: numbers, texts, bytes, None, lists and dictionaries of those.
            client_id: one worker's id; None for all of them.

        Raises:
            WireError: the data cannot be sent.
        """
        data = copy_of(msg_type, data)
        receivers = [node.id for node in self.clients.present] if client_id is None else [client_id]
        if client_id is not None and client_id not in self.clients:
            logger.warning("There is no worker %r; the message of type %r is not sent", client_id, msg_type)
            return
        payload = {"type": msg_type, "data": data, "from": self.client_id}
        for node_id in receivers:
            self._post.put(node_id, "message", payload)

    def wait_for_workers(self, count: int, timeout_s: float | None = None) -> bool:
        """Return when that many workers are heard of, True; or False when it takes longer than ``timeout_s``."""
        return self._wait(lambda: self.worker_count >= count, math.inf if timeout_s is None else timeout_s)

    # -- what happens ----------------------------------------------------------------------------------------------

    def _happened(self, what: Any) -> None:
        try:
            if isinstance(what, Item):
                self._take(what)
            elif isinstance(what, Joined):
                self._attendance.joined(what)
            elif isinstance(what, Lost):
                self._attendance.lost(what)
            elif isinstance(what, Back):
                if self._attendance.back(what):
                    self._post.welcome(what.node_id)
            elif isinstance(what, Left):
                try:
                    self._attendance.left(what)
                finally:
                    self._dealt(what)
            elif isinstance(what, Asked):
                self._post.give_files(what.identity, what.is_ours)
            elif isinstance(what, Refused):
                self._refused.tell((what.node_id, what.reason), "Refused the worker %s: %s", what.node_id, what.reason)
            elif isinstance(what, Disturbed):
                logger.warning(
                    "%d messages that mean nothing have come to port %d and were dropped (%s)",
                    what.count,
                    self.port,
                    what.reason,
                )
            elif isinstance(what, Failed):
                self.give_up(f"the link to the workers has failed ({what.reason})", ExitCode.CLUSTER)
                self._ask_for_end(quits=True)
                self._attendance.all_lost()
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            said = shortened(repr(what), 1000)
            self._faults.tell(trace, "What a worker said could not be dealt with: %s\n%s", said, trace)
        self._changed.set()

    def give_up(self, reason: str, exit_code: int) -> None:
        """End the test, as it cannot go on; the command leaves with the exit code of the first who says so."""
        if self.failure is None:
            logger.error("It cannot go on: %s", reason)
            self.failure = CommandError(reason, exit_code if exit_code in range(1, 256) else ExitCode.SETTINGS)
        self.stop_test(reason)

    def _take(self, item: Item) -> None:
        if item.kind == "feed" and _is_ask(item.payload):
            name, payload = item.payload
            self._rows.take(item.node_id, name, payload)
            self._dealt(item)
            self._changed.set()
        else:
            try:
                self._intake.take(item)
            finally:
                self._dealt(item)

    def _dealt(self, item: Item | Left) -> None:
        """An item has been taken: its sender can forget it, unless it could have to be sent to another master."""
        if not item.number:
            return
        if self._note_taker is not None:
            self._note_taker.took(item.node_id, item.number)
        else:
            self._post.deal(item.node_id, item.number)

    def note_unhandled(self, node: WorkerNode, told: object) -> None:
        """A worker has told how many exceptions have escaped its listeners and greenlets since its process began.

        Raises:
            ValueError: that is no number.
        """
        count = int(number_of(told, _MOST_UNHANDLED))
        if count and node.id not in self._unhandled:
            logger.error(
                "Exceptions have escaped listeners or greenlets of worker %d (%s): its log tells which. If nothing "
                "worse happens, the exit code is %d",
                node.index,
                node.id,
                ExitCode.USAGE,
            )
        # A sign of life may be older than what was said at the end of a test.
        if count > self._unhandled.get(node.id, 0):
            self._unhandled[node.id] = count

    @property
    def num_unhandled_elsewhere(self) -> int:
        return sum(self._unhandled.values())

    def deliver(self, kind: str, data: Any, node_id: str) -> None:
        """A message of a worker's has come: call its listener."""
        self._messages.deliver(Message(kind, data, node_id), self.environment)

    def user_gone(self, class_name: str, node_id: str) -> None:
        """A user has ended by itself and is not replaced: when nobody is left, so has the test."""
        tell = getattr(self.dispatcher, "user_gone", None)
        if tell is None:
            return
        tell(class_name, node_id)
        self._end_if_nobody_is_left()

    def finish_iterations(self) -> None:
        """All of them have been begun: nobody comes any more, and the test is over when those that are there are."""
        if self._is_testing and self._ender is None:
            self._cancel_ramp()
            if not self.dispatcher.get_current_user_count():
                self.stop_test("all iterations have been run")

    def _end_if_nobody_is_left(self) -> None:
        if self._iterations.is_over:
            self.finish_iterations()
            return
        follows_shape = self.shape_greenlet is not None and not self.shape_greenlet.dead
        # Without a worker there is nobody either, but one may come.
        if self.state != STATE_RUNNING or follows_shape or not self.target_user_count or not self.worker_count:
            return
        if not self.dispatcher.get_current_user_count():
            self.stop_test("all users have ended by themselves")

    def _tell_shared(self, change: dict[str, Any]) -> None:
        change = change_of(change)
        for node in self.clients.present:
            self._post.put(node.id, "shared", change)

    # -- a test ----------------------------------------------------------------------------------------------------

    def _nodes(self) -> Sequence[WorkerNode]:
        return self.clients.present

    def _new_dispatcher(self) -> Any:
        return self._placing.new_dispatcher()

    def _begin_test(self) -> bool:
        if self._is_testing or self._ender is not None:
            return super()._begin_test()
        test, continued = self._test, self._test.continued
        if continued is None:
            test.run, test.generation = uuid.uuid4().hex, 0
            test.notes.clear()
            self._iterations.begin(test.run, self.iterations)
            self._attendance.begin()
        test.is_over, test.options, self.failure = False, None, None
        test.stopped.clear()
        test.settled.clear()
        for node in self.clients.values():
            node.wanted, node.num_requests = {}, 0
        begins = super()._begin_test()
        if continued is not None:
            self.test_started_epoch_s = continued.started_epoch_s
            # What --reset-stats has begun is not begun again.
            self._has_reset = continued.generation > 0
        return begins

    def _clear_figures(self) -> None:
        if self._test.continued is None:
            super()._clear_figures()

    def _has_run_s(self) -> float:
        return self.continues_after_s or 0.0

    def start(
        self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Sequence[Any] | None = None
    ) -> None:
        if self._test.continued is None or (self._is_testing and self.environment.shape_class is None):
            super().start(user_count, spawn_rate, wait, user_classes)
            return
        # They have been there all the time: nobody has to be started anew at the spawn rate.
        if self.environment.shape_class is None:
            user_count = self._test.continued.users or user_count
        super().start(user_count, max(spawn_rate, user_count * 1000.0, 1.0), wait, user_classes)
        self.spawn_rate = spawn_rate
        self._test.continued = None
        for node_id, told in self._iterations.go_on(self.iterations, [node.id for node in self.clients.present]):
            self._post.put(node_id, "iterations", told)

    def cap(self, max_rps: float | None) -> None:
        had_cap = self.environment.max_rps is not None
        super().cap(max_rps)
        if self._is_testing and had_cap != (max_rps is not None):
            # Workers ask for shares only of a test that they know to be capped.
            self._placing.tell_again()

    def _new_capping(self, log: CapLog | None) -> Capping | None:
        self._shares.begin(self._test.run, None if log is None else log.max_rps)
        return None if log is None else SharedCap(self._shares, self.clients, self._post, log)

    def _open_test(self) -> None:
        # Listeners of test_start may have changed them.
        self._test.options = None
        if not self.worker_count:
            logger.warning("There is no worker yet; users start when one comes: gregaria --worker --master-host ...")
        if not self._rows:
            return
        ours = [node.id for node in self.clients.present if node.dialect != LOCUST]
        if self._test.continued is not None:
            for node_id in self._test.continued.workers.keys() - set(ours):
                # Its rows would be waited for in vain; it gets others should it be back.
                self._rows.lost(node_id)
            return
        assert self._test.run is not None
        self._rows.begin(self._test.run, ours)
        if not self._wait(lambda: self._rows.is_ready(ours), ROWS_S):
            logger.warning("Not all workers have got their first rows within %g s; their users wait for them", ROWS_S)

    def _place(self, placement: Placement, ramp: Greenlet) -> None:
        del ramp
        self.target_user_classes_count = self._placing.place(placement)

    def _cancel_ramp(self) -> Greenlet | None:
        self._placing.cancel()
        return super()._cancel_ramp()

    def _reset_statistics(self) -> None:
        self._test.generation += 1
        super()._reset_statistics()
        # Those that are missing, too: they would go on counting for what is over.
        for node in self.clients.values():
            self._post.put(node.id, "reset", {"run": self._test.run, "generation": self._test.generation})

    def _all_are_there(self) -> None:
        self._end_if_nobody_is_left()
        for node in self.clients.present:
            self._post.put(node.id, "spawning_complete", {"user_count": sum(self.target_user_classes_count.values())})
        if isinstance(self.dispatcher, UsersDispatcher):
            # Those who were there from before were placed at once; others are not.
            self.dispatcher.go_on_at(self.spawn_rate)
        # Workers may have come or gone while the last users were waited for.
        self._placing.rebalance()

    def _wait_until_placed(self) -> None:
        """Return when every worker has said that its users are there, or when that takes long."""
        self._wait(self._placing.are_there, _PATIENCE_S)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _end_users(self, unfinished: list[Greenlet | None]) -> None:
        del unfinished
        self.update_state(STATE_STOPPING)
        for node in self.clients.present:
            self._post.put(node.id, "stop", {"run": self._test.run})
        patience_s = self.environment.stop_timeout + settings.stop_grace_s + _PATIENCE_S
        if not self._wait(lambda: all(node.id in self._test.stopped for node in self.clients.present), patience_s):
            late = [node for node in self.clients.present if node.id not in self._test.stopped]
            for node in late:
                text = (
                    f"Worker {node.index} ({node.host}) has not stopped in time: what it did at the end may be missing."
                )
                logger.error("%s", text)
                self._test.notes.append(text)
        # Locust's workers tell what they did last with their next report, after they have said that they have stopped.
        theirs = [node.id for node in self.clients.present if node.dialect == LOCUST]
        if theirs:
            self._wait(lambda: self._test.settled.issuperset(theirs), settings.worker_report_interval_s + 1.0)

    def _end_test(self) -> None:
        super()._end_test()
        self._test.is_over = True
        if self._note_taker is not None:
            self._note_taker.close()

    def dismiss_workers(self) -> None:
        """This process is about to end without the end of a run: workers would wait for it long."""
        if self._is_testing and self.worker_count:
            self._test.notes.append(
                "The run was ended at once: what workers did since their last report, in about a second, is in no "
                f"figure (some {math.ceil(self.stats.total.current_rps):,} requests)."
            )
        self._tell_to_quit()
        gevent.sleep(_FLUSH_S)

    def _tell_to_quit(self) -> None:
        for node in self.clients.present:
            self._post.put(node.id, "quit", {})

    def _end_work(self) -> None:
        self._tell_to_quit()
        self._wait(lambda: not any(node.dialect != LOCUST for node in self.clients.present), GOODBYE_S)
        self._post.close()
        super()._end_work()

    def _wait(self, is_so: Any, timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while not is_so():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            self._changed.wait(min(left_s, 0.5))
            self._changed.clear()
        return True

    @property
    def notes(self) -> Sequence[str]:
        return (*super().notes, *self._notes_on_locusts(), *self._test.notes, *self._losses(), *self._rows.notes())

    def _notes_on_locusts(self) -> list[str]:
        limits = [("--allow-host", self.environment.allowed_hosts), ("--max-rps", self.environment.max_rps)]
        given = [option for option, value in limits if value is not None]
        if not given or not any(node.dialect == LOCUST for node in self.clients.values()):
            return []
        return [f"Workers of Locust's do not keep to {' and '.join(given)}."]

    def _losses(self) -> list[str]:
        return self._attendance.losses(self.stats.total.total_rps / max(self.target_user_count, 1))

    # -- another master could go on ------------------------------------------------------------------------------------

    @property
    def continues_after_s(self) -> float | None:
        """How long the test has been running that this master goes on with; None when it begins one of its own."""
        notes = self._test.continued
        return None if notes is None else max(time.time() - notes.started_epoch_s, 0.0)

    @property
    def num_known_workers(self) -> int:
        """How many workers the test had that this master goes on with."""
        return 0 if self._test.continued is None else len(self._attendance.known)


def _is_ask(payload: object) -> bool:
    return (
        isinstance(payload, list)
        and len(payload) == 2
        and isinstance(payload[0], str)
        and isinstance(payload[1], dict)
    )
