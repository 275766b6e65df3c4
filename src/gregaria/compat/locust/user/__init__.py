import importlib

from gregaria.users.declare import tag as tag
from gregaria.users.declare import task as task
from gregaria.users.http import HttpUser as HttpUser
from gregaria.users.taskset import TaskSet as TaskSet
from gregaria.users.user import User as User

__all__ = ["HttpUser", "TaskSet", "User", "tag", "task"]

# `import locust` alone reaches these; the submodule called like the decorator must not take its place
_decorator = task
for _name in ("inspectuser", "markov_taskset", "sequential_taskset", "task", "users", "wait_time"):
    importlib.import_module(f"{__name__}.{_name}")
globals()["task"] = _decorator
