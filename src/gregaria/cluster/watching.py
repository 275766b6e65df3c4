"""A master's eye on its workers: what their signs of life say of their processes."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import gevent

from gregaria.cluster.master_machine import Peer
from gregaria.cluster.roster import MOST_CORES, WorkerNode, WorkerNodes, counts_of, number_of
from gregaria.cluster.running import Master
from gregaria.cluster.worker_machine import LOCUST
from gregaria.logs import OncePerKind
from gregaria.settings import settings

__all__ = ["watch_workers"]

logger = logging.getLogger("gregaria.cluster.master")

#: seconds without a turn of a worker's event loop that are worth a word
_BLOCKED_S = 3.0
#: more than any worker's event loop can have been late by
_LONGEST_S = 1e9


def watch_workers(master: Master, nodes: WorkerNodes, peers: Mapping[str, Peer]) -> None:
    """Look at all of them each second, for ever."""
    beats = master.environment.events.heartbeat_sent
    nonsense = OncePerKind(logger)
    while True:
        gevent.sleep(1.0)
        for node_id, peer in list(peers.items()):
            node = nodes.get(node_id)
            if node is None or peer.is_lost:
                continue
            try:
                _read_status(master, node, peer.status)
            except (ValueError, TypeError, OverflowError) as error:
                # Of one worker; the others are to be watched on.
                nonsense.tell(node_id, "What worker %d says of itself means nothing: %s", node.index, error)
                peer.status = {}
            if beats.listeners:
                master.fire(beats, client_id=node_id, timestamp=time.time())


def _read_status(master: Master, node: WorkerNode, status: Mapping[str, Any]) -> None:
    node.cpu_usage = number_of(status.get("current_cpu_usage") or 0.0, 100.0 * MOST_CORES)
    node.idle_cores = number_of(status.get("idle_cores", node.idle_cores), MOST_CORES)
    node.memory_usage = int(status.get("current_memory_usage") or 0)
    if node.has_spawned:
        # What it has said since is newer than its last sign of life may be.
        node.has_spawned = False
    elif node.dialect != LOCUST and isinstance(status.get("users"), dict):
        node.user_classes_count = counts_of(status["users"])
    delay_s = status.get("longest_delay_s")
    node.longest_delay_s = None if delay_s is None else number_of(delay_s, _LONGEST_S)
    master.note_unhandled(node, status.get("unhandled", 0))
    blocked_s = number_of(status.get("loop_delay_s") or 0.0, _LONGEST_S)
    if blocked_s >= _BLOCKED_S > node.loop_delay_s:
        logger.warning(
            "The event loop of worker %d (%s) has not turned for %.0f s: a user's code blocks it%s",
            node.index,
            node.id,
            blocked_s,
            f" ({status['culprit']})" if status.get("culprit") else "",
        )
    node.loop_delay_s = blocked_s
    if node.cpu_usage > settings.cpu_warning_threshold and not node.cpu_warning_emitted:
        master.worker_cpu_warning_emitted = node.cpu_warning_emitted = True
        logger.warning(
            "Worker %d (%s) uses %.0f %% of a core: its response times may include its own delays",
            node.index,
            node.id,
            node.cpu_usage,
        )
