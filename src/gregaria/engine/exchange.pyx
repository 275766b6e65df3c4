"""One request to one origin: take a connection, send, wait, receive, count.

``Origin`` keeps the connections to one scheme, host and port. ``Prepared`` is a request whose bytes and statistics row
are known, so that it can be sent again and again; ``Prepared.perform`` is the one native call of a plain request.
"""

cimport cython
from gregaria.engine.clock cimport now_us
from gregaria.engine.gate cimport Gate
from gregaria.engine.parser cimport DONE, HEAD, ResponseParser
from gregaria.engine.poller cimport BUFFER_BYTES
from gregaria.engine.recorder cimport Entry, Recorder
from gregaria.engine.stream cimport Stream, TLSStream

import _socket

from gevent import Timeout, get_hub, sleep
from gevent.exceptions import ConcurrentObjectUseError
from gevent.hub import Waiter

from gregaria.engine.names import place_of, resolve
from gregaria.engine.phases import Phases
from gregaria.engine.trouble import no_memory, refused
from gregaria.errors import (
    BodyTooLong,
    ConnectionRefused,
    ConnectionReset,
    FirstByteTimeout,
    GeneratorError,
    HostNotAllowed,
    ProtocolError,
    ProxyError,
    ReadTimeout,
)
from gregaria.settings import settings

cdef tuple NOTHING = ()
cdef int UNIX = getattr(_socket, "AF_UNIX", -1)

# RFC 9110, 9.2.2: the methods that may be sent again when nobody knows whether the first was received.
cdef frozenset REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))

cdef bytes LENGTH_LINE = b"\r\nContent-Length: "
cdef bytes EXPECT_LINE = b"\r\nexpect: 100-continue\r\n"

# A body up to this size travels in one piece with the head.
cdef Py_ssize_t ONE_PIECE_BYTES = 65536


cdef extern from *:
    """
    static PyObject *gregaria_new(PyObject *type, PyObject *arguments) {
        return ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, arguments, NULL);
    }
    """
    object gregaria_new(object type, object arguments)


# Whoever follows requests through the systems they reach, None as long as nobody does: see trace_with.
cdef object tracer = None


def trace_with(object follower):
    """Have each request of this process traced from now on.

    Args:
        follower: a ``context.Tracer``; None to trace no more.
    """
    global tracer
    tracer = follower


def traced_by():
    """What was given to ``trace_with``."""
    return tracer


# TLS sessions that are taken from one origin, each after a handshake that resumed none: see TLSStream.session.
cdef int MOST_LOOKS = 8


