"""Notices when the event loop does not turn, and finds out what it is held up by.

A timer in the loop ticks, and is late when something holds up the loop. A thread of the operating system looks every
few milliseconds whether it has ticked, and if not, at the Python code that the loop's thread is running. It knows
nothing of gevent, so that nothing that happens there can hold it up; it tells nobody, but leaves what it saw to the
next tick.
"""

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
from gevent import monkey

from gregaria.engine import clock
from gregaria.runner.culprit import Culprit, culprit
from gregaria.runner.vitals import Collections, RunQueue
from gregaria.settings import settings
from gregaria.stats.generator import Cause, HoldUp
from gregaria.stats.generator_log import GeneratorLog

__all__ = ["Lateness"]

# An idle process pays for each tick and each look with waking up, 50 us; hence no more of them than it takes.
_TICK_US = 20_000
_LOOK_US = 25_000
#: how often it is asked how long the thread had to wait for a core
_QUEUE_US = 100_000
#: a busy process is looked at every so many looks
_LOOKS_PER_LOAD = 4
#: more than anybody wants to know of one hold-up, or of one second
_MOST_LOOKS = 1000

_MACHINE = HoldUp(
    "machine",
    "other programs on this machine, which kept the process from running,",
    "Give the generator a core of its own.",
)
_PAUSED = HoldUp("unknown", "something outside Python (the process was suspended, or it waited in C code)")


