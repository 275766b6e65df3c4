from gregaria.engine.throttle cimport Throttle

cdef class Gate:
    cdef public bint open
    cdef readonly bint held
    cdef public int in_flight
    cdef public Throttle throttle       # of all users together, or None
    cdef object _waiting                # a gevent Event that whoever is held waits for, or None

    cpdef int hold(self) except -1
    cpdef int release(self) except -1
    cpdef int close(self) except -1
    cpdef int begin(self) except -1
    cpdef int enter(self) except -1
    cpdef int end_if_closed(self) except -1
    cdef int _wake(self) except -1
