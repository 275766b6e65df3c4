"""Lets a greenlet wait on a socket: one epoll under gevent's hub, or gevent's own watchers where there is none.

Some facts about the outside:

- gevent's hub is a greenlet that runs libev's loop. Whoever must wait switches to the hub; the hub switches back when
  a watcher fires. An io watcher costs a Python callback and two epoll changes for each wait.
- An epoll descriptor is itself readable when it has events, so one watcher in gevent's loop can stand for thousands
  of sockets, each registered with the kernel once in its life (edge-triggered).
- An edge is told once. Data or a hang-up that came while nobody waited must be remembered (``Waiter.ready``), and a
  reader must read until short, or remember that the peer has hung up.
- A greenlet may switch to any other, not only to the hub.

So a greenlet that must wait goes straight to the next one whose socket is ready. When the batch is used up it asks the
kernel for another itself, and goes to the hub only when there is none, or when BUDGET hand-overs have passed since the
hub had its turn (so that timers and other greenlets get theirs). Under full load a request then costs one switch or
none in place of two, and the event loop's own round is shared by many requests. Timeouts are swept over the table of
sockets every 100 ms: a timer object per request would cost a sixth of what a request costs in all.

A timer beats every 10 ms. When a beat comes late, something held the loop up, and whatever happened to a socket
meanwhile was seen late (``doubtful``).
"""

import os
from weakref import WeakSet

from libc.errno cimport ENOSPC, errno
from libc.stdint cimport int64_t, uint64_t
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from gevent import get_hub
from gevent.exceptions import BlockingSwitchOutError
from gregaria.engine.clock cimport now_us
from gregaria.engine.greenlet cimport PyGreenlet_GetCurrent, PyGreenlet_Import, PyGreenlet_Switch, greenlet
from gregaria.engine.portable cimport (
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLLERR,
    EPOLLET,
    EPOLLHUP,
    EPOLLIN,
    EPOLLOUT,
    EPOLLRDHUP,
    GREGARIA_HAS_EPOLL,
    close,
    epoll_create1,
    epoll_ctl,
    epoll_event,
    epoll_wait,
)

PyGreenlet_Import()

cdef double BEAT_S = 0.01
cdef int64_t BEAT_US = 10_000
# A beat that comes later than this after its time says that the loop was held up.
cdef int64_t LATE_US = 10_000
cdef int BEATS_A_SWEEP = 10
# Users whose tasks compute a little keep the event loop waiting for no longer than this, and the batch under way.
cdef int64_t TURN_US = 5_000
cdef tuple NOTHING = ()


cdef class Waiter:
    """A socket on which one greenlet at a time may wait."""

    def __cinit__(self):
        self.fd = -1
        self.slot = -1


