"""Answers for names that are not there: what to write today instead."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

__all__ = ["FastHttpLocust", "HttpLocust", "Locust", "explain"]

LATER = "is not in this version of Gregaria"


def explain(module: str, reasons: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """A module's ``__getattr__`` that answers the names in ``reasons`` with an ImportError holding their sentence.

    ImportError and not AttributeError, because only the former keeps its text in ``from module import name``.
    """

    def answer(name: str) -> NoReturn:
        if name in reasons:
            raise ImportError(f"{module}.{name} {reasons[name]}", name=name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return answer


class _Dropped:
    """A base class of Locust before 1.0: importing it works, as it does with Locust, deriving from it is answered."""

    today = "User"

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if cls.__module__ == __name__:
            return
        base = cls.__mro__[1]
        changes = [f"class {cls.__name__}({base.__dict__.get('today', 'User')})"]
        task_set = cls.__dict__.get("task_set")
        if task_set is not None:
            changes.append(f"tasks = [{getattr(task_set, '__name__', 'YourTaskSet')}] for task_set")
        shortest, longest = cls.__dict__.get("min_wait"), cls.__dict__.get("max_wait")
        if shortest is not None or longest is not None:
            low, high = (shortest or 0) / 1000, (longest if longest is not None else shortest or 0) / 1000
            changes.append(f"wait_time = between({low:g}, {high:g}) for min_wait and max_wait")
        changes.append("`from locust import ...` for what you use of it")
        raise ImportError(
            f"{base.__name__}, which {cls.__module__}.{cls.__name__} derives from, was dropped by Locust 1.0. "
            f"Write today: {'; '.join(changes)}."
        )


class Locust(_Dropped):
    """Became ``User``."""

    today = "User"


class HttpLocust(_Dropped):
    """Became ``HttpUser``."""

    today = "HttpUser"


class FastHttpLocust(_Dropped):
    """Became ``FastHttpUser``."""

    today = "FastHttpUser"
