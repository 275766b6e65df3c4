"""LocalRunner: start a test in this process, change its load, stop it, quit."""

import logging
import socket
import time
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gevent
from gevent import Greenlet
from gevent.pool import Group

from gregaria.events import EventHook
from gregaria.runner.dispatch import check_load
from gregaria.runner.messages import Message
from gregaria.runner.population import Population
from gregaria.runner.runner import Runner
from gregaria.runner.selfwatch import SelfWatch
from gregaria.runner.shape import LoadTestShape, follow
from gregaria.runner.state import STATE_CLEANUP, STATE_RUNNING, STATE_SPAWNING, STATE_STOPPED
from gregaria.settings import settings
from gregaria.users.check import check_user_class

logger = logging.getLogger("gregaria.runner")


@dataclass(frozen=True, slots=True)
class LocalNode:
    """This process, where a dispatcher expects workers."""

    id: str


class LocalRunner(Runner):
    """Runs all users in this process.

    Attributes:
        client_id: names this process.
        worker_index, worker_count: this process is the first and only one that runs users.
        clients: ids of the processes that run users, which is this one; messages can be sent to it.
        workers: there are none.
        dispatcher: decides how many users of which class there are at each moment.
        spawn_rate: users per second of the last ``start``.
    """

    worker_index = 0
    worker_count = 1
    workers: tuple[Any, ...] = ()

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client_id = f"{socket.gethostname()}_{uuid.uuid4().hex}"
        self.clients = (self.client_id,)
        self.dispatcher: Any = None
        self.spawn_rate = 0.0
        self._population = Population(self)
        self._is_testing = False
        self._quits = False
        self._ender: Greenlet | None = None
        self._run_time_s: float | None = None
        self._timer: Greenlet | None = None
        self._has_reset = False
        self._self_watch: SelfWatch | None = None
        self._hub = gevent.get_hub()
        self._exit_wish: SystemExit | None = None
        self._keep_watch()

    @property
    def user_greenlets(self) -> Group:
        """The greenlets of all users; the user is ``greenlet.args[0]``."""
        return self._population.group

    @property
    def user_count(self) -> int:
        """How many users there are, those included that are finishing their last task."""
        return len(self.user_greenlets)

    @property
    def user_classes_count(self) -> dict[str, int]:
        """{class name: users}."""
        return self._population.counts

    # -- load ------------------------------------------------------------------------------------------------------

    def start(
        self, user_count: int, spawn_rate: float, wait: bool = False, user_classes: Sequence[Any] | None = None
    ) -> None:
        """Start a test, or change the number of users of the one that runs; returns before the users are there.

        Args:
            user_count: how many users there shall be.
            spawn_rate: users per second on the way there.
            wait: return only when they are there.
            user_classes: only these classes shall have users; those of other classes leave. None for all classes.

        Raises:
            ValueError: the load cannot be reached, or a class is none of the environment's.
            WrongDeclarationError: a user class cannot work; the message tells which, where and why.
        """
        check_load(user_count, spawn_rate)
        self._check_classes(user_classes or ())
        if not self._begin_test():
            return
        self.target_user_count = user_count
        self.spawn_rate = self._population.spawn_rate = spawn_rate
        self._cancel_ramp()
        if self.state != STATE_SPAWNING:
            self.update_state(STATE_SPAWNING)
        logger.info("Ramping to %d users at a rate of %.2f per second", user_count, spawn_rate)
        classes = list(self.user_classes if user_classes is None else user_classes)
        self.dispatcher.new_dispatch(target_user_count=user_count, spawn_rate=spawn_rate, user_classes=classes)
        ramp = self.spawning_greenlet = self.greenlet.spawn(self._ramp)
        if wait:
            ramp.join()

    def start_shape(self) -> None:
        """Start a test that follows ``environment.shape_class``.

        Raises:
            ValueError: there is no shape.
        """
        shape: LoadTestShape | None = self.environment.shape_class
        if shape is None:
            raise ValueError("There is no shape to follow: give Environment a shape_class")
        if self.shape_greenlet is not None and not self.shape_greenlet.dead:
            logger.info("The shape is being followed already")
            return
        if not self._begin_test():
            return
        self.shape_last_tick = None
        shape.runner = self
        shape.reset_time()
        logger.info("Following the shape %s", type(shape).__name__)
        self.shape_greenlet = self.greenlet.spawn(follow, shape, self)

    def stop_after(self, run_time_s: float) -> None:
        """End the current test, or if there is none the next one, so many seconds after it began, shape or not."""
        self._run_time_s = run_time_s
        if self._is_testing:
            self._start_timer()

    def spawn_users(self, user_classes_spawn_count: Mapping[str, int], wait: bool = False) -> list[Any]:
        """Start users at once, whatever the ramp does.

        Args:
            user_classes_spawn_count: {class name: how many more}.
            wait: return only when all users have ended.
        """
        self._population.is_open = True
        users = self._population.spawn(user_classes_spawn_count)
        if wait:
            self.user_greenlets.join()
        return users

    def stop_users(self, user_classes_stop_count: Mapping[str, int]) -> None:
        """End users, the latest of each class first, and wait until they have ended.

        Args:
            user_classes_stop_count: {class name: how many}.
        """
        self._population.stop(user_classes_stop_count)

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send a message; in this process, so its listener is called right here.

        Args:
            msg_type: which listener it is for.
            data: anything.
            client_id: to whom, in a distributed run.
        """
        del client_id
        self._messages.deliver(Message(msg_type, data, self.client_id), self.environment)

    # -- end -------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End the test and wait for it; the next ``start`` begins another. Without a test, nothing happens.

        Called by a user, by a listener of the end or in another thread, it only asks for it.
        """
        self._end(quits=False)

    def quit(self) -> None:
        """End the test and all background work, so that ``greenlet.join()`` returns."""
        self._end(quits=True)

    def stop_test(self, reason: str) -> None:
        """End the test from anywhere, and everything with it unless there is a web page to go on from.

        Returns at once; the reason is logged.
        """
        if self._is_testing and self._ender is None:
            logger.info("The test ends: %s", reason)
            self._ask_for_end(quits=self.environment.web_ui is None)

    # -- what the population tells ---------------------------------------------------------------------------------

    def user_gone(self, class_name: str) -> bool:
        """A user has ended by itself and is not replaced."""
        tell = getattr(self.dispatcher, "user_gone", None)
        if tell is None:
            return False
        tell(class_name)
        return True

    def user_count_changed(self) -> None:
        """A user has ended: when nobody is left and nobody is to come, so has the test."""
        if not self._is_testing or self._ender is not None:
            return
        if self.iterations_left is not None and self.iterations_left <= 0:
            self._finish_iterations()
        elif (
            self._population.is_extinct
            and self.target_user_count > 0
            and self.state == STATE_RUNNING
            and (self.shape_greenlet is None or self.shape_greenlet.dead)
        ):
            self.stop_test("all users have ended by themselves")

    def _finish_iterations(self) -> None:
        self._cancel_ramp()
        # Those that wait between two tasks have nothing to wait for.
        self._population.stop_waiting()
        if self.user_count == 0:
            self.stop_test("all iterations have been run")

    # -- the life of a test ----------------------------------------------------------------------------------------

    def _begin_test(self) -> bool:
        """Make sure that a test runs; False when it has been ended before it could begin."""
        if self._ender is not None:
            if not self._may_wait():
                logger.warning("start() was called while the test was being stopped; it is ignored")
                return False
            self._ender.join()
        if self._is_testing:
            return True
        for user_class in self.user_classes:
            check_user_class(user_class)
        self._keep_watch()
        self._quits = self._has_reset = self.cpu_warning_emitted = False
        self.stats.clear_all()
        self.exceptions.clear()
        if self.iterations is not None:
            self.iterations_left = self.iterations
        self.environment.filter_tasks_by_tags()
        self.dispatcher = self.environment.dispatcher_class([LocalNode(self.client_id)], self.user_classes)
        self._is_testing = self.stats.running = True
        self.test_started_epoch_s, self.test_ended_epoch_s = time.time(), None
        self.fire(self.environment.events.test_start, environment=self.environment)
        self._messages.wait_until_handled()
        if not self._is_testing or self._ender is not None:
            return False
        if self.environment.host:
            # Only now, for a listener of test_start may have chosen it.
            for user_class in self.user_classes:
                user_class.host = self.environment.host
        self._self_watch = SelfWatch(self.stats.generator)
        self._population.open()
        if self._run_time_s is not None:
            self._start_timer()
        return True

    def _ramp(self) -> None:
        me = gevent.getcurrent()
        try:
            for placement in self.dispatcher:
                wanted: dict[str, int] = placement.get(self.client_id, {})
                self.target_user_classes_count = dict(wanted)
                self._population.move_to(wanted, lambda: self.spawning_greenlet is me)
                if self.spawning_greenlet is not me:
                    # Replaced while a constructor took its time; the next step belongs to the other ramp.
                    return
        except Exception as error:
            logger.exception("The dispatcher %s raised", type(self.dispatcher).__name__)
            self.log_exception("local", str(error), traceback.format_exc())
            self.stop_test("its dispatcher failed")
            return
        self.spawning_greenlet = None
        self._spawning_is_complete()

    def _spawning_is_complete(self) -> None:
        self.update_state(STATE_RUNNING)
        # Not who is there: on the way down, some may be finishing their last task.
        counts = self.target_user_classes_count
        user_count = sum(counts.values())
        logger.info("All users spawned: %s (%d users in total)", counts, user_count)
        if self.environment.reset_stats and not self._has_reset:
            self._has_reset = True
            logger.info("The statistics begin anew, as all users are there (--reset-stats)")
            self.stats.reset_all()
        self.fire(self.environment.events.spawning_complete, user_count=user_count)
        self.user_count_changed()

    def _cancel_ramp(self) -> Greenlet | None:
        """Let no more users come. Returns the ramp if it is inside a user's constructor."""
        ramp, self.spawning_greenlet = self.spawning_greenlet, None
        if ramp is None or ramp in self._population.making:
            return ramp
        if ramp is not gevent.getcurrent():
            ramp.kill(block=False)
        return None

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.kill(block=False)
        self._timer = self.greenlet.spawn(self._wait_for_end, self._run_time_s)
        self._run_time_s = None

    def _wait_for_end(self, run_time_s: float) -> None:
        due_s = time.monotonic() + run_time_s
        # A timer of the event loop may ring a little early.
        while (pause_s := due_s - time.monotonic()) > 0:
            gevent.sleep(pause_s)
        self.stop_test(f"its run time of {run_time_s:g} s is over")

    def _end(self, quits: bool) -> None:
        self._ask_for_end(quits)
        if self._ender is not None and self._may_wait():
            self._ender.join()

    def _ask_for_end(self, quits: bool) -> None:
        if gevent.get_hub() is not self._hub:
            self._hub.loop.run_callback_threadsafe(self._ask_for_end, quits)
            return
        self._quits = self._quits or quits
        # In a greenlet of its own: whoever asks may be one of those that are ended.
        if self._ender is None and (self._is_testing or quits):
            self._ender = gevent.spawn(self._run_end)

    def _may_wait(self) -> bool:
        me = gevent.getcurrent()
        if gevent.get_hub() is not self._hub:
            # Another thread.
            return False
        return not (me is self._ender or me is self._hub or me in self.user_greenlets or me in self.greenlet)

    def _run_end(self) -> None:
        try:
            if self._is_testing:
                self._end_test()
            if self._quits:
                self.greenlet.kill(timeout=settings.stop_grace_s)
        finally:
            self._stop_watching()
            self._ender = None
        if self._exit_wish is not None:
            exit_wish, self._exit_wish = self._exit_wish, None
            raise exit_wish

    def _end_test(self) -> None:
        events = self.environment.events
        unfinished = [self._cancel_ramp(), self._population.close()]
        for worker in (self.shape_greenlet, self._timer):
            if worker is not None:
                worker.kill(block=False)
        self._fire_to_the_end(events.test_stopping)
        self.final_user_classes_count = self.user_classes_count
        self.update_state(STATE_CLEANUP)
        logger.debug("Ending %d users", self.user_count)
        self._population.stop_everybody()
        constructing = [worker for worker in unfinished if worker is not None]
        gevent.joinall(constructing, timeout=settings.stop_grace_s)
        gevent.killall(constructing, block=False)
        self._stop_watching()
        self._population.faults.sum_up()
        self.test_ended_epoch_s = time.time()
        self.update_state(STATE_STOPPED)
        self._is_testing = self.stats.running = False
        self._fire_to_the_end(events.test_stop)

    def _stop_watching(self) -> None:
        watch, self._self_watch = self._self_watch, None
        if watch is not None:
            watch.stop()

    def _fire_to_the_end(self, event: EventHook) -> None:
        try:
            self.fire(event, environment=self.environment)
        except SystemExit as exit_wish:
            self._exit_wish = exit_wish

    def _check_classes(self, user_classes: Sequence[Any]) -> None:
        strangers = [user_class.__name__ for user_class in user_classes if user_class not in self.user_classes]
        if strangers:
            raise ValueError(
                f"Users of {', '.join(strangers)} are asked for, but this run only has "
                f"{', '.join(self.user_classes_by_name)}: add the class to the run, or leave it out of the shape"
            )
