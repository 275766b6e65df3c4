"""WorkerRunner: runs the users that a master asks for, and tells it what they do."""

import logging
import os
import socket
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from gevent import Greenlet
from gevent.event import Event
from gevent.monkey import get_original

from gregaria.cluster.archive import differences
from gregaria.cluster.cap import CapShare
from gregaria.cluster.choices import PAUSE, QUIT
from gregaria.cluster.files import digest_of
from gregaria.cluster.happenings import Connected, Failed, Held, Item, Refused, Resumed, Waiting
from gregaria.cluster.iterations import Share
from gregaria.cluster.keys import Keys
from gregaria.cluster.link import Link, WorkerSocket
from gregaria.cluster.options import take_options, those_for
from gregaria.cluster.reach import why_not
from gregaria.cluster.telling import Telling, idle_cores
from gregaria.cluster.timing import GOODBYE_S, ROWS_S, Timing, report_at_s
from gregaria.cluster.wire import change_of, copy_of
from gregaria.cluster.worker_machine import LOCUST, WorkerMachine
from gregaria.errors import LONGEST_MESSAGE, CommandError, ExitCode, shortened
from gregaria.events import EventHook
from gregaria.feed.feeds import feeds
from gregaria.runner.host import HostRunner
from gregaria.runner.messages import Message
from gregaria.runner.roles import DistributedRunner
from gregaria.runner.state import STATE_CLEANUP, STATE_INIT, STATE_RUNNING, STATE_SPAWNING
from gregaria.stats.increments import Increments
from gregaria.users.check import check_user_class

__all__ = ["WorkerRunner"]

logger = logging.getLogger("gregaria.cluster.worker")

#: files that are named when they are not the master's
_MOST_DIFFERENCES = 10


