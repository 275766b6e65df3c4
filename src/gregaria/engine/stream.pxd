from libc.stdint cimport int64_t
from gregaria.engine.poller cimport Waiter

cdef class Stream(Waiter):
    cdef object socket                  # owns the descriptor
    cdef int64_t came_us                # when the bytes of the last read came: the kernel's stamp, else the clock
    cdef bint stamps                    # the kernel tells when bytes came
    cdef bint late                      # something was told late since this was last set to False, and not stamped
    cdef int unsent                     # bytes of a large body that the peer had not taken when this was last looked at
    cdef int connect(self, object address, int family, int64_t deadline_us) except -1
    cdef int secure(self, object context, object server_name, object session, int64_t deadline_us) except -1
    cdef object session(self)
    cdef int write(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1
    cdef int send_all(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1
    cdef Py_ssize_t upload(self, const char* data, Py_ssize_t size, int64_t timeout_us) except -1
    cdef bint moves(self) noexcept
    cdef Py_ssize_t read(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1
    cdef Py_ssize_t receive(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1
    cdef bint await_answer(self, int64_t deadline_us) except -1
    cdef bint answered(self) except -1
    cdef bint quiet(self, int64_t now)
    cdef bint _may_have_missed_something(self, int64_t now) noexcept
    cdef int close(self) except -1

cdef class TLSStream(Stream):
    cdef object tls
    cdef object incoming
    cdef object outgoing
    cdef bytes early                    # plain text that came before anybody asked for it
    cdef object trouble                 # what OpenSSL said of bytes that nobody had asked for yet
    cdef int _raise_alert(self) except -1
    cdef int _handshake(self, int64_t deadline_us) except -1
    cdef int _flush(self, int64_t deadline_us) except -1
    cdef int _fill(self, int64_t deadline_us) except -1
    cdef bint _take_what_is_there(self) except -1
