"""Ends users so that every request they have made is either counted or told as interrupted.

A user that is waiting or has nothing on the wire is killed at once. The others get time: the whole current task if
there is a stop timeout, else just the requests on the wire. Then they are killed, and what their sessions were
waiting for is counted as interrupted. docs/design/002-nothing-lost.md tells why this loses nothing.
"""

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

import gevent
from gevent import Greenlet
from greenlet import GreenletExit

from gregaria.engine.gate import Gate
from gregaria.runner.spawner import Running
from gregaria.users.taskset import PAUSED, RUNNING, STOPPING, WAITING
from gregaria.users.user import end_next, go_on, spare, state_of

logger = logging.getLogger("gregaria.runner.stopper")

#: seconds that a killed user has to end
PATIENCE_S = 1.0
#: seconds between two looks at requests of greenlets that nobody can wait for
LOOK_S = 0.02

#: where code is that nobody wants to be pointed at: Gregaria's own, gevent's
INTERNALS = (str(Path(__file__).parent.parent), str(Path(gevent.__file__).parent))


class Stopper:
    """Ends users; one serves all of a runner's stops.

    Args:
        give_up: called with a user that ignores being killed.
    """

    def __init__(self, give_up: Callable[[Running], None]) -> None:
        self._give_up = give_up

    def stop(
        self, users: Iterable[Running], task_timeout_s: float, grace_s: float, others: Iterable[Gate] = ()
    ) -> None:
        """Return when all ``users`` have ended, or have been given up.

        Args:
            users: whom to end.
            task_timeout_s: seconds they have to finish their current task; 0 ends tasks at their next request.
            grace_s: seconds that requests on the wire have at least.
            others: further gates whose requests are waited for.
        """
        users = list(users)
        gates = [running.gate for running in users] + list(others)
        for running in users:
            spare(running.user)
        deadline_s = time.monotonic() + max(task_timeout_s, grace_s)
        if task_timeout_s > 0:
            self._let_finish_tasks(users, task_timeout_s)
        _end_as_requests_end(users, gates, deadline_s)
        # Whoever was torn from a task has its on_stop before it; that may make requests, but not for ever.
        late = _kill_at_once(users)
        stubborn = _kill_at_once(late)
        for running in stubborn:
            logger.warning(
                "A user of %s does not end; it is left alone at %s", running.class_name, whereabouts(running.greenlet)
            )
            self._give_up(running)
        _tell_of_the_uncounted(gates)

    def _let_finish_tasks(self, users: list[Running], timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        for running in users:
            state = state_of(running.user)
            if state in (RUNNING, PAUSED):
                running.user.stop(force=False)
            elif state != STOPPING:
                kill(running)
            else:
                go_on(running.user)
        _wait(users, deadline_s)


def whereabouts(greenlet: Greenlet) -> str:
    """Where in the locustfile a greenlet is, as "file:line in function"."""
    frame: FrameType | None = greenlet.gr_frame
    innermost = frame
    while frame is not None:
        if not frame.f_code.co_filename.startswith(INTERNALS):
            break
        frame = frame.f_back
    frame = frame or innermost
    if frame is None:
        return "an unknown place"
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"


def kill(running: Running) -> None:
    """Send a user a GreenletExit, unless it is in its ``on_stop`` by the time that this arrives."""
    if running.killed:
        return
    running.killed = True
    if state_of(running.user) is None:
        # It has not begun, and so it never will.
        running.greenlet.kill(block=False)
    else:
        gevent.get_hub().loop.run_callback(_throw_exit, running)


def _throw_exit(running: Running) -> None:
    # Runs in the hub, which is where Greenlet.throw belongs. Greenlet.kill would not look again: a user that found
    # its gate closed in between, and therefore has begun its on_stop, would be torn out of that.
    if not running.greenlet.dead and not running.user.is_leaving:
        end_next(running.user)
        running.greenlet.throw(GreenletExit)


def _end_as_requests_end(users: list[Running], gates: list[Gate], deadline_s: float) -> None:
    """Close all gates and return when everybody has ended and nothing is on the wire, or at the deadline."""
    while True:
        staying = [running for running in users if not running.greenlet.dead]
        for running in staying:
            _end_unless_on_the_wire(running)
        if not staying and not any(gate.in_flight for gate in gates):
            return
        now_s = time.monotonic()
        if now_s >= deadline_s:
            return
        # Sessions end their users themselves. Only greenlets that a user has spawned end unnoticed: for them a look.
        if staying:
            _wait(staying, min(deadline_s, now_s + LOOK_S))
        else:
            gevent.sleep(min(deadline_s - now_s, LOOK_S))


def _end_unless_on_the_wire(running: Running) -> None:
    """Close the gate; what is on the wire is counted by the session, which then ends the user itself."""
    if running.greenlet.dead:
        return
    if running.user.is_leaving:
        # It has ended by itself, and may be held in its on_stop.
        go_on(running.user)
        return
    gate = running.gate
    gate.close()
    if gate.in_flight == 0 or state_of(running.user) == WAITING:
        kill(running)


def _kill_at_once(users: list[Running]) -> list[Running]:
    """Kill those that are left, wherever they are; returns those that are still left after a while."""
    late = [running for running in users if not running.greenlet.dead]
    for running in late:
        running.gate.close()
        running.killed = True
        running.greenlet.kill(block=False)
    _wait(late, time.monotonic() + PATIENCE_S)
    return [running for running in late if not running.greenlet.dead]


def _wait(users: Iterable[Running], deadline_s: float) -> None:
    gevent.joinall([running.greenlet for running in users], timeout=max(0.0, deadline_s - time.monotonic()))


def _tell_of_the_uncounted(gates: list[Gate]) -> None:
    left = sum(gate.in_flight for gate in gates)
    if left:
        logger.warning(
            "%d requests are still on the wire, in greenlets that users spawned themselves or that cannot be ended; "
            "they are in no figure of the report",
            left,
        )
