"""MasterRunner: shares a test out to its workers and adds up what they count; runs no users itself."""

import logging
import math
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gevent
import zmq
from gevent import Greenlet
from gevent.event import Event

from gregaria.cluster.bookkeeping import Bookkeeper, noted_exceptions, restore
from gregaria.cluster.files import TestFiles
from gregaria.cluster.happenings import Back, Disturbed, Item, Joined, Left, Lost, Refused
from gregaria.cluster.journal import Journal, Notes
from gregaria.cluster.keys import Keys
from gregaria.cluster.link import Link, MasterSocket
from gregaria.cluster.loss import Loss
from gregaria.cluster.master_machine import MasterMachine
from gregaria.cluster.options import options_to_send
from gregaria.cluster.roster import WorkerNode, WorkerNodes, counts_of
from gregaria.cluster.rows import Rows
from gregaria.cluster.timing import Timing
from gregaria.cluster.wire import copy_of
from gregaria.cluster.worker_machine import LOCUST
from gregaria.errors import CommandError, ExitCode, shortened
from gregaria.feed.feeds import feeds
from gregaria.runner.dispatch import Placement, UsersDispatcher
from gregaria.runner.messages import Message
from gregaria.runner.roles import DistributedRunner
from gregaria.runner.state import (
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPING,
)
from gregaria.runner.steering import SteeringRunner
from gregaria.settings import settings
from gregaria.stats.increments import Increments, add_report

__all__ = ["MasterRunner"]

logger = logging.getLogger("gregaria.cluster.master")

