from pathlib import Path
from typing import TYPE_CHECKING, Any

from gregaria.cli.loader import load
from gregaria.compat._explain import LATER, explain
from gregaria.runner.shape import LoadTestShape
from gregaria.users.user import User

__all__ = ["is_shape_class", "is_user_class", "load_locustfile"]


def is_user_class(item: Any) -> bool:
    """Whether it is a class of users that can run."""
    return isinstance(item, type) and issubclass(item, User) and not item.abstract


def is_shape_class(item: Any) -> bool:
    """Whether it is a load shape that can run."""
    return isinstance(item, type) and issubclass(item, LoadTestShape) and not item.abstract


def load_locustfile(path: str) -> tuple[dict[str, type[User]], list[LoadTestShape]]:
    """Import a file: its user classes by name, and an instance of each of its shapes."""
    loaded = load([Path(path).resolve()])
    return loaded.user_classes, [shape_class() for shape_class in loaded.shape_classes.values()]


if not TYPE_CHECKING:
    __getattr__ = explain(
        __name__,
        {"load_locustfile_pytest": f"{LATER}, which runs no pytest-style files yet; write an HttpUser with @task."},
    )
