cdef class Throttle:
    cdef readonly bint limited          # there is a limit
    cdef readonly long started          # requests, while there was one
    cdef readonly long waited           # those of them that were not started at once
    cdef double per_s
    cdef double interval_us
    cdef double next_us                 # when the next one may start
    cdef object queue                   # of gevent's Waiters, in the order in which they came
    cdef object timer                   # until the first of them may start, or None

    cpdef int take(self) except -1
    cpdef int owe(self) except -1
    cdef int _start(self, double earliest_us) except -1
    cdef int _wait(self) except -1
    cdef int _arm(self, double now) except -1
    cdef int _disarm(self) except -1
