"""A runner whose users run in this process: a local one, and a worker."""

from typing import Any

import gevent
from gevent.pool import Group

from gregaria.runner.crew import Crew
from gregaria.runner.runner import Runner

__all__ = ["HostRunner"]


class HostRunner(Runner):
    """What a local runner and a worker share."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._crew = Crew(self)

    @property
    def user_greenlets(self) -> Group:
        """The greenlets of all users; the user is ``greenlet.args[0]``."""
        return self._crew.greenlets

    @property
    def user_count(self) -> int:
        return len(self.user_greenlets)

    @property
    def user_classes_count(self) -> dict[str, int]:
        return self._crew.counts

    def user_gone(self, class_name: str) -> bool:
        """A user has ended by itself and is not replaced; False when whoever dispatches users goes on counting it."""
        raise NotImplementedError

    def user_count_changed(self) -> None:
        """A user has ended."""
        raise NotImplementedError

    def _may_wait(self) -> bool:
        return super()._may_wait() and gevent.getcurrent() not in self.user_greenlets

    def _run_end(self) -> None:
        try:
            super()._run_end()
        finally:
            self._crew.stop_watching()