cdef class Answer:
    """What came back for one request.

    Attributes:
        status: the status code; 0 when ``error`` is set.
        minor: of HTTP/1.minor.
        head: status line to blank line, as it came.
        body: chunks joined, still content-encoded; b"" for an answer without one.
        keep_alive, has_cookie, has_encoding: what the head says.
        sent: at least one byte of the request left.
        counted: the request is in the statistics already.
        reused: the connection had carried an answer before.
        started_us, finished_us: monotonic microseconds; from the first byte sent (connect and TLS included when the
            request had to open a connection) to the last byte received.
        late: something was seen late because the loop was held up, and the kernel had no stamp for it: the times may
            include the generator's own delay.
        error: what went wrong on the way, or None.
        outside: a weak reference to the response that another library (requests) made of it, None when none did.
        so_far: with an error, what had come of the answer: its head (None when that was not whole), and the beginning of
            the rest, at most 64 KiB; None when nothing had come.
        prepared: the request.
        previous: the answer of the step before, in a chain of redirects; its phases count in.
        reader: of the body, when only the head was waited for (``stream``); ``body`` is None then.
        trace: what the tracer has made for this request; None when nobody traces.
    """

    @property
    def trace_id(self):
        """The trace that the request belongs to, 32 hexadecimal digits; None when nobody traces."""
        return None if self.trace is None else self.trace.trace_id

    @property
    def sent_head(self):
        """The request's head as it was sent: what the tracer has added is in it."""
        cdef bytes head = self.prepared.head
        return head if self.trace is None else head[:-2] + self.trace.lines + head[-2:]

    @property
    def phases(self):
        """Where the time went, of the whole chain; None for a request that the engine has not carried."""
        cdef int64_t six[6]
        cdef int place
        for place in range(6):
            six[place] = 0
        if not self.phase_times(six):
            return None
        return Phases(six[0], six[1], six[2], six[3], six[4], six[5])

    cdef int phase_times(self, int64_t* six) noexcept:
        """Add the phases of the chain to six sums; how many of its steps the engine has carried."""
        cdef int carried = 0
        cdef int64_t at, last
        if self.previous is not None:
            carried = self.previous.phase_times(six)
        if not self.measured:
            return carried
        # A server that speaks before it is asked has answered before the request was sent, or the connection secured:
        # no phase goes back, and none beyond the end.
        last = self.finished_us
        at = self.started_us
        if self.opened:
            six[0] += advance(&at, at + self.lookup_us, last)
            six[1] += advance(&at, self.connected_us or last, last)
            six[2] += advance(&at, self.secured_us or last, last)
        # The answer may be here before the system call that sent the request has come back.
        six[3] += advance(&at, min(self.sent_us or last, self.first_byte_us or last), last)
        six[4] += advance(&at, self.first_byte_us or last, last)
        six[5] += advance(&at, last, last)
        return carried + 1

    @property
    def reason(self):
        """The status line's text, often empty."""
        line = self.head.split(b"\n", 1)[0].strip() if self.head is not None else b""
        return line[13:].decode("latin-1")

    @property
    def header_pairs(self):
        """(name, value) pairs in the order they came, decoded as latin-1."""
        return header_pairs(self.head)


cdef inline int64_t advance(int64_t* at, int64_t until, int64_t last) noexcept nogil:
    """Move a moment on, never back and never beyond the last one; by how much."""
    cdef int64_t begun = at[0]
    at[0] = max(begun, min(until, last))
    return at[0] - begun


cpdef list header_pairs(bytes head):
    """The (name, value) pairs of a raw head, in order; obsolete folded lines joined with a space."""
    cdef list pairs = []
    if head is None:
        return pairs
    for line in head.decode("latin-1").split("\n")[1:]:
        if line[:1] in (" ", "\t") and pairs:
            name, value = pairs[-1]
            pairs[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name, value.strip()))
    return pairs


@cython.final
cdef class Connection:
    """One keep-alive connection: its bytes and its parser."""


