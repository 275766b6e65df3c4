"""A master's cap on the requests of a test, while it runs."""

import gevent
from gevent import Greenlet

from gregaria.cluster.cap import Shares
from gregaria.cluster.post import Post
from gregaria.cluster.roster import WorkerNodes
from gregaria.runner.cap import TICK_S, CapLog

__all__ = ["SharedCap"]


class SharedCap:
    """Each second, shares the cap out anew.

    Args:
        shares: says who gets what.
        nodes: the workers.
        post: carries items to them.
        log: in which seconds the cap was reached.
    """

    def __init__(self, shares: Shares, nodes: WorkerNodes, post: Post, log: CapLog) -> None:
        self._shares = shares
        self._nodes = nodes
        self._post = post
        self._log = log
        self._greenlet: Greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """The test is over."""
        self._greenlet.kill(block=False)

    def _run(self) -> None:
        while True:
            gevent.sleep(TICK_S)
            for receiver, told in self._shares.share_out(self._nodes.num_sharing):
                self._post.put(receiver, "cap", told)
            self._log.add(self._shares.used_per_s, self._shares.has_waiting)
