"""How many requests may be started in a second, by all users of a process together."""

from gregaria.engine.clock cimport now_us

from collections import OrderedDict

from gevent import get_hub
from gevent.hub import Waiter

# Timers come up to a millisecond late, and turns of a busy loop take longer: lateness up to this is made up for, or up to
# the interval of a rate where that is longer. All that is more is lost, or a second would get what another has missed.
cdef double MADE_UP_US = 20_000


cdef class Throttle:
    """Lets requests start one by one, evenly spread; who comes too early waits in the order of coming.

    Attributes:
        limited: whether there is a limit.
        started: requests that have been started while there was one.
        waited: those of them that had to wait.
    """

    def __init__(self):
        self.queue = OrderedDict()

    @property
    def waiting(self):
        """How many wait now."""
        return len(self.queue)

    @property
    def rate(self):
        """Requests per second; 0 lets none start, None is no limit. Those who wait follow a change at once."""
        return self.per_s if self.limited else None

    @rate.setter
    def rate(self, object rate):
        cdef double now = now_us()
        cdef double before = self.per_s
        if rate is not None and not 0 <= rate < float("inf"):
            raise ValueError(f"a rate is a number of requests per second from 0 on, not {rate!r}")
        if self.limited and before > 0 and rate:
            # What is left of the way to the next one takes as much longer or shorter as the whole.
            self.next_us = now + max(self.next_us - now, 0) * before / rate
        self.limited = rate is not None
        self.per_s = rate or 0
        self.interval_us = 1e6 / self.per_s if self.per_s > 0 else 0
        self._disarm()
        self._release()

    cpdef int take(self) except -1:
        """Return when a request may start."""
        cdef double now
        if not self.limited:
            return 0
        now = now_us()
        if self.per_s > 0 and now >= self.next_us and not self.queue:
            return self._start(now)
        return self._wait()

    cpdef int owe(self) except -1:
        """A request starts that cannot wait, the next step of one that has begun: those that follow wait for it."""
        return self._start(now_us()) if self.limited else 0

    cdef int _start(self, double earliest_us) except -1:
        self.next_us = max(self.next_us, earliest_us) + self.interval_us
        self.started += 1
        return 0

    cdef int _wait(self) except -1:
        waiter = Waiter()
        self.queue[waiter] = None
        self.waited += 1
        self._arm(now_us())
        try:
            waiter.get()
        except BaseException:
            self.queue.pop(waiter, None)
            raise
        return 0

    cdef int _arm(self, double now) except -1:
        if self.timer is None and self.per_s > 0:
            self.timer = get_hub().loop.timer(max(self.next_us - now, 0) / 1e6)
            self.timer.start(self._release, update=True)
        return 0

    cdef int _disarm(self) except -1:
        timer, self.timer = self.timer, None
        if timer is not None:
            timer.stop()
            timer.close()
        return 0

    def _release(self):
        cdef double now = now_us()
        self._disarm()
        while self.queue and (not self.limited or (self.per_s > 0 and now >= self.next_us)):
            waiter, _ = self.queue.popitem(last=False)
            if self.limited:
                self._start(now - max(MADE_UP_US, self.interval_us))
            get_hub().loop.run_callback(waiter.switch, None)
        if self.queue:
            self._arm(now)