cdef class Origin:
    """The connections to one scheme, host and port.

    Attributes:
        scheme, host, port: where; ``host`` without brackets.
        ssl_context: an ``ssl.SSLContext`` for https.
        connect_timeout_us, read_timeout_us: for connecting (TLS included), and of silence.
        most_connections: how many at a time, 0 for no limit; a request that finds none free waits.
        in_use: connections that carry a request now.
        opened: connections made so far.
        via: (host, port) of a proxy that is connected to instead, or None.
        tunnel: the bytes of the CONNECT request that opens a tunnel through it, or None.
        unix_path: of a Unix socket that is connected to in place of host and port, or None.
        refusal: why nothing may be sent there, in words; every request fails with them. None when it may.
    """

    def __init__(
        self, str scheme, str host, int port, *, ssl_context=None, int64_t connect_timeout_us=60_000_000,
        int64_t read_timeout_us=60_000_000, int connections=0, via=None, bytes tunnel=None, unix_path=None,
        str refusal=None,
    ):
        self.via = via
        self.tunnel = tunnel or None
        self.unix_path = unix_path
        self.refusal = refusal
        self.scheme = scheme
        self.host = host
        self.port = port
        self.ssl_context = ssl_context
        self.connect_timeout_us = connect_timeout_us
        self.read_timeout_us = read_timeout_us
        self.most_connections = connections
        self.idle = []
        self.free = None

    def close(self):
        """Close the idle connections; those in use are closed by their requests' own end or reused."""
        cdef Connection connection
        while self.idle:
            connection = self.idle.pop()
            connection.stream.close()

    cdef int exchange(self, Answer answer, Prepared prepared) except -1:
        """Send and receive once; fills ``answer``.

        A connection that had been open before and dies without a byte of an answer was most likely closed by the
        server while idle: a method that may be repeated is sent again, once, on a new connection.
        """
        cdef Connection connection
        cdef bint again = False
        if self.refusal is not None:
            answer.started_us = now_us()
            # Others get their turn, even if whoever asks goes on asking.
            sleep(0)
            raise HostNotAllowed(self.refusal)
        if self.most_connections and self.in_use >= self.most_connections:
            answer.started_us = now_us()
            self._wait_for_free(prepared.connect_timeout_us or self.connect_timeout_us)
        else:
            self.in_use += 1
        try:
            answer.started_us = now_us()
            answer.measured = True
            while True:
                connection = None if again else self._idle_connection(answer.started_us)
                if connection is None:
                    connection = self._open(answer, prepared.connect_timeout_us or self.connect_timeout_us)
                connection.stream.late = connection.stream.late and not connection.used
                try:
                    self._talk(connection, answer, prepared)
                    return 0
                except BaseException as error:
                    connection.stream.close()
                    if (
                        connection.used
                        and prepared.repeatable
                        and prepared.pieces is None
                        and not connection.got
                        and isinstance(error, ConnectionError)
                    ):
                        again = True
                        answer.sent_us = 0
                        continue
                    if connection.got:
                        # What is in the buffer is this connection's only while nobody else has run: feed has just raised.
                        answer.so_far = connection.parser.so_far(
                            connection.stream.poller.buffer,
                            connection.got if isinstance(error, ProtocolError) else 0,
                        )
                    if type(error) is ConnectionReset:
                        raise ConnectionReset(f"{error} {_where(connection.parser)}") from None
                    raise
        finally:
            # A reader keeps the connection, and gives its place back itself.
            if answer.reader is None:
                self._release()

    cdef Connection _idle_connection(self, int64_t now):
        cdef Connection connection
        while self.idle:
            connection = <Connection>self.idle.pop()
            if connection.stream.quiet(now):
                return connection
            connection.stream.close()
        return None

    cdef Connection _open(self, Answer answer, int64_t timeout_us):
        """A new connection to the first address that answers."""
        cdef Connection connection = Connection.__new__(Connection)
        cdef int64_t begun_us = now_us()
        cdef int64_t deadline_us = begun_us + timeout_us
        cdef Stream stream
        cdef list addresses
        host, port = self.via or (self.host, self.port)
        answer.opened = True
        try:
            addresses = [(UNIX, self.unix_path)] if self.unix_path else resolve(host, port, timeout_us / 1e6)
        finally:
            answer.lookup_us = now_us() - begun_us
        connection.parser = ResponseParser(settings.max_head_bytes, settings.max_body_bytes)
        for place, (family, address) in enumerate(addresses):
            stream = TLSStream() if self.scheme == "https" else Stream()
            try:
                stream.connect(address, family, deadline_us)
                break
            except OSError as error:
                if place + 1 < len(addresses):
                    continue
                if self.via is None and isinstance(error, ConnectionRefused):
                    raise refused(f"on {self.unix_path or place_of(host, port)}") from None
                if self.via is None or isinstance(error, (TimeoutError, GeneratorError)):
                    raise
                raise ProxyError(f"no connection to the proxy {host}:{port}: {error.strerror or error}") from None
        connection.stream = stream
        try:
            if self.tunnel is not None:
                self._tunnel(stream, deadline_us)
            answer.connected_us = now_us()
            if self.scheme == "https":
                stream.secure(self.ssl_context, self.host, self.session, deadline_us)
        except BaseException:
            stream.close()
            raise
        answer.secured_us = now_us() if self.scheme == "https" else answer.connected_us
        self.opened += 1
        return connection

    cdef int _tunnel(self, Stream stream, int64_t deadline_us) except -1:
        """Have the proxy connect to the origin (RFC 9110, 9.3.6)."""
        cdef ResponseParser parser = ResponseParser(settings.max_head_bytes, 0)
        cdef Py_ssize_t got
        parser.begin(True, False)
        try:
            stream.send_all(self.tunnel, len(self.tunnel), deadline_us)
            while True:
                # One byte at a time would be exact; a server that speaks first inside the tunnel is not HTTP.
                got = stream.receive(stream.poller.buffer, BUFFER_BYTES, deadline_us)
                if got == 0:
                    parser.finish()
                if parser.feed(stream.poller.buffer, got):
                    break
        except (ConnectionError, ReadTimeout) as error:
            raise ProxyError(f"the proxy opened no tunnel to {self.host}:{self.port}: {error}") from None
        if not 200 <= parser.status < 300:
            line = parser.head.split(b"\n", 1)[0].strip().decode("latin-1")
            raise ProxyError(f"the proxy opened no tunnel to {self.host}:{self.port}: it answered {line[9:89]}")
        return 0

    cdef int _talk(self, Connection connection, Answer answer, Prepared prepared) except -1:
        """Send one request, and receive its answer or, for a stream, the answer's head."""
        cdef Stream stream = connection.stream
        cdef ResponseParser parser = connection.parser
        cdef int64_t timeout_us = prepared.read_timeout_us or self.read_timeout_us
        cdef int64_t deadline_us = answer.started_us + timeout_us
        cdef bytes wire
        cdef bint whole = True
        if not connection.used:
            # Connecting has used up some of it.
            deadline_us = now_us() + timeout_us
        parser.begin(prepared.no_body, answer.streams)
        connection.got = 0
        answer.sent = True
        stream.unsent = 0
        wire = prepared.wire
        if answer.trace is not None:
            wire = answer.sent_head + wire[len(prepared.head):]
        stream.write(wire, len(wire), deadline_us)
        if prepared.rest is not None or prepared.pieces is not None:
            whole = (
                not prepared.expects or self._continues(connection, answer, timeout_us)
            ) and prepared._send_body(stream, timeout_us)
            deadline_us = now_us() + timeout_us
        answer.sent_us = now_us()
        while parser.stage != DONE:
            if answer.first_byte_us:
                if answer.streams and parser.stage != HEAD:
                    break
                deadline_us = now_us() + timeout_us
            self._receive(connection, answer, timeout_us, deadline_us)
        answer.status = parser.status
        answer.minor = parser.minor
        answer.head = parser.head
        answer.body = parser.body
        answer.keep_alive = parser.keep_alive
        answer.has_cookie = parser.has_cookie
        answer.has_encoding = parser.has_encoding
        answer.reused = connection.used
        answer.late = stream.late
        if answer.streams:
            answer.body = None
            answer.reader = BodyReader.__new__(BodyReader)
            answer.reader.origin = self
            answer.reader.connection = connection
            answer.reader.timeout_us = timeout_us
            answer.reader.whole = whole
            if parser.stage == DONE and parser.store_size == 0:
                answer.reader._end(True)
            return 0
        parser.body = None
        self._settle(connection, whole)
        return 0

    cdef bint _continues(self, Connection connection, Answer answer, int64_t timeout_us) except -1:
        """Whether the server wants the body of a request with ``Expect: 100-continue``, or keeps silent about it."""
        cdef ResponseParser parser = connection.parser
        cdef int64_t deadline_us = now_us() + min(timeout_us, <int64_t>(settings.expect_timeout_s * 1e6))
        while connection.stream.await_answer(deadline_us):
            try:
                self._receive(connection, answer, timeout_us, now_us() + timeout_us)
            except ConnectionError:
                # Told again by whoever asks for the answer.
                return False
            if parser.stage != HEAD:
                return False
            if parser.interim:
                # The answer itself is yet to begin.
                answer.first_byte_us = 0
                break
        return True

    cdef int _receive(self, Connection connection, Answer answer, int64_t timeout_us, int64_t deadline_us) except -1:
        """Take what comes next of an answer."""
        cdef Stream stream = connection.stream
        cdef ResponseParser parser = connection.parser
        cdef char* buffer = stream.poller.buffer
        cdef Py_ssize_t got
        try:
            got = stream.read(buffer, BUFFER_BYTES, deadline_us)
        except ReadTimeout:
            if answer.first_byte_us:
                raise ReadTimeout(f"the server fell silent for {timeout_us / 1e6:g} s, the network timeout") from None
            if stream.moves():
                # It is still busy taking the request.
                return self._receive(connection, answer, timeout_us, now_us() + timeout_us)
            raise FirstByteTimeout(
                f"the server did not begin to answer within {timeout_us / 1e6:g} s, the network timeout"
            ) from None
        # A stamp is of the kernel's clock and may be a little before the moment at which the request was sent.
        answer.finished_us = max(<int64_t>stream.came_us, answer.started_us)
        if got == 0:
            return parser.finish()
        connection.got = got
        if not answer.first_byte_us:
            answer.first_byte_us = answer.finished_us
        return feed(parser, buffer, got)

    cdef int _settle(self, Connection connection, bint whole) except -1:
        """Keep a connection whose answer is whole for the next request, if it may be used again."""
        if self.scheme == "https" and not connection.used and self.looks < MOST_LOOKS:
            session = connection.stream.session()
            if session is not None:
                self.session = session
                self.looks += 1
        if whole and connection.parser.keep_alive:
            connection.used = True
            self.idle.append(connection)
        else:
            connection.stream.close()
        return 0

    cdef int _wait_for_free(self, int64_t timeout_us) except -1:
        """Wait for the place of a request that has ended; it stays counted in ``in_use``.

        Raises:
            GeneratorError: none ended within the timeout, as happens to who holds streams and reads none of them.
        """
        if self.free is None:
            self.free = []
        waiter = Waiter()
        self.free.append(waiter)
        timer = Timeout.start_new(timeout_us / 1e6)
        try:
            waiter.get()
        except BaseException as error:
            if waiter in self.free:
                self.free.remove(waiter)
            else:
                self._release()
            if error is timer:
                raise GeneratorError(
                    f"all {self.most_connections} connections to {self.host}:{self.port} stayed in use for "
                    f"{timeout_us / 1e6:g} s, the connect timeout: allow more (`concurrency`), and read or close each "
                    "streamed answer"
                ) from None
            raise
        finally:
            timer.close()
        return 0

    cdef int _release(self) except -1:
        # Handed over rather than given up: whoever asks again at once would else always be the first.
        if self.free:
            get_hub().loop.run_callback(self.free.pop(0).switch, None)
        else:
            self.in_use -= 1
        return 0


