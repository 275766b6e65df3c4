from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint64_t
from gregaria.engine.greenlet cimport greenlet
from gregaria.engine.portable cimport epoll_event

cdef enum:
    READ = 1
    WRITE = 2
    HANGUP = 4
    BATCH = 512                         # events taken from the kernel at once
    BUDGET = 64
    BUFFER_BYTES = 131072

cdef class Waiter:
    cdef int fd                         # -1 once closed
    cdef int ready                      # what has happened since it was last looked at: READ | WRITE | HANGUP
    cdef int wanted                     # what the parked greenlet waits for
    cdef bint expired                   # the sweep ended the wait
    cdef int64_t deadline_us            # of the wait under way
    cdef greenlet parked                # who waits, or None
    cdef Py_ssize_t slot                # place in the poller's table, -1 if not registered
    cdef Poller poller

cdef class Poller:
    cdef object __weakref__
    cdef greenlet hub
    cdef object loop
    cdef object watcher                 # of the epoll descriptor
    cdef object beat_timer
    cdef uint64_t generation            # which of this process's, counted by forks
    cdef int epoll_fd                   # -1: gevent's own watchers, one a wait
    cdef epoll_event batch[BATCH]
    cdef int batch_size
    cdef int batch_next
    cdef int budget                     # hand-overs left before the event loop must have its turn; 0 outside of _dispatch
    cdef PyObject** table               # every registered Waiter, borrowed: whoever drops one must forget it first
    cdef Py_ssize_t table_size
    cdef Py_ssize_t table_room
    cdef char* buffer                   # what a read lands in; valid until the next switch
    cdef int64_t turn_us                # when the loop last handed over
    cdef int64_t fetched_us             # when the batch was taken from the kernel, and the one before it
    cdef int64_t fetched_before_us
    cdef int64_t beat_us                # when the loop last had its turn in time
    cdef int64_t late_until_us          # the end of the last stretch in which it had not
    cdef int beats

    cdef int register(self, Waiter waiter) except -1
    cdef int forget(self, Waiter waiter) except -1
    cdef int wait(self, Waiter waiter, int wanted, int64_t deadline_us) except -1
    cdef int _wait_on_watcher(self, Waiter waiter, int wanted, int64_t deadline_us) except -1
    cdef int awaken(self, Waiter waiter) except -1
    cdef bint doubtful(self, int64_t now) noexcept
    cdef void _refill(self) noexcept
    cdef Waiter _next_ready(self)
    cdef int _sweep(self, int64_t now) except -1
    cdef int _begin(self) except -1
    cdef int _end(self) except -1

cdef Poller current_poller()
