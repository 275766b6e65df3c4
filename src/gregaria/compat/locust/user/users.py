from typing import TYPE_CHECKING

from gregaria.compat._explain import LATER, explain
from gregaria.users.http import HttpUser as HttpUser
from gregaria.users.http import RestMixin as RestMixin
from gregaria.users.user import User as User
from gregaria.users.user import UserMeta as UserMeta

__all__ = ["HttpUser", "RestMixin", "User", "UserMeta"]

if not TYPE_CHECKING:
    __getattr__ = explain(
        __name__,
        {"PytestUser": f"{LATER}, which runs no pytest-style files yet; make each test a @task of an HttpUser."},
    )