cdef object _where(ResponseParser parser):
    """How far a response had come, in words."""
    if parser.stage == DONE:
        return "after the response"
    if parser.stage != HEAD:
        return "in the middle of the response's body"
    if parser.store_size:
        return "in the middle of the response's head"
    return "before the response"


cdef object _announced(ResponseParser parser):
    if parser.no_body:
        return "no body, as the request was a HEAD"
    if parser.status == 204 or parser.status == 304:
        return f"no body, as the status is {parser.status}"
    if parser.chunked:
        return "in chunks"
    return f"Content-Length: {parser.length}"


cdef int feed(ResponseParser parser, const char* data, Py_ssize_t size) except -1:
    """Hand bytes of an answer to its parser, which must need all of them.

    Raises:
        BodyTooLong: the answer was whole before their end. (What follows a 101 is another protocol's.)
    """
    if parser.feed(data, size) and parser.consumed < size and parser.status != 101:
        raise BodyTooLong(
            f"the server sent {size - parser.consumed} bytes more than the response it announced "
            f"({_announced(parser)})"
        )
    return 0


cdef int64_t announced_bytes(bytes head) except -2:
    """The Content-Length of a request's head, -1 when its body goes in chunks.

    Raises:
        ValueError: it says neither, so that nobody could tell where the body ends.
    """
    cdef int64_t length = -2
    for name, value in header_pairs(head):
        if name.lower() == "transfer-encoding" and value.lower().endswith("chunked"):
            return -1
        if name.lower() == "content-length":
            length = int(value)
    if length < 0:
        raise ValueError(
            "a body in pieces needs `Transfer-Encoding: chunked` or a Content-Length in the head of its request"
        )
    return length


