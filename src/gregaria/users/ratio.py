"""The share that each task gets, as ``--show-task-ratio`` shows it."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["get_ratio", "print_task_ratio", "print_task_ratio_json", "task_ratio_table", "task_ratios", "typical_users"]

#: {name: {"ratio": share, "tasks": {name: ...} where there are any}}
Ratios = dict[str, dict[str, Any]]

#: steps in which the shares of a Markov chain's tasks settle
CHAIN_STEPS = 1000


def get_ratio(user_classes: Iterable[Any], user_spawned: Mapping[str, int], total: bool) -> Ratios:
    """The share of each user class among the users, and of each task below it.

    Args:
        user_classes: which.
        user_spawned: {name of a class: its users}.
        total: shares are of the whole run; if False, of the user class or task set that a task stands in.
    """
    users = sum(user_spawned.values()) or 1
    ratios: Ratios = {}
    for user_class in user_classes:
        share = user_spawned.get(user_class.__name__, 0) / users
        ratios[user_class.__name__] = _entry(user_class, share, total, ())
    return ratios


def task_ratios(user_classes: Iterable[Any], num_users: int) -> dict[str, Ratios]:
    """What ``--show-task-ratio-json`` prints: ``{"per_class": ..., "total": ...}``."""
    classes = list(user_classes)
    spawned = _spawned(classes, num_users)
    return {name: get_ratio(classes, spawned, total) for name, total in (("per_class", False), ("total", True))}


def typical_users(user_classes: Iterable[Any]) -> int:
    """As many users as show the shares of the classes: their fixed counts, and their weights summed up."""
    return math.ceil(sum(cls.fixed_count or cls.weight for cls in user_classes)) or 1


def task_ratio_table(ratios: Ratios, depth: int = 0) -> str:
    """Ratios as lines of percent and name, indented by depth, the largest first."""
    return "\n".join(_lines(ratios, depth))


def print_task_ratio(user_classes: Iterable[Any], num_users: int, total: bool) -> None:
    """Print the shares as a table, for scripts that look at locustfiles."""
    classes = list(user_classes)
    sys.stdout.write(task_ratio_table(get_ratio(classes, _spawned(classes, num_users), total)) + "\n")


def print_task_ratio_json(user_classes: Iterable[Any], num_users: int) -> None:
    """Print the shares as JSON."""
    sys.stdout.write(json.dumps(task_ratios(user_classes, num_users), indent=4) + "\n")


def _entry(holder: Any, share: float, total: bool, above: tuple[Any, ...]) -> dict[str, Any]:
    entry: dict[str, Any] = {"ratio": share}
    if holder not in above:
        tasks: Ratios = {}
        for task, part in _shares(holder).items():
            of_task = _entry(task, part * share if total else part, total, (*above, holder))
            tasks[getattr(task, "__name__", repr(task))] = of_task
        if tasks:
            entry["tasks"] = tasks
    return entry


def _shares(holder: Any) -> dict[Any, float]:
    chain = getattr(holder, "transitions_of_states", None)
    if chain:
        return {getattr(holder, state): share for state, share in _settled(chain).items()}
    tasks = getattr(holder, "tasks", None) or []
    return {task: tasks.count(task) / len(tasks) for task in tasks}


def _settled(chain: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """How often each task of a chain comes in the long run, averaged so that chains that alternate settle too."""
    now = dict.fromkeys(chain, 0.0)
    now[next(iter(chain))] = 1.0
    sums = dict.fromkeys(chain, 0.0)
    for _ in range(CHAIN_STEPS):
        later = dict.fromkeys(chain, 0.0)
        for state, weights in chain.items():
            sums[state] += now[state]
            for target, weight in weights.items():
                later[target] += now[state] * weight / sum(weights.values())
        now = later
    return {state: value / CHAIN_STEPS for state, value in sums.items()}


def _spawned(classes: list[Any], num_users: int) -> dict[str, int]:
    """How many of ``num_users`` each class gets: the fixed counts first, the others by weight (Sainte-Lague)."""
    spawned = {cls.__name__: min(cls.fixed_count, num_users) for cls in classes}
    weighted = [cls for cls in classes if not cls.fixed_count and cls.weight > 0]
    for _ in range(max(0, num_users - sum(spawned.values())) if weighted else 0):
        neediest = max(weighted, key=lambda cls: cls.weight / (2 * spawned[cls.__name__] + 1))
        spawned[neediest.__name__] += 1
    return spawned


def _lines(ratios: Ratios, depth: int) -> Iterator[str]:
    for name, entry in sorted(ratios.items(), key=lambda item: (-item[1]["ratio"], item[0])):
        yield f" {'  ' * depth}{entry['ratio'] * 100:5.1f}      {'  ' * depth}{name}"
        yield from _lines(entry.get("tasks", {}), depth + 1)
