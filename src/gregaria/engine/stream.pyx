"""Bytes in, bytes out: connect, read, write, close; TCP and Unix sockets, and TLS over them.

A stream parks the calling greenlet when it must wait and raises when it may not wait any longer. TLS is Python's own
OpenSSL between two memory buffers (``ssl.MemoryBIO``), so that no TLS headers are needed to build.

Where the kernel stamps what arrives (Linux, TCP), a read tells when its bytes came, not when somebody looked.
"""

import _socket  # the C type itself: gevent's patched socket would add its own waiting to ours
import errno as error_numbers
import os
import ssl

from gevent import sleep
from libc.errno cimport EAGAIN, EINTR
from libc.string cimport memcpy
from gregaria.engine.clock cimport now_us
from gregaria.engine.poller cimport HANGUP, READ, WRITE, current_poller
from gregaria.engine.portable cimport (
    GREGARIA_HAS_STAMPS,
    gregaria_ask_for_stamps,
    gregaria_peek,
    gregaria_recv,
    gregaria_recv_stamped,
    gregaria_send,
    gregaria_socket_error,
    gregaria_unsent,
)

from gregaria.engine.trouble import of_system, of_tls
from gregaria.errors import ConnectTimeout, ConnectionClosed, ReadTimeout, TLSError
from gregaria.settings import settings

cdef tuple _UNDER_WAY = (0, error_numbers.EINPROGRESS, error_numbers.EWOULDBLOCK, error_numbers.EAGAIN)
cdef int _UNIX = getattr(_socket, "AF_UNIX", -1)

# Asking the kernel for its stamp costs a twentieth of a request, so what was looked for this recently is not asked for.
cdef int64_t PROMPT_US = 500
# A connection that was not used for longer is asked whether it is still there before it is used again.
cdef int64_t IDLE_US = 1_000

# What a server must take of a large body within the network timeout.
cdef Py_ssize_t PIECE_BYTES = 262144


cdef int _raise(int code) except -1:
    raise of_system(OSError(code, os.strerror(code)))


# The kernel begins to stamp a moment after the first socket asks, and ends with the last: this one asks for good.
cdef object _stamp_keeper = None


cdef int _keep_stamping() except -1:
    global _stamp_keeper
    if _stamp_keeper is None:
        _stamp_keeper = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
        gregaria_ask_for_stamps(_stamp_keeper.fileno())
    return 0


cdef bint _is_connected(object sock):
    try:
        sock.getpeername()
        return True
    except OSError:
        return False


