from libc.stdint cimport int64_t
from gregaria.engine.poller cimport Waiter

cdef class Stream(Waiter):
    cdef object socket                  # owns the descriptor
    cdef int open(self, object address, int family, int64_t deadline_us) except -1
    cdef int secure(self, int64_t deadline_us) except -1
    cdef int write(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1
    cdef Py_ssize_t read(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1
    cdef bint quiet(self)
    cdef int close(self) except -1

cdef class TLSStream(Stream):
    cdef object context
    cdef object server_name
    cdef object tls
    cdef object incoming
    cdef object outgoing
    cdef int _flush(self, int64_t deadline_us) except -1
    cdef int _fill(self, int64_t deadline_us) except -1
