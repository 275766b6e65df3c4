from libc.stdint cimport int64_t
from gregaria.engine.gate cimport Gate
from gregaria.engine.parser cimport ResponseParser
from gregaria.engine.recorder cimport Entry, Recorder
from gregaria.engine.stream cimport Stream

cdef class Answer:
    cdef readonly int status
    cdef readonly int minor
    cdef readonly bytes head
    cdef readonly bytes body
    cdef readonly bint keep_alive
    cdef readonly bint has_cookie
    cdef readonly bint has_encoding
    cdef readonly bint sent             # at least one byte of the request left
    cdef readonly bint counted
    cdef readonly bint reused           # the connection had been open before
    cdef public int64_t started_us      # first byte sent; connect and TLS included when the connection was opened for it
    cdef public int64_t finished_us     # last byte received
    cdef public object error            # what went wrong on the way, or None; status is 0 then
    cdef public Prepared prepared

cdef class Connection:
    cdef Stream stream
    cdef ResponseParser parser
    cdef bint used                      # has carried an answer before

cdef class Origin:
    cdef readonly str scheme
    cdef readonly str host
    cdef readonly int port
    cdef public object ssl_context
    cdef public int64_t connect_timeout_us
    cdef public int64_t read_timeout_us
    cdef readonly int most_connections
    cdef readonly int in_use
    cdef readonly int opened            # connections made so far
    cdef list idle
    cdef object free                    # greenlets wait here while all connections are in use

    cdef int exchange(self, Answer answer, Prepared prepared) except -1
    cdef Connection _idle_connection(self)
    cdef Connection _open(self, int64_t timeout_us)
    cdef int _talk(self, Connection connection, Answer answer, Prepared prepared) except -1
    cdef bint _send_rest(self, Stream stream, bytes rest, int64_t timeout_us) except -1
    cdef int _wait_for_free(self) except -1
    cdef int _release(self) except -1

cdef class Prepared:
    cdef readonly Origin origin
    cdef readonly Gate gate
    cdef readonly Recorder recorder
    cdef readonly Entry entry
    cdef readonly bytes head
    cdef readonly bytes body
    cdef readonly str method
    cdef readonly str url
    cdef readonly str name
    cdef bytes wire
    cdef bytes rest
    cdef bint no_body
    cdef bint repeatable
    cdef public int64_t connect_timeout_us      # 0: the origin's
    cdef public int64_t read_timeout_us
    cdef public type answer_type
    cdef public object extra                    # whatever the session wants to find again

    cpdef Answer perform(self, bint count, bint continued=*, bint leave=*)
    cpdef int end_if_closed(self) except -1
    cpdef Prepared with_body(self, bytes body)
    cdef int _set_body(self, bytes head, bytes body) except -1
    cpdef int settle(self, Answer answer, object error=*, object size_bytes=*, object started_us=*) except -1
    cdef Entry _row(self)
