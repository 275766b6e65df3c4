"""User: one simulated person; start it, run its tasks, stop it."""

from __future__ import annotations

import logging
import time
from typing import Any, ClassVar, final

from gevent import Greenlet
from gevent.pool import Group
from greenlet import GreenletExit

from gregaria.engine.gate import Gate
from gregaria.errors import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from gregaria.users.declare import Task, WrongDeclarationError, collect_tasks, where
from gregaria.users.legacy import adopt_legacy_wait
from gregaria.users.taskset import PAUSED, RUNNING, STOPPING, WAITING, DefaultTaskSet, TaskSet
from gregaria.users.trouble import CODE_ERRORS, ErrorLog, exit_behind, report
from gregaria.users.wait import constant

__all__ = ["User", "UserMeta", "end_next", "go_on", "hold", "run_user", "spare", "state_of"]

logger = logging.getLogger(__name__)


class UserMeta(type):
    """Collects a user class's tasks when the class is made, and makes it one that can be run."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any) -> UserMeta:
        namespace["tasks"] = collect_tasks(bases, namespace)
        namespace["abstract"] = bool(namespace.get("abstract", False))
        namespace["error_log"] = ErrorLog()
        cls = super().__new__(mcs, name, bases, namespace, **keywords)
        adopt_legacy_wait(cls)
        return cls


class NoClient:
    """Stands where a user's client will be, and says what to write if nothing comes there."""

    def __get__(self, user: object, user_class: type) -> Any:
        raise AttributeError(
            f"{user_class.__name__} has no client: derive it from HttpUser or FastHttpUser, or make one in its __init__"
        )


