"""The users of this process during one test, and what watches over them: what a local run and a worker share."""

from collections.abc import Mapping
from typing import Any

import gevent
from gevent import Greenlet
from gevent.pool import Group

from gregaria.runner.population import Keeper, Population
from gregaria.runner.selfwatch import SelfWatch
from gregaria.settings import settings

__all__ = ["Crew"]


class Crew:
    """The users of this process.

    Args:
        keeper: the runner.

    Attributes:
        population: starts, replaces and ends them.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.population = Population(keeper)
        self._environment = keeper.environment
        self._self_watch: SelfWatch | None = None

    @property
    def greenlets(self) -> Group:
        """The greenlets of all users; the user is ``greenlet.args[0]``."""
        return self.population.group

    @property
    def counts(self) -> dict[str, int]:
        """{class name: users}."""
        return self.population.counts

    def open(self) -> None:
        """A test begins: users may be started, and the process is watched."""
        if self._environment.host:
            # Only now, for a listener of test_start may have chosen it.
            for user_class in self._environment.user_classes:
                user_class.host = self._environment.host
        self._self_watch = SelfWatch(self._environment.stats.generator)
        self.population.open()

    def spawn(self, counts: Mapping[str, int], wait: bool = False) -> list[Any]:
        """Start so many more users of each class at once; with ``wait`` return when all users have ended."""
        self.population.is_open = True
        users = self.population.spawn(counts)
        if wait:
            self.greenlets.join()
        return users

    def close(self) -> Greenlet | None:
        """No user is started any more. Returns the greenlet that was about to, if it is inside a constructor."""
        return self.population.close()

    def end(self, unfinished: list[Greenlet | None]) -> None:
        """End all users and wait for it; those that are still being made have a moment, too."""
        self.population.stop_everybody()
        constructing = [worker for worker in unfinished if worker is not None]
        gevent.joinall(constructing, timeout=settings.stop_grace_s)
        gevent.killall(constructing, block=False)
        self.stop_watching()
        self.population.faults.sum_up()

    def held_up_by(self) -> str | None:
        """Who keeps the event loop from turning at this moment, in words. May be asked in any thread."""
        watch = self._self_watch
        return None if watch is None else watch.held_up_by()

    def stop_watching(self) -> None:
        """Nobody watches the process any more."""
        watch, self._self_watch = self._self_watch, None
        if watch is not None:
            watch.stop()