cdef class Poller:
    """One per thread that waits; made on first use by ``current_poller``."""

    def __cinit__(self):
        self.epoll_fd = -1
        self.late_until_us = -1
        self.buffer = <char*>PyMem_Malloc(BUFFER_BYTES)
        if self.buffer == NULL:
            raise MemoryError()

    def __init__(self, hub, bint own_epoll=True):
        self.hub = hub
        self.loop = hub.loop
        if GREGARIA_HAS_EPOLL and own_epoll:
            self.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
            if self.epoll_fd < 0:
                # The first connection took the last descriptor, most likely.
                raise OSError(errno, os.strerror(errno))

    def __dealloc__(self):
        PyMem_Free(self.buffer)
        PyMem_Free(self.table)
        if self.epoll_fd >= 0:
            close(self.epoll_fd)

    cdef int register(self, Waiter waiter) except -1:
        """Begin to watch ``waiter.fd``; what happens from now on shows in ``waiter.ready``."""
        cdef epoll_event event
        cdef PyObject** table
        waiter.poller = self
        waiter.ready = 0
        if self.table_size == self.table_room:
            table = <PyObject**>PyMem_Realloc(self.table, 2 * (self.table_room + 16) * sizeof(PyObject*))
            if table == NULL:
                raise MemoryError()
            self.table = table
            self.table_room = 2 * (self.table_room + 16)
        if self.epoll_fd >= 0:
            event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | <unsigned int>EPOLLET
            event.data.ptr = <void*>waiter
            if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, waiter.fd, &event) < 0:
                # ENOSPC is the only way to fail that a sound program meets.
                raise OSError(ENOSPC, "epoll_ctl refused the socket")
        waiter.slot = self.table_size
        self.table[self.table_size] = <PyObject*>waiter
        self.table_size += 1
        if self.table_size == 1:
            self._begin()
        return 0

    cdef int forget(self, Waiter waiter) except -1:
        """Stop watching; to be called before the socket is closed."""
        cdef int i
        if waiter.slot < 0:
            return 0
        if self.epoll_fd >= 0:
            epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, waiter.fd, NULL)
            # The batch under way may still name it.
            for i in range(self.batch_next, self.batch_size):
                if self.batch[i].data.ptr == <void*>waiter:
                    self.batch[i].data.ptr = NULL
        self.table_size -= 1
        self.table[waiter.slot] = self.table[self.table_size]
        (<Waiter>self.table[waiter.slot]).slot = waiter.slot
        waiter.slot = -1
        if not self.table_size:
            self._end()
        return 0

    cdef int wait(self, Waiter waiter, int wanted, int64_t deadline_us) except -1:
        """Park the current greenlet until ``wanted`` (READ or WRITE) or a hang-up is there.

        Returns 1 when it is, 0 when the deadline (0: none) passed first. Whatever is thrown into the greenlet
        meanwhile is raised here.
        """
        cdef Waiter other
        cdef greenlet target, me
        if waiter.ready & (wanted | HANGUP):
            waiter.ready &= ~wanted
            return 1
        if self.epoll_fd < 0:
            return self._wait_on_watcher(waiter, wanted, deadline_us)
        me = PyGreenlet_GetCurrent()
        if me is self.hub:
            raise BlockingSwitchOutError("a request cannot wait inside the event loop's own callbacks")
        waiter.parked = me
        waiter.wanted = wanted
        waiter.deadline_us = deadline_us
        waiter.expired = False
        other = self._next_ready()
        if other is None and self.budget > 0:
            self._refill()
            if self.fetched_us - self.turn_us > TURN_US:
                # The batch is handed out to its end, but it is the last of this turn.
                self.budget = 0
            other = self._next_ready()
        if other is waiter:
            waiter.parked = None
        else:
            target = self.hub if other is None else other.parked
            try:
                PyGreenlet_Switch(target, NOTHING, None)
            finally:
                waiter.parked = None
        waiter.ready &= ~wanted
        return 0 if waiter.expired else 1

    cdef int awaken(self, Waiter waiter) except -1:
        """Have a parked greenlet look again, when the loop has its next turn: what it waits for has been closed."""
        waiter.ready |= HANGUP
        self.loop.run_callback(_resume, waiter)
        return 0

    cdef bint doubtful(self, int64_t now) noexcept:
        """Whether what is told now may have happened well before: the loop was held up since it was last looked for."""
        return now - self.beat_us > BEAT_US + LATE_US or self.late_until_us >= self.fetched_before_us

    cdef void _refill(self) noexcept:
        self.fetched_before_us = self.fetched_us
        self.fetched_us = now_us()
        self.batch_next = 0
        self.batch_size = max(0, epoll_wait(self.epoll_fd, self.batch, BATCH, 0))
        _count_turn()

    cdef Waiter _next_ready(self):
        """The next socket of the batch whose greenlet waits for what has happened; notes the others' events."""
        cdef epoll_event* event
        cdef Waiter waiter
        cdef int happened
        while self.batch_next < self.batch_size:
            event = &self.batch[self.batch_next]
            self.batch_next += 1
            if event.data.ptr == NULL:
                continue
            waiter = <Waiter><PyObject*>event.data.ptr
            happened = 0
            if event.events & EPOLLIN:
                happened |= READ
            if event.events & EPOLLOUT:
                happened |= WRITE
            if event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR):
                happened |= HANGUP
            waiter.ready |= happened
            if waiter.parked is not None and not waiter.expired and happened & (waiter.wanted | HANGUP):
                self.budget -= 1
                return waiter
        return None

    def _dispatch(self):
        """gevent's loop calls this when the epoll descriptor has events."""
        cdef Waiter waiter
        self.budget = BUDGET
        self.turn_us = now_us()
        if self.batch_next >= self.batch_size:
            self._refill()
        try:
            while True:
                waiter = self._next_ready()
                if waiter is None:
                    break
                PyGreenlet_Switch(waiter.parked, NOTHING, None)
        except BaseException:
            # A bare greenlet may end in the hub by an exception. Nobody would be told of the rest of the batch again.
            self.budget = 0
            self.loop.run_callback(self._dispatch)
            raise
        # From here on nobody may take a batch but this method: the hub would not come back to hand out its rest.
        self.budget = 0

    def _beat(self):
        """Every 10 ms, if the loop lets it."""
        cdef int64_t now = now_us()
        if now - self.beat_us > BEAT_US + LATE_US:
            self.late_until_us = now
        self.beat_us = now
        self.beats += 1
        if self.beats >= BEATS_A_SWEEP:
            self.beats = 0
            self._sweep(now)

    cdef int _sweep(self, int64_t now) except -1:
        """End the waits whose deadline has passed."""
        cdef Waiter waiter
        cdef list late = []
        cdef Py_ssize_t place
        for place in range(self.table_size):
            waiter = <Waiter>self.table[place]
            if waiter.parked is not None and waiter.deadline_us and waiter.deadline_us <= now:
                late.append(waiter)
        for waiter in late:
            # Those before it may have woken it, and it may wait for something else by now.
            if waiter.parked is not None and waiter.deadline_us and waiter.deadline_us <= now:
                waiter.expired = True
                PyGreenlet_Switch(waiter.parked, NOTHING, None)
        return 0

    cdef int _wait_on_watcher(self, Waiter waiter, int wanted, int64_t deadline_us) except -1:
        """The portable way: one io watcher of gevent a wait."""
        cdef greenlet me = PyGreenlet_GetCurrent()
        if me is self.hub:
            raise BlockingSwitchOutError("a request cannot wait inside the event loop's own callbacks")
        watcher = self.loop.io(waiter.fd, wanted)
        waiter.parked = me
        waiter.wanted = wanted
        waiter.deadline_us = deadline_us
        waiter.expired = False
        watcher.start(me.switch)
        try:
            PyGreenlet_Switch(self.hub, NOTHING, None)
        finally:
            waiter.parked = None
            watcher.stop()
            watcher.close()
        self.fetched_before_us = self.fetched_us
        self.fetched_us = now_us()
        _count_turn()
        return 0 if waiter.expired else 1

    cdef int _begin(self) except -1:
        # Not before the first socket: an idle poller must not keep a program's event loop alive.
        if self.epoll_fd >= 0:
            self.watcher = self.loop.io(self.epoll_fd, 1)
            self.watcher.start(self._dispatch)
        self.beat_us = now_us()
        self.beat_timer = self.loop.timer(BEAT_S, BEAT_S, ref=False)
        self.beat_timer.start(self._beat)
        return 0

    cdef int _end(self) except -1:
        for watcher in (self.watcher, self.beat_timer):
            if watcher is not None:
                try:
                    watcher.stop()
                    watcher.close()
                except ValueError:
                    # The event loop has gone with its thread.
                    pass
        self.watcher = self.beat_timer = None
        return 0

    def _abandon(self):
        """Let go of everything: in the child of a fork, where the connections and the epoll are the parent's."""
        cdef Py_ssize_t place
        for place in range(self.table_size):
            (<Waiter>self.table[place]).ready |= HANGUP
            (<Waiter>self.table[place]).slot = -1
        self.table_size = 0
        self._end()
        if self.epoll_fd >= 0:
            close(self.epoll_fd)
            self.epoll_fd = -1


