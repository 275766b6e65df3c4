from typing import Any, Protocol

from gregaria.users.declare import filter_tasks_by_tags as filter_tasks_by_tags
from gregaria.users.declare import tag as tag
from gregaria.users.declare import task as task
from gregaria.users.taskset import DefaultTaskSet as DefaultTaskSet
from gregaria.users.taskset import TaskSet as TaskSet
from gregaria.users.taskset import TaskSetMeta as TaskSetMeta


class TaskHolder(Protocol):
    """A user or task set, for annotations."""

    tasks: list[Any]


LOCUST_STATE_RUNNING = "running"
LOCUST_STATE_WAITING = "waiting"
LOCUST_STATE_STOPPING = "stopping"

__all__ = [
    "LOCUST_STATE_RUNNING",
    "LOCUST_STATE_STOPPING",
    "LOCUST_STATE_WAITING",
    "DefaultTaskSet",
    "TaskHolder",
    "TaskSet",
    "TaskSetMeta",
    "filter_tasks_by_tags",
    "tag",
    "task",
]
