"""The generator watches itself while a test runs: the loop, the process, and who holds them up."""

import gevent

from gregaria.runner.lateness import Lateness
from gregaria.runner.vitals import Collections, ProcessGauge, RunQueue, Vitals
from gregaria.stats.generator_log import GeneratorLog

__all__ = ["SelfWatch"]


class SelfWatch:
    """Watches from the moment it is made until ``stop``.

    Args:
        log: is told everything.
    """

    def __init__(self, log: GeneratorLog) -> None:
        self._collections = Collections()
        self._queue = RunQueue()
        self._lateness = Lateness(log, self._collections, self._queue)
        self._vitals = Vitals(log, self._lateness, self._collections, ProcessGauge(self._queue))
        self._collections.start()
        self._lateness.start()
        self._greenlet = gevent.spawn(self._vitals.run)

    def held_up_by(self) -> str | None:
        """Who holds up the loop at this moment, in words; None if nobody was seen. May be asked in any thread."""
        return self._lateness.held_up_by()

    def stop(self) -> None:
        """Take the last, unfinished second and end."""
        self._greenlet.kill(block=False)
        self._lateness.stop()
        self._vitals.take(is_last=True)
        self._collections.stop()
        self._queue.close()
