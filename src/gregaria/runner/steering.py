"""A runner that decides how many users there are: on the way to a number, along a shape, for some time."""

import logging
import time
import traceback
from collections.abc import Sequence
from typing import Any

import gevent
from gevent import Greenlet

from gregaria.runner.cap import CapLog, Capping
from gregaria.runner.configuration import configuration_of
from gregaria.runner.dispatch import Placement, Worker, check_load
from gregaria.runner.runner import Runner
from gregaria.runner.shape import LoadTestShape, follow
from gregaria.runner.state import STATE_RUNNING, STATE_SPAWNING
from gregaria.runner.timekeeper import Timekeeper
from gregaria.users.check import check_user_class

logger = logging.getLogger("gregaria.runner")


class SteeringRunner(Runner):
    """What a local run and a master share.

    Attributes:
        dispatcher: decides how many users of which class there are at each moment.
        spawn_rate: users per second of the last ``start``.
        run_time_s: how long the current or last test may take, from when that was asked for; None without a limit.
        ends_epoch_s: when it is to end, in seconds since 1970.
    """

    #: of each second of the clock, when it is taken as one of the timeline; None for whole seconds of the test
    tick_at_s: float | None = None

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.dispatcher: Any = None
        self.spawn_rate = 0.0
        self.run_time_s: float | None = None
        self.ends_epoch_s: float | None = None
        self._run_time_s: float | None = None
        self._timer: Greenlet | None = None
        self._has_reset = False
        self._timekeeper: Timekeeper | None = None
        self._capping: Capping | None = None

    @property
    def workers(self) -> Sequence[Any]:
        """The workers of a master; none where users run in this process."""
        raise NotImplementedError

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
            CommandError: a host is to be tested that may not be asked.
        """
        check_load(user_count, spawn_rate)
        self._check_classes(user_classes or ())
        was_testing = self._is_testing
        if not self._begin_test():
            return
        self.target_user_count = user_count
        self.spawn_rate = spawn_rate
        self._rate_changed()
        self._cancel_ramp()
        if self.state != STATE_SPAWNING:
            self.update_state(STATE_SPAWNING)
        logger.info("Ramping to %d users at a rate of %.2f per second", user_count, spawn_rate)
        self._mark_load(was_testing)
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
        if has_run_s := self._has_run_s():
            shape.go_on_after(has_run_s)
        logger.info("Following the shape %s", type(shape).__name__)
        self.stats.timeline.mark("start", f"following the shape {type(shape).__name__}")
        self.shape_greenlet = self.greenlet.spawn(follow, shape, self)

    def stop_after(self, run_time_s: float | None) -> None:
        """End the current test so many seconds from now, or if there is none the next one so many after it has begun.

        A shape does not matter. None: neither has an end.
        """
        self._run_time_s = run_time_s
        if self._is_testing:
            self._start_timer()

    def cap(self, max_rps: float | None) -> None:
        """Have at most so many requests be started in a second, in the test that runs, too; None for any number."""
        self.environment.max_rps = max_rps
        if self._is_testing:
            self._cap()
            told = "any number of" if max_rps is None else f"at most {max_rps:g}"
            self.stats.timeline.mark("edit", f"{told} requests per second")

    def reset_stats(self) -> None:
        """Count anew from this moment; the rows stay, at zero."""
        self._reset_statistics()
        self.exceptions.clear()

    # -- what runs the users ---------------------------------------------------------------------------------------

    def _nodes(self) -> Sequence[Worker]:
        """What users can be placed on."""
        raise NotImplementedError

    def _new_dispatcher(self) -> Any:
        return self.environment.dispatcher_class(self._nodes(), self.user_classes)

    def _new_capping(self, log: CapLog | None) -> Capping | None:
        """See to the cap on requests, and to its log; without a log there is no cap."""
        raise NotImplementedError

    def _open_test(self) -> None:
        """Users may be started from now on."""
        raise NotImplementedError

    def _place(self, placement: Placement, ramp: Greenlet) -> None:
        """Have that many users of each class; ``ramp`` is the one that wants so, unless it has been replaced."""
        raise NotImplementedError

    def _has_run_s(self) -> float:
        """How long the test has been running that now begins in this process."""
        return 0.0

    def _wait_until_placed(self) -> None:
        """Return when the users of the last step are there."""

    def _reset_statistics(self) -> None:
        """Count anew."""
        self.stats.reset_all()

    def _rate_changed(self) -> None:
        """``spawn_rate`` has been set."""

    def _all_are_there(self) -> None:
        """The ramp has come to its end."""

    def _is_making(self, ramp: Greenlet) -> bool:
        """Whether a greenlet is inside a user's constructor, where it cannot be ended."""
        del ramp
        return False

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
        self.environment.check_hosts()
        self._keep_watch()
        self._quits = self._has_reset = self.cpu_warning_emitted = False
        self._end_reason = "it was stopped"
        self.cap_log = None
        self.configuration, self.most_users = None, {}
        self._clear_figures()
        if self.iterations is not None:
            self.iterations_left = self.iterations
        self.environment.filter_tasks_by_tags()
        self.dispatcher = self._new_dispatcher()
        self._is_testing = self.stats.running = True
        self.test_started_epoch_s, self.test_ended_epoch_s = time.time() - self._has_run_s(), None
        self.stats.timeline.begin(self.test_started_epoch_s)
        self._timekeeper = Timekeeper(self.stats.timeline, self.stats.generator, self, self.tick_at_s)
        self.fire(self.environment.events.test_start, environment=self.environment)
        self._messages.wait_until_handled()
        # Only now, for a listener of test_start may have chosen classes and arguments.
        self.configuration = configuration_of(self.environment)
        if not self._is_testing or self._ender is not None:
            return False
        self._cap()
        self._open_test()
        self._start_timer()
        return True

    def _end_test(self) -> None:
        self.stats.timeline.mark("stop", self._end_reason)
        self._note_users()
        # When the last second is taken they are gone.
        user_count = self.user_count
        try:
            super()._end_test()
        finally:
            if self._timekeeper is not None:
                self._timekeeper.stop(user_count)
            if self._capping is not None:
                self._capping.stop()
                self._capping = None

    def _cap(self) -> None:
        """See to the cap that the environment has now."""
        if self._capping is not None:
            self._capping.stop()
        max_rps = self.environment.max_rps
        if max_rps is None:
            self._capping = self._new_capping(None)
            return
        if self.cap_log is None:
            self.cap_log = CapLog(max_rps)
        self.cap_log.change(max_rps)
        self._capping = self._new_capping(self.cap_log)

    def _mark_load(self, was_testing: bool) -> None:
        by_shape = self.shape_greenlet is not None and self.shape_greenlet is gevent.getcurrent()
        kind = "stage" if by_shape else "edit" if was_testing else "start"
        self.stats.timeline.mark(kind, f"{self.target_user_count:,} users, {self.spawn_rate:g} per second")

    def _ramp(self) -> None:
        me = gevent.getcurrent()
        try:
            for placement in self.dispatcher:
                self._place(placement, me)
                self._note_users()
                if self.spawning_greenlet is not me:
                    # Replaced while a constructor took its time; the next step belongs to the other ramp.
                    return
        except Exception as error:
            logger.exception("The dispatcher %s raised", type(self.dispatcher).__name__)
            self.log_exception("local", str(error), traceback.format_exc())
            self.stop_test("its dispatcher failed")
            return
        self._wait_until_placed()
        self._note_users()
        if self.spawning_greenlet is not me:
            return
        self.spawning_greenlet = None
        self._spawning_is_complete()

    def _note_users(self) -> None:
        for name, count in self.user_classes_count.items():
            self.most_users[name] = max(count, self.most_users.get(name, 0))

    def _spawning_is_complete(self) -> None:
        self.update_state(STATE_RUNNING)
        # Not who is there: on the way down, some may be finishing their last task.
        counts = self.target_user_classes_count
        user_count = sum(counts.values())
        logger.info("All users spawned: %s (%d users in total)", counts, user_count)
        if self.environment.reset_stats and not self._has_reset:
            self._has_reset = True
            logger.info("The statistics begin anew, as all users are there (--reset-stats)")
            self._reset_statistics()
        if self.shape_greenlet is None or self.shape_greenlet.dead:
            self.stats.timeline.mark("stage", f"all {user_count:,} users are there")
        self.fire(self.environment.events.spawning_complete, user_count=user_count)
        self._all_are_there()

    def _stop_growing(self) -> list[Greenlet | None]:
        unfinished = [self._cancel_ramp()]
        for worker in (self.shape_greenlet, self._timer):
            if worker is not None:
                worker.kill(block=False)
        return unfinished

    def _cancel_ramp(self) -> Greenlet | None:
        """Let no more users come. Returns the ramp if it is inside a user's constructor."""
        ramp, self.spawning_greenlet = self.spawning_greenlet, None
        if ramp is None or self._is_making(ramp):
            return ramp
        if ramp is not gevent.getcurrent():
            ramp.kill(block=False)
        return None

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.kill(block=False)
        run_time_s, self._run_time_s, self._timer = self._run_time_s, None, None
        self.run_time_s = run_time_s
        self.ends_epoch_s = None if run_time_s is None else time.time() + run_time_s
        if run_time_s is not None:
            self._timer = self.greenlet.spawn(self._wait_for_end, run_time_s)

    def _wait_for_end(self, run_time_s: float) -> None:
        due_s = time.monotonic() + run_time_s
        # A timer of the event loop may ring a little early.
        while (pause_s := due_s - time.monotonic()) > 0:
            gevent.sleep(pause_s)
        self.stop_test(f"its run time of {run_time_s:g} s is over")

    def _check_classes(self, user_classes: Sequence[Any]) -> None:
        strangers = [user_class.__name__ for user_class in user_classes if user_class not in self.user_classes]
        if strangers:
            raise ValueError(
                f"Users of {', '.join(strangers)} are asked for, but this run only has "
                f"{', '.join(self.user_classes_by_name)}: add the class to the run, or leave it out of the shape"
            )
