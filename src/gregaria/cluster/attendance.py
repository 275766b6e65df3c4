"""Workers that come, are lost, come back and leave, and what that means for the test that runs."""

import logging
from collections.abc import Mapping
from typing import Any

import gevent
from gevent import Greenlet

from gregaria.cluster.cap import Shares
from gregaria.cluster.happenings import Back, Joined, Left, Lost
from gregaria.cluster.iterations import Iterations
from gregaria.cluster.loss import Loss
from gregaria.cluster.placing import Placing
from gregaria.cluster.post import Post
from gregaria.cluster.roster import MOST_CORES, WorkerNode, WorkerNodes, number_of
from gregaria.cluster.rows import Rows
from gregaria.cluster.running import Master, RunningTest
from gregaria.cluster.worker_machine import LOCUST
from gregaria.logs import Bounded
from gregaria.runner.state import STATE_INIT, STATE_MISSING

__all__ = ["Attendance"]

logger = logging.getLogger("gregaria.cluster.master")

#: seconds after which a test whose last worker was lost is ended
_ALONE_S = 30.0


class Attendance:
    """Who is there.

    Args:
        master: whose workers they are.
        test: the one that runs.
        nodes: all workers that have come and not left.
        placing: gives them users.
        rows: gives them test data.
        iterations: gives them iterations.
        shares: gives them their parts of the cap on requests.
        post: carries items to them.

    Attributes:
        nodes: the same.
        indexes: {node id: number of the worker}, of those that have left, too.
        known: {node id: (host, index, users, requests per second)} of a master before this one, those that have not
            come back.
    """

    def __init__(
        self,
        master: Master,
        test: RunningTest,
        nodes: WorkerNodes,
        placing: Placing,
        rows: Rows,
        iterations: Iterations,
        shares: Shares,
        post: Post,
    ) -> None:
        self.nodes = nodes
        self.indexes: dict[str, int] = {}
        self.known: dict[str, Any] = {}
        self._master = master
        self._test = test
        self._placing = placing
        self._rows = rows
        self._iterations = iterations
        self._shares = shares
        self._post = post
        # {node id: what may be missing of it}; of one that comes back nothing is.
        self._losses: dict[str, Loss] = {}
        self._alone_timer: Greenlet | None = None
        # Where there is no secret, whoever reaches the port can come and go.
        self._log = Bounded(logger)

    def begin(self) -> None:
        """A test begins, and is not one of a master before this one."""
        self.known.clear()
        self._losses.clear()
        for node in self.nodes.values():
            node.requests_per_s, node.known_users = 0.0, 0

    def go_on_with(self, known: Mapping[str, Any], silent_s: float) -> None:
        """What a master before this one has known, and for how long at most its notes have not been of that moment."""
        self.known = {node_id: tuple(told) for node_id, told in known.items()}
        # Until they are back.
        for node_id, (host, index, users, rate) in self.known.items():
            self._losses[node_id] = Loss(index, host, users, rate, silent_s)

    def snapshot(self) -> dict[str, Any]:
        """What ``go_on_with`` of another master needs."""
        return {
            **{node_id: list(told) for node_id, told in self.known.items()},
            **{node.id: [node.host, node.index, node.user_count, self._rate_of(node)] for node in self.nodes.present},
        }

    def losses(self, requests_per_s_of_a_user: float) -> list[str]:
        """A sentence for each worker that was lost; one that had not told how fast it is was as fast as the others."""
        return [loss.told(requests_per_s_of_a_user) for loss in self._losses.values()]

    # -- what happens ----------------------------------------------------------------------------------------------

    def joined(self, what: Joined) -> None:
        """A worker has come."""
        node = WorkerNode(what.node_id, index=what.index, dialect=what.dialect)
        node.about = what.about
        try:
            node.idle_cores = number_of(what.about.get("idle_cores", 1.0), MOST_CORES)
        except ValueError as error:
            text = "Worker %d (%s) does not know how many cores are idle: %s"
            self._log.tell(logging.WARNING, text, what.index, what.node_id, error)
        # What another master knew of it.
        _, _, node.known_users, node.requests_per_s = self.known.pop(what.node_id, ("", 0, 0, 0.0))
        self._losses.pop(what.node_id, None)
        self.indexes[what.node_id] = what.index
        self.nodes[what.node_id] = node
        self._log.tell(
            logging.INFO,
            "Worker %d (%s%s) is ready; there are %d",
            what.index,
            what.node_id,
            ", of Locust" if what.dialect == LOCUST else "",
            len(self.nodes.present),
        )
        environment = self._master.environment
        self._master.fire(environment.events.worker_connect, client_id=what.node_id)
        for payload in environment.shared_data.whole():
            self._post.put(what.node_id, "shared", payload)
        is_testing, is_ending = self._master.is_testing, self._master.is_ending
        run = what.about.get("run")
        if run is not None and (run != self._test.run or is_ending):
            # Of another master, whose test nobody would ever end; or of one that ends now.
            self._post.put(what.node_id, "stop", {"run": run})
        elif is_ending:
            # There is nothing that it could stop.
            self._test.stopped.add(what.node_id)
        # Of a master before this one, for which it was lost.
        self._share_again(node.id)
        if is_testing and what.dialect != LOCUST:
            self._rows.prepare(node.id)
        if run is not None and run == self._test.run and is_testing and not is_ending:
            # It has users from before, which others may have by now.
            self._placing.tell_no_users(node)
        self._use(node)

    def back(self, what: Back) -> bool:
        """A lost worker is heard of again; False when it was not lost."""
        node = self.nodes.get(what.node_id)
        if node is None or node.state != STATE_MISSING:
            return False
        node.state = STATE_INIT
        self._losses.pop(node.id, None)
        self._share_again(node.id)
        self._log.tell(logging.INFO, "Worker %d (%s) is heard of again", node.index, node.id)
        node.wanted = {}
        self._use(node)
        if self._master.is_testing and not self._master.is_ending:
            if node.wanted:
                self._placing.tell_users(node, node.wanted)
            else:
                self._placing.tell_no_users(node)
        elif self._master.is_testing or self._test.continued is None:
            # And not while the test of a master before this one is about to be gone on with.
            self._post.put(node.id, "stop", {"run": self._test.run})
        return True

    def lost(self, what: Lost) -> None:
        """A worker is not heard of any more."""
        node = self.nodes.get(what.node_id)
        if node is None or node.state == STATE_MISSING:
            return
        node.state = STATE_MISSING
        users = node.user_count
        node.user_classes_count = {}
        self._log.tell(logging.WARNING, "Worker %d (%s) is missing: %s", node.index, node.id, what.reason)
        if self._master.is_testing:
            users = max(users, node.known_users)
            rate = self._rate_of(node)
            self._losses[node.id] = Loss(node.index, node.host, users, rate, what.silent_s)
            self._drop(node)

    def all_lost(self) -> None:
        """The link has failed: nobody can be heard of."""
        for node in self.nodes.present:
            self.lost(Lost(node.id, "the link has failed", 0.0))

    def left(self, what: Left) -> None:
        """A worker has said goodbye."""
        node = self.nodes.get(what.node_id)
        if node is None:
            return
        del self.nodes[what.node_id]
        num_left = len(self.nodes.present)
        self._log.tell(logging.INFO, "Worker %d (%s) has left; there are %d", node.index, node.id, num_left)
        if self._master.is_testing:
            self._drop(node)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _use(self, node: WorkerNode) -> None:
        """A worker can have users from now on."""
        if self._alone_timer is not None:
            self._alone_timer.kill(block=False)
            self._alone_timer = None
        if self._master.is_testing and not self._master.is_ending:
            self._placing.add(node)

    def _share_again(self, node_id: str) -> None:
        """What was taken from a worker that was lost it can have again, as far as it is there."""
        self._rows.back(node_id)
        for receiver, told in self._iterations.back(node_id):
            self._post.put(receiver, "iterations", told)

    def _drop(self, node: WorkerNode) -> None:
        """A worker has no users any more: others get them."""
        self._test.stopped.discard(node.id)
        self._rows.lost(node.id)
        self._shares.lost(node.id)
        for receiver, told in self._iterations.lost(node.id):
            self._post.put(receiver, "iterations", told)
        if self._master.is_ending:
            return
        self._placing.remove(node)
        if not self.nodes.present and self._alone_timer is None:
            logger.warning("There is no worker left; the test ends in %g s unless one comes", _ALONE_S)
            self._alone_timer = self._master.greenlet.spawn(self._end_alone)

    def _end_alone(self) -> None:
        gevent.sleep(_ALONE_S)
        self._alone_timer = None
        self._master.stop_test("there is no worker left")

    def _rate_of(self, node: WorkerNode) -> float:
        """Requests per second that a worker has made at most, as far as it is known."""
        return max(node.requests_per_s, float(self._post.status_of(node.id).get("requests_per_s") or 0.0))