class WorkerRunner(HostRunner, DistributedRunner):
    """Runs users in this process, as many as a master says.

    Args:
        environment: whose users are run.
        master_host, master_port: where the master listens.
        keys: of the cluster, when it has a secret.
        on_master_loss: ``pause``, ``continue`` or ``quit``: what to do when the master is not heard of for a lease.
        timing: how often and how long.
        files: ``{name: checksum}`` of the Python files of its test, which must be the master's; None for any.

    Attributes:
        client_id: names this process.
        worker_index: which worker this is, from 0; -1 until a master has accepted it.
        share: what its users may begin of a limited number of iterations.
        cap_share: what they may start of a limited number of requests per second.
        worker_state: ``ready``, ``spawning``, ``running`` or ``cleanup``.
        master_host, master_port: where the master listens.
        connected: whether a master has accepted it.
        is_locust: whether the master is one of Locust's.
        count_unhandled: called for how many exceptions nobody has dealt with: those of listeners, unless whoever
            watches greenlets puts another function there.
    """

    workers: tuple[Any, ...] = ()

    def __init__(
        self,
        environment: Any,
        master_host: str,
        master_port: int,
        *,
        keys: Keys | None = None,
        on_master_loss: str = PAUSE,
        timing: Timing | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(environment)
        self.client_id = f"{socket.gethostname()}_{uuid.uuid4().hex}"
        self.worker_index = -1
        self.worker_state = STATE_INIT
        self.master_host = master_host
        self.master_port = master_port
        self.connected = False
        self._on_master_loss = on_master_loss
        self._increments = Increments(self.stats, self.exceptions)
        # One of the system: the link's thread takes what is new while the hub may be about to begin anew.
        self._counting = get_original("_thread", "allocate_lock")()
        self._run: str | None = None
        self._generation = 0
        # The test that the master was asked to end: once, however many users want it.
        self._asked_to_end: str | None = None
        self._wanted: dict[str, Any] | None = None
        self._follower: Greenlet | None = None
        self._spawn_timestamp = 0.0
        self.is_locust = False
        self._is_held = False
        self.count_unhandled: Callable[[], int] = lambda: EventHook.errors
        self._about: dict[str, Any] = {
            "host": socket.gethostname(),
            "cores": os.cpu_count() or 1,
            "pid": os.getpid(),
        }
        self._files = dict(files) if files is not None else None
        if files is not None:
            self._about["files"] = digest_of(files)
        self.share = Share(lambda said: self.put("iterations", said), self._share_changed)
        self._has_share = Event()
        self.cap_share = CapShare(lambda said: self.put("cap", said), environment.throttle)
        self._telling = Telling(self, self._increments)
        self._machine = WorkerMachine(
            self.client_id,
            uuid.uuid4().hex[:16],
            self._about_now,
            self._report,
            self._telling.status_now,
            time.monotonic(),
            timing or Timing.usual(),
            time.monotonic() - time.time() + report_at_s(self.client_id),
        )
        environment.shared_data.writer = self.client_id
        environment.shared_data.tell = lambda change: self.put("shared", change_of(change))
        feeds.connect(self)
        self._link = Link(WorkerSocket(self._machine, master_host, master_port, keys), self._happened)
        self._link.open()
        self.greenlet.spawn(self._telling.keep_telling)

    @property
    def is_testing(self) -> bool:
        """Whether a test runs, or is about to end."""
        return self._is_testing

    # -- users -----------------------------------------------------------------------------------------------------

    def start(self, *_: Any, **__: Any) -> None:
        """A worker starts nothing by itself.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("A worker runs what its master asks for: start the test there")

    def user_gone(self, class_name: str) -> bool:
        """A user has ended by itself and is not replaced."""
        self.put("user_gone", {"class": class_name})
        return True

    def user_count_changed(self) -> None:
        """A user has ended: the master decides what that means."""
        if self.are_iterations_over and self._is_testing:
            self._crew.population.stop_waiting()

    @property
    def are_iterations_over(self) -> bool:
        """Whether there is a limit of iterations, and all have been begun, here and elsewhere."""
        return self.iterations_left is not None and self.share.is_over

    def take_iteration(self) -> bool:
        """Begin one of a limited number of iterations; False when there is none here at the moment."""
        is_taken = self.share.take()
        self.iterations_left = self.share.left
        return is_taken

    def wait_for_iterations(self) -> None:
        """Return when there may be some again, or none any more."""
        self._has_share.clear()
        self._has_share.wait()

    def _share_changed(self) -> None:
        self.iterations_left = self.share.left
        self._has_share.set()
        self.user_count_changed()

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send a message to the master.

        Args:
            msg_type: which listener it is for.
            data: numbers, texts, bytes, None, lists and dictionaries of those.
            client_id: not used by a worker, whose messages all go to the master.

        Raises:
            WireError: the data cannot be sent.
        """
        del client_id
        self.put("message", {"type": msg_type, "data": copy_of(msg_type, data)})

    def ask(self, feed_name: str, payload: dict[str, Any]) -> None:
        """Ask the master for rows of test data."""
        self.put("feed", [feed_name, payload])

    def stop(self) -> None:
        """End the whole test: the master is asked to, and not waited for.

        Without a master that could, or when it is about to end anyway, it does what every runner does.
        """
        if self._can_ask_master and self._ender is None:
            self.stop_test("runner.stop() was called")
        else:
            super().stop()

    def stop_test(self, reason: str) -> None:
        """End the whole test: the master does."""
        if not self._can_ask_master:
            super().stop_test(reason)
        elif self._is_testing and self._asked_to_end != self._run:
            self._asked_to_end = self._run
            logger.info("The master is asked to end the test: %s", reason)
            self.put("stop_test", {"reason": f"worker {self.worker_index}: {reason}"})

    @property
    def _can_ask_master(self) -> bool:
        """Whether there is a master that ends tests when it is asked to, or will be one again before users go on."""
        return not self.is_locust and (self.connected or self._on_master_loss == PAUSE)

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        super().log_exception(node_id, msg, formatted_tb)
        if self.is_locust:
            self.put("exception", {"message": msg, "traceback": formatted_tb})

    # -- what happens ----------------------------------------------------------------------------------------------

    def _happened(self, what: Any) -> None:
        try:
            if isinstance(what, Item):
                self._take(what)
            elif isinstance(what, Connected):
                self._accepted(what)
            elif isinstance(what, Held):
                self._hold(what)
            elif isinstance(what, Resumed):
                self._resume()
            elif isinstance(what, Waiting):
                self._tell_waiting(what)
            elif isinstance(what, Refused):
                self._refused(what)
            elif isinstance(what, Failed):
                # Nobody could be said goodbye to.
                self.connected = False
                self._give_up(f"The link to the master has failed, and this worker gives up ({what.reason})")
        except Exception:
            # What it was, and not all of it: options may be secret.
            logger.exception("What the master said could not be dealt with: %s", getattr(what, "kind", what))

    def _take(self, item: Item) -> None:
        payload = item.payload
        if item.kind == "spawn":
            self._spawn(payload)
        elif item.kind == "stop":
            self._wanted = None
            if self._is_testing:
                self._ask_for_end(quits=False)
            else:
                self._stopped(payload.get("run") or self._run)
        elif item.kind == "quit":
            logger.info("The master has ended the run")
            self._ask_for_end(quits=True)
        elif item.kind == "message":
            self._messages.deliver(Message(payload["type"], payload["data"], payload.get("from")), self.environment)
        elif item.kind == "spawning_complete":
            self.fire(self.environment.events.spawning_complete, user_count=payload["user_count"])
        elif item.kind == "reset":
            self._begin_counting(payload["run"], payload["generation"], self.stats.reset_all)
        elif item.kind == "shared":
            self.environment.shared_data.take(payload)
        elif item.kind == "feed":
            feeds.on_answer(*payload)
        elif item.kind == "iterations":
            self.share.answer(payload)
        elif item.kind == "cap":
            self.cap_share.answer(payload)
        elif item.kind == "update_user_class":
            self.environment.update_user_class(payload)
        if item.number:
            self._link.ask(lambda: self._machine.deal(item.number))

    def _accepted(self, what: Connected) -> None:
        self.connected = True
        self.is_locust = what.dialect == LOCUST
        self.worker_index = what.index
        if what.is_new:
            logger.info("Connected to the master at %s:%d as worker %d", self.master_host, self.master_port, what.index)
            self._telling.begin_again()
        else:
            logger.info("Connected to the master at %s:%d again", self.master_host, self.master_port)
        if what.is_new and not self.is_locust:
            # A master that has begun again has nothing of what was shared.
            for change in self.environment.shared_data.whole():
                self.put("shared", change_of(change))
            self.share.resume()
            self.cap_share.let_go()
        if self.is_locust:
            feeds.fail("a master of Locust's hands out no rows")
        else:
            feeds.resume()

    def _hold(self, what: Held) -> None:
        self.connected = False
        self._is_held = self._on_master_loss == PAUSE
        feeds.hold()
        if not self._is_testing:
            return
        if self._on_master_loss == PAUSE:
            self.cap_share.let_go()
            logger.warning("The users of this worker pause, as %s; they go on when it is back", what.reason)
            self._crew.population.pause()
        elif self._on_master_loss == QUIT:
            self._give_up(f"This worker ends, as {what.reason} (--on-master-loss quit)")
        else:
            logger.warning("%s; the users of this worker go on (--on-master-loss continue)", what.reason.capitalize())

    def _resume(self) -> None:
        self.connected = True
        self._is_held = False
        feeds.resume()
        if self._is_testing:
            logger.info("The master is back, the users of this worker go on")
            self._crew.population.resume()

    def _refused(self, what: Refused) -> None:
        reason = what.reason
        if what.files:
            here = self._files or {}
            told = differences(here, what.files)
            reason += ": " + "; ".join(told[:_MOST_DIFFERENCES]) + ("; ..." if len(told) > _MOST_DIFFERENCES else "")
            reason += ". Give it the master's files, start it with -f - to get them, or with --allow-other-files"
        self._give_up(f"The master refuses this worker: {reason}")

    def _tell_waiting(self, what: Waiting) -> None:
        where = f"{self.master_host}:{self.master_port}"
        if what.gives_up:
            self._give_up(f"No master has answered at {where} for {what.waited_s:.0f} s; this worker gives up")
            return
        logger.warning(
            "No master answers at %s%s (for %.0f s now); trying again each second. Is it running, and are these its "
            "--master-host and its --master-bind-port?",
            where,
            why_not(self.master_host, self.master_port),
            what.waited_s,
        )

    def _give_up(self, reason: str) -> None:
        if self.failure is None:
            self.failure = CommandError(reason, ExitCode.CLUSTER)
        self._ask_for_end(quits=True)

    # -- a test ----------------------------------------------------------------------------------------------------

    def _spawn(self, payload: dict[str, Any]) -> None:
        if self.is_locust:
            if payload["timestamp"] <= self._spawn_timestamp:
                return
            self._spawn_timestamp = payload["timestamp"]
            payload = {
                **payload,
                "run": self._run if self._is_testing else uuid.uuid4().hex,
                "generation": 0,
                "options": those_for(self.environment, payload["options"]),
            }
        self._wanted = payload
        self._go_there()

    def _go_there(self) -> None:
        if self._follower is None or self._follower.dead:
            self._follower = self.greenlet.spawn(self._follow_or_fail)

    def _run_end(self) -> None:
        try:
            super()._run_end()
        finally:
            if self._wanted is not None and not self._quits:
                # The next test was asked for while this one came to its end.
                self._go_there()

    def _is_ending(self) -> bool:
        return self._ender is not None

    def _follow_or_fail(self) -> None:
        try:
            self._follow()
        except Exception as error:
            # Without these users it would not be the test that was asked for.
            if isinstance(error, CommandError):
                reason, exit_code = str(error), error.exit_code
                logger.error("The users of this worker cannot be started: %s", reason)
            else:
                reason, exit_code = f"{type(error).__name__}: {error}", ExitCode.SETTINGS
                logger.exception("The users of this worker cannot be started")
            self.log_exception("local", reason, traceback.format_exc())
            self.put("failed", {"reason": shortened(reason, LONGEST_MESSAGE), "exit_code": int(exit_code)})

    def _follow(self) -> None:
        """Bring the users where they are wanted, until they are."""
        if self._wanted is None:
            # Another one has seen to it between the making of this greenlet and its first turn.
            return
        step = 0
        while self._wanted is not None:
            if self._is_testing and self._wanted["run"] != self._run:
                # A master that has begun again and knows nothing of the test that ran.
                self._ask_for_end(quits=False)
            if self._is_ending():
                # Who ends that test sees to it then.
                return
            wanted, self._wanted = self._wanted, None
            self.put("spawning", {})
            if not self._is_testing and not self._begin_test(wanted):
                return
            if wanted["generation"] > self._generation:
                # It was begun while this worker was not heard of.
                self._begin_counting(wanted["run"], wanted["generation"], self.stats.reset_all)
            self._apply(wanted)
            self.cap_share.follow(wanted["run"], wanted.get("max_rps"), self.environment.max_rps)
            step = wanted.get("step", 0)
            self.worker_state = STATE_SPAWNING
            if self.state != STATE_SPAWNING:
                self.update_state(STATE_SPAWNING)
            users = {name: count for name, count in wanted["users"].items() if name in self.user_classes_by_name}
            self._crew.population.spawn_rate = wanted.get("spawn_rate") or max(sum(users.values()), 1)
            self._crew.population.move_to(users, lambda: self._wanted is None and not self._is_ending())
            if self._is_ending():
                return
        self.worker_state = STATE_RUNNING
        self.update_state(STATE_RUNNING)
        self.put("spawned", {"users": self.user_classes_count, "step": step})

    def _begin_test(self, wanted: dict[str, Any]) -> bool:
        for user_class in self.user_classes:
            check_user_class(user_class)
        self._keep_watch()
        self._apply(wanted)
        # Now and not with each step of a ramp: listeners of test_start may make more of them.
        take_options(self.environment, wanted.get("options") or {})
        self.environment.check_hosts()
        self.cap_share.begin(wanted["run"], wanted.get("max_rps"), self.environment.max_rps)
        self.cpu_warning_emitted = False
        self._begin_counting(wanted["run"], wanted["generation"], self._clear_figures)
        self.iterations = wanted.get("iterations")
        self.iterations_left = None
        if self.iterations is not None:
            self.share.begin(wanted["run"])
            self.iterations_left = self.share.left
        self.environment.filter_tasks_by_tags()
        self._is_testing = self.stats.running = True
        self.test_started_epoch_s, self.test_ended_epoch_s = time.time(), None
        self.fire(self.environment.events.test_start, environment=self.environment)
        self._messages.wait_until_handled()
        if not self._is_testing or self._ender is not None:
            return False
        feeds.begin(wanted["run"])
        if not feeds.wait_until_ready(ROWS_S):
            logger.warning("The first rows of test data have not come within %g s; users wait for them", ROWS_S)
        self._crew.open()
        if self._is_held:
            # The lease has ended while the test began.
            self._crew.population.pause()
        return True

    def _apply(self, wanted: dict[str, Any]) -> None:
        environment = self.environment
        environment.host = wanted["host"] or environment.host
        if wanted.get("stop_timeout_s") is not None:
            environment.stop_timeout = wanted["stop_timeout_s"]

    def _begin_counting(self, run: str, generation: int, clear: Any) -> None:
        with self._counting:
            clear()
            self._run, self._generation = run, generation

    def _report(self) -> dict[str, Any] | None:
        """What is new; called in the link's thread."""
        with self._counting:
            if self._run is None or self.is_locust:
                return None
            new = self._increments.take()
            if new is None:
                return None
            return {"run": self._run, "generation": self._generation, **new}

    # -- the end ---------------------------------------------------------------------------------------------------

    def _stop_growing(self) -> list[Greenlet | None]:
        if self._wanted is not None and self._wanted["run"] == self._run:
            self._wanted = None
        follower, self._follower = self._follower, None
        if follower is not None and follower not in self._crew.population.making:
            if follower is not gevent.getcurrent():
                follower.kill(block=False)
            follower = None
        self._crew.population.resume()
        return [follower, self._crew.close()]

    def _end_users(self, unfinished: list[Greenlet | None]) -> None:
        self.worker_state = STATE_CLEANUP
        self.update_state(STATE_CLEANUP)
        self._crew.end(unfinished)

    def _end_test(self) -> None:
        super()._end_test()
        self._stopped(self._run)

    def _stopped(self, run: str | None) -> None:
        """Tell the master everything that it has not been told, and that this was all of that run."""
        self.worker_state = STATE_INIT
        self._telling.tell_all()
        told = {"run": run, "unhandled": self.count_unhandled()}

        def tell() -> None:
            self._machine.report_now()
            self._machine.put("stopped", told)

        self._link.ask(tell)
        if self.is_locust:
            self.put("client_ready", None)

    def _end_work(self) -> None:
        feeds.leave()
        self._link.ask(self._machine.leave)
        deadline_s = time.monotonic() + (GOODBYE_S if self.connected else 0.0)
        while not self._machine.has_left and time.monotonic() < deadline_s:
            gevent.sleep(0.02)
        self._link.close()
        super()._end_work()

    # -- what the master is told -----------------------------------------------------------------------------------

    def put(self, kind: str, payload: Any) -> None:
        """Send an item to the master."""
        self._link.ask(lambda: self._machine.put(kind, payload))

    def held_up_by(self) -> str | None:
        """Who keeps the event loop from turning at this moment. May be asked in any thread."""
        return self._crew.held_up_by()

    def _about_now(self) -> dict[str, Any]:
        """Called in the link's thread, when a master is greeted."""
        return {**self._about, "idle_cores": idle_cores(), "run": self._run if self._is_testing else None}
