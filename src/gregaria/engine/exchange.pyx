"""One request to one origin: take a connection, send, wait, receive, count.

``Origin`` keeps the connections to one scheme, host and port. ``Prepared`` is a request whose bytes and statistics row
are known, so that it can be sent again and again; ``Prepared.perform`` is the one native call of a plain request.
"""

cimport cython
from gregaria.engine.clock cimport now_us
from gregaria.engine.gate cimport Gate
from gregaria.engine.parser cimport ResponseParser
from gregaria.engine.poller cimport BUFFER_BYTES
from gregaria.engine.recorder cimport Entry, Recorder
from gregaria.engine.stream cimport Stream, TLSStream

from gevent import Timeout, get_hub, sleep
from gevent.hub import Waiter
from greenlet import GreenletExit

from gregaria.engine.names import resolve
from gregaria.settings import settings

cdef tuple NOTHING = ()

# RFC 9110, 9.2.2: the methods that may be sent again when nobody knows whether the first was received.
cdef frozenset REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))

cdef bytes LENGTH_LINE = b"\r\nContent-Length: "

# A body up to this size travels in one piece with the head.
cdef Py_ssize_t ONE_PIECE_BYTES = 65536
# What a server must take of a larger one within the network timeout.
cdef Py_ssize_t PIECE_BYTES = 262144


