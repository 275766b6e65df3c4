"""LocalRunner: a test whose users all run in this process."""

import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gevent import Greenlet

from gregaria.runner.cap import CapLog, Capping, CapWatch
from gregaria.runner.dispatch import Placement
from gregaria.runner.host import HostRunner
from gregaria.runner.messages import Message
from gregaria.runner.state import STATE_CLEANUP, STATE_RUNNING
from gregaria.runner.steering import SteeringRunner


@dataclass(frozen=True, slots=True)
class LocalNode:
    """This process, where a dispatcher expects workers."""

    id: str


class LocalRunner(SteeringRunner, HostRunner):
    """Runs all users in this process.

    Attributes:
        client_id: names this process.
        worker_index, worker_count: this process is the first and only one that runs users.
        clients: ids of the processes that run users, which is this one; messages can be sent to it.
        workers: there are none.
    """

    worker_index = 0
    worker_count = 1
    workers: tuple[Any, ...] = ()

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client_id = f"{socket.gethostname()}_{uuid.uuid4().hex}"
        self.clients = (self.client_id,)
        self._keep_watch()

    def spawn_users(self, user_classes_spawn_count: Mapping[str, int], wait: bool = False) -> list[Any]:
        """Start users at once, whatever the ramp does.

        Args:
            user_classes_spawn_count: {class name: how many more}.
            wait: return only when all users have ended.
        """
        return self._crew.spawn(user_classes_spawn_count, wait)

    def stop_users(self, user_classes_stop_count: Mapping[str, int]) -> None:
        """End users, the latest of each class first, and wait until they have ended.

        Args:
            user_classes_stop_count: {class name: how many}.
        """
        self._crew.population.stop(user_classes_stop_count)

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send a message; in this process, so its listener is called right here.

        Args:
            msg_type: which listener it is for.
            data: anything.
            client_id: to whom, in a distributed run.
        """
        del client_id
        self._messages.deliver(Message(msg_type, data, self.client_id), self.environment)

    # -- what the population tells ---------------------------------------------------------------------------------

    def user_gone(self, class_name: str) -> bool:
        """A user has ended by itself and is not replaced."""
        tell = getattr(self.dispatcher, "user_gone", None)
        if tell is None:
            return False
        tell(class_name)
        return True

    def user_count_changed(self) -> None:
        """A user has ended: when nobody is left and nobody is to come, so has the test."""
        if not self._is_testing or self._ender is not None:
            return
        if self.are_iterations_over:
            self._finish_iterations()
        elif (
            self._crew.population.is_extinct
            and self.target_user_count > 0
            and self.state == STATE_RUNNING
            and (self.shape_greenlet is None or self.shape_greenlet.dead)
        ):
            self.stop_test("all users have ended by themselves")

    def _finish_iterations(self) -> None:
        self._cancel_ramp()
        # Those that wait between two tasks have nothing to wait for.
        self._crew.population.stop_waiting()
        if self.user_count == 0:
            self.stop_test("all iterations have been run")

    # -- what runs the users ---------------------------------------------------------------------------------------

    def _nodes(self) -> Sequence[LocalNode]:
        return [LocalNode(self.client_id)]

    def _rate_changed(self) -> None:
        self._crew.population.spawn_rate = self.spawn_rate

    def _new_capping(self, log: CapLog | None) -> Capping | None:
        throttle = self.environment.throttle
        throttle.rate = None if log is None else log.max_rps
        return None if log is None else CapWatch(throttle, log)

    def _open_test(self) -> None:
        self._crew.open()

    def _place(self, placement: Placement, ramp: Greenlet) -> None:
        wanted: dict[str, int] = placement.get(self.client_id, {})
        self.target_user_classes_count = dict(wanted)
        self._crew.population.move_to(wanted, lambda: self.spawning_greenlet is ramp)

    def _all_are_there(self) -> None:
        self.user_count_changed()

    def _is_making(self, ramp: Greenlet) -> bool:
        return ramp in self._crew.population.making

    # -- the end ---------------------------------------------------------------------------------------------------

    def _stop_growing(self) -> list[Greenlet | None]:
        ramp = self._cancel_ramp()
        closing = self._crew.close()
        return [ramp, closing, *super()._stop_growing()]

    def _end_users(self, unfinished: list[Greenlet | None]) -> None:
        self.update_state(STATE_CLEANUP)
        self._crew.end(unfinished)