class Lateness:
    """Watches the event loop of the thread that starts it.

    Args:
        log: is told every hold-up.
        collections: what garbage collection has cost until now.
        queue: how long this thread could have run and did not.
        now_us: a monotonic clock.
        epoch_s: the wall clock.
        cpu_s: the time that this thread has computed.

    Attributes:
        is_busy: whether the process uses nearly all of a core, so that it is worth finding out what for.
        untold: hold-ups of kinds that nobody has been told of yet.
    """

    def __init__(
        self,
        log: GeneratorLog,
        collections: Collections,
        queue: RunQueue,
        now_us: Callable[[], int] = clock.now_us,
        epoch_s: Callable[[], float] = lambda: clock.epoch_us() / 1e6,
        cpu_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self._log = log
        self._collections = collections
        self._queue = queue
        self._now_us = now_us
        self._epoch_s = epoch_s
        self._cpu_s = cpu_s
        self._limit_us = round(settings.late_limit_ms * 1000)
        self._tick_us = max(min(_TICK_US, self._limit_us // 4), 1000)
        self._worst_us = 0
        self._timer: Any = None
        self._watched_thread = 0
        self._started_in = 0
        self._end: Any = None
        self._has_ended: Any = None
        #: (last tick before it, what was seen)
        self._looks: deque[tuple[int, Culprit | None]] = deque(maxlen=_MOST_LOOKS)
        self._loads: deque[Culprit | None] = deque(maxlen=_MOST_LOOKS)
        self.is_busy = False
        self.untold: list[Cause] = []
        self._queue_read_us = 0
        self._note_turn(now_us())

    # -- in the loop -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to watch."""
        allocate, get_ident, start_thread = (
            monkey.get_original("_thread", name) for name in ("allocate_lock", "get_ident", "start_new_thread")
        )
        self._watched_thread, self._started_in = get_ident(), os.getpid()
        self._end, self._has_ended = allocate(), allocate()
        self._end.acquire()
        self._has_ended.acquire()
        tick_s = self._tick_us / 1e6
        self._note_turn(self._now_us())
        self._timer = gevent.get_hub().loop.timer(tick_s, tick_s, ref=False)
        self._timer.start(self.tick)
        start_thread(self._run, ())

    def stop(self) -> None:
        """Stop watching; the thread has ended when this returns. A second call changes nothing."""
        if self._timer is None:
            return
        # a loop that is held up to the very end has not ticked since
        self.tick()
        self._timer.stop()
        self._timer.close()
        self._timer = None
        self._log.turned_us = 0
        self._end.release()
        # in the child of a fork there is no such thread
        if os.getpid() == self._started_in:
            self._has_ended.acquire(True, 1.0)

    def tick(self) -> None:
        """The loop has turned."""
        now_us = self._now_us()
        delay_us = now_us - self._turned_us - self._tick_us
        if delay_us > self._limit_us:
            self._note_hold_up(delay_us)
        elif delay_us > self._worst_us:
            self._worst_us = delay_us
        self._note_turn(now_us)

    def take_worst_us(self) -> int:
        """The most that the loop was late by since the last call, without what was more than the limit."""
        worst_us, self._worst_us = self._worst_us, 0
        return worst_us

    def held_up_by(self) -> str | None:
        """Who holds up the loop at this moment, in words; None if nobody was seen. May be asked in any thread."""
        try:
            turned_us, found = self._looks[-1]
        except IndexError:
            return None
        return found.what.who if found is not None and turned_us == self._turned_us else None

    def take_loads(self) -> list[HoldUp | None]:
        """What a busy process was seen at since the last call, a look each; None for Gregaria itself."""
        taken: list[HoldUp | None] = []
        while self._loads:
            load = self._loads.popleft()
            taken.append(load.what if load is not None and load.what.kind in ("task", "code") else None)
        return taken

    def _note_turn(self, now_us: int) -> None:
        self._turned_us = self._log.turned_us = now_us
        self._collecting_us = self._collections.total_us
        self._computed_s = self._cpu_s()
        if now_us - self._queue_read_us > _QUEUE_US:
            self._queue_read_us = now_us
            self._starved_us = self._queue.waited_us()

    def _note_hold_up(self, delay_us: int) -> None:
        until_s = self._epoch_s()
        self._log.late_until_us = self._now_us()
        self._log.add_late(until_s - delay_us / 1e6, until_s, delay_us)
        cause = self._log.add_hold_up(self._held_up_by(delay_us), delay_us)
        if cause.count == 1:
            self.untold.append(cause)

    def _held_up_by(self, delay_us: int) -> HoldUp:
        # The thread may add to them at any time.
        looks = [self._looks.popleft() for _ in range(len(self._looks))]
        seen = [found for turned_us, found in looks if turned_us == self._turned_us and found is not None]
        keys = Counter(found.what.key for found in seen)
        foremost = next((found for found in seen if found.what.key == keys.most_common(1)[0][0]), None)
        collecting_us = self._collections.total_us - self._collecting_us
        if collecting_us * 2 > delay_us:
            return _garbage(foremost.what if foremost is not None else None)
        # At most as long as this, for the queue was asked some time before the last tick.
        starved_us = min((self._queue.waited_us() or 0) - (self._starved_us or 0), delay_us)
        if starved_us * 2 > delay_us and delay_us - starved_us <= self._limit_us:
            return _MACHINE
        if foremost is None:
            return _PAUSED
        has_computed = (self._cpu_s() - self._computed_s) * 2e6 > delay_us - starved_us
        return foremost.what if has_computed else foremost.waiting()

    # -- in the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # Whoever holds up the loop for longer than the limit is seen at it once at least.
        pause_us = usual_us = min(_LOOK_US, max(self._limit_us // 2, 2000))
        looks = 0
        # Waiting for a lock with a timeout is a sleep that can be cut short.
        while not self._end.acquire(True, pause_us / 1e6):
            looks += 1
            turned_us = self._turned_us
            is_held_up = (self._now_us() - turned_us - self._tick_us) * 2 > self._limit_us
            pause_us = usual_us // 2 if is_held_up else usual_us
            if is_held_up:
                self._looks.append((turned_us, self._look()))
            elif self.is_busy and looks % _LOOKS_PER_LOAD == 0:
                self._loads.append(self._look())
        self._has_ended.release()

    def _look(self) -> Culprit | None:
        try:
            frame = sys._current_frames().get(self._watched_thread)
            return None if frame is None else culprit(frame)
        except Exception:
            # Objects of a person's code were looked at, and there is nobody here who could be told.
            return None


def _garbage(during: HoldUp | None) -> HoldUp:
    """Garbage is collected when objects are made, most likely by whoever was seen."""
    advice = "Make and keep fewer objects, or call gc.freeze() in test_start."
    if during is None:
        return HoldUp("garbage", "garbage collection", advice)
    return replace(during, kind="garbage", name=f"garbage collection during {during.name}", advice=advice)