def _resume(Waiter waiter):
    if waiter.parked is not None:
        PyGreenlet_Switch(waiter.parked, NOTHING, None)


cdef uint64_t _generation = 0
cdef uint64_t _turns = 0
cdef object _pollers = WeakSet()


cdef inline void _count_turn() noexcept:
    global _turns
    _turns += 1


cdef Poller current_poller():
    """The poller of this thread's hub."""
    hub = get_hub()
    # The hub is the thread's mark: under gevent, threading.get_ident() tells greenlets apart, not threads.
    cdef Poller poller = getattr(hub, "gregaria_poller", None)
    if poller is None or poller.generation != _generation:
        poller = Poller(hub, os.environ.get("GREGARIA_POLLER", "epoll") != "watchers")
        poller.generation = _generation
        hub.gregaria_poller = poller
        _pollers.add(poller)
    return poller


def turns():
    """How many batches of ready sockets have been handed out.

    It moves whenever a request had to wait, so a user that made one since it last looked has given way to others.
    """
    return _turns


def watched():
    """How many sockets this thread watches, idle connections among them."""
    return current_poller().table_size


def forget_all():
    """Use new pollers from now on."""
    global _generation
    _generation += 1


def _after_fork():
    for poller in list(_pollers):
        (<Poller>poller)._abandon()
    forget_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