cdef class BodyReader:
    """The body of an answer whose head was waited for: read it, or close it.

    A body that was read to its end gives its connection back; one that is closed or dropped before takes it along.

    Attributes:
        came_us: when the last bytes came that were waited for, 0 if the whole body came with the head.
        late: they were seen late, and the kernel had no stamp for them.
    """

    @property
    def ended(self):
        """Whether the body has been read to its end, or closed."""
        return self.connection is None

    def read(self, Py_ssize_t size=-1):
        """Wait for bytes of the body, still content-encoded.

        Args:
            size: at most so many, as soon as there are any; all up to the end if it is negative.

        Returns:
            b"" at the end.

        Raises:
            TransferError: the body is broken, or did not come in time.
        """
        cdef bytes piece
        cdef ResponseParser parser
        if self.connection is None or size == 0:
            return b""
        if self.connection.stream.parked is not None:
            raise ConcurrentObjectUseError("another greenlet is reading this body")
        parser = self.connection.parser
        while parser.stage != DONE and (size < 0 or parser.store_size == 0):
            self._more()
        piece = parser.take(size)
        if parser.stage == DONE and parser.store_size == 0:
            self._end(True)
        return piece

    cpdef int counts_for(self, Recorder recorder, str method, str name) except -1:
        """The request has been counted as a success: a body that breaks from now on makes it a failure there."""
        self.recorder = recorder
        self.method = method
        self.name = name
        return 0

    cpdef int fail(self, object error) except -1:
        """The body is broken (or does not decode): count that once, and give the connection up."""
        if self.recorder is not None:
            self.recorder.fail(self.method, self.name, error)
            self.recorder = None
        return self._end(False)

    def close(self):
        """Give up what has not been read; safe to call twice."""
        self._end(False)

    def __del__(self):
        self._end(False)

    cdef int _more(self) except -1:
        cdef Connection connection = self.connection
        cdef ResponseParser parser = connection.parser
        cdef Stream stream = connection.stream
        cdef char* buffer = stream.poller.buffer
        cdef Py_ssize_t got
        try:
            try:
                got = stream.read(buffer, BUFFER_BYTES, now_us() + self.timeout_us)
            except ReadTimeout:
                raise ReadTimeout(
                    f"the server fell silent for {self.timeout_us / 1e6:g} s, the network timeout"
                ) from None
            except ConnectionReset as error:
                raise ConnectionReset(f"{error} {_where(parser)}") from None
            self.came_us = stream.came_us
            self.late = stream.late
            if got == 0:
                parser.finish()
            else:
                feed(parser, buffer, got)
        except OSError as error:
            self.fail(error)
            raise
        except BaseException:
            self._end(False)
            raise
        return 0

    cdef int _end(self, bint reusable) except -1:
        cdef Connection connection = self.connection
        if connection is None:
            return 0
        self.connection = None
        try:
            if reusable:
                self.origin._settle(connection, self.whole)
            else:
                connection.stream.close()
        finally:
            self.origin._release()
        return 0