cdef class Stream(Waiter):
    """A TCP connection, or one over a Unix socket."""

    def __del__(self):
        # A user that is gone closes nothing itself, and the poller only borrows what it watches.
        self.close()

    cdef int connect(self, object address, int family, int64_t deadline_us) except -1:
        """Connect to ``address`` (as in Python's ``socket``).

        Raises:
            ConnectTimeout: not done by the deadline.
            GeneratorError: this machine has no descriptor or port left.
            ConnectionRefused: nobody listens there.
            OSError: another error of the system.
        """
        cdef int code
        try:
            sock = self.socket = _socket.socket(family, _socket.SOCK_STREAM)
            sock.setblocking(False)
            if family != _UNIX:
                sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            self.poller = current_poller()
            code = sock.connect_ex(address)
            while code == EAGAIN and family == _UNIX:
                # The server's queue is full, and nobody tells when it no longer is.
                if now_us() >= deadline_us:
                    raise ConnectTimeout("no connection within the connect timeout")
                sleep(0.005)
                code = sock.connect_ex(address)
            if code not in _UNDER_WAY:
                _raise(code)
            self.fd = sock.fileno()
            self.poller.register(self)
            if code:
                if not self.poller.wait(self, WRITE, deadline_us) and not _is_connected(sock):
                    raise ConnectTimeout("no connection within the connect timeout")
                code = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
                if code:
                    _raise(code)
                # The kernel stamps no handshakes.
                if self.poller.doubtful(now_us()):
                    self.late = True
            if GREGARIA_HAS_STAMPS and family != _UNIX and settings.kernel_stamps:
                _keep_stamping()
                self.stamps = gregaria_ask_for_stamps(self.fd) == 0
        except OSError as error:
            self.close()
            raise of_system(error) from None
        except BaseException:
            self.close()
            raise
        return 0

    cdef int secure(self, object context, object server_name, object session, int64_t deadline_us) except -1:
        """Shake hands; nothing to do here."""
        return 0

    cdef object session(self):
        """What another connection needs to resume this one's TLS session, or None."""
        return None

    cdef int write(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1:
        """Send all of it.

        Raises:
            ReadTimeout: the peer did not take it until the deadline.
            ConnectionClosed: the peer has said its last word and does not listen.
            OSError: the system's own error.
        """
        return self.send_all(data, size, deadline_us)

    cdef int send_all(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1:
        cdef Py_ssize_t sent
        cdef int code
        while size:
            sent = gregaria_send(self.fd, data, size)
            if sent >= 0:
                data += sent
                size -= sent
                continue
            code = gregaria_socket_error()
            if code == EINTR:
                continue
            if code != EAGAIN:
                _raise(code)
            self.ready &= ~WRITE
            if self.ready & HANGUP:
                # The poller would not wait for a peer that has hung up.
                raise ConnectionClosed("the server closed the connection before it had taken the whole request")
            if not self.poller.wait(self, WRITE, deadline_us):
                raise ReadTimeout("the server took no more of the request within the network timeout")
        return 0

    cdef Py_ssize_t upload(self, const char* data, Py_ssize_t size, int64_t timeout_us) except -1:
        """Send as much as the peer takes before it answers, each piece within the timeout; tells how much that was.

        Raises:
            ReadTimeout: the peer neither took nor said anything for so long.
            OSError: the system's own error.
        """
        cdef Py_ssize_t sent, done = 0
        cdef int code
        while done < size:
            sent = gregaria_send(self.fd, data + done, min(size - done, PIECE_BYTES))
            if sent >= 0:
                done += sent
                continue
            code = gregaria_socket_error()
            if code == EINTR:
                continue
            if code != EAGAIN:
                _raise(code)
            self.ready &= ~WRITE
            if self.ready & HANGUP or self.answered():
                break
            self.unsent = gregaria_unsent(self.fd)
            if not self.poller.wait(self, READ | WRITE, now_us() + timeout_us) and not self.moves():
                raise ReadTimeout("the server took no more of the request within the network timeout")
            # What there may be to read is still unread.
            self.ready |= READ
        self.unsent = gregaria_unsent(self.fd)
        return done

    cdef bint moves(self) noexcept:
        """Whether the peer has taken some of what was sent since this was last asked.

        The system tells of room in its buffer only when a good part of it is free, which a slow peer takes long for.
        """
        cdef int before = self.unsent
        self.unsent = gregaria_unsent(self.fd)
        return 0 <= self.unsent < before

    cdef Py_ssize_t read(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1:
        """Wait for bytes, then take at most ``size`` of them; 0 when the peer has closed. ``came_us`` tells when.

        Raises:
            ReadTimeout: nothing came until the deadline.
            OSError: the system's own error.
        """
        return self.receive(into, size, deadline_us)

    cdef Py_ssize_t receive(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1:
        cdef Py_ssize_t got
        cdef int code
        cdef bint expired
        cdef int64_t now
        cdef long long came
        while True:
            expired = not self.poller.wait(self, READ, deadline_us)
            now = now_us()
            if now - self.poller.fetched_before_us < PROMPT_US:
                # It can't have lain there for longer than that.
                came = now
                got = gregaria_recv(self.fd, into, size)
            elif self.stamps:
                got = gregaria_recv_stamped(self.fd, into, size, &came)
            else:
                came = 0
                got = gregaria_recv(self.fd, into, size)
            if got >= 0:
                self.came_us = came or now
                if not came and self.poller.doubtful(now):
                    self.late = True
                if got == size:
                    # There may be more, and its edge has been told already.
                    self.ready |= READ
                return got
            code = gregaria_socket_error()
            if code != EAGAIN and code != EINTR and self.fd >= 0:
                _raise(code)
            # Asked only now: when the loop was held up, the answer may be here although its time is over.
            if expired:
                raise ReadTimeout("the server sent nothing within the network timeout")
            if self.fd < 0:
                raise ConnectionClosed("another greenlet closed the connection")
            if self.ready & HANGUP and code == EAGAIN:
                # A hang-up that nobody can read: an error on the socket that was already reported.
                self.ready &= ~HANGUP

    cdef bint await_answer(self, int64_t deadline_us) except -1:
        """Wait until the peer says something or the deadline passes; whether it has."""
        while not self.answered():
            if self.ready & HANGUP:
                return True
            if not self.poller.wait(self, READ, deadline_us):
                return False
            self.ready |= READ
        return True

    cdef bint answered(self) except -1:
        """Whether the peer has said something that nobody has read."""
        cdef char byte
        if not self.ready & READ and self.poller.epoll_fd >= 0:
            return False
        if gregaria_peek(self.fd, &byte, 1) >= 0:
            return True
        if not self.ready & HANGUP:
            self.ready &= ~READ
        return False

    cdef bint quiet(self, int64_t now):
        """Whether an idle connection can be used again: the server has neither spoken nor hung up since."""
        cdef char byte
        if self.ready & HANGUP:
            return False
        if self.poller.epoll_fd >= 0 and not self.ready & READ and not self._may_have_missed_something(now):
            return True
        self.ready &= ~READ
        return gregaria_recv(self.fd, &byte, 1) < 0 and gregaria_socket_error() == EAGAIN

    cdef bint _may_have_missed_something(self, int64_t now) noexcept:
        """Whether the kernel may know more of an idle connection than the poller has told."""
        # A request that must not be sent twice is lost on a closed connection, so one that lay idle is worth a look.
        return now - self.came_us > IDLE_US or self.poller.doubtful(now)

    cdef int close(self) except -1:
        """Give the descriptor back; safe to call twice. Who waits for something to read is told."""
        if self.fd >= 0:
            self.poller.forget(self)
            self.fd = -1
            if self.parked is not None:
                self.poller.awaken(self)
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        return 0


cdef class TLSStream(Stream):
    """TLS over TCP, once ``secure`` has shaken hands."""

    cdef int secure(self, object context, object server_name, object session, int64_t deadline_us) except -1:
        """Shake hands.

        Args:
            context: an ``ssl.SSLContext``.
            server_name: whom the certificate must name, and what SNI says.
            session: of an earlier connection to the same server, to be resumed, or None.

        Raises:
            ConnectTimeout: not done by the deadline.
            TLSError: it failed; its subclasses tell what is wrong with the certificate.
        """
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name, session=session)
        try:
            self._handshake(deadline_us)
        except ReadTimeout:
            raise ConnectTimeout("no TLS handshake within the connect timeout") from None
        except ConnectionError as error:
            raise TLSError(f"the server cut the TLS handshake short ({error})") from None
        except ssl.SSLError as error:
            # The alert that says why is still to be sent.
            try:
                self._flush(deadline_us)
            except OSError:
                pass
            raise of_tls(error, server_name) from None
        if self.poller.doubtful(now_us()):
            self.late = True
        return 0

    cdef int _handshake(self, int64_t deadline_us) except -1:
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(deadline_us)
                if not self._fill(deadline_us):
                    raise ConnectionClosed("it closed the connection")
        self._flush(deadline_us)
        return 0

    cdef object session(self):
        # None when the one that was offered has served: it will again, and CPython (3.10 to 3.13 at least) never frees
        # what each look at `session` copies, some 6 KiB.
        return None if self.tls.session_reused else self.tls.session

    cdef int write(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1:
        try:
            self.tls.write(data[:size])
            return self._flush(deadline_us)
        except ConnectionError:
            self._raise_alert()
            raise

    cdef int _raise_alert(self) except -1:
        """Raise why the peer has hung up, if it said so: a refused certificate of the client's comes this late."""
        self.ready |= READ
        self._take_what_is_there()
        if self.trouble is not None and "ALERT" in (self.trouble.reason or ""):
            raise of_tls(self.trouble, None) from None
        return 0

    cdef Py_ssize_t upload(self, const char* data, Py_ssize_t size, int64_t timeout_us) except -1:
        cdef Py_ssize_t done = 0, piece
        cdef bytes encrypted
        while done < size:
            piece = min(size - done, PIECE_BYTES)
            self.tls.write(data[done:done + piece])
            encrypted = self.outgoing.read()
            # What is cut off here makes the connection useless, as an answer before the end of the request does anyway.
            if Stream.upload(self, encrypted, len(encrypted), timeout_us) < len(encrypted):
                break
            done += piece
        return done

    cdef Py_ssize_t read(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1:
        cdef bytes plain
        cdef Py_ssize_t got
        if self.early is not None:
            plain, self.early = self.early, None
            got = len(plain)
            memcpy(into, <const char*>plain, got)
            return got
        if self.trouble is not None:
            raise of_tls(self.trouble, None)
        while True:
            # Asking without anything there raises, which costs more than the rest of it.
            if not self.incoming.pending and not self._fill(deadline_us):
                return 0
            try:
                plain = self.tls.read(size)
                got = len(plain)
                memcpy(into, <const char*>plain, got)
                return got
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0
            except ssl.SSLError as error:
                raise of_tls(error, None) from None

    cdef bint answered(self) except -1:
        # Session tickets may come at any time and say nothing.
        return self.early is not None or not self._take_what_is_there() or self.early is not None

    cdef bint quiet(self, int64_t now):
        if self.ready & HANGUP:
            return False
        if self._may_have_missed_something(now):
            self.ready |= READ
        return self._take_what_is_there() and self.early is None

    cdef bint _take_what_is_there(self) except -1:
        """Read without waiting; False when the peer has closed or talks nonsense. Plain text is kept in ``early``."""
        cdef Py_ssize_t got
        if self.ready & READ or self.poller.epoll_fd < 0:
            self.ready &= ~READ
            got = gregaria_recv(self.fd, self.poller.buffer, 65536)
            if got == 0 or (got < 0 and gregaria_socket_error() != EAGAIN):
                return False
            if got > 0:
                if got == 65536:
                    self.ready |= READ
                self.incoming.write(self.poller.buffer[:got])
                self.came_us = now_us()
        if not self.incoming.pending:
            return True
        try:
            self.early = self.tls.read(65536)
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLError as error:
            self.trouble = error
            return False
        return True

    cdef int _flush(self, int64_t deadline_us) except -1:
        cdef bytes data
        if self.outgoing.pending:
            data = self.outgoing.read()
            self.send_all(data, len(data), deadline_us)
        return 0

    cdef int _fill(self, int64_t deadline_us) except -1:
        """Take what the peer has sent into the incoming buffer; 0 when it has closed."""
        cdef Py_ssize_t got
        cdef char* buffer = self.poller.buffer
        self._flush(deadline_us)
        got = self.receive(buffer, 65536, deadline_us)
        if not got:
            self.incoming.write_eof()
            return 0
        self.incoming.write(buffer[:got])
        return 1
