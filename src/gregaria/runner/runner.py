"""Runner: what every runner has, wherever its users run: a state, listeners, and an end."""

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import gevent
from gevent import Greenlet, GreenletExit
from gevent.pool import Group

from gregaria.errors import CommandError, StopTest
from gregaria.events import FLOW, EventHook, Listener
from gregaria.runner.cap import CapLog
from gregaria.runner.messages import MessageListeners
from gregaria.runner.monitor import watch
from gregaria.runner.shape import Tick
from gregaria.runner.state import STATE_INIT, STATE_STOPPED, check_transition
from gregaria.settings import settings
from gregaria.stats.failures import ExceptionTable

logger = logging.getLogger("gregaria.runner")


class Runner:
    """One test after another.

    Attributes:
        environment: whose users are run.
        state: one of the strings in ``gregaria.runner.state``.
        exceptions: what has escaped tasks, by traceback.
        greenlet: background work; ``runner.greenlet.join()`` returns after ``quit``.
        spawning_greenlet: the ramp, while the number of users changes.
        shape_greenlet: follows the shape, when there is one.
        shape_last_tick: what the shape wanted last.
        target_user_count: how many users there shall be in the end.
        target_user_classes_count: how many of each class, according to the last step of the ramp.
        final_user_classes_count: how many of each class there were when the last test was stopped.
        most_users: {class name: users}, the most that there were of each class in the current or last test.
        configuration: what the current or last test was started with, see ``configuration_of``; None before.
        current_cpu_usage: percent of a core that this process has used.
        current_memory_usage: resident bytes of this process.
        cpu_warning_emitted: whether the CPU was too busy at some moment of this test.
        test_started_epoch_s, test_ended_epoch_s: wall-clock moments of the current or last test, None before.
        iterations: how many tasks the users of a test run together; None for no limit.
        iterations_left: how many of them are still to be begun; None for no limit.
        failure: why it has ended before it was told to; None while it has not.
        failures_dir: where the failures of this test are written when it is over; None for nowhere.
        after_test: called when a test is over, all listeners included, and its figures are still there.
    """

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.state = STATE_INIT
        self.exceptions = ExceptionTable()
        self.greenlet = Group()
        self.spawning_greenlet: Greenlet | None = None
        self.shape_greenlet: Greenlet | None = None
        self.shape_last_tick: Tick | None = None
        self.target_user_count = 0
        self.target_user_classes_count: dict[str, int] = {}
        self.final_user_classes_count: dict[str, int] = {}
        self.most_users: dict[str, int] = {}
        self.configuration: dict[str, Any] | None = None
        self.current_cpu_usage = 0.0
        self.current_memory_usage = 0
        self.cpu_warning_emitted = False
        self.worker_cpu_warning_emitted = False
        self.connection_broken = False
        self.test_started_epoch_s: float | None = None
        self.test_ended_epoch_s: float | None = None
        self.iterations: int | None = None
        self.iterations_left: int | None = None
        self.failure: CommandError | None = None
        self.failures_dir: str | None = None
        self.cap_log: CapLog | None = None
        self.after_test: list[Callable[[], object]] = []
        self._messages = MessageListeners()
        self._monitor: Greenlet | None = None
        self._is_testing = False
        self._quits = False
        self._ender: Greenlet | None = None
        self._end_reason = ""
        self._exit_wish: SystemExit | None = None
        self._hub = gevent.get_hub()
        # First, as a listener that steers or leaves keeps those behind it from being called.
        environment.events.user_error.listeners.insert(0, self._count_user_error)

    @property
    def stats(self) -> Any:
        """The environment's ``RequestStats``."""
        return self.environment.stats

    @property
    def errors(self) -> Any:
        """The failures of requests, as in ``stats.errors``."""
        return self.stats.errors

    @property
    def user_classes(self) -> list[Any]:
        """The environment's user classes."""
        classes: list[Any] = self.environment.user_classes
        return classes

    @property
    def user_classes_by_name(self) -> dict[str, Any]:
        """The same by name."""
        by_name: dict[str, Any] = self.environment.user_classes_by_name
        return by_name

    @property
    def user_count(self) -> int:
        """How many users there are, those included that are finishing their last task."""
        raise NotImplementedError

    @property
    def user_classes_count(self) -> dict[str, int]:
        """{class name: users}."""
        raise NotImplementedError

    @property
    def user_greenlets(self) -> Group:
        """The greenlets of all users of this process: none, where they run elsewhere."""
        return Group()

    @property
    def are_iterations_over(self) -> bool:
        """Whether there is a limit of iterations, and all have been begun."""
        return self.iterations_left is not None and self.iterations_left <= 0

    def take_iteration(self) -> bool:
        """Begin one of a limited number of iterations; False when there is none here at the moment."""
        if self.iterations_left is None or self.are_iterations_over:
            return False
        self.iterations_left -= 1
        return True

    def wait_for_iterations(self) -> None:
        """Return when there may be some again, or none any more."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences that belong beside the figures of this test."""
        allowed = self.environment.allowed_hosts
        hosts = None if allowed is None else f"Only these hosts could be asked (--allow-host): {allowed}."
        cap = None if self.cap_log is None else self.cap_log.note
        return [note for note in (hosts, cap) if note is not None]

    @property
    def num_unhandled_elsewhere(self) -> int:
        """How many exceptions have escaped listeners and greenlets of other processes of the run."""
        return 0

    @property
    def custom_messages(self) -> dict[str, tuple[Listener, bool]]:
        """{type of message: (listener, concurrent)}."""
        return self._messages.listeners

    def update_state(self, new_state: str) -> None:
        """Go on to another state.

        Raises:
            RuntimeError: that state cannot follow the present one.
        """
        check_transition(self.state, new_state)
        logger.debug("The runner was %s and is %s now", self.state, new_state)
        self.state = new_state

    def fire(self, event: EventHook, **arguments: Any) -> None:
        """Tell listeners at a moment without a user to steer: StopTest ends the test, other flow is warned about."""
        try:
            event.fire(**arguments)
        except StopTest as error:
            self.stop_test(str(error) or "StopTest was raised by a listener")
        except (*FLOW, GreenletExit) as error:
            # The client of a user that has ended raises GreenletExit, too.
            logger.warning("%s was raised by a listener, where there is no user to steer", type(error).__name__)

    def register_message(self, msg_type: str, listener: Listener, concurrent: bool = False) -> None:
        """Call ``listener(environment=..., msg=...)`` for each message of this type.

        Args:
            msg_type: the name under which it is sent.
            listener: gets the environment, and a message with ``type``, ``data`` and ``node_id``.
            concurrent: call it in a greenlet of its own.

        Raises:
            ValueError: this type has a listener already.
        """
        self._messages.register(msg_type, listener, concurrent)

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        """Count an exception that escaped a task or another piece of a user's code."""
        mask = self.environment.stats.errors.mask
        self.exceptions.add(node_id, mask.text(msg), mask.text(formatted_tb))

    def _clear_figures(self) -> None:
        """A test begins."""
        self.stats.clear_all()
        self.exceptions.clear()

    def cpu_log_warning(self) -> bool:
        """Log once more that the CPU was too busy, if it was, for the end of the run. Returns whether it was."""
        if self.cpu_warning_emitted:
            logger.warning(
                "CPU usage was above %g %% at some moment of the test; its response times may be too long",
                settings.cpu_warning_threshold,
            )
        return self.cpu_warning_emitted

    # -- the end ---------------------------------------------------------------------------------------------------

    @property
    def is_quitting(self) -> bool:
        """Whether everything is being ended, or has been."""
        return self._quits

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
            self._end_reason = reason
            self._ask_for_end(quits=self.environment.web_ui is None)

    def _end_test(self) -> None:
        """Bring the test to its end; runs in a greenlet of its own."""
        unfinished = self._stop_growing()
        self._fire_to_the_end(self.environment.events.test_stopping)
        self.final_user_classes_count = self.user_classes_count
        self._end_users(unfinished)
        self.test_ended_epoch_s = time.time()
        self.update_state(STATE_STOPPED)
        self._is_testing = self.stats.running = False
        self._fire_to_the_end(self.environment.events.test_stop)

    def _stop_growing(self) -> list[Greenlet | None]:
        """Let no more users come. Returns greenlets that are inside a user's constructor."""
        raise NotImplementedError

    def _end_users(self, unfinished: list[Greenlet | None]) -> None:
        """End all users, and wait for it."""
        raise NotImplementedError

    def _end_work(self) -> None:
        """End all background work; nothing is started any more."""
        self.greenlet.kill(timeout=settings.stop_grace_s)

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
        return not (me is self._ender or me is self._hub or me in self.greenlet)

    def _run_end(self) -> None:
        try:
            if self._is_testing:
                self._end_test()
                self._call_after_test()
            if self._quits:
                self._end_work()
        finally:
            self._ender = None
        if self._exit_wish is not None:
            exit_wish, self._exit_wish = self._exit_wish, None
            raise exit_wish

    def _call_after_test(self) -> None:
        for function in self.after_test:
            try:
                function()
            except Exception:
                logger.exception("What was to be done after the test has failed")

    def _fire_to_the_end(self, event: EventHook) -> None:
        try:
            self.fire(event, environment=self.environment)
        except SystemExit as exit_wish:
            self._exit_wish = exit_wish

    def _count_user_error(
        self, user_instance: Any, exception: BaseException, tb: TracebackType | None = None, **_: Any
    ) -> None:
        # Of an error that says what to do, the line in the locustfile is all that is wanted.
        frames = 1 if isinstance(exception, CommandError) else None
        trace = "".join(traceback.format_exception(type(exception), exception, tb, limit=frames))
        self.log_exception("local", str(exception), trace)

    def _keep_watch(self) -> None:
        """Watch the process; this is also what keeps ``greenlet.join()`` from returning before the end."""
        if self._monitor is None or self._monitor.dead:
            self._monitor = self.greenlet.spawn(watch, self)