cdef extern from *:
    """
    static PyObject *gregaria_new(PyObject *type, PyObject *arguments) {
        return ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, arguments, NULL);
    }
    """
    object gregaria_new(object type, object arguments)


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
        error: what went wrong on the way, or None.
        prepared: the request.
    """

    @property
    def reason(self):
        """The status line's text, often empty."""
        line = self.head.split(b"\n", 1)[0].strip() if self.head is not None else b""
        return line[13:].decode("latin-1")

    @property
    def header_pairs(self):
        """(name, value) pairs in the order they came, decoded as latin-1."""
        return header_pairs(self.head)


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
    """

    def __init__(
        self, str scheme, str host, int port, *, ssl_context=None, int64_t connect_timeout_us=60_000_000,
        int64_t read_timeout_us=60_000_000, int connections=0,
    ):
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
        cdef int64_t connect_timeout_us
        if self.most_connections and self.in_use >= self.most_connections:
            self._wait_for_free()
        else:
            self.in_use += 1
        try:
            while True:
                connection = None if again else self._idle_connection()
                if not again:
                    answer.started_us = now_us()
                if connection is None:
                    connect_timeout_us = prepared.connect_timeout_us or self.connect_timeout_us
                    connection = self._open(connect_timeout_us)
                try:
                    self._talk(connection, answer, prepared)
                    return 0
                except BaseException as error:
                    connection.stream.close()
                    if (
                        connection.used
                        and prepared.repeatable
                        and connection.parser.store_size == 0
                        and connection.parser.consumed == 0
                        and isinstance(error, ConnectionError)
                    ):
                        again = True
                        continue
                    raise
        finally:
            self._release()

    cdef Connection _idle_connection(self):
        cdef Connection connection
        while self.idle:
            connection = <Connection>self.idle.pop()
            if connection.stream.quiet():
                return connection
            connection.stream.close()
        return None

    cdef Connection _open(self, int64_t timeout_us):
        """A new connection to the first address that answers."""
        cdef Connection connection = Connection.__new__(Connection)
        cdef int64_t deadline_us = now_us() + timeout_us
        cdef Stream stream
        cdef list addresses = resolve(self.host, self.port, timeout_us / 1e6)
        connection.parser = ResponseParser(settings.max_head_bytes, settings.max_body_bytes)
        for place, (family, address) in enumerate(addresses):
            if self.scheme == "https":
                stream = TLSStream(self.ssl_context, self.host)
            else:
                stream = Stream()
            try:
                stream.open(address, family, deadline_us)
                break
            except OSError:
                if place + 1 == len(addresses):
                    raise
        connection.stream = stream
        self.opened += 1
        return connection

    cdef int _talk(self, Connection connection, Answer answer, Prepared prepared) except -1:
        cdef Stream stream = connection.stream
        cdef ResponseParser parser = connection.parser
        cdef char* buffer = stream.poller.buffer
        cdef int64_t timeout_us = prepared.read_timeout_us or self.read_timeout_us
        cdef int64_t deadline_us = answer.started_us + timeout_us
        cdef Py_ssize_t got
        cdef bint whole = True
        if not connection.used:
            # Connecting has used up some of it.
            deadline_us = now_us() + timeout_us
        parser.begin(prepared.no_body)
        answer.sent = True
        stream.write(prepared.wire, len(prepared.wire), deadline_us)
        if prepared.rest is not None:
            whole = self._send_rest(stream, prepared.rest, timeout_us)
            deadline_us = now_us() + timeout_us
        while True:
            got = stream.read(buffer, BUFFER_BYTES, deadline_us)
            if got == 0:
                parser.finish()
                break
            if parser.feed(buffer, got):
                break
            deadline_us = now_us() + timeout_us
        answer.finished_us = now_us()
        answer.status = parser.status
        answer.minor = parser.minor
        answer.head = parser.head
        answer.body = parser.body
        answer.keep_alive = parser.keep_alive
        answer.has_cookie = parser.has_cookie
        answer.has_encoding = parser.has_encoding
        answer.reused = connection.used
        parser.body = None
        if parser.keep_alive and parser.consumed == got and whole:
            connection.used = True
            self.idle.append(connection)
        else:
            stream.close()
        return 0

    cdef bint _send_rest(self, Stream stream, bytes rest, int64_t timeout_us) except -1:
        """Send a large body; False when the server hung up meanwhile: it may have answered before (413, say)."""
        cdef Py_ssize_t at = 0, size
        try:
            while at < len(rest):
                size = min(len(rest) - at, PIECE_BYTES)
                stream.write(<const char*>rest + at, size, now_us() + timeout_us)
                at += size
        except ConnectionError:
            return False
        return True

    cdef int _wait_for_free(self) except -1:
        """Wait for the place of a request that has ended; it stays counted in ``in_use``."""
        if self.free is None:
            self.free = []
        waiter = Waiter()
        self.free.append(waiter)
        try:
            waiter.get()
        except BaseException:
            if waiter in self.free:
                self.free.remove(waiter)
            else:
                self._release()
            raise
        return 0

    cdef int _release(self) except -1:
        # Handed over rather than given up: whoever asks again at once would else always be the first.
        if self.free:
            get_hub().loop.run_callback(self.free.pop(0).switch, None)
        else:
            self.in_use -= 1
        return 0


cdef class Prepared:
    """A request whose bytes and statistics row are known.

    Attributes:
        origin, gate: where it goes and whether it may.
        recorder, entry: where it is counted; None and None for nowhere.
        head, body: the bytes; the head from request line through blank line.
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
        if not body:
            self.wire = head
        elif len(body) <= ONE_PIECE_BYTES:
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

    cpdef Answer perform(self, bint count, bint continued=False, bint leave=True):
        """Send it once and wait for the answer.

        Args:
            count: count it when it is a plain success (2xx or 304 without Content-Encoding); ``answer.counted`` then
                is True. All others are for the caller to ``settle``.
            continued: this is a further step of a request already begun (a redirect), so a closed gate lets it pass.
            leave: end the greenlet when the gate was closed meanwhile and the request has been counted. A session
                that has listeners to tell first passes False and calls ``end_if_closed`` afterwards.

        Returns:
            the answer; an error on the way is its ``error``, with ``status`` 0.

        Raises:
            GreenletExit: the gate is closed, or was closed meanwhile and the request has been counted. Whatever else is
                thrown into the greenlet passes too; if the request was on the wire it is counted as interrupted.
        """
        cdef Gate gate = self.gate
        cdef Answer answer
        if not gate.open and not continued:
            # Others get their turn, even if whoever asks goes on asking.
            sleep(0)
            raise GreenletExit("the test has ended")
        answer = <Answer>gregaria_new(self.answer_type, NOTHING)
        answer.prepared = self
        gate.in_flight += 1
        try:
            self.origin.exchange(answer, self)
        except (Exception, Timeout) as error:
            answer.error = error
            answer.finished_us = now_us()
            return answer
        except BaseException:
            if self.recorder is not None and (answer.sent or continued):
                self.recorder.interrupted(self._row())
            raise
        finally:
            gate.in_flight -= 1
        if count and not answer.has_encoding and (200 <= answer.status < 300 or answer.status == 304):
            if self.recorder is not None:
                self.recorder.success(
                    self._row(), answer.finished_us, answer.finished_us - answer.started_us, len(answer.body)
                )
            answer.counted = True
            if leave and not gate.open:
                raise GreenletExit("the test has ended")
        return answer

    cpdef int end_if_closed(self) except -1:
        """End the greenlet if the gate is closed.

        Raises:
            GreenletExit: it is.
        """
        if not self.gate.open:
            raise GreenletExit("the test has ended")
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
        cdef Entry entry
        if not answer.counted:
            answer.counted = True
            if size_bytes is not None:
                size = size_bytes
            elif answer.body is not None:
                size = len(answer.body)
            if self.recorder is not None:
                entry = self._row()
                if error is None:
                    self.recorder.success(entry, answer.finished_us, answer.finished_us - begun, size)
                else:
                    self.recorder.failure(entry, answer.finished_us, answer.finished_us - begun, size, error, answer)
        if not self.gate.open:
            raise GreenletExit("the test has ended")
        return 0

    cdef Entry _row(self):
        # Not before something is to be counted: a row without requests would only puzzle.
        if self.entry is None or not self.entry.live:
            self.entry = self.recorder.entry(self.method, self.name)
        return self.entry