#: seconds that workers have to say that all their users are there, and at the end that they have stopped, beyond what
#: the options grant them
_PATIENCE_S = 10.0
#: seconds that workers have to say goodbye
_GOODBYE_S = 3.0
#: seconds that the link has to send what is waiting when nothing else is waited for
_FLUSH_S = 0.2
#: seconds that workers have to fetch the first rows of their feeds
_ROWS_S = 60.0
#: seconds after which a test whose last worker was lost is ended
_ALONE_S = 30.0
#: seconds without a turn of a worker's event loop that are worth a word
_BLOCKED_S = 3.0
#: seconds between two notes in the journal
_NOTES_S = 1.0
#: the shortest time between two notes, if rows wait for the next one; at least so many times what a note takes
_NOTES_APART_S = 0.05
_NOTES_APART_TIMES = 4


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
        worker_indexes: {node id: number of the worker}.

    Raises:
        CommandError: the address cannot be listened on.
    """

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
        self.worker_indexes: dict[str, int] = {}
        self._run: str | None = None
        self._generation = 0
        self._rebalancer: Greenlet | None = None
        self._changed = Event()
        self._stopped: set[str] = set()
        self._settled: set[str] = set()
        self._alone_timer: Greenlet | None = None
        self._notes: list[str] = []
        # {node id: what may be missing of it}; of one that comes back nothing is.
        self._losses: dict[str, Loss] = {}
        # Those of another master's test that have not come back: host, index, users, requests per second.
        self._known_workers: dict[str, Any] = {}
        self._is_over = False
        # What workers are told in this test, once one is.
        self._told_options: dict[str, Any] | None = None
        self._rows = Rows(
            feeds.serve(),
            lambda node_id, payload: self._put(node_id, "feed", payload),
            is_noted=journal is not None,
        )
        self._keeper = Bookkeeper(journal, command) if journal is not None else None
        self._continued = self._keeper.notes_to_go_on_with() if self._keeper is not None else None
        if self._continued is not None:
            self._go_on_with(self._continued)
        known = self._continued.workers if self._continued is not None else None
        self._files = files
        self._balance = balance
        others = files.are_others if files is not None else (lambda digest: None)
        self._machine = MasterMachine(uuid.uuid4().hex[:16], timing or Timing.usual(), known, others)
        self._socket = MasterSocket(self._machine, master_bind_host, master_bind_port, keys)
        self._link = Link(self._socket, self._happened)
        environment.shared_data.writer = self.client_id
        environment.shared_data.tell = self._tell_shared
        try:
            self._link.open()
        except zmq.ZMQError as error:
            raise CommandError(_cannot_listen(master_bind_host, master_bind_port, error), ExitCode.CLUSTER) from None
        self.greenlet.spawn(self._watch_workers)
        if self._keeper is not None:
            self.greenlet.spawn(self._keep_notes)
        self._keep_watch()

    # -- workers ---------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port that workers connect to."""
        return self._socket.port

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
            self._put(node_id, "message", payload)

    def wait_for_workers(self, count: int, timeout_s: float | None = None) -> bool:
        """Return when that many workers are heard of, True; or False when it takes longer than ``timeout_s``."""
        return self._wait(lambda: self.worker_count >= count, math.inf if timeout_s is None else timeout_s)

    # -- what happens ----------------------------------------------------------------------------------------------

    def _happened(self, what: Any) -> None:
        try:
            if isinstance(what, Item):
                self._take(what)
            elif isinstance(what, Joined):
                self._joined(what)
            elif isinstance(what, Lost):
                self._lost(what)
            elif isinstance(what, Back):
                self._back(what)
            elif isinstance(what, Left):
                self._left(what)
            elif isinstance(what, Refused):
                logger.error("Refused the worker %s: %s", what.node_id, what.reason)
            elif isinstance(what, Disturbed):
                logger.warning(
                    "%d messages that mean nothing have come to port %d and were dropped (%s)",
                    what.count,
                    self.port,
                    what.reason,
                )
        except Exception:
            logger.exception("What a worker said could not be dealt with: %s", shortened(repr(what), 1000))
        self._changed.set()

    def _joined(self, what: Joined) -> None:
        node = WorkerNode(what.node_id, index=what.index, dialect=what.dialect)
        node.about = what.about
        # What another master knew of it.
        _, _, node.known_users, node.requests_per_s = self._known_workers.pop(what.node_id, ("", 0, 0, 0.0))
        self._losses.pop(what.node_id, None)
        self.worker_indexes[what.node_id] = what.index
        self.clients[what.node_id] = node
        logger.info(
            "Worker %d (%s%s) is ready; there are %d",
            what.index,
            what.node_id,
            ", of Locust" if what.dialect == LOCUST else "",
            self.worker_count,
        )
        self.fire(self.environment.events.worker_connect, client_id=what.node_id)
        for payload in self.environment.shared_data.whole():
            self._put(what.node_id, "shared", payload)
        run = what.about.get("run")
        if run is not None and (run != self._run or self._ender is not None):
            # Of another master, whose test nobody would ever end; or of one that ends now.
            self._put(what.node_id, "stop", {"run": run})
        elif self._ender is not None:
            # There is nothing that it could stop.
            self._stopped.add(what.node_id)
        # Of a master before this one, for which it was lost.
        self._rows.back(node.id)
        if self._is_testing and what.dialect != LOCUST:
            self._rows.prepare(node.id)
        if run is not None and run == self._run and self._is_testing and self._ender is None:
            # It has users from before, which others may have by now.
            self._tell_users(node, dict.fromkeys(self.user_classes_by_name, 0))
        self._use(node)

    def _back(self, what: Back) -> None:
        node = self.clients.get(what.node_id)
        if node is None or node.state != STATE_MISSING:
            return
        node.state = STATE_INIT
        self._losses.pop(node.id, None)
        self._rows.back(node.id)
        logger.info("Worker %d (%s) is heard of again", node.index, node.id)
        node.wanted = {}
        self._use(node)
        if self._is_testing and self._ender is None:
            self._tell_users(node, node.wanted or dict.fromkeys(self.user_classes_by_name, 0))
        elif self._is_testing or self._continued is None:
            # And not while the test of a master before this one is about to be gone on with.
            self._put(node.id, "stop", {"run": self._run})
        self._link.ask(lambda: self._machine.welcome(what.node_id))

    def _use(self, node: WorkerNode) -> None:
        """A worker can have users from now on."""
        if self._alone_timer is not None:
            self._alone_timer.kill(block=False)
            self._alone_timer = None
        if self._is_testing and self._ender is None:
            if self._balance != "equal":
                self._weigh_workers()
            self.dispatcher.add_worker(node)
            self._rebalance()

    def _lost(self, what: Lost) -> None:
        node = self.clients.get(what.node_id)
        if node is None or node.state == STATE_MISSING:
            return
        node.state = STATE_MISSING
        users = node.user_count
        node.user_classes_count = {}
        logger.warning("Worker %d (%s) is missing: %s", node.index, node.id, what.reason)
        if self._is_testing:
            users = max(users, node.known_users)
            rate = self._rate_of(node)
            self._losses[node.id] = Loss(node.index, node.host, users, rate, what.silent_s)
            self._drop(node)

    def _rate_of(self, node: WorkerNode) -> float:
        """Requests per second that a worker has made at most, as far as it is known."""
        peer = self._machine.peers.get(node.id)
        return max(node.requests_per_s, float((peer.status if peer is not None else {}).get("requests_per_s") or 0.0))

    def _left(self, what: Left) -> None:
        node = self.clients.get(what.node_id)
        if node is None:
            return
        del self.clients[what.node_id]
        logger.info("Worker %d (%s) has left; there are %d", node.index, node.id, self.worker_count)
        if self._is_testing:
            self._drop(node)

    def _drop(self, node: WorkerNode) -> None:
        """A worker has no users any more: others get them."""
        self._stopped.discard(node.id)
        self._rows.lost(node.id)
        if self._ender is not None:
            return
        self.dispatcher.remove_worker(node)
        if self.worker_count:
            self._rebalance()
        elif self._alone_timer is None:
            logger.warning("There is no worker left; the test ends in %g s unless one comes", _ALONE_S)
            self._alone_timer = self.greenlet.spawn(self._end_alone)

    def _end_alone(self) -> None:
        gevent.sleep(_ALONE_S)
        self._alone_timer = None
        self.stop_test("there is no worker left")

    # -- what workers say ------------------------------------------------------------------------------------------

    def _take(self, item: Item) -> None:
        if item.kind == "feed" and _is_ask(item.payload):
            name, payload = item.payload
            self._rows.take(item.node_id, name, payload, lambda: self._dealt(item))
            self._changed.set()
            return
        if item.kind == "locustfile":
            told = self._files.answer(item.payload) if self._files is not None else {"error": "it gives none"}
            self._link.ask(lambda: self._machine.answer(item.node_id.encode(), "locustfile", told))
            return
        try:
            self._deal_with(item)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            # It would mean nothing the next time, either.
            logger.warning(
                "A %s of %s means nothing and is left out: %s",
                shortened(item.kind, 100),
                item.node_id,
                shortened(str(error), 500),
            )
        finally:
            if item.number:
                self._dealt(item)

    def _deal_with(self, item: Item) -> None:
        node = self.clients.get(item.node_id)
        payload = item.payload
        if item.kind == "report":
            self._add(node, item.node_id, payload)
        elif item.kind == "locust_report":
            self._add_locusts(node, item.node_id, payload)
        elif item.kind == "custom":
            self.fire(self.environment.events.worker_report, client_id=item.node_id, data=payload)
        elif item.kind == "message":
            message = Message(payload["type"], payload["data"], item.node_id)
            self._messages.deliver(message, self.environment)
        elif item.kind == "logs":
            self._add_logs(item.node_id, payload)
        elif item.kind == "exception":
            self.exceptions.add(item.node_id, payload["message"], payload["traceback"])
        elif item.kind == "shared":
            self._share(item.node_id, payload)
        elif item.kind == "stop_test":
            self.stop_test(str(payload["reason"]))
        elif node is not None:
            self._take_state(node, item.kind, payload)

    def _dealt(self, item: Item) -> None:
        """An item has been taken: its sender can forget it, when it need not be sent to another master."""
        if self._keeper is not None:
            self._keeper.took(item.node_id, item.number)
        else:
            self._link.ask(partial(self._machine.deal, item.node_id, item.number))

    def _take_state(self, node: WorkerNode, kind: str, payload: Any) -> None:
        if kind == "spawning":
            node.state = STATE_SPAWNING
        elif kind == "spawned":
            node.state = STATE_RUNNING
            node.user_classes_count = counts_of(payload["users"])
        elif kind == "stopped":
            node.state = STATE_INIT
            node.user_classes_count = {}
            if payload.get("run") in (None, self._run):
                self._stopped.add(node.id)
        elif kind == "user_gone" and node.state != STATE_MISSING:
            # Of a missing worker others have the users by now.
            name = payload["class"]
            node.wanted[name] = max(node.wanted.get(name, 1) - 1, 0)
            self._user_gone(name, node.id)

    def _user_gone(self, class_name: str, node_id: str) -> None:
        """A user has ended by itself and is not replaced: when nobody is left, so has the test."""
        tell = getattr(self.dispatcher, "user_gone", None)
        if tell is None:
            return
        tell(class_name, node_id)
        self._end_if_nobody_is_left()

    def _end_if_nobody_is_left(self) -> None:
        follows_shape = self.shape_greenlet is not None and not self.shape_greenlet.dead
        # Without a worker there is nobody either, but one may come.
        if self.state != STATE_RUNNING or follows_shape or not self.target_user_count or not self.worker_count:
            return
        if not self.dispatcher.get_current_user_count():
            self.stop_test("all users have ended by themselves")

    def _add(self, node: WorkerNode | None, node_id: str, report: dict[str, Any]) -> None:
        if report.get("run") != self._run or report.get("generation") != self._generation:
            return
        count = add_report(report, self.stats, self.exceptions, node_id)
        if node is not None:
            node.num_requests += count
            node.requests_per_s = max(node.requests_per_s * 0.9, float(count))

    def _add_locusts(self, node: WorkerNode | None, node_id: str, report: dict[str, Any]) -> None:
        self.fire(self.environment.events.worker_report, client_id=node_id, data=report)
        self.stats.merge_report(report.get("stats") or [], report.get("errors") or {})
        if node_id in self._stopped:
            self._settled.add(node_id)
        if node is not None and node.state != STATE_MISSING:
            node.user_classes_count = counts_of(report.get("user_classes_count") or {})

    def _add_logs(self, node_id: str, payload: dict[str, Any]) -> None:
        logs = self.environment.worker_logs
        kept = payload["lines"] if payload.get("is_whole") else [*logs.get(node_id, []), *payload["lines"]]
        logs[node_id] = kept[-500:]

    def _tell_shared(self, change: dict[str, Any]) -> None:
        change = copy_of("shared", change)
        for node in self.clients.present:
            self._put(node.id, "shared", change)

    def _share(self, node_id: str, payload: Any) -> None:
        for told in self.environment.shared_data.take(payload):
            for node in self.clients.present:
                if node.id != node_id:
                    self._put(node.id, "shared", told)

    # -- a test ----------------------------------------------------------------------------------------------------

    def _nodes(self) -> Sequence[WorkerNode]:
        return self.clients.present

    def _new_dispatcher(self) -> Any:
        if self._balance == "equal":
            return super()._new_dispatcher()
        self._weigh_workers()
        return self.environment.dispatcher_class(self._nodes(), self.user_classes, balance=self._balance)

    def _weigh_workers(self) -> None:
        """What each worker can do: one core at most, or its part of those that are idle on its machine."""
        on_host = Counter(node.host for node in self.clients.present)
        for node in self.clients.present:
            idle = float(node.about.get("idle_cores") or node.about.get("cores") or 1)
            node.capacity = min(max(idle / on_host[node.host], 0.05), 1.0)

    def _begin_test(self) -> bool:
        if self._is_testing or self._ender is not None:
            return super()._begin_test()
        continued = self._continued
        if continued is None:
            self._run, self._generation = uuid.uuid4().hex, 0
            self._notes.clear()
            self._losses.clear()
            self._known_workers.clear()
        self._is_over = False
        self._told_options = None
        self._stopped.clear()
        self._settled.clear()
        for node in self.clients.values():
            node.wanted, node.num_requests = {}, 0
            if continued is None:
                node.requests_per_s, node.known_users = 0.0, 0
        begins = super()._begin_test()
        if continued is not None:
            self.test_started_epoch_s = continued.started_epoch_s
            # What --reset-stats has begun is not begun again.
            self._has_reset = continued.generation > 0
        return begins

    def _clear_figures(self) -> None:
        if self._continued is None:
            super()._clear_figures()

    def _has_run_s(self) -> float:
        return self.continues_after_s or 0.0

    def start(
        self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Sequence[Any] | None = None
    ) -> None:
        if self._continued is None or (self._is_testing and self.environment.shape_class is None):
            super().start(user_count, spawn_rate, wait, user_classes)
            return
        # They have been there all the time: nobody has to be started anew at the spawn rate.
        if self.environment.shape_class is None:
            user_count = self._continued.users or user_count
        super().start(user_count, max(spawn_rate, user_count * 1000.0, 1.0), wait, user_classes)
        self.spawn_rate = spawn_rate
        self._continued = None

    def _open_test(self) -> None:
        # Listeners of test_start may have changed them.
        self._told_options = None
        if not self.worker_count:
            logger.warning("There is no worker yet; users start when one comes: gregaria --worker --master-host ...")
        if not self._rows:
            return
        ours = [node.id for node in self.clients.present if node.dialect != LOCUST]
        if self._continued is not None:
            for node_id in self._continued.workers.keys() - set(ours):
                # Its rows would be waited for in vain; it gets others should it be back.
                self._rows.lost(node_id)
            return
        assert self._run is not None
        self._rows.begin(self._run, ours)
        if not self._wait(lambda: self._rows.is_ready(ours), _ROWS_S):
            logger.warning("Not all workers have got their first rows within %g s; their users wait for them", _ROWS_S)

    def _place(self, placement: Placement, ramp: Greenlet) -> None:
        del ramp
        total: dict[str, int] = {}
        for node_id, counts in placement.items():
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count
            node = self.clients.get(node_id)
            if node is not None and node.state != STATE_MISSING and counts != node.wanted:
                self._tell_users(node, counts)
        self.target_user_classes_count = total

    def _tell_users(self, node: WorkerNode, counts: Mapping[str, int]) -> None:
        node.wanted = dict(counts)
        environment = self.environment
        self._put(
            node.id,
            "spawn",
            {
                "run": self._run,
                "generation": self._generation,
                "users": dict(counts),
                "spawn_rate": self.spawn_rate,
                "host": environment.host,
                "stop_timeout_s": environment.stop_timeout,
                "options": self._options(),
                "iterations": self._iterations_of(node),
            },
        )

    def _options(self) -> dict[str, Any]:
        if self._told_options is None:
            self._told_options = options_to_send(self.environment)
        return self._told_options

    def _iterations_of(self, node: WorkerNode) -> int | None:
        """A worker's share of the iterations of the whole test."""
        if self.iterations is None:
            return None
        present = sorted(self.clients.present, key=lambda each: each.index)
        place = present.index(node)
        return self.iterations * (place + 1) // len(present) - self.iterations * place // len(present)

    def _rebalance(self) -> None:
        """Bring the users where the dispatcher wants them now, at the spawn rate; a ramp that runs does so anyway."""
        if self.spawning_greenlet is not None or (self._rebalancer is not None and not self._rebalancer.dead):
            return
        self._rebalancer = self.greenlet.spawn(self._rebalance_now)

    def _rebalance_now(self) -> None:
        for placement in self.dispatcher:
            if self.spawning_greenlet is not None or self._ender is not None:
                return
            self._place(placement, gevent.getcurrent())

    def _cancel_ramp(self) -> Greenlet | None:
        rebalancer, self._rebalancer = self._rebalancer, None
        if rebalancer is not None and rebalancer is not gevent.getcurrent():
            rebalancer.kill(block=False)
        return super()._cancel_ramp()

    def _reset_statistics(self) -> None:
        self._generation += 1
        super()._reset_statistics()
        # Those that are missing, too: they would go on counting for what is over.
        for node in self.clients.values():
            self._put(node.id, "reset", {"run": self._run, "generation": self._generation})

    def _all_are_there(self) -> None:
        self._end_if_nobody_is_left()
        for node in self.clients.present:
            self._put(node.id, "spawning_complete", {"user_count": sum(self.target_user_classes_count.values())})
        if isinstance(self.dispatcher, UsersDispatcher):
            # Those who were there from before were placed at once; others are not.
            self.dispatcher.go_on_at(self.spawn_rate)
        # Workers may have come or gone while the last users were waited for.
        self._rebalance()

    def _wait_until_placed(self) -> None:
        """Return when every worker has said that its users are there, or when that takes long."""
        self._wait(lambda: all(_has_its_users(node) for node in self.clients.present), _PATIENCE_S)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _end_users(self, unfinished: list[Greenlet | None]) -> None:
        del unfinished
        self.update_state(STATE_STOPPING)
        for node in self.clients.present:
            self._put(node.id, "stop", {"run": self._run})
        patience_s = self.environment.stop_timeout + settings.stop_grace_s + _PATIENCE_S
        if not self._wait(lambda: all(node.id in self._stopped for node in self.clients.present), patience_s):
            late = [node for node in self.clients.present if node.id not in self._stopped]
            for node in late:
                text = (
                    f"Worker {node.index} ({node.host}) has not stopped in time: what it did at the end may be missing."
                )
                logger.error("%s", text)
                self._notes.append(text)
        # Locust's workers tell what they did last with their next report, after they have said that they have stopped.
        theirs = [node.id for node in self.clients.present if node.dialect == LOCUST]
        if theirs:
            self._wait(lambda: self._settled.issuperset(theirs), settings.worker_report_interval_s + 1.0)

    def _end_test(self) -> None:
        super()._end_test()
        self._is_over = True
        self._write_notes(is_over=True)

    def dismiss_workers(self) -> None:
        """This process is about to end without the end of a run: workers would wait for it long."""
        self._tell_to_quit()
        gevent.sleep(_FLUSH_S)

    def _tell_to_quit(self) -> None:
        for node in self.clients.present:
            self._put(node.id, "quit", {})

    def _end_work(self) -> None:
        self._tell_to_quit()
        self._wait(lambda: not any(node.dialect != LOCUST for node in self.clients.present), _GOODBYE_S)
        self._link.close()
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
        return (*self._notes, *self._told_losses(), *self._rows.notes())

    def _told_losses(self) -> list[str]:
        most_users = max(self.target_user_count, 1)
        # One that was lost before it told how fast it is was as fast as the others.
        return [loss.told(self.stats.total.total_rps / most_users) for loss in self._losses.values()]

    # -- another master could go on ------------------------------------------------------------------------------------

    @property
    def continues_after_s(self) -> float | None:
        """How long the test has been running that this master goes on with; None when it begins one of its own."""
        notes = self._continued
        return None if notes is None else max(time.time() - notes.started_epoch_s, 0.0)

    @property
    def num_known_workers(self) -> int:
        """How many workers the test had that this master goes on with."""
        return 0 if self._continued is None else len(self._known_workers)

    def _go_on_with(self, notes: Notes) -> None:
        self._run, self._generation = notes.run, notes.generation
        self._notes[:] = restore(notes, self.stats, self.exceptions)
        self._known_workers = {node_id: tuple(told) for node_id, told in notes.more.get("workers", {}).items()}
        # Until they are back.
        for node_id, (host, index, users, rate) in self._known_workers.items():
            self._losses[node_id] = Loss(index, host, users, rate, _NOTES_S)
        if notes.more.get("feeds"):
            self._rows.restore(notes.more["feeds"])

    def _started_epoch_s(self) -> float:
        if self.test_started_epoch_s is not None:
            return self.test_started_epoch_s
        return time.time() if self._continued is None else self._continued.started_epoch_s

    def _keep_notes(self) -> None:
        took_s = 0.0
        while True:
            pause_s = max(_NOTES_APART_S, _NOTES_APART_TIMES * took_s)
            gevent.sleep(pause_s)
            # Users wait for rows, and these for a note.
            self._rows.wait_for_unsent(max(_NOTES_S - pause_s, 0.0))
            began_s = time.monotonic()
            if self._run is not None and not self._is_over:
                self._write_notes(is_over=False)
            took_s = time.monotonic() - began_s

    def _write_notes(self, *, is_over: bool) -> None:
        if self._keeper is None or self._run is None:
            return
        rows = self._rows.unsent()
        notes = Notes(
            run=self._run,
            generation=self._generation,
            is_over=is_over,
            command=self._keeper.command,
            started_epoch_s=self._started_epoch_s(),
            written_epoch_s=time.time(),
            users=self.target_user_count or (self._continued.users if self._continued is not None else 0),
            spawn_rate=self.spawn_rate,
            workers=self._keeper.places(known=self._machine.known, peers=self._machine.peers),
            counted=Increments(self.stats, self.exceptions).take(),
            exceptions=noted_exceptions(self.exceptions),
            notes=[*self._notes, *self._told_losses()],
            more={
                "feeds": self._rows.snapshot() if self._rows else None,
                "workers": {
                    **{node_id: list(told) for node_id, told in self._known_workers.items()},
                    **{
                        node.id: [node.host, node.index, node.user_count, self._rate_of(node)]
                        for node in self.clients.present
                    },
                },
            },
        )
        for node_id, number in self._keeper.write(notes):
            self._link.ask(partial(self._machine.deal, node_id, number))
        self._rows.send(rows)

    # -- watching --------------------------------------------------------------------------------------------------

    def _watch_workers(self) -> None:
        beats = self.environment.events.heartbeat_sent
        while True:
            gevent.sleep(1.0)
            for node_id, peer in list(self._machine.peers.items()):
                node = self.clients.get(node_id)
                if node is not None and not peer.is_lost:
                    try:
                        self._read_status(node, peer.status)
                    except (ValueError, TypeError, OverflowError) as error:
                        # Of one worker; the others are to be watched on.
                        logger.warning("What worker %d says of itself means nothing: %s", node.index, error)
                        peer.status = {}
                    if beats.listeners:
                        self.fire(beats, client_id=node_id, timestamp=time.time())

    def _read_status(self, node: WorkerNode, status: Mapping[str, Any]) -> None:
        node.cpu_usage = float(status.get("current_cpu_usage") or 0.0)
        node.memory_usage = int(status.get("current_memory_usage") or 0)
        if node.dialect != LOCUST and isinstance(status.get("users"), dict):
            node.user_classes_count = counts_of(status["users"])
        delay_s = float(status.get("loop_delay_s") or 0.0)
        if delay_s >= _BLOCKED_S > node.loop_delay_s:
            logger.warning(
                "The event loop of worker %d (%s) has not turned for %.0f s: a user's code blocks it%s",
                node.index,
                node.id,
                delay_s,
                f" ({status['culprit']})" if status.get("culprit") else "",
            )
        node.loop_delay_s = delay_s
        if node.cpu_usage > settings.cpu_warning_threshold and not node.cpu_warning_emitted:
            self.worker_cpu_warning_emitted = node.cpu_warning_emitted = True
            logger.warning(
                "Worker %d (%s) uses %.0f %% of a core: its response times may include its own delays",
                node.index,
                node.id,
                node.cpu_usage,
            )

    def _put(self, node_id: str, kind: str, payload: Any) -> None:
        self._link.ask(lambda: self._machine.put(node_id, kind, payload))


def _has_its_users(node: WorkerNode) -> bool:
    return node.state == STATE_RUNNING or not any(node.wanted.values())


def _is_ask(payload: object) -> bool:
    return (
        isinstance(payload, list)
        and len(payload) == 2
        and isinstance(payload[0], str)
        and isinstance(payload[1], dict)
    )


def _cannot_listen(host: str, port: int, error: Exception) -> str:
    return (
        f"cannot listen for workers on {host}:{port}: {error}. Does another master run there? Choose another port with "
        "--master-bind-port (0 takes any), or another address with --master-bind-host"
    )
