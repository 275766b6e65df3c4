"""Refuses user classes that cannot work, before a test starts: with the place, and what to write instead."""

import inspect
import logging
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from gregaria.users.declare import NoTasksError, WrongDeclarationError, check_shares, where
from gregaria.users.legacy import legacy_remarks
from gregaria.users.markov import MarkovTaskSet
from gregaria.users.sequential import SequentialTaskSet
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User
from gregaria.users.wait import between, constant, constant_pacing, constant_throughput, poisson

__all__ = ["check_user_class"]

#: ways to pick a task that need ``tasks``
PICKS_FROM_TASKS = (TaskSet.get_next_task, SequentialTaskSet.get_next_task)

#: functions that a wait_time is the result of, never one itself
MAKE_WAIT_TIMES = (between, constant, constant_pacing, constant_throughput, poisson)


def check_user_class(cls: type[User]) -> None:
    """Look a user class over, its task sets included; call it before users of the class are made.

    What works but should be written otherwise is logged as a warning, once per class.

    Raises:
        NoTasksError: the class, or one of its task sets, has nothing to do.
        WrongDeclarationError: something in it cannot work.
    """
    check_shares(cls)
    _check_host(cls)
    for holder in (cls, *_task_sets(cls, set())):
        for remark in legacy_remarks(holder):
            cls.error_log.say_once(logging.WARNING, f"{where(holder)}: {remark}")
        _check_wait_time(holder)
        _check_hooks(holder)
        _check_tasks(holder)
        for task in dict.fromkeys(holder.tasks):
            _check_task(holder, task)
    for trap in _traps(cls):
        cls.error_log.say_once(
            logging.WARNING,
            f"{where(trap)}: nothing in it calls self.interrupt(), so users that enter it never come back to the other "
            f"tasks of {cls.__name__}.",
        )


def _check_host(cls: type[User]) -> None:
    host: Any = cls.host
    if host is not None and not isinstance(host, str):
        raise WrongDeclarationError(
            f'{where(cls)}: host = {host!r} must be text, for example host = "http://localhost:8000".'
        )


def _check_wait_time(holder: Any) -> None:
    wait_time = inspect.getattr_static(holder, "wait_time")
    if isinstance(wait_time, property | staticmethod | classmethod):
        return
    if not callable(wait_time):
        instead = f"constant({wait_time!r})" if isinstance(wait_time, int | float) else "between(1, 5)"
        raise WrongDeclarationError(
            f"{where(holder)}: wait_time = {wait_time!r} must be a function that answers with seconds: "
            f"wait_time = {instead}."
        )
    if inspect.iscoroutinefunction(wait_time):
        raise WrongDeclarationError(f"{where(wait_time)}: write def instead of async def; nobody awaits it.")
    if wait_time in MAKE_WAIT_TIMES:
        name = wait_time.__name__
        raise WrongDeclarationError(
            f"{where(holder)}: wait_time = {name} lacks its numbers: write wait_time = "
            f"{name}({'1, 5' if wait_time is between else '1'})."
        )
    if isinstance(wait_time, FunctionType) and not _accepts(wait_time, holder):
        raise WrongDeclarationError(
            f"{where(wait_time)}: wait_time is called with the user, so it must take one argument: "
            "def wait_time(self): ... or lambda self: ..."
        )


def _check_hooks(holder: Any) -> None:
    for name in ("on_start", "on_stop"):
        if _runs_nothing(getattr(holder, name)):
            raise WrongDeclarationError(
                f"{where(getattr(holder, name))}: write a plain def without yield; nobody awaits or iterates {name}."
            )


def _check_tasks(holder: Any) -> None:
    if holder.tasks or _fills_its_tasks(holder) or not _picks_from_tasks(holder):
        return
    old = getattr(holder, "task_set", None)
    if old is not None:
        raise NoTasksError(
            f"{where(holder)}: task_set is not looked at since Locust 1.0; "
            f"write tasks = [{getattr(old, '__name__', 'YourTaskSet')}]."
        )
    raise NoTasksError(
        f"{where(holder)} has no tasks. Mark a method with @task, or set tasks = [...]; if --tags or --exclude-tags "
        "left it none, loosen those or leave the class out. A class that others derive from needs abstract = True."
    )


def _picks_from_tasks(holder: Any) -> bool:
    if issubclass(holder, TaskSet):
        return holder.get_next_task in PICKS_FROM_TASKS or (issubclass(holder, MarkovTaskSet) and holder.abstract)
    return holder.run is User.run


def _check_task(holder: Any, task: Any) -> None:
    name = getattr(task, "__name__", repr(task))
    place = where(task) if hasattr(task, "__qualname__") else f"{where(holder)}: {name}"
    if isinstance(task, type):
        if not issubclass(task, TaskSet):
            raise WrongDeclarationError(
                f"{place}, a task of {holder.__name__}, is a class but no task set. Write class {name}(TaskSet)."
            )
    elif not callable(task):
        raise WrongDeclarationError(
            f"{where(holder)}: {task!r} in tasks is neither a function nor a TaskSet class. Name the function without "
            "quotes and brackets: tasks = [my_task]."
        )
    elif _runs_nothing(task):
        raise WrongDeclarationError(
            f"{place}: a task must be a plain def without yield; calling this one would run nothing of it."
        )
    elif not _accepts(task, holder):
        raise WrongDeclarationError(
            f"{place}: a task is called with its user (or task set), so it must take one argument: def {name}(self)."
        )


def _runs_nothing(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function)


def _accepts(function: Callable[..., Any], argument: object) -> bool:
    try:
        inspect.signature(function, follow_wrapped=False).bind(argument)
    except TypeError:
        return False
    except ValueError:
        # A builtin that does not say what it takes.
        return True
    return True


def _fills_its_tasks(holder: Any) -> bool:
    """Whether a method looks as if it set or scheduled tasks when the user starts."""
    return not {"tasks", "schedule_task"}.isdisjoint(_names_in(holder))


def _task_sets(holder: Any, seen: set[Any]) -> Iterator[Any]:
    for task in dict.fromkeys(holder.tasks):
        if isinstance(task, type) and issubclass(task, TaskSet) and task not in seen:
            seen.add(task)
            yield task
            yield from _task_sets(task, seen)


def _traps(cls: type[User]) -> Iterator[type[TaskSet]]:
    """Task sets with other tasks beside them that no code of theirs leaves, as far as names tell."""
    for holder in (cls, *_task_sets(cls, set())):
        for task in dict.fromkeys(holder.tasks):
            if len(set(holder.tasks)) > 1 and isinstance(task, type) and not _leaves(task):
                yield task


def _leaves(task_set: type[TaskSet]) -> bool:
    exits = {"interrupt", "InterruptTaskSet", "StopUser", "StopTest", "stop", "quit"}
    return not exits.isdisjoint(_names_in(task_set)) or any(
        not exits.isdisjoint(_names_used(task)) for task in task_set.tasks
    )


def _names_in(cls: type) -> Iterator[str]:
    """Every name that the methods of a class use, its bases in locustfiles included."""
    for base in cls.__mro__:
        if not base.__module__.startswith("gregaria."):
            for value in vars(base).values():
                yield from _names_used(value)


def _names_used(value: Any) -> Iterator[str]:
    while value is not None:
        if isinstance(value, FunctionType):
            yield from _names_of_code(value.__code__)
        value = inspect.getattr_static(value, "__wrapped__", None)


def _names_of_code(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _names_of_code(value)
