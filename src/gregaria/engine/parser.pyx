"""HTTP/1.x responses from bytes; sans-I/O: it never sees a socket.

Follows RFC 9112: section 2.2 (message parsing), 4 (status line), 6 (message body length), 7.1 (chunked coding).
A response that comes whole in one piece, as most do, is looked at once and copied once. Its head is often the same
to the byte as the one before it (same second in ``Date``); then not even that: the last head's findings hold.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp, memcpy, memmove

from gregaria.errors import (
    BodyTooLarge,
    BodyTooShort,
    ConflictingLengths,
    ConnectionClosed,
    HeadTooLarge,
    MalformedChunk,
    MalformedHeader,
    MalformedStatusLine,
)

cdef int64_t ALLOCATE_AT_ONCE = 16 * 1024 * 1024
cdef int KEEP_STORE_BYTES = 64 * 1024
# What is kept of a response that failed on the way.
cdef Py_ssize_t MOST_SO_FAR_BYTES = 64 * 1024
# More 1xx responses before the final one than any honest server sends.
cdef int MOST_INTERIM = 100


cdef inline char lower(char letter) noexcept nogil:
    return letter | 0x20 if c'A' <= letter <= c'Z' else letter


# RFC 9110, 5.6.2: what a header's name may be made of.
cdef bint TOKEN[256]
for _byte in range(256):
    TOKEN[_byte] = chr(_byte) in "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


cdef inline bint same(const char* text, const char* lowercase, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        if lower(text[i]) != lowercase[i]:
            return False
    return True


cdef bint has_token(const char* value, Py_ssize_t size, const char* lowercase, Py_ssize_t token_size) noexcept nogil:
    """Whether a comma-separated list names the token."""
    cdef Py_ssize_t start = 0, end, length
    while start < size:
        while start < size and (value[start] == c' ' or value[start] == c'\t' or value[start] == c','):
            start += 1
        end = start
        while end < size and value[end] != c',':
            end += 1
        if end > start:
            length = end - start
            while length and (value[start + length - 1] == c' ' or value[start + length - 1] == c'\t'):
                length -= 1
            if length == token_size and same(value + start, lowercase, token_size):
                return True
        start = end + 1
    return False


cdef object shown(const char* data, Py_ssize_t size):
    """The first bytes of what went wrong, for a message."""
    cdef bytes text = data[:min(size, 60)]
    return repr(text) + ("..." if size > 60 else "")


cdef class ResponseParser:
    """One response after another of one connection: ``begin``, then ``feed`` until it answers True."""

    def __cinit__(self, int64_t most_head_bytes=262144, int64_t most_body_bytes=1073741824):
        self.most_head_bytes = most_head_bytes
        self.most_body_bytes = most_body_bytes
        self.stage = DONE

    def __dealloc__(self):
        free(self.store)

    cdef void begin(self, bint no_body, bint streaming) noexcept:
        """Expect a new response; ``no_body`` when it answers a HEAD, ``streaming`` to ``take`` its body in pieces."""
        self.stage = HEAD
        self.no_body = no_body
        self.streaming = streaming
        self.interim = 0
        self.body = None
        self.line_start = 0
        self.store_size = 0
        self.consumed = 0

    cdef bint feed(self, const char* data, Py_ssize_t size) except -1:
        """Take the next bytes; True once the response is whole, with ``consumed`` telling where it ended.

        Raises:
            ProtocolError: this is not HTTP/1.x, or larger than allowed.
        """
        cdef Py_ssize_t at = 0, end
        while self.stage == HEAD:
            if self.store_size == 0:
                if (
                    self.head is not None
                    and size - at >= PyBytes_GET_SIZE(self.head)
                    and self.status >= 200
                    and memcmp(data + at, PyBytes_AS_STRING(self.head), PyBytes_GET_SIZE(self.head)) == 0
                ):
                    at += PyBytes_GET_SIZE(self.head)
                    self._choose_body()
                    break
                end = self._scan(data + at, size - at)
                if end == 0:
                    self._keep(data + at, size - at)
                    return False
                self.head = PyBytes_FromStringAndSize(data + at, end)
                at += end
            else:
                self._keep(data + at, size - at)
                end = self._scan(self.store, self.store_size)
                if end == 0:
                    return False
                self.head = PyBytes_FromStringAndSize(self.store, end)
                at = size - (self.store_size - end)
            self.store_size = 0
            self.line_start = 0
            if 100 <= self.status < 200 and self.status != 101:
                self.interim += 1
                if self.interim > MOST_INTERIM:
                    raise HeadTooLarge(f"more than {MOST_INTERIM} informational responses (1xx) and no final one")
                continue
            self._choose_body()
        if self.stage == KNOWN_LENGTH:
            at += self._known_length(data + at, size - at)
        elif self.stage == UNTIL_CLOSE:
            self._keep_body(data + at, size - at)
            at = size
        elif self.stage != DONE:
            at += self._chunks(data + at, size - at)
        self.consumed = at
        return self.stage == DONE

    cdef int finish(self) except -1:
        """The peer has closed the connection: that ends a body without a length, anything else is cut short.

        Raises:
            ConnectionClosed: the response is not whole.
        """
        if self.stage == UNTIL_CLOSE:
            self._end_of_body()
            return 0
        if self.stage == HEAD:
            if self.store_size:
                raise ConnectionClosed("the server closed the connection in the middle of the response's head")
            raise ConnectionClosed("the server closed the connection without a response")
        if self.stage == KNOWN_LENGTH:
            raise BodyTooShort(
                f"the server closed the connection before the body was whole: {self.length - self.remaining} of "
                f"{self.length} bytes"
            )
        raise BodyTooShort("the server closed the connection before the last chunk")

    cdef tuple so_far(self, const char* last, Py_ssize_t size):
        """What has come of a response that is not whole, or not right: (head or None, beginning of the rest).

        Args:
            last: the bytes that ``feed`` has just refused; of a head that could not be read, nothing else may be kept.
        """
        cdef Py_ssize_t came
        if self.stage == HEAD:
            if self.store_size:
                return None, PyBytes_FromStringAndSize(self.store, min(self.store_size, MOST_SO_FAR_BYTES))
            return None, PyBytes_FromStringAndSize(last, min(size, MOST_SO_FAR_BYTES))
        if self.body is None:
            return self.head, PyBytes_FromStringAndSize(self.store, min(self.store_size, MOST_SO_FAR_BYTES))
        came = PyBytes_GET_SIZE(self.body) if self.stage == DONE else self.length - self.remaining
        return self.head, PyBytes_FromStringAndSize(PyBytes_AS_STRING(self.body), min(came, MOST_SO_FAR_BYTES))

    cdef bytes take(self, Py_ssize_t size):
        """At most ``size`` bytes of what there is of a streamed body, from its front; all if it is negative."""
        cdef bytes piece
        if size < 0 or size >= self.store_size:
            piece = PyBytes_FromStringAndSize(self.store, self.store_size)
            self._forget()
            return piece
        piece = PyBytes_FromStringAndSize(self.store, size)
        memmove(self.store, self.store + size, self.store_size - size)
        self.store_size -= size
        return piece

    cdef int _end_of_body(self) except -1:
        if not self.streaming:
            self.body = PyBytes_FromStringAndSize(self.store, self.store_size)
            self._forget()
        self.stage = DONE
        return 0

    cdef Py_ssize_t _scan(self, const char* data, Py_ssize_t size) except -1:
        """Look at the lines that are whole; the head's size once its blank line is there, else 0."""
        cdef const char* newline
        cdef const char* line
        cdef Py_ssize_t line_size, end
        while True:
            line = data + self.line_start
            newline = <const char*>memchr(line, c'\n', size - self.line_start)
            end = size if newline == NULL else newline - data + 1
            if newline == NULL and self.line_start == 0 and size >= 5 and memcmp(data, b"HTTP/", 5) != 0:
                raise MalformedStatusLine(f"not an HTTP response: {shown(data, size)}")
            if end > self.most_head_bytes and (self.line_start or memcmp(data, b"HTTP/", min(size, 5)) == 0):
                # Before anything is said of the line: what is wrong must not depend on how it came.
                raise HeadTooLarge(f"the response's head is larger than {self.most_head_bytes} bytes")
            if newline == NULL:
                return 0
            line_size = newline - line
            if line_size and line[line_size - 1] == c'\r':
                line_size -= 1
            if self.line_start == 0:
                self._status_line(line, line_size)
            elif line_size == 0:
                return end
            else:
                self._header(line, line_size)
            self.line_start = end

    cdef int _status_line(self, const char* line, Py_ssize_t size) except -1:
        if (
            size < 12
            or memcmp(line, b"HTTP/1.", 7) != 0
            or not c'0' <= line[7] <= c'9'
            or line[8] != c' '
            or not c'1' <= line[9] <= c'9'
            or not c'0' <= line[10] <= c'9'
            or not c'0' <= line[11] <= c'9'
            or (size > 12 and line[12] != c' ')
        ):
            raise MalformedStatusLine(f"malformed status line: {shown(line, size)}")
        self.minor = line[7] - c'0'
        self.status = (line[9] - c'0') * 100 + (line[10] - c'0') * 10 + (line[11] - c'0')
        self.keep_alive = self.minor >= 1
        self.length = -1
        self.chunked = False
        self.other_transfer_coding = False
        self.has_cookie = False
        self.has_encoding = False
        self.is_first_header = True
        return 0

    cdef int _header(self, const char* line, Py_ssize_t size) except -1:
        cdef const char* colon = <const char*>memchr(line, c':', size)
        cdef const char* value
        cdef Py_ssize_t name_size, value_size, place
        # Within a line both mean that somebody reads it in another way (RFC 9110, 5.5).
        if memchr(line, c'\0', size) != NULL or memchr(line, c'\r', size) != NULL:
            raise MalformedHeader(f"malformed header line: {shown(line, size)}")
        if (line[0] == c' ' or line[0] == c'\t') and not self.is_first_header:
            # An obsolete folded line (RFC 9112, 5.2) goes on with the value before it.
            return 0
        self.is_first_header = False
        if colon == NULL or colon == line:
            raise MalformedHeader(f"malformed header line: {shown(line, size)}")
        name_size = colon - line
        for place in range(name_size):
            if not TOKEN[<unsigned char>line[place]]:
                raise MalformedHeader(f"malformed header name: {shown(line, size)}")
        if name_size != 10 and name_size != 14 and name_size != 16 and name_size != 17:
            return 0
        value = colon + 1
        value_size = size - name_size - 1
        while value_size and (value[0] == c' ' or value[0] == c'\t'):
            value += 1
            value_size -= 1
        while value_size and (value[value_size - 1] == c' ' or value[value_size - 1] == c'\t'):
            value_size -= 1
        if name_size == 10:
            if same(line, b"connection", 10):
                if has_token(value, value_size, b"close", 5):
                    self.keep_alive = False
                elif has_token(value, value_size, b"keep-alive", 10):
                    self.keep_alive = True
            elif same(line, b"set-cookie", 10):
                self.has_cookie = True
        elif name_size == 14:
            if same(line, b"content-length", 14):
                self._content_length(value, value_size)
        elif name_size == 16:
            if same(line, b"content-encoding", 16):
                self.has_encoding = not (value_size == 8 and same(value, b"identity", 8))
        elif same(line, b"transfer-encoding", 17):
            self.chunked = value_size >= 7 and same(value + value_size - 7, b"chunked", 7)
            self.other_transfer_coding = not self.chunked
        return 0

    cdef int _content_length(self, const char* value, Py_ssize_t size) except -1:
        """One length, or the same one several times with commas between (RFC 9110, 8.6)."""
        cdef int64_t length = 0
        cdef int digits = 0
        cdef Py_ssize_t place
        for place in range(size + 1):
            if place == size or value[place] == c',':
                if digits == 0:
                    raise MalformedHeader(f"malformed Content-Length: {shown(value, size)}")
                if self.length >= 0 and self.length != length:
                    raise ConflictingLengths(
                        f"two different lengths: Content-Length: {self.length} and Content-Length: {length}"
                    )
                self.length = length
                length = digits = 0
            elif c'0' <= value[place] <= c'9' and digits < 18:
                length = length * 10 + (value[place] - c'0')
                digits += 1
            elif not (digits == 0 and (value[place] == c' ' or value[place] == c'\t')):
                raise MalformedHeader(f"malformed Content-Length: {shown(value, size)}")
        return 0

    cdef void _choose_body(self) noexcept:
        """RFC 9112, 6.3: how long the body is."""
        if self.no_body or self.status == 204 or self.status == 304 or self.status < 200:
            self.stage = DONE
            self.body = b""
            if self.status == 101:
                self.keep_alive = False
        elif self.chunked:
            self.stage = CHUNK_SIZE
            self.remaining = 0
            self.size_digits = 0
            self.trailer_size = 0
            if self.length >= 0:
                # Both lengths: chunked wins, but such a connection is not to be trusted further.
                self.keep_alive = False
        elif self.length >= 0 and not self.other_transfer_coding:
            self.stage = KNOWN_LENGTH
            self.remaining = self.length
        else:
            self.stage = UNTIL_CLOSE
            self.keep_alive = False

    cdef Py_ssize_t _known_length(self, const char* data, Py_ssize_t size) except -1:
        cdef int64_t take
        if self.streaming:
            take = min(self.remaining, <int64_t>size)
            self._keep_body(data, take)
            self.remaining -= take
            if self.remaining == 0:
                self.stage = DONE
            return take
        if self.body is None:
            if self.length > self.most_body_bytes:
                raise BodyTooLarge(f"a body of {self.length} bytes is larger than allowed ({self.most_body_bytes})")
            if self.length <= size:
                self.body = PyBytes_FromStringAndSize(data, self.length)
                self.stage = DONE
                return self.length
            if self.length <= ALLOCATE_AT_ONCE:
                self.body = PyBytes_FromStringAndSize(NULL, self.length)
        take = min(self.remaining, <int64_t>size)
        if self.body is None:
            self._keep(data, take)
        else:
            memcpy(PyBytes_AS_STRING(self.body) + (self.length - self.remaining), data, take)
        self.remaining -= take
        if self.remaining == 0:
            if self.body is None:
                self._end_of_body()
            self.stage = DONE
        return take

    cdef Py_ssize_t _chunks(self, const char* data, Py_ssize_t size) except -1:
        cdef Py_ssize_t at = 0, take
        cdef char letter
        cdef int digit
        while at < size and self.stage != DONE:
            if self.stage == CHUNK_DATA:
                take = <Py_ssize_t>min(self.remaining, <int64_t>(size - at))
                self._keep_body(data + at, take)
                at += take
                self.remaining -= take
                if self.remaining == 0:
                    self.stage = CHUNK_END
                continue
            letter = data[at]
            at += 1
            if self.stage == CHUNK_SIZE:
                digit = hexadecimal(letter)
                if digit >= 0:
                    self.size_digits += 1
                    if self.size_digits > 15:
                        raise MalformedChunk("malformed chunk: its size has too many digits")
                    self.remaining = self.remaining * 16 + digit
                    continue
                if self.size_digits == 0 or letter not in (c';', c'\r', c'\n', c' ', c'\t'):
                    raise MalformedChunk(f"malformed chunk size: {shown(data + at - 1, size - at + 1)}")
                self.stage = CHUNK_EXTENSION
                self.line_size = 0
            if self.stage == CHUNK_EXTENSION:
                self.line_size += 1
                if self.line_size > 16384:
                    raise MalformedChunk("malformed chunk: its extension does not end")
                if letter == c'\n':
                    self.size_digits = 0
                    self.line_size = 0
                    self.stage = CHUNK_DATA if self.remaining else TRAILER
            elif self.stage == CHUNK_END:
                if letter == c'\n':
                    self.stage = CHUNK_SIZE
                elif letter != c'\r':
                    raise MalformedChunk(f"a chunk is longer than its size: {shown(data + at - 1, size - at + 1)}")
            elif self.stage == TRAILER:
                self.trailer_size += 1
                if self.trailer_size > self.most_head_bytes:
                    raise MalformedChunk("the trailer after the last chunk does not end")
                if letter == c'\n':
                    if self.line_size == 0:
                        self._end_of_body()
                    self.line_size = 0
                elif letter != c'\r':
                    self.line_size += 1
        return at

    cdef int _keep_body(self, const char* data, Py_ssize_t size) except -1:
        if self.store_size + size > self.most_body_bytes:
            raise BodyTooLarge(f"a body of more than {self.most_body_bytes} bytes is larger than allowed")
        return self._keep(data, size)

    cdef int _keep(self, const char* data, Py_ssize_t size) except -1:
        cdef Py_ssize_t room = self.store_room
        cdef char* store
        if self.store_size + size > room:
            room = max(self.store_size + size, 2 * room, 512)
            store = <char*>realloc(self.store, room)
            if store == NULL:
                raise MemoryError()
            self.store = store
            self.store_room = room
        memcpy(self.store + self.store_size, data, size)
        self.store_size += size
        return 0

    cdef void _forget(self) noexcept:
        # A large body must not stay with the connection.
        self.store_size = 0
        if self.store_room > KEEP_STORE_BYTES:
            free(self.store)
            self.store = NULL
            self.store_room = 0


