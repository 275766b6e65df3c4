"""Gregaria: simulated users, written in Python, that load a system and tell exactly how it did.

How a request flows, from the file a person wrote to the numbers a person reads:

    locustfile --> users/ --> client/ --> engine/ --> stats/ --> runner/ --> report/
    what a person  picks a    says it     sends it,   counts     starts and  prints
    wrote          task       in HTTP     times it    it         stops users it

``cli/loader.py`` imports the locustfile; ``runner/spawner.py`` starts a greenlet per user; ``users/taskset.py`` picks a
task; the task calls ``self.client.get("/")``; ``client/session.py`` makes the request's bytes and hands them to
``engine/exchange.pyx``, which writes, parks the greenlet on ``engine/poller.pyx``, reads, feeds ``engine/parser.pyx``,
and takes the time; the session counts it in ``engine/recorder.pyx`` (one C call) and tells ``events.request`` only if
someone listens. ``stats/summary.py`` freezes the numbers; ``report/`` only ever reads that.

The floors: a module imports from lower floors and from its own folder, never upwards.

    10  compat      9  debug      8  cli, __main__      7  environment      5  report
     4  runner | feed    3  users | stats   2  client   1  engine           0  events errors settings logs context

The names below are what locustfiles and libraries import from here. They are resolved on first use, so that importing
the package costs nothing and the command can patch gevent in before anything knows sockets.
"""

from importlib import import_module

from gregaria.version import VERSION as __version__

# As type checkers know it; the module typing takes a tenth of the time that --version may take.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from gregaria import feed as feed
    from gregaria.debug import run_single_user as run_single_user
    from gregaria.environment import Environment as Environment
    from gregaria.errors import InterruptTaskSet as InterruptTaskSet
    from gregaria.errors import RescheduleTask as RescheduleTask
    from gregaria.errors import RescheduleTaskImmediately as RescheduleTaskImmediately
    from gregaria.errors import StopTest as StopTest
    from gregaria.errors import StopUser as StopUser
    from gregaria.events import events as events
    from gregaria.runner.shape import LoadTestShape as LoadTestShape
    from gregaria.users.declare import tag as tag
    from gregaria.users.declare import task as task
    from gregaria.users.http import FastHttpUser as FastHttpUser
    from gregaria.users.http import HttpUser as HttpUser
    from gregaria.users.markov import MarkovTaskSet as MarkovTaskSet
    from gregaria.users.markov import transition as transition
    from gregaria.users.markov import transitions as transitions
    from gregaria.users.offload import offload as offload
    from gregaria.users.sequential import SequentialTaskSet as SequentialTaskSet
    from gregaria.users.taskset import TaskSet as TaskSet
    from gregaria.users.user import User as User
    from gregaria.users.wait import between as between
    from gregaria.users.wait import constant as constant
    from gregaria.users.wait import constant_pacing as constant_pacing
    from gregaria.users.wait import constant_throughput as constant_throughput
    from gregaria.users.wait import poisson as poisson

#: public name -> the module that defines it
_HOMES = {
    "Environment": "gregaria.environment",
    "FastHttpUser": "gregaria.users.http",
    "HttpUser": "gregaria.users.http",
    "InterruptTaskSet": "gregaria.errors",
    "LoadTestShape": "gregaria.runner.shape",
    "MarkovTaskSet": "gregaria.users.markov",
    "RescheduleTask": "gregaria.errors",
    "RescheduleTaskImmediately": "gregaria.errors",
    "SequentialTaskSet": "gregaria.users.sequential",
    "StopTest": "gregaria.errors",
    "StopUser": "gregaria.errors",
    "TaskSet": "gregaria.users.taskset",
    "User": "gregaria.users.user",
    "between": "gregaria.users.wait",
    "constant": "gregaria.users.wait",
    "constant_pacing": "gregaria.users.wait",
    "constant_throughput": "gregaria.users.wait",
    "events": "gregaria.events",
    "feed": "gregaria.feed",
    "offload": "gregaria.users.offload",
    "poisson": "gregaria.users.wait",
    "run_single_user": "gregaria.debug",
    "tag": "gregaria.users.declare",
    "task": "gregaria.users.declare",
    "transition": "gregaria.users.markov",
    "transitions": "gregaria.users.markov",
}

__all__ = [
    "Environment",
    "FastHttpUser",
    "HttpUser",
    "InterruptTaskSet",
    "LoadTestShape",
    "MarkovTaskSet",
    "RescheduleTask",
    "RescheduleTaskImmediately",
    "SequentialTaskSet",
    "StopTest",
    "StopUser",
    "TaskSet",
    "User",
    "__version__",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "feed",
    "offload",
    "poisson",
    "run_single_user",
    "tag",
    "task",
    "transition",
    "transitions",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"gregaria has no {name!r}; its names are {', '.join(__all__)}")
    module = import_module(home)
    if name in globals():
        # The module itself has that name: events, which answers for its hooks, and feed.
        return globals()[name]
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
