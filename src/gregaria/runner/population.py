"""All users of a run: brings their number where it shall be, replaces those that failed, ends them."""

import logging
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gevent
from gevent import Greenlet
from gevent.pool import Group

from gregaria.engine.gate import Gate
from gregaria.errors import CommandError, StopTest, StopUser
from gregaria.runner.faults import Faults
from gregaria.runner.pace import users_per_step
from gregaria.runner.spawner import Running, Spawner
from gregaria.runner.stopper import Stopper, kill
from gregaria.settings import settings
from gregaria.users.taskset import WAITING
from gregaria.users.user import go_on, hold, state_of

logger = logging.getLogger("gregaria.runner.population")


class Keeper(Protocol):
    """The runner, as its population sees it."""

    environment: Any

    def stop_test(self, reason: str) -> None:
        """End the test."""

    def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        """Count an exception."""

    def user_gone(self, class_name: str) -> bool:
        """A user has ended for good; False when whoever dispatches users goes on counting with it."""

    def user_count_changed(self) -> None:
        """A user has ended."""


class Population:
    """The users of one runner.

    Attributes:
        group: the greenlets of all users.
        faults: the errors that have ended users.
        spawn_rate: users per second that failed users are replaced at, at most.
        is_open: whether users may be started.
        is_paused: whether all users are held; see ``pause``.
        making: greenlets that are inside a user's constructor right now.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.group = Group()
        self.faults = Faults()
        self.spawn_rate = 1.0
        self.is_open = False
        self.is_paused = False
        self.making: set[Any] = set()
        self._keeper = keeper
        self._spawner = Spawner(keeper.environment, self.group, self._user_ended)
        self._stopper = Stopper(self._spawner.give_up)
        # What whoever dispatches users takes for granted: those that run, and those that are due to be replaced.
        self._placed: Counter[str] = Counter()
        self._due: deque[str] = deque()
        self._replacer: Greenlet | None = None
        self._next_replacement_s = 0.0
        # Of ended users that have left requests on the wire, in greenlets of their own.
        self._loose_gates: list[Gate] = []

    @property
    def counts(self) -> dict[str, int]:
        """Users of each class whose greenlets have not ended."""
        counts = {user_class.__name__: 0 for user_class in self._keeper.environment.user_classes}
        for running in self._spawner.everybody():
            counts[running.class_name] = counts.get(running.class_name, 0) + 1
        return counts

    @property
    def is_extinct(self) -> bool:
        """Whether nobody is there who would go on, and nobody is due to come as a replacement."""
        return self._spawner.count_staying() == 0 and not self._due and not self.making

    def open(self) -> None:
        """Users may be started, from zero."""
        self._placed.clear()
        self._due.clear()
        self.faults.clear()
        self._next_replacement_s = 0.0
        self.is_paused = False
        self.is_open = True

    def close(self) -> Greenlet | None:
        """No user is started any more. Returns the greenlet that was about to, if it is still in a constructor."""
        self.is_open = False
        self._due.clear()
        replacer, self._replacer = self._replacer, None
        if replacer is None or replacer in self.making:
            return replacer
        replacer.kill(block=False)
        return None

    def move_to(self, wanted: Mapping[str, int], go_on: Callable[[], bool]) -> None:
        """Start and end users until there are as many of each class as wanted; does not wait for those that end.

        Args:
            wanted: absolute number of users for every class.
            go_on: asked before each start; on False the rest is left to whoever comes next.
        """
        leaving: list[Running] = []
        for name, count in wanted.items():
            leaving += self._dismiss(name, self._placed[name] - count)
        if leaving:
            gevent.spawn(self._end, leaving)
        for name, count in wanted.items():
            # The number is taken once: a user that is gone at once lowers what is placed, and is not tried again.
            for _ in range(count - self._placed[name]):
                if not go_on():
                    return
                self._placed[name] += 1
                self._add(name)

    def spawn(self, counts: Mapping[str, int]) -> list[Any]:
        """Start so many users of each class, now; returns them."""
        users = []
        for name, count in counts.items():
            for _ in range(count):
                self._placed[name] += 1
                users.append(self._add(name))
        return [user for user in users if user is not None]

    def stop(self, counts: Mapping[str, int]) -> None:
        """End so many users of each class, the latest first, and wait for it."""
        leaving: list[Running] = []
        for name, count in counts.items():
            dismissed = self._dismiss(name, count)
            for _ in dismissed:
                self._keeper.user_gone(name)
            leaving += dismissed
        self._end(leaving)

    def stop_everybody(self) -> None:
        """End all users, and wait for it; ``close`` comes first."""
        self.is_paused = False
        everybody = self._spawner.everybody()
        self._spawner.mark_leaving(everybody)
        self._end(everybody, self._loose_gates)
        self._loose_gates.clear()
        self._placed.clear()

    def pause(self) -> None:
        """Let no user start a request or a task until ``resume``, or until it is ended.

        Requests on the wire finish and are counted. Users that come meanwhile are held before their ``on_start``;
        only what their constructors ask for is asked at once, because the ramp waits for it.
        """
        self.is_paused = True
        for running in self._spawner.everybody():
            hold(running.user)

    def resume(self) -> None:
        """Let all users go on where they are."""
        self.is_paused = False
        for running in self._spawner.everybody():
            go_on(running.user)

    def stop_waiting(self) -> None:
        """End the users that are between two tasks; does not wait for it."""
        for running in self._spawner.everybody():
            if state_of(running.user) == WAITING:
                kill(running)

    def _end(self, users: list[Running], loose_gates: list[Gate] | None = None) -> None:
        task_timeout_s = self._keeper.environment.stop_timeout or 0.0
        self._stopper.stop(users, task_timeout_s, settings.stop_grace_s, loose_gates or [])

    def _dismiss(self, class_name: str, count: int) -> list[Running]:
        if count <= 0:
            return []
        self._placed[class_name] -= count
        # Whoever has not come yet need not leave.
        for _ in range(min(count, self._due.count(class_name))):
            self._due.remove(class_name)
            count -= 1
        return self._spawner.dismiss(class_name, count)

    def _add(self, class_name: str) -> Any | None:
        user_class = self._keeper.environment.user_classes_by_name[class_name]
        me = gevent.getcurrent()
        self.making.add(me)
        try:
            user = self._spawner.make(user_class)
            if self.is_open:
                self._spawner.start(user)
                if self.is_paused:
                    hold(user)
                return user
        except StopTest as error:
            self._keeper.stop_test(str(error) or f"StopTest was raised by the constructor of {class_name}")
        except StopUser:
            self._lose(class_name)
        except (Exception, gevent.Timeout) as error:
            trace = "".join(traceback.format_exception(error))
            self._keeper.log_exception("local", str(error), trace)
            self._fail(class_name, error, traceback_wanted=True)
        finally:
            self.making.discard(me)
        return None

    def _user_ended(self, running: Running) -> None:
        if running.gate.in_flight > 0:
            self._loose_gates.append(running.gate)
        if not running.leaving and self.is_open:
            error = running.user.ended_by or running.greenlet.exception
            if error is None:
                self._lose(running.class_name)
            else:
                self._fail(running.class_name, error, traceback_wanted=False)
        self._keeper.user_count_changed()

    def _lose(self, class_name: str) -> None:
        if self._keeper.user_gone(class_name):
            self._placed[class_name] -= 1

    def _fail(self, class_name: str, error: BaseException, *, traceback_wanted: bool) -> None:
        # A class that cannot work at all will not work the next time either.
        is_hopeless = isinstance(error, CommandError)
        consequence = (
            "It is not replaced."
            if is_hopeless
            else "Users that end like this are replaced, at the spawn rate at most."
        )
        self.faults.tell(class_name, error, consequence, traceback_wanted=traceback_wanted)
        if is_hopeless:
            self._lose(class_name)
        elif self.is_open:
            self._due.append(class_name)
            if self._replacer is None or self._replacer.dead:
                self._next_replacement_s = max(self._next_replacement_s, time.monotonic() + 1 / self.spawn_rate)
                self._replacer = gevent.spawn(self._replace)

    def _replace(self) -> None:
        while self._due:
            pause_s = self._next_replacement_s - time.monotonic()
            if pause_s > 0:
                gevent.sleep(pause_s)
                continue
            step = users_per_step(self.spawn_rate)
            self._next_replacement_s = time.monotonic() + step / self.spawn_rate
            for _ in range(min(step, len(self._due))):
                self._add(self._due.popleft())
