"""MarkovTaskSet: each task says which may come next, and how likely."""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from random import choices
from typing import Any

from gregaria.users.declare import Decorated, Task, WrongDeclarationError, checked_weight, where
from gregaria.users.taskset import TaskSet, TaskSetMeta

__all__ = [
    "InvalidTransitionError",
    "MarkovTaskSet",
    "MarkovTaskSetMeta",
    "MarkovTaskTagError",
    "NoMarkovTasksError",
    "NonMarkovTaskTransitionError",
    "transition",
    "transitions",
]

logger = logging.getLogger(__name__)

#: what ``transitions`` takes: {name: weight}, or names and pairs of name and weight
Transitions = dict[str, int] | Iterable[str | tuple[str, int]]


class NoMarkovTasksError(WrongDeclarationError):
    """No method of the set has a transition."""


class InvalidTransitionError(WrongDeclarationError):
    """A transition leads to a name that the class does not have."""


class NonMarkovTaskTransitionError(WrongDeclarationError):
    """A transition leads to a method that has no transitions itself."""


class MarkovTaskTagError(WrongDeclarationError):
    """A method has tags; leaving states out would change the chain."""


def transition(func_name: str, weight: int = 1) -> Callable[[Decorated], Decorated]:
    """Make a method a task after which the one called ``func_name`` may come; may be repeated."""
    return transitions({func_name: weight})


def transitions(weights: Transitions) -> Callable[[Decorated], Decorated]:
    """Make a method a task after which one of several may come, each as likely as its weight.

    Args:
        weights: {name: weight}, or a list of names and of pairs (name, weight); a name alone weighs 1.
    """
    pairs = list(weights.items()) if isinstance(weights, dict) else [_pair(item) for item in weights]
    for target, weight in pairs:
        checked_weight(weight, target)

    def decorate(decorated: Decorated) -> Decorated:
        known = dict(getattr(decorated, "transitions", {}))
        for target, weight in pairs:
            known[target] = known.get(target, 0) + weight
        decorated.transitions = known  # type: ignore[attr-defined]
        return decorated

    return decorate


def _pair(item: str | tuple[str, int]) -> tuple[str, int]:
    return (item, 1) if isinstance(item, str) else item


class MarkovTaskSetMeta(TaskSetMeta):
    """Checks a chain when its class is made."""

    # ruff does not see that this is a metaclass
    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:  # noqa: N805
        super().__init__(name, bases, namespace)
        cls.abstract = bool(namespace.get("abstract", False))
        own = {key: value for key, value in namespace.items() if _has_transitions(value)}
        inherited = {key: getattr(base, key) for base in bases for key in getattr(base, "transitions_of_states", ())}
        # An own method that has no transitions hides the inherited task of that name.
        states = own | {key: value for key, value in inherited.items() if key not in namespace}
        if not cls.abstract:
            _check(name, states, own, namespace)
        cls.transitions_of_states = {key: value.transitions for key, value in states.items()}


def _has_transitions(value: Any) -> bool:
    return isinstance(getattr(value, "transitions", None), dict)


class MarkovTaskSet(TaskSet, metaclass=MarkovTaskSetMeta):
    """A chain of tasks: begins with the first method that has a transition, then draws the next after each task.

    Attributes:
        abstract: the class is there to be derived from and is not checked; not inherited.
        transitions_of_states: {method: {method that may come next: weight}}.
        current: the name of the task that comes next, or that runs.
    """

    abstract = True
    transitions_of_states: dict[str, dict[str, int]]

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.current: str | None = None

    def get_next_task(self) -> Task:
        """The task that the chain comes to now.

        Raises:
            NoTasksError: the class has no chain.
        """
        chain = self.transitions_of_states
        if not chain:
            self._nothing_to_do()
        self.current = next(iter(chain)) if self.current is None else _drawn(chain[self.current])
        return getattr(type(self), self.current)


def _drawn(weights: dict[str, int]) -> str:
    return choices(list(weights), cum_weights=list(accumulate(weights.values())))[0]


def _check(name: str, states: dict[str, Any], own: dict[str, Any], namespace: dict[str, Any]) -> None:
    if not states:
        raise NoMarkovTasksError(
            f'{name} has no task: decorate its methods with @transition("next") or @transitions({{...}}), or set '
            "abstract = True."
        )
    for state in states.values():
        if state.__name__ == "run":
            raise WrongDeclarationError(f"{where(state)}: a task cannot be called 'run'. Rename it.")
        if hasattr(state, "locust_tag_set"):
            raise MarkovTaskTagError(
                f"{where(state)}: a task of a MarkovTaskSet cannot have tags, because leaving it out would break the "
                f"chain. Put the @tag on the class {name}."
            )
        if not sum(state.transitions.values()):
            raise InvalidTransitionError(f"{where(state)}: the weights of its transitions add up to 0.")
        for target in state.transitions:
            if target not in namespace and target not in states:
                raise InvalidTransitionError(f"{where(state)}: there is no method {target!r} in {name}.")
            if target not in states:
                raise NonMarkovTaskTransitionError(
                    f"{where(state)}: {target!r} has no transition to leave it by; decorate it with @transition."
                )
    reached = set(_reached(states))
    lost = [state for state in own if state not in reached]
    if lost:
        logger.warning("%s: no transition leads to %s.", name, ", ".join(lost))


def _reached(states: dict[str, Any]) -> Iterator[str]:
    seen = {next(iter(states))}
    waiting = list(seen)
    while waiting:
        state = waiting.pop()
        yield state
        for target, weight in states[state].transitions.items():
            if weight and target not in seen:
                seen.add(target)
                waiting.append(target)