class User(metaclass=UserMeta):
    """A simulated person: runs its tasks, one after the other, and waits between them, until it is stopped.

    Each user runs in a greenlet of its own. Derive from this class for other protocols than HTTP, else from
    ``HttpUser`` or ``FastHttpUser``.

    Attributes:
        host: the base URL of what is tested; ``--host`` replaces it.
        wait_time: answers with the seconds between two tasks; see ``gregaria.users.wait``.
        tasks: a list of tasks or {task: weight}; methods marked ``@task`` are added.
        weight: how many users of this class there are, compared with other classes.
        fixed_count: exactly so many users of this class, whatever the weights; 0 for none fixed.
        abstract: the class is there to be derived from and has no users itself; not inherited.
        environment: the test that the user belongs to.
        gate: whether the user may start requests; shared by its clients.
        ended_by: the exception that ended the user, if that was a mistake in its code.
        error_log: what the log is told about the class's mistakes.
    """

    host: str | None = None
    wait_time: Any = constant(0)
    tasks: list[Task] = []
    weight: float = 1
    fixed_count: int = 0
    abstract: bool = True
    min_wait: float | None = None
    max_wait: float | None = None
    wait_function: Any = None
    client: Any = NoClient()
    error_log: ClassVar[ErrorLog]

    _state: str | None = None
    _greenlet: Greenlet | None = None
    _group: Group | None = None
    _paced_by: Any = None
    _stop_test: StopTest | None = None
    _gate_was_open: bool | None = None
    _is_spared: bool = False
    ended_by: BaseException | None = None

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.gate = Gate()
        self._cp_last_run = time.perf_counter()
        self._cp_last_wait_time = 0.0
        self._taskset_instance: TaskSet = DefaultTaskSet(self)

    def on_start(self) -> None:
        """Called when the user starts, before its first task."""

    def on_stop(self) -> None:
        """Called when the user ends, however it does; exactly once for each ``on_start``. May make requests."""

    @property
    def group(self) -> Group | None:
        """The group of greenlets that the user was started in."""
        return self._group

    @property
    def greenlet(self) -> Greenlet | None:
        """The greenlet that the user runs in; its ``args[0]`` is the user."""
        return self._greenlet

    def wait(self) -> None:
        """Wait as between two tasks."""
        self._taskset_instance.wait()

    def context(self) -> dict[str, Any]:
        """What to add to the ``context`` of each of the user's requests."""
        return {}

    @classmethod
    def fullname(cls) -> str:
        """The class's name with its module, without ``<locals>``."""
        return ".".join([cls.__module__, *(part for part in cls.__qualname__.split(".") if part != "<locals>")])

    @classmethod
    def json(cls) -> dict[str, Any]:
        """What a page shows of the class."""
        return {
            "host": cls.host,
            "weight": cls.weight,
            "fixed_count": cls.fixed_count,
            "tasks": [getattr(task, "__name__", repr(task)) for task in cls.tasks],
        }

    def start(self, group: Group) -> Greenlet:
        """Let the user run in a new greenlet of ``group``.

        Raises:
            WrongDeclarationError: the class's ``__init__`` did not call that of its base.
        """
        if not hasattr(self, "_taskset_instance"):
            raise WrongDeclarationError(
                f"{where(type(self))}: its __init__ must call super().__init__(environment) before anything else."
            )
        self._group = group
        self._greenlet = group.spawn(run_user, self)
        return self._greenlet

    def stop(self, force: bool = False) -> bool:
        """End the user: at once if it waits, has not begun, or ``force``; else after its current task.

        Returns:
            Whether it has ended.
        """
        greenlet = self._greenlet
        if greenlet is None:
            return True
        spare(self)
        if force or self._state in (None, WAITING):
            greenlet.kill()
        else:
            if self._state in (RUNNING, PAUSED):
                self._state = STOPPING
            self.gate.release()
        return bool(greenlet.ready())

    @final
    def run(self) -> None:
        """Live: ``on_start``, tasks until something ends the user, ``on_stop``.

        Raises:
            Exception: a mistake in ``on_start``, or in a task when the environment does not catch those.
        """
        if self.gate.held:
            self.gate.enter()
        self._state = RUNNING
        try:
            self.on_start()
            self._taskset_instance.run()
        except BaseException as end:
            self._end(end)

    def _end(self, end: BaseException) -> None:
        end = exit_behind(end) or end
        is_mistake = isinstance(end, CODE_ERRORS) and not isinstance(end, StopUser | StopTest)
        if is_mistake:
            if end is not self.ended_by:
                report(self, end)
            self.ended_by = end
        self.start_leaving(end)
        end = self._leave() or end
        if self._stop_test is not None:
            self._end_test(str(self._stop_test) or f"StopTest was raised in {self.fullname()}")
        elif isinstance(end, SystemExit) and self.environment.runner is not None:
            self._end_test_with_exit_code(end)
        elif is_mistake or not isinstance(end, StopUser | GreenletExit):
            raise end

    @property
    def is_leaving(self) -> bool:
        """Whether the user has left its tasks and is ending; its gate is its own then, until it is cut short."""
        return self._gate_was_open is not None

    def start_leaving(self, end: BaseException) -> None:
        """The user ends by ``end``; until its last ``on_stop`` is over, requests pass even if the gate was closed."""
        if isinstance(end, StopTest):
            self._stop_test = end
        if isinstance(end, GreenletExit):
            spare(self)
        if self._gate_was_open is None:
            self._state = STOPPING
            gate = self.gate
            self._gate_was_open = gate.open or gate.held
            if self._is_spared:
                gate.release()
            if not gate.held:
                gate.open = True

    def cut_short(self) -> None:
        """The user was killed in an ``on_stop``: nothing goes through from now on."""
        self._gate_was_open = False
        self.gate.close()

    def _leave(self) -> SystemExit | None:
        try:
            self.on_stop()
        except StopTest as error:
            self._stop_test = error
        except GreenletExit:
            self.cut_short()
        except SystemExit as error:
            return error
        except (StopUser, InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately):
            pass
        except CODE_ERRORS as error:
            report(self, error)
        finally:
            if not self._gate_was_open:
                self.gate.close()
            elif not self.gate.held:
                self.gate.open = True
        return None

    def _end_test(self, reason: str) -> None:
        if self.environment.runner is not None:
            self.environment.runner.stop_test(reason)

    def _end_test_with_exit_code(self, end: SystemExit) -> None:
        code = end.code
        if code is not None and not isinstance(code, int):
            logger.error("%s", code)
        self.environment.process_exit_code = code if isinstance(code, int) else int(code is not None)
        self._end_test(f"sys.exit() was called in {self.fullname()}")


def state_of(user: User) -> str | None:
    """The state of a user; None before it has begun. No attribute of it, as ``state`` may be its author's."""
    return user._state


def hold(user: User) -> None:
    """Let the user start no request and no task until it may ``go_on``; one that is being ended is not held."""
    if user._is_spared:
        return
    user.gate.hold()
    if user._state == RUNNING:
        user._state = PAUSED


def go_on(user: User) -> None:
    """The user is not held any more, if it was."""
    user.gate.release()
    if user._state == PAUSED:
        user._state = RUNNING


def spare(user: User) -> None:
    """Somebody ends the user: from now on it cannot be held. It still has to ``go_on`` if it is held now."""
    user._is_spared = True


def end_next(user: User) -> None:
    """The user ends where its current task does, if it does not end before: a task may swallow what ends it."""
    user._state = STOPPING


def run_user(user: User) -> None:
    """What a user's greenlet runs; a mistake that ended the user is kept in ``user.ended_by``."""
    try:
        user.run()
    except CODE_ERRORS as error:
        user.ended_by = error