cdef class Prepared:
    """A request whose bytes and statistics row are known.

    Attributes:
        origin, gate: where it goes and whether it may.
        recorder, entry: where it is counted; None and None for nowhere.
        head, body: the bytes; the head from request line through blank line.
        pieces: an iterable of bytes in place of a body, sent as it comes and never twice. The head says how:
            ``Transfer-Encoding: chunked``, or a Content-Length that the pieces add up to; a request fails with a
            ValueError when they do not, and with a TypeError when one is neither bytes nor text.
        method, url, name: for those who look.
        connect_timeout_us, read_timeout_us: this request's own, 0 for the origin's.
        answer_type: ``Answer`` or a subclass; what ``perform`` returns is one of these, made without ``__init__``.
        extra: whatever the session wants to find again.
    """

    def __init__(
        self, Origin origin not None, Gate gate not None, Recorder recorder, bytes head not None, bytes body,
        str method not None, str url not None, str name not None, type answer_type=Answer,
    ):
        if not issubclass(answer_type, Answer):
            raise TypeError("answer_type must be a subclass of Answer")
        self.origin = origin
        self.gate = gate
        self.recorder = recorder
        self.method = method
        self.url = url
        self.name = name
        self.answer_type = answer_type
        self.no_body = method == "HEAD"
        self.repeatable = method in REPEATABLE
        self._set_body(head, body)

    cdef int _set_body(self, bytes head, bytes body) except -1:
        self.head = head
        self.body = body
        self.expects = b"100-" in head and EXPECT_LINE in head.lower()
        if not body:
            self.wire = head
        elif len(body) <= ONE_PIECE_BYTES and not self.expects:
            self.wire = head + body
        else:
            self.wire = head
            self.rest = body
        return 0

    cpdef Prepared with_body(self, bytes body):
        """The same request with another body.

        Args:
            body: takes the place of this request's; the length in its one Content-Length header line is put right.

        Raises:
            ValueError: this request's head does not announce a length.
        """
        cdef Prepared other
        cdef Py_ssize_t begin = self.head.find(LENGTH_LINE), end
        if begin < 0:
            raise ValueError("the request's head has no Content-Length")
        begin += len(LENGTH_LINE)
        end = self.head.find(b"\r", begin)
        other = Prepared.__new__(Prepared)
        other.origin = self.origin
        other.gate = self.gate
        other.recorder = self.recorder
        other.entry = self.entry
        other.method = self.method
        other.url = self.url
        other.name = self.name
        other.answer_type = self.answer_type
        other.no_body = self.no_body
        other.repeatable = self.repeatable
        other.connect_timeout_us = self.connect_timeout_us
        other.read_timeout_us = self.read_timeout_us
        other.extra = self.extra
        other._set_body(b"%b%d%b" % (self.head[:begin], len(body), self.head[end:]), body)
        return other

    cdef bint _send_body(self, Stream stream, int64_t timeout_us) except -1:
        """Send what comes after the head; False when the server answered before it had all of it."""
        cdef bytes data
        cdef int64_t announced, done = 0
        if self.pieces is None:
            return self._send_piece(stream, self.rest, timeout_us)
        announced = announced_bytes(self.head)
        for piece in self.pieces:
            if isinstance(piece, bytes):
                data = piece
            elif isinstance(piece, str):
                data = piece.encode()
            elif isinstance(piece, (bytearray, memoryview)):
                data = bytes(piece)
            else:
                raise TypeError(f"a piece of a request's body is bytes or text, not {type(piece).__name__}: {piece!r:.60}")
            if not data:
                continue
            done += len(data)
            if announced < 0:
                data = b"%x\r\n%b\r\n" % (len(data), data)
            elif done > announced:
                # More would be the beginning of the next request.
                raise ValueError(
                    f"the pieces of the body are at least {done} bytes, but the head says Content-Length: {announced}"
                )
            if not self._send_piece(stream, data, timeout_us):
                return False
        if announced < 0:
            return self._send_piece(stream, b"0\r\n\r\n", timeout_us)
        if done < announced:
            raise ValueError(
                f"the pieces of the body add up to {done} bytes, but the head says Content-Length: {announced}"
            )
        return True

    cdef bint _send_piece(self, Stream stream, bytes data, int64_t timeout_us) except -1:
        try:
            return stream.upload(data, len(data), timeout_us) == len(data)
        except ConnectionError:
            # The server hung up meanwhile: it may have answered before (413, say).
            return False

    cpdef Answer perform(
        self, bint count, bint continued=False, bint leave=True, bint stream=False, Answer previous=None
    ):
        """Send it once and wait for the answer; first wait until the gate lets it start.

        Args:
            count: count it when it is a plain success (2xx or 304 without Content-Encoding); ``answer.counted`` then
                is True. All others are for the caller to ``settle``.
            continued: this is a further step of a request already begun (a redirect), which any gate lets pass at once.
            leave: end the greenlet when the gate was closed meanwhile and the request has been counted. A session
                that has listeners to tell first passes False and calls ``end_if_closed`` afterwards.
            stream: wait for the head only; ``answer.reader`` reads the body. ``count`` must be False.
            previous: the answer that led here, when this is a further step of a chain of redirects.

        Returns:
            the answer; an error on the way is its ``error``, with ``status`` 0.

        Raises:
            GreenletExit: the gate is closed, or was closed meanwhile and the request has been counted. Whatever else is
                thrown into the greenlet passes too; if the request was on the wire it is counted as interrupted.
        """
        cdef Gate gate = self.gate
        cdef Answer answer
        if not gate.open or (gate.throttle is not None and gate.throttle.limited):
            if not continued:
                gate.begin()
            elif gate.throttle is not None:
                gate.throttle.owe()
        answer = <Answer>gregaria_new(self.answer_type, NOTHING)
        answer.prepared = self
        answer.streams = stream
        answer.previous = previous
        if tracer is not None:
            answer.trace = tracer.begin(
                self.method, self.url, self.name, self.head, None if previous is None else previous.trace
            )
        gate.in_flight += 1
        try:
            self.origin.exchange(answer, self)
        except (Exception, Timeout) as error:
            answer.error = no_memory() if isinstance(error, MemoryError) else error
            answer.finished_us = now_us()
            return answer
        except BaseException:
            if self.recorder is not None and (answer.sent or continued):
                self.recorder.interrupted(self._row())
            raise
        finally:
            gate.in_flight -= 1
            if answer.trace is not None:
                answer.trace.end(answer.status, answer.error, answer.started_us, answer.finished_us)
        if count and not answer.has_encoding and (200 <= answer.status < 300 or answer.status == 304):
            if self.recorder is not None:
                self._count(answer, None, answer.started_us, len(answer.body))
            answer.counted = True
            if leave and not gate.open:
                gate.end_if_closed()
        return answer

    cpdef int end_if_closed(self) except -1:
        """End the greenlet if the gate is closed for good.

        Raises:
            GreenletExit: it is.
        """
        if not self.gate.open:
            self.gate.end_if_closed()
        return 0

    cpdef int settle(self, Answer answer, object error=None, object size_bytes=None, object started_us=None) except -1:
        """Count a request that ``perform`` has not counted.

        Args:
            answer: the last answer.
            error: the failure, or None for a success.
            size_bytes: the body's size as the user sees it; default, as it came.
            started_us: start of the first of several steps; default, the answer's own.

        Raises:
            GreenletExit: the gate was closed meanwhile.
        """
        cdef int64_t begun = answer.started_us if started_us is None else started_us
        cdef int64_t size = 0
        if not answer.counted:
            answer.counted = True
            if size_bytes is not None:
                size = size_bytes
            elif answer.body is not None:
                size = len(answer.body)
            if self.recorder is not None:
                self._count(answer, error, begun, size)
                if error is None and answer.reader is not None:
                    answer.reader.counts_for(self.recorder, self.method, self.name)
        if not self.gate.open:
            self.gate.end_if_closed()
        return 0

    cdef int _count(self, Answer answer, object error, int64_t begun_us, int64_t size) except -1:
        cdef Recorder recorder = self.recorder
        cdef Entry entry = self._row()
        cdef int64_t six[6]
        cdef int place
        if error is None:
            recorder.success(entry, answer.finished_us, answer.finished_us - begun_us, size)
        elif isinstance(error, GeneratorError):
            return recorder.generator_error(entry, error)
        else:
            recorder.failure(entry, answer.finished_us, answer.finished_us - begun_us, size, error, answer)
        if answer.late:
            recorder.late(entry)
        if recorder.keeps_phases:
            for place in range(6):
                six[place] = 0
            if answer.phase_times(six):
                recorder.phases(entry, six)
        return 0

    cdef Entry _row(self):
        # Not before something is to be counted: a row without requests would only puzzle.
        if self.entry is None or not self.entry.live:
            self.entry = self.recorder.entry(self.method, self.name)
        return self.entry
