"""What workers say, taken to where it belongs: figures, states, messages, log lines, shared data."""

import logging
from typing import Any

from gregaria.cluster.cap import Shares
from gregaria.cluster.happenings import Item
from gregaria.cluster.iterations import Iterations
from gregaria.cluster.post import Post
from gregaria.cluster.roster import WorkerNode, WorkerNodes, counts_of
from gregaria.cluster.running import Master, RunningTest
from gregaria.cluster.worker_machine import LOCUST
from gregaria.errors import LONGEST_MESSAGE, shortened
from gregaria.logs import OncePerKind
from gregaria.runner.state import STATE_INIT, STATE_MISSING, STATE_RUNNING, STATE_SPAWNING
from gregaria.stats.increments import add_report

__all__ = ["Intake"]

logger = logging.getLogger("gregaria.cluster.master")

_MOST_LOG_LINES = 500
#: kinds of what means nothing that are told
_MOST_KINDS = 100


class Intake:
    """Takes what workers say.

    Args:
        master: whose workers they are.
        test: the one that runs.
        nodes: the workers.
        iterations: those of the test.
        shares: of the cap on requests.
        post: carries items to them.
    """

    def __init__(
        self,
        master: Master,
        test: RunningTest,
        nodes: WorkerNodes,
        iterations: Iterations,
        shares: Shares,
        post: Post,
    ) -> None:
        self._master = master
        self._test = test
        self._nodes = nodes
        self._iterations = iterations
        self._shares = shares
        self._post = post
        # Of each kind and reason the first, whoever says it.
        self._nonsense = OncePerKind(logger, most=_MOST_KINDS)

    def take(self, item: Item) -> None:
        """Deal with an item; one that means nothing is told of."""
        try:
            self._deal_with(item)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            # It would mean nothing the next time, either.
            kind, reason = shortened(item.kind, 100), shortened(str(error), 500)
            text = "A %s of %s means nothing and is left out: %s"
            self._nonsense.tell((kind, reason), text, kind, item.node_id, reason)

    def _deal_with(self, item: Item) -> None:
        node = self._nodes.get(item.node_id)
        master, payload = self._master, item.payload
        if item.kind == "report":
            self._add(node, item.node_id, payload)
        elif item.kind == "locust_report":
            self._add_locusts(node, item.node_id, payload)
        elif item.kind == "custom":
            master.fire(master.environment.events.worker_report, client_id=item.node_id, data=payload)
        elif item.kind == "message":
            master.deliver(payload["type"], payload["data"], item.node_id)
        elif item.kind == "logs":
            self._add_logs(item.node_id, payload)
        elif item.kind == "exception":
            master.exceptions.add(item.node_id, payload["message"], payload["traceback"])
        elif item.kind == "shared":
            self._share(item.node_id, payload)
        elif item.kind == "stop_test":
            master.stop_test(str(payload["reason"]))
        elif item.kind == "iterations":
            self._share_out(item.node_id, payload)
        elif item.kind == "cap" and node is not None and node.state != STATE_MISSING:
            for receiver, told in self._shares.hear(item.node_id, payload, self._nodes.num_sharing):
                self._post.put(receiver, "cap", told)
        elif item.kind == "failed" and node is not None:
            reason = shortened(str(payload["reason"]), LONGEST_MESSAGE)
            master.give_up(f"worker {node.index} ({node.host}) cannot start its users: {reason}", payload["exit_code"])
        elif node is not None:
            self._take_state(node, item.kind, payload)

    def _take_state(self, node: WorkerNode, kind: str, payload: Any) -> None:
        if kind == "spawning":
            node.state = STATE_SPAWNING
        elif kind == "spawned":
            node.user_classes_count = counts_of(payload["users"])
            node.has_spawned = True
            # What it answers may be what it was told before.
            if node.dialect == LOCUST or payload.get("step") == node.step:
                node.state = STATE_RUNNING
        elif kind == "stopped":
            node.state = STATE_INIT
            node.user_classes_count = {}
            if payload.get("run") in (None, self._test.run):
                self._test.stopped.add(node.id)
            self._master.note_unhandled(node, payload.get("unhandled", 0))
        elif kind == "user_gone" and node.state != STATE_MISSING:
            # Of a missing worker others have the users by now.
            name = payload["class"]
            node.wanted[name] = max(node.wanted.get(name, 1) - 1, 0)
            self._master.user_gone(name, node.id)

    def _add(self, node: WorkerNode | None, node_id: str, report: dict[str, Any]) -> None:
        if report.get("run") != self._test.run or report.get("generation") != self._test.generation:
            return
        count = add_report(report, self._master.stats, self._master.exceptions, node_id)
        if node is not None:
            node.num_requests += count
            node.requests_per_s = max(node.requests_per_s * 0.9, float(count))

    def _add_locusts(self, node: WorkerNode | None, node_id: str, report: dict[str, Any]) -> None:
        self._master.fire(self._master.environment.events.worker_report, client_id=node_id, data=report)
        self._master.stats.merge_report(report.get("stats") or [], report.get("errors") or {})
        if node_id in self._test.stopped:
            self._test.settled.add(node_id)
        if node is not None and node.state != STATE_MISSING:
            node.user_classes_count = counts_of(report.get("user_classes_count") or {})

    def _add_logs(self, node_id: str, payload: dict[str, Any]) -> None:
        logs = self._master.environment.worker_logs
        kept = payload["lines"] if payload.get("is_whole") else [*logs.get(node_id, []), *payload["lines"]]
        logs[node_id] = kept[-_MOST_LOG_LINES:]

    def _share_out(self, node_id: str, said: dict[str, Any]) -> None:
        for receiver, told in self._iterations.hear(node_id, said):
            self._post.put(receiver, "iterations", told)
        if self._iterations.is_over:
            self._master.finish_iterations()

    def _share(self, node_id: str, payload: Any) -> None:
        for told in self._master.environment.shared_data.take(payload):
            for node in self._nodes.present:
                if node.id != node_id:
                    self._post.put(node.id, "shared", told)