cdef inline int hexadecimal(char letter) noexcept nogil:
    if c'0' <= letter <= c'9':
        return letter - c'0'
    letter = lower(letter)
    if c'a' <= letter <= c'f':
        return letter - c'a' + 10
    return -1


def parse(
    pieces, no_body=False, most_head_bytes=262144, most_body_bytes=1073741824, closed=False,
    ResponseParser parser=None,
):
    """Parse one response from pieces of bytes as they would come from a socket; for tests and tools.

    Args:
        pieces: bytes objects, in order.
        no_body: whether the request was a HEAD.
        most_head_bytes, most_body_bytes: limits.
        closed: whether the peer closes after the last piece.
        parser: one that may have parsed others before, in place of a new one with these limits.

    Returns:
        (status, minor, head, body, keep_alive, has_cookie, has_encoding, unused bytes), or None if more is needed.

    Raises:
        ProtocolError: malformed or too large.
        ConnectionClosed: closed before the response was whole.
    """
    cdef bytes piece
    cdef bint done = False
    if parser is None:
        parser = ResponseParser(most_head_bytes, most_body_bytes)
    parser.begin(no_body, False)
    rest = b""
    for piece in pieces:
        if done:
            rest += piece
        elif parser.feed(PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece)):
            done = True
            rest = piece[parser.consumed:]
    if not done and closed:
        parser.finish()
        done = True
    if not done:
        return None
    return (
        parser.status, parser.minor, parser.head, parser.body, parser.keep_alive, parser.has_cookie,
        parser.has_encoding, rest,
    )
