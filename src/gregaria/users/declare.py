"""What a person writes around tasks: ``@task``, ``@tag``; collecting, weighting and filtering what they marked."""

import inspect
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from gregaria.errors import CommandError, ExitCode

__all__ = ["NoTasksError", "WrongDeclarationError", "collect_tasks", "filter_tasks_by_tags", "tag", "task", "where"]

logger = logging.getLogger(__name__)

#: a function or method to call, or a TaskSet class to run
Task = Any
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

#: names of tasks that would replace what makes a user run, and those that are called at other moments anyway
RESERVED = ("run",)
CALLED_ANYWAY = ("on_start", "on_stop")


class WrongDeclarationError(CommandError):
    """A user, task set or task that cannot work; the message names it, where it stands and what to write."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.LOCUSTFILE_BROKEN)


class NoTasksError(WrongDeclarationError):
    """A user or task set has nothing to do."""


@overload
def task(weight: Decorated) -> Decorated: ...


@overload
def task(weight: int = 1) -> Callable[[Decorated], Decorated]: ...


def task(weight: Any = 1) -> Any:
    """Mark a method of a user or task set, or a nested TaskSet class, as one of its tasks.

    ``@task(3)`` is picked three times as often as ``@task``; ``@task(0)`` never.

    Raises:
        TypeError: the weight is not a whole number.
        ValueError: it is below 0.
        WrongDeclarationError: the task has a name that a user needs for itself.
    """
    if callable(weight):
        return _marked(weight, 1)
    return lambda decorated: _marked(decorated, weight)


def _marked(decorated: Decorated, weight: int) -> Decorated:
    name = getattr(decorated, "__name__", "")
    if name in RESERVED:
        raise WrongDeclarationError(
            f"{where(decorated)}: a task cannot be called {name!r}, which is what makes a user run. Rename it."
        )
    if name in CALLED_ANYWAY:
        logger.warning(
            "%s is marked as a task, and is also called when its user %s. Remove its @task, or rename it.",
            where(decorated),
            "starts" if name == "on_start" else "stops",
        )
    decorated.locust_task_weight = checked_weight(weight, name or repr(decorated))  # type: ignore[attr-defined]
    return decorated


def checked_weight(weight: Any, name: str) -> int:
    """Return ``weight`` if it can be the weight of the task ``name``; raise TypeError or ValueError if not."""
    if not isinstance(weight, int):
        raise TypeError(f"The weight of the task {name} is {weight!r}; it must be a whole number, as in @task(3).")
    if weight < 0:
        raise ValueError(f"The weight of the task {name} is {weight}; it must not be below 0.")
    return weight


def tag(*tags: str) -> Callable[[Decorated], Decorated]:
    """Give a task, or all tasks of a TaskSet class, tags for ``--tags`` and ``--exclude-tags``.

    Raises:
        ValueError: no tag was given.
    """
    if not tags or any(not isinstance(name, str) for name in tags):
        raise ValueError('Name the tags as text, as in @tag("checkout", "slow").')

    def decorate(decorated: Decorated) -> Decorated:
        # A task set's tags go to each of its tasks, so that filtering looks at single tasks only.
        for tagged in getattr(decorated, "tasks", None) or [decorated]:
            if tagged is not decorated and hasattr(tagged, "tasks"):
                decorate(tagged)
            else:
                tagged.locust_tag_set = getattr(tagged, "locust_tag_set", frozenset()) | set(tags)
        return decorated

    return decorate


def collect_tasks(bases: Iterable[type], namespace: dict[str, Any]) -> list[Task]:
    """The flat list of a class's tasks, each as often as its weight: the bases', then the body's in the order written.

    Raises:
        TypeError: ``tasks`` is no collection of tasks, or has a weight that is not a whole number.
        ValueError: a weight is below 0.
    """
    found: list[Task] = []
    for base in bases:
        found += getattr(base, "tasks", None) or []
    for name, value in namespace.items():
        if name == "tasks":
            found += expanded(value or [])
        else:
            # Statically, because what stands in a class may be a proxy that answers, or raises, whatever it is asked.
            weight = inspect.getattr_static(value, "locust_task_weight", None)
            found += [value] * weight if isinstance(weight, int) else []
    return found


def expanded(tasks: Any) -> list[Task]:
    """Turn what ``tasks`` may be (tasks or pairs of (task, weight), or {task: weight}) into the flat list."""
    if isinstance(tasks, str) or not isinstance(tasks, Iterable):
        name = getattr(tasks, "__name__", repr(tasks))
        raise TypeError(f"tasks must be a list or a dictionary: tasks = [{name}] or tasks = {{{name}: 1}}.")
    flat: list[Task] = []
    for item in tasks.items() if isinstance(tasks, dict) else tasks:
        if not isinstance(item, tuple):
            flat.append(item)
        elif len(item) == 2:
            flat += [item[0]] * checked_weight(item[1], getattr(item[0], "__name__", repr(item[0])))
        else:
            raise TypeError(f"{item!r} in tasks must be a pair of a task and its weight.")
    return flat


def filter_tasks_by_tags(
    task_holder: Any,
    tags: set[str] | None = None,
    exclude_tags: set[str] | None = None,
    checked: dict[Task, bool] | None = None,
) -> None:
    """Leave a user or TaskSet class only the tasks with one of ``tags`` (None: all) and none of ``exclude_tags``.

    Task sets inside are filtered too, and dropped when nothing is left of them.

    Args:
        task_holder: the class whose ``tasks`` is replaced.
        tags: what a task must have one of.
        exclude_tags: what a task must have none of.
        checked: tasks that are already decided, for classes that share them.
    """
    decided: dict[Task, bool] = {} if checked is None else checked

    def is_wanted(candidate: Task) -> bool:
        if candidate not in decided:
            own: frozenset[str] = getattr(candidate, "locust_tag_set", frozenset())
            decided[candidate] = True  # what contains itself
            if getattr(candidate, "tasks", None):
                filter_tasks_by_tags(candidate, tags, exclude_tags, decided)
                decided[candidate] = bool(candidate.tasks)
            else:
                excluded = exclude_tags is not None and not own.isdisjoint(exclude_tags)
                included = tags is None or not own.isdisjoint(tags) or hasattr(candidate, "transitions_of_states")
                decided[candidate] = included and not excluded
        return decided[candidate]

    task_holder.tasks = [candidate for candidate in task_holder.tasks if is_wanted(candidate)]


def check_shares(cls: Any) -> None:
    """See that the weight and the fixed count of a user class are numbers.

    Raises:
        WrongDeclarationError: one of them is not, or cannot be one.
    """
    weight, fixed_count = cls.weight, cls.fixed_count
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise WrongDeclarationError(f"{where(cls)}: weight = {weight!r} must be a number, 0 or above.")
    if isinstance(fixed_count, bool) or not isinstance(fixed_count, int) or fixed_count < 0:
        raise WrongDeclarationError(f"{where(cls)}: fixed_count = {fixed_count!r} must be a whole number of users.")


def where(declared: Any) -> str:
    """A class or function as "file:line: name", as far as that can be found out."""
    name = getattr(declared, "__qualname__", None) or repr(declared)
    code = getattr(inspect.unwrap(declared) if callable(declared) else declared, "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}: {name}"
    try:
        return f"{inspect.getsourcefile(declared)}:{inspect.getsourcelines(declared)[1]}: {name}"
    except (OSError, TypeError):
        file = getattr(sys.modules.get(getattr(declared, "__module__", "")), "__file__", None)
        return f"{file}: {name}" if file else str(name)
