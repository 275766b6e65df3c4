"""TaskSet: pick a task, run it, wait; nesting and interrupts."""

from __future__ import annotations

import time
from collections import deque
from random import random
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, final

import gevent
from greenlet import GreenletExit

from gregaria.engine.poller import turns
from gregaria.errors import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from gregaria.users.declare import NoTasksError, Task, collect_tasks, where
from gregaria.users.legacy import adopt_legacy_wait
from gregaria.users.pause import seconds_to_wait
from gregaria.users.trouble import CODE_ERRORS, LEAVING, exit_behind, report
from gregaria.users.wait import NO_WAIT

if TYPE_CHECKING:
    from gregaria.users.user import User

__all__ = ["PAUSED", "RUNNING", "STOPPING", "WAITING", "DefaultTaskSet", "TaskSet", "TaskSetMeta"]

#: the states of a user: in its code, the same but to be held before its next task, between two tasks (where it may be
#: killed at once), asked to end
RUNNING = "running"
PAUSED = "paused"
WAITING = "waiting"
STOPPING = "stopping"

#: what a subclass may replace of the loop; where one does, each step is asked for by its name
STEPS = ("schedule_task", "execute_next_task", "execute_task", "wait", "_sleep")


class TaskSetMeta(type):
    """Collects a task set's tasks when its class is made."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> TaskSetMeta:
        namespace["tasks"] = collect_tasks(bases, namespace)
        cls = super().__new__(mcs, name, bases, namespace)
        adopt_legacy_wait(cls)
        return cls


class TaskSet(metaclass=TaskSetMeta):
    """Tasks that belong together; one is picked at random, again and again, until the set is interrupted.

    Attributes:
        tasks: a list of tasks or {task: weight}; tasks marked ``@task`` are added. A task is a function that takes
            the task set, or a TaskSet class, of which a fresh one is run each time.
        wait_time: seconds between two tasks; the user's own when a task set says nothing.
        min_wait, max_wait, wait_function: in milliseconds, as before Locust 1.0; see ``legacy.py``.
    """

    tasks: list[Task] = []
    min_wait: float | None = None
    max_wait: float | None = None
    wait_function: Any = None

    def __init__(self, parent: TaskSet | User) -> None:
        self._parent = parent
        self._user: User = parent.user if isinstance(parent, TaskSet) else parent
        self._holder: TaskSet | User = self
        self._task_queue: deque[Task] = deque()
        self._turns = -1
        self._cp_last_run = time.perf_counter()
        self._cp_last_wait_time = 0.0

    @property
    def user(self) -> User:
        """The user that runs this task set."""
        return self._user

    @property
    def parent(self) -> TaskSet | User:
        """The task set, or user, that picked this one."""
        return self._parent

    @property
    def client(self) -> Any:
        """The user's client."""
        return self._user.client

    def on_start(self) -> None:
        """Called when a user enters the task set."""

    def on_stop(self) -> None:
        """Called when a user leaves the task set, however it does; exactly once for each ``on_start``."""

    def interrupt(self, reschedule: bool = True) -> NoReturn:
        """Leave the task set.

        Args:
            reschedule: the parent picks its next task at once; if False, it waits first.

        Raises:
            InterruptTaskSet: always; that is how it works.
        """
        raise InterruptTaskSet(reschedule)

    def wait_time(self) -> float:
        """Seconds to wait now; what the user's ``wait_time`` says, unless a task set has its own."""
        seconds: float = self._user.wait_time()
        return seconds

    @final
    def run(self) -> None:
        """Run tasks until the set is left; never returns normally.

        Raises:
            RescheduleTask, RescheduleTaskImmediately: it was interrupted; the parent goes on, with or without a wait.
            StopUser, StopTest, GreenletExit: the user ends.
        """
        try:
            self.on_start()
            self._loop()
        except InterruptTaskSet as interrupt:
            self._leave()
            raise (RescheduleTaskImmediately if interrupt.reschedule else RescheduleTask)() from interrupt
        except (StopUser, StopTest, GreenletExit) as end:
            self._user.start_leaving(end)
            self._leave()
            raise
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        try:
            self.on_stop()
        except (StopUser, StopTest):
            raise
        except GreenletExit:
            self._user.cut_short()
            raise
        except (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately):
            pass
        except CODE_ERRORS as error:
            report(self._user, error)

    # The loop. Both ways do the same; the quick one is for all who have not replaced a step of it.

    def _loop(self) -> None:
        if self._replaces_a_step():
            self._loop_step_by_step()
        else:
            self._loop_quickly()

    def _replaces_a_step(self) -> bool:
        # Asked through the instance, but not of its __dict__, which would make its attributes slower from then on.
        picker = getattr(self.get_next_task, "__module__", "")
        return not picker.startswith("gregaria.users.") or any(
            getattr(getattr(self, step), "__func__", None) is not getattr(TaskSet, step) for step in STEPS
        )

    def _loop_quickly(self) -> None:
        user, holder, queue = self._user, self._holder, self._task_queue
        # A task set that says nothing of waiting does as its user, whose wait_time may change at any time.
        pauser = user if self._waits_as_its_user() else holder
        picks_at_random = type(self).get_next_task is TaskSet.get_next_task
        runner = user.environment.runner
        counts_iterations = runner is not None and runner.iterations_left is not None
        last_turn = -1
        while True:
            try:
                if user._state != RUNNING or counts_iterations:
                    self._hold_if_paused()
                    self._end_if_asked_to()
                if queue:
                    task = queue.popleft()
                elif picks_at_random:
                    tasks = holder.tasks
                    task = tasks[int(random() * len(tasks))] if tasks else self._nothing_to_do()
                else:
                    task = self.get_next_task()
                if task.__class__ is FunctionType:
                    if counts_iterations:
                        self._take_iteration()
                    task(holder)
                else:
                    self.execute_task(task)
                pauses = pauser.wait_time is not NO_WAIT
            except BaseException as error:
                pauses = self._pauses_after(error) and pauser.wait_time is not NO_WAIT
            if pauses:
                self.wait()
            else:
                turn = turns()
                if turn == last_turn:
                    gevent.sleep(0)
                    turn = turns()
                last_turn = turn

    def _loop_step_by_step(self) -> None:
        while True:
            try:
                self._hold_if_paused()
                self._end_if_asked_to()
                if not self._task_queue:
                    self.schedule_task(self.get_next_task())
                self.execute_next_task()
                pauses = True
            except BaseException as error:
                pauses = self._pauses_after(error)
            if pauses:
                self.wait()
            else:
                self._let_others_run()

    def _pauses_after(self, error: BaseException) -> bool:
        """Whether to wait after a task that raised ``error``; what ends more than the task is raised again."""
        if isinstance(error, RescheduleTaskImmediately):
            return False
        if isinstance(error, RescheduleTask):
            return True
        if isinstance(error, InterruptTaskSet) and self._holder is self._user:
            # A user's own task has no task set to leave.
            return not error.reschedule
        if isinstance(error, CODE_ERRORS) and not isinstance(error, LEAVING) and error is not self._user.ended_by:
            end = exit_behind(error)
            if end is not None:
                raise end
            report(self._user, error)
            if self._user.environment.catch_exceptions:
                return True
            self._user.ended_by = error
        raise error

    def get_next_task(self) -> Task:
        """The task to run next: any one, each as likely as its weight says.

        Raises:
            NoTasksError: there is none.
        """
        tasks = self._holder.tasks
        return tasks[int(random() * len(tasks))] if tasks else self._nothing_to_do()

    def schedule_task(self, task_callable: Task, first: bool = False) -> None:
        """Put a task into the queue, which is worked off before tasks are picked again; ``first``: at its head."""
        if first:
            self._task_queue.appendleft(task_callable)
        else:
            self._task_queue.append(task_callable)

    def execute_next_task(self) -> None:
        """Run the task at the head of the queue."""
        self.execute_task(self._task_queue.popleft())

    def execute_task(self, task: Task) -> None:
        """Run one task: a TaskSet class in a fresh instance, a function with this task set (or user) as argument."""
        holder = self._holder
        if isinstance(task, type) and issubclass(task, TaskSet):
            task(holder).run()
            return
        self._take_iteration()
        if getattr(task, "__self__", None) is holder:
            task()
        else:
            task(holder)

    def wait(self) -> None:
        """Wait between two tasks, as long as ``wait_time`` says, and then until nobody holds the user.

        Raises:
            StopUser: the user was asked to end.
        """
        self._end_if_asked_to()
        user = self._user
        user._state = WAITING
        try:
            self._sleep(seconds_to_wait(self, user if self._waits_as_its_user() else self._holder))
            if user.gate.held:
                user.gate.enter()
        finally:
            if user._state == WAITING:
                user._state = RUNNING
        self._end_if_asked_to()

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            gevent.sleep(seconds)
        else:
            self._let_others_run()

    def _let_others_run(self) -> None:
        turn = turns()
        if turn == self._turns:
            gevent.sleep(0)
            turn = turns()
        self._turns = turn

    def _waits_as_its_user(self) -> bool:
        return getattr(self._holder.wait_time, "__func__", None) is TaskSet.wait_time

    def _hold_if_paused(self) -> None:
        user = self._user
        if user._state == STOPPING or not user.gate.held:
            return
        # Between two tasks, for whoever ends it meanwhile.
        user._state = WAITING
        try:
            user.gate.enter()
        finally:
            if user._state == WAITING:
                user._state = RUNNING

    def _end_if_asked_to(self) -> None:
        user = self._user
        if user._state == STOPPING:
            raise StopUser
        runner = user.environment.runner
        if runner is not None and runner.iterations_left is not None and runner.are_iterations_over:
            raise StopUser

    def _take_iteration(self) -> None:
        user = self._user
        runner = user.environment.runner
        if runner is None or runner.iterations_left is None:
            return
        while not runner.take_iteration():
            if not runner.are_iterations_over:
                # Between two tasks, for whoever ends it meanwhile.
                user._state = WAITING
                try:
                    runner.wait_for_iterations()
                finally:
                    if user._state == WAITING:
                        user._state = RUNNING
                self._hold_if_paused()
            self._end_if_asked_to()

    def _nothing_to_do(self) -> NoReturn:
        raise NoTasksError(
            f"{where(type(self._holder))} has no tasks (left). Mark a method with @task, or set tasks = [...]."
        )


class DefaultTaskSet(TaskSet):
    """Runs the tasks that stand directly in a user's class, with the user as their argument."""

    def __init__(self, parent: User) -> None:
        super().__init__(parent)
        self._holder = parent
