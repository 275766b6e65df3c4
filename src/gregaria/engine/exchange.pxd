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
    cdef int64_t lookup_us              # how long the name lookup took
    cdef int64_t connected_us           # moments, 0 for those that were not reached or had been passed before
    cdef int64_t secured_us
    cdef int64_t sent_us
    cdef int64_t first_byte_us
    cdef bint measured                  # the engine has carried it
    cdef bint opened                    # a connection had to be opened
    cdef bint streams                   # only the head is waited for
    cdef public bint late               # something was seen late, and no stamp tells when it happened
    cdef public object error            # what went wrong on the way, or None; status is 0 then
    cdef public object outside          # a weak reference to the response that another library made of it, or None
    cdef readonly tuple so_far          # (head or None, beginning of the rest) that had come when it went wrong
    cdef public Prepared prepared
    cdef public Answer previous         # of the step before, in a chain of redirects
    cdef public BodyReader reader       # of the body, when only the head was waited for
    cdef public object trace            # what the tracer has made for it, or None

    cdef int phase_times(self, int64_t* six) noexcept

cdef class Connection:
    cdef Stream stream
    cdef ResponseParser parser
    cdef bint used                      # has carried an answer before
    cdef Py_ssize_t got                 # bytes that came last

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
    cdef readonly object via            # (host, port) that is connected to instead, or None
    cdef readonly bytes tunnel          # what opens a tunnel there, or None
    cdef readonly object unix_path      # of a socket in place of host and port, or None
    cdef readonly str refusal           # why nothing may be sent there, or None
    cdef list idle
    cdef object free                    # greenlets wait here while all connections are in use
    cdef object session                 # TLS: what resumes the next connection
    cdef int looks                      # how often one was taken

    cdef int exchange(self, Answer answer, Prepared prepared) except -1
    cdef Connection _idle_connection(self, int64_t now)
    cdef Connection _open(self, Answer answer, int64_t timeout_us)
    cdef int _tunnel(self, Stream stream, int64_t deadline_us) except -1
    cdef int _talk(self, Connection connection, Answer answer, Prepared prepared) except -1
    cdef bint _continues(self, Connection connection, Answer answer, int64_t timeout_us) except -1
    cdef int _receive(self, Connection connection, Answer answer, int64_t timeout_us, int64_t deadline_us) except -1
    cdef int _settle(self, Connection connection, bint whole) except -1
    cdef int _wait_for_free(self, int64_t timeout_us) except -1
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
    cdef public object pieces           # an iterable of bytes in place of a body, or None
    cdef bytes wire
    cdef bytes rest
    cdef bint no_body
    cdef bint repeatable
    cdef bint expects                   # the head says Expect: 100-continue
    cdef public int64_t connect_timeout_us      # 0: the origin's
    cdef public int64_t read_timeout_us
    cdef public type answer_type
    cdef public object extra                    # whatever the session wants to find again

    cpdef Answer perform(self, bint count, bint continued=*, bint leave=*, bint stream=*, Answer previous=*)
    cpdef int end_if_closed(self) except -1
    cpdef Prepared with_body(self, bytes body)
    cdef int _set_body(self, bytes head, bytes body) except -1
    cpdef int settle(self, Answer answer, object error=*, object size_bytes=*, object started_us=*) except -1
    cdef bint _send_body(self, Stream stream, int64_t timeout_us) except -1
    cdef bint _send_piece(self, Stream stream, bytes data, int64_t timeout_us) except -1
    cdef int _count(self, Answer answer, object error, int64_t begun_us, int64_t size) except -1
    cdef Entry _row(self)

cdef class BodyReader:
    cdef Origin origin
    cdef Connection connection          # None once the body is at its end
    cdef int64_t timeout_us
    cdef bint whole                     # the request went out whole
    cdef Recorder recorder              # where a broken body makes a failure of a success, or None
    cdef str method
    cdef str name
    cdef readonly int64_t came_us       # when its last bytes came, 0 as long as none were waited for
    cdef readonly bint late             # they were seen late, and no stamp tells when they came
    cpdef int counts_for(self, Recorder recorder, str method, str name) except -1
    cpdef int fail(self, object error) except -1
    cdef int _more(self) except -1
    cdef int _end(self, bint reusable) except -1
