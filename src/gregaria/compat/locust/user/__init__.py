import importlib

from gregaria.users.declare import tag as tag
from gregaria.users.declare import task as task
from gregaria.users.http import HttpUser as HttpUser
from gregaria.users.taskset import TaskSet as TaskSet
from gregaria.users.user import User as User

__all__ = ["HttpUser", "TaskSet", "User", "tag", "task"]

# the submodule of the decorator's name is imported first, so that it cannot take its place later
_decorator = task
importlib.import_module(f"{__name__}.task")
globals()["task"] = _decorator
