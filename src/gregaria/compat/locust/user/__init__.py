from gregaria.users.declare import tag as tag
from gregaria.users.declare import task as task
from gregaria.users.http import HttpUser as HttpUser
from gregaria.users.taskset import TaskSet as TaskSet
from gregaria.users.user import User as User

__all__ = ["HttpUser", "TaskSet", "User", "tag", "task"]
