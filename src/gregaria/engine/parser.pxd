from libc.stdint cimport int64_t

cdef enum Stage:
    HEAD
    KNOWN_LENGTH
    CHUNK_SIZE
    CHUNK_EXTENSION
    CHUNK_DATA
    CHUNK_END
    TRAILER
    UNTIL_CLOSE
    DONE

cdef class ResponseParser:
    cdef readonly int status
    cdef readonly int minor             # of HTTP/1.minor
    cdef readonly bytes head            # status line to blank line, as it came
    cdef readonly bytes body            # whole once `done`; chunks joined, still content-encoded
    cdef readonly bint keep_alive
    cdef readonly bint has_cookie       # Set-Cookie is there
    cdef readonly bint has_encoding     # Content-Encoding is there
    cdef readonly Py_ssize_t consumed   # bytes of the last feed that belong to this response
    cdef Stage stage
    cdef bint no_body
    cdef bint streaming                 # the body is taken piece by piece
    cdef bint is_first_header
    cdef int interim                    # 1xx responses seen since `begin`
    cdef bint chunked
    cdef bint other_transfer_coding
    cdef int64_t length                 # Content-Length, -1 if none
    cdef int64_t remaining              # bytes of the body or chunk still to come
    cdef int64_t most_head_bytes
    cdef int64_t most_body_bytes
    cdef Py_ssize_t line_start          # first byte of the head not yet looked at
    cdef Py_ssize_t line_size           # of a chunk's extension or a trailer so far
    cdef Py_ssize_t trailer_size
    cdef int size_digits
    cdef char* store                    # what came in pieces: first of the head, then of the body
    cdef Py_ssize_t store_size
    cdef Py_ssize_t store_room

    cdef void begin(self, bint no_body, bint streaming) noexcept
    cdef bint feed(self, const char* data, Py_ssize_t size) except -1
    cdef int finish(self) except -1
    cdef bytes take(self, Py_ssize_t size)
    cdef tuple so_far(self, const char* last, Py_ssize_t size)
    cdef Py_ssize_t _scan(self, const char* data, Py_ssize_t size) except -1
    cdef int _status_line(self, const char* line, Py_ssize_t size) except -1
    cdef int _header(self, const char* line, Py_ssize_t size) except -1
    cdef int _content_length(self, const char* value, Py_ssize_t size) except -1
    cdef void _choose_body(self) noexcept
    cdef Py_ssize_t _known_length(self, const char* data, Py_ssize_t size) except -1
    cdef Py_ssize_t _chunks(self, const char* data, Py_ssize_t size) except -1
    cdef int _end_of_body(self) except -1
    cdef int _keep(self, const char* data, Py_ssize_t size) except -1
    cdef int _keep_body(self, const char* data, Py_ssize_t size) except -1
    cdef void _forget(self) noexcept
