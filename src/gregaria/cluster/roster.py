"""The workers of a master, as its users, pages and shapes see them."""

from collections.abc import Iterator, Mapping
from typing import Any

from gregaria.cluster.worker_machine import LOCUST
from gregaria.errors import shortened
from gregaria.runner.state import STATE_INIT, STATE_MISSING, STATE_RUNNING, STATE_SPAWNING

__all__ = ["MOST_CORES", "WorkerNode", "WorkerNodes", "counts_of", "number_of"]

#: cores that a worker may say its machine has
MOST_CORES = 65_536


def counts_of(told: object) -> dict[str, int]:
    """``{class name: users}``, as a worker has told them.

    Raises:
        ValueError: it is no such thing.
    """
    if not isinstance(told, dict) or not all(
        isinstance(name, str) and isinstance(count, int) and count >= 0 for name, count in told.items()
    ):
        raise ValueError("no numbers of users")
    return dict(told)


def number_of(told: object, most: float) -> float:
    """A number from 0 on, as a worker has told it.

    Raises:
        ValueError: it is none, or above ``most``.
    """
    # What is no number at all compares with nothing.
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not 0 <= told <= most:
        raise ValueError(f"{shortened(repr(told), 50)} is no number from 0 to {most:g}")
    return float(told)


class WorkerNode:
    """One worker.

    Attributes:
        id: its name, ``host_hex``.
        state: ``ready``, ``spawning``, ``running``, ``cleanup`` or ``missing``.
        index: its number, from 0; the same for the same name.
        dialect: ``gregaria`` or ``locust``.
        about: what it says of itself: version, host, cores, process id.
        user_classes_count: {class name: users} that it has reported.
        has_spawned: whether it has said which users it has since its signs of life were last looked at.
        wanted: {class name: users} that it was told to have.
        step: number of the last time that it was told so.
        cpu_usage: percent of a core, of its process.
        memory_usage: resident bytes of its process; 0 while it has not told.
        idle_cores: how many cores of its machine nobody uses, as it has last told.
        loop_delay_s: how long its event loop has not turned by now, when that is long.
        longest_delay_s: the most that its event loop was late by in the last second; None while nobody watches it.
        capacity: what share of a core it can be expected to have, 0.05 to 1.
        requests_per_s: how many it has made per second, at most of late.
        known_users: how many it had when another master knew it.
        num_requests: how many requests of this test it has reported.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - as Locust calls it
        state: str = STATE_INIT,
        heartbeat_liveness: int = 3,
        *,
        index: int = 0,
        dialect: str = "gregaria",
    ) -> None:
        self.id = id
        self.state = state
        self.heartbeat = heartbeat_liveness
        self.index = index
        self.dialect = dialect
        self.about: dict[str, Any] = {}
        self.user_classes_count: dict[str, int] = {}
        self.has_spawned = False
        self.wanted: dict[str, int] = {}
        self.step = 0
        self.cpu_usage = 0.0
        self.cpu_warning_emitted = False
        self.memory_usage = 0
        self.idle_cores = 1.0
        self.loop_delay_s = 0.0
        self.longest_delay_s: float | None = None
        self.capacity = 1.0
        self.num_requests = 0
        self.requests_per_s = 0.0
        self.known_users = 0

    @property
    def user_count(self) -> int:
        """How many users it has reported."""
        return sum(self.user_classes_count.values())

    @property
    def host(self) -> str:
        """The machine that it runs on."""
        return str(self.about.get("host") or self.id.rpartition("_")[0] or self.id)

    def __repr__(self) -> str:
        return f"<WorkerNode {self.id} {self.state}, {self.user_count} users>"


class WorkerNodes(Mapping[str, WorkerNode]):
    """``{node id: WorkerNode}`` of all that have come and not left, those that are missing included."""

    def __init__(self) -> None:
        self._nodes: dict[str, WorkerNode] = {}

    def __getitem__(self, node_id: str) -> WorkerNode:
        return self._nodes[node_id]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._nodes))

    def __len__(self) -> int:
        return len(self._nodes)

    def __setitem__(self, node_id: str, node: WorkerNode) -> None:
        self._nodes[node_id] = node

    def __delitem__(self, node_id: str) -> None:
        del self._nodes[node_id]

    def get_by_state(self, state: str) -> list[WorkerNode]:
        """Those in a state."""
        return [node for node in self._nodes.values() if node.state == state]

    @property
    def all(self) -> list[WorkerNode]:
        """Every one."""
        return list(self._nodes.values())

    @property
    def ready(self) -> list[WorkerNode]:
        """Those that run no users."""
        return self.get_by_state(STATE_INIT)

    @property
    def spawning(self) -> list[WorkerNode]:
        """Those that start users."""
        return self.get_by_state(STATE_SPAWNING)

    @property
    def running(self) -> list[WorkerNode]:
        """Those that run users."""
        return self.get_by_state(STATE_RUNNING)

    @property
    def missing(self) -> list[WorkerNode]:
        """Those that are not heard of."""
        return self.get_by_state(STATE_MISSING)

    @property
    def present(self) -> list[WorkerNode]:
        """Those that are heard of."""
        return [node for node in self._nodes.values() if node.state != STATE_MISSING]

    @property
    def num_sharing(self) -> int:
        """How many have been told which users to have, and share what a master of Gregaria's shares out."""
        return sum(1 for node in self.present if node.dialect != LOCUST and node.wanted)
