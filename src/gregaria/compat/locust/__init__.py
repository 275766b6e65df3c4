"""What ``from locust import ...`` gives: Locust's public names, answered by Gregaria."""


import os

from gevent import monkey

from gregaria.patching import patch_all

if not os.environ.get("LOCUST_SKIP_MONKEY_PATCH") and not monkey.is_module_patched("socket"):
    patch_all()

import importlib
from typing import TYPE_CHECKING, Any

from gregaria.compat._explain import HttpLocust as HttpLocust
from gregaria.compat._explain import Locust as Locust
from gregaria.compat._explain import explain
from gregaria.debug import run_single_user as run_single_user
from gregaria.events import events as events
from gregaria.runner.shape import LoadTestShape as LoadTestShape
from gregaria.users import wait as wait_time
from gregaria.users.declare import tag as tag
from gregaria.users.declare import task as task
from gregaria.users.http import FastHttpUser as FastHttpUser
from gregaria.users.http import HttpUser as HttpUser
from gregaria.users.markov import MarkovTaskSet as MarkovTaskSet
from gregaria.users.markov import transition as transition
from gregaria.users.markov import transitions as transitions
from gregaria.users.sequential import SequentialTaskSet as SequentialTaskSet
from gregaria.users.taskset import TaskSet as TaskSet
from gregaria.users.user import User as User
from gregaria.users.wait import between as between
from gregaria.users.wait import constant as constant
from gregaria.users.wait import constant_pacing as constant_pacing
from gregaria.users.wait import constant_throughput as constant_throughput
from gregaria.users.wait import poisson as poisson

#: the version of Locust whose behaviour this follows, for code that asks
__version__ = "2.47.0"

__all__ = [
    "FastHttpUser",
    "HttpLocust",
    "HttpUser",
    "LoadTestShape",
    "Locust",
    "MarkovTaskSet",
    "SequentialTaskSet",
    "TaskSet",
    "User",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "poisson",
    "run_single_user",
    "tag",
    "task",
    "transition",
    "transitions",
    "wait_time",
]

if not TYPE_CHECKING:
    #: `import locust` alone reaches these, as it does in Locust
    SUBMODULES = {
        *("argument_parser", "clients", "contrib", "debug", "dispatch", "env", "event", "exception", "html", "log"),
        *("rpc", "runners", "shape", "stats", "user", "util", "web"),
    }

    def __getattr__(name: str) -> Any:
        if name in SUBMODULES:
            return importlib.import_module(f"{__name__}.{name}")
        return _missing(name)

    _missing = explain(
        __name__,
        {
            "seq_task": "was dropped by Locust 1.0; derive from SequentialTaskSet and use @task.",
            "TaskSequence": "was dropped by Locust 1.0; derive from SequentialTaskSet.",
            "seconds": "never was; wait times are in seconds, for example wait_time = between(1, 5).",
        },
    )
