"""From what a dispatcher wants to what workers are told: how many users of which class each of them shall have."""

from collections.abc import Mapping
from typing import Any

import gevent
from gevent import Greenlet

from gregaria.cluster.options import options_to_send
from gregaria.cluster.post import Post
from gregaria.cluster.roster import WorkerNode, WorkerNodes
from gregaria.cluster.running import Master, RunningTest
from gregaria.runner.dispatch import Placement
from gregaria.runner.state import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING

__all__ = ["Placing"]

#: of a core that a worker is taken to have, however busy its machine is
_SMALLEST_CAPACITY = 0.05


class Placing:
    """Gives workers their users.

    Args:
        master: whose workers they are.
        test: the one that runs.
        nodes: the workers.
        post: carries items to them.
        balance: ``equal`` for the same number of users on each, ``capacity`` for shares by what each can do.
    """

    def __init__(self, master: Master, test: RunningTest, nodes: WorkerNodes, post: Post, balance: str) -> None:
        self._master = master
        self._test = test
        self._nodes = nodes
        self._post = post
        self._balance = balance
        self._rebalancer: Greenlet | None = None

    def new_dispatcher(self) -> Any:
        """One that decides for the workers that are there."""
        environment = self._master.environment
        classes = environment.user_classes
        if self._balance == "equal":
            # Not every dispatcher of a person's own knows of others.
            return environment.dispatcher_class(self._nodes.present, classes)
        self._weigh()
        return environment.dispatcher_class(self._nodes.present, classes, balance=self._balance)

    def add(self, node: WorkerNode) -> None:
        """A worker can have users from now on."""
        if self._balance != "equal":
            self._weigh()
        self._master.dispatcher.add_worker(node)
        self.rebalance()

    def remove(self, node: WorkerNode) -> None:
        """A worker has no users any more."""
        self._master.dispatcher.remove_worker(node)
        if self._nodes.present:
            self.rebalance()

    def place(self, placement: Placement) -> dict[str, int]:
        """Tell each worker whose number of users has changed; returns how many of each class there shall be."""
        total: dict[str, int] = {}
        for node_id, counts in placement.items():
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count
            node = self._nodes.get(node_id)
            if node is not None and node.state != STATE_MISSING and counts != node.wanted:
                self.tell_users(node, counts)
        return total

    def tell_users(self, node: WorkerNode, counts: Mapping[str, int]) -> None:
        """Tell a worker how many users of each class it shall have."""
        node.wanted = dict(counts)
        node.step += 1
        node.state = STATE_SPAWNING
        environment = self._master.environment
        self._post.put(
            node.id,
            "spawn",
            {
                "run": self._test.run,
                "generation": self._test.generation,
                "step": node.step,
                "users": dict(counts),
                "spawn_rate": self._master.spawn_rate,
                "host": environment.host,
                "stop_timeout_s": environment.stop_timeout,
                "options": self._options(),
                "iterations": self._master.iterations,
                "max_rps": environment.max_rps,
            },
        )

    def tell_again(self) -> None:
        """Tell all workers that have users how the test is to go on with them."""
        for node in self._nodes.present:
            if node.wanted:
                self.tell_users(node, node.wanted)

    def _options(self) -> dict[str, Any]:
        if self._test.options is None:
            self._test.options = options_to_send(self._master.environment)
        return self._test.options

    def tell_no_users(self, node: WorkerNode) -> None:
        """Tell a worker that those it may have are others' by now."""
        self.tell_users(node, dict.fromkeys(self._master.environment.user_classes_by_name, 0))

    def are_there(self) -> bool:
        """Whether every worker has said that its users are there."""
        return all(_has_its_users(node) for node in self._nodes.present)

    def rebalance(self) -> None:
        """Bring the users where the dispatcher wants them now, at the spawn rate; a ramp that runs does so anyway."""
        if self._master.spawning_greenlet is not None or (self._rebalancer is not None and not self._rebalancer.dead):
            return
        self._rebalancer = self._master.greenlet.spawn(self._rebalance_now)

    def cancel(self) -> None:
        """Leave the users where they are."""
        rebalancer, self._rebalancer = self._rebalancer, None
        if rebalancer is not None and rebalancer is not gevent.getcurrent():
            rebalancer.kill(block=False)

    def _weigh(self) -> None:
        """What each worker can do: one core at most, or its part of those that nobody but workers uses there."""
        on_host: dict[str, list[WorkerNode]] = {}
        for node in self._nodes.present:
            on_host.setdefault(node.host, []).append(node)
        for nodes in on_host.values():
            cores = max(node.idle_cores for node in nodes) + sum(node.cpu_usage for node in nodes) / 100.0
            for node in nodes:
                node.capacity = min(max(cores / len(nodes), _SMALLEST_CAPACITY), 1.0)

    def _rebalance_now(self) -> None:
        for placement in self._master.dispatcher:
            if self._master.spawning_greenlet is not None or self._master.is_ending:
                return
            self._master.target_user_classes_count = self.place(placement)


def _has_its_users(node: WorkerNode) -> bool:
    return node.state == STATE_RUNNING or not any(node.wanted.values())
