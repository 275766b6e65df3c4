"""Bytes in, bytes out: connect, read, write, close; TCP, and TLS over it.

A stream parks the calling greenlet when it must wait and raises when it may not wait any longer. TLS is Python's own
OpenSSL between two memory buffers (``ssl.MemoryBIO``), so that no TLS headers are needed to build.
"""

import _socket  # the C type itself: gevent's patched socket would add its own waiting to ours
import errno as error_numbers
import os
import ssl

from libc.errno cimport EAGAIN, EINTR
from libc.string cimport memcpy
from gregaria.engine.poller cimport HANGUP, READ, WRITE, current_poller
from gregaria.engine.portable cimport gregaria_recv, gregaria_send, gregaria_socket_error
from gregaria.errors import ConnectTimeout, ConnectionClosed, ReadTimeout

cdef tuple _UNDER_WAY = (0, error_numbers.EINPROGRESS, error_numbers.EWOULDBLOCK, error_numbers.EAGAIN)


cdef int _raise(int code) except -1:
    # OSError picks its own subclass by number: ConnectionResetError, BrokenPipeError ...
    raise OSError(code, os.strerror(code))


cdef class Stream(Waiter):
    """A TCP connection."""

    def __del__(self):
        # A user that is gone closes nothing itself, and the poller only borrows what it watches.
        self.close()

    cdef int open(self, object address, int family, int64_t deadline_us) except -1:
        """Connect to ``address`` (as in Python's ``socket``), TLS handshake included for a TLS stream.

        Raises:
            ConnectTimeout: not done by the deadline.
            OSError: the system's own error, such as ConnectionRefusedError.
        """
        cdef int code
        sock = self.socket = _socket.socket(family, _socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            code = sock.connect_ex(address)
            if code not in _UNDER_WAY:
                _raise(code)
            self.fd = sock.fileno()
            self.poller = current_poller()
            self.poller.register(self)
            if code:
                if not self.poller.wait(self, WRITE, deadline_us):
                    raise ConnectTimeout("no connection within the connect timeout")
                code = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
                if code:
                    _raise(code)
            self.secure(deadline_us)
        except BaseException:
            self.close()
            raise
        return 0

    cdef int secure(self, int64_t deadline_us) except -1:
        return 0

    cdef int write(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1:
        """Send all of it.

        Raises:
            ReadTimeout: the peer did not take it until the deadline.
            ConnectionClosed: the peer has said its last word and does not listen.
            OSError: the system's own error.
        """
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

    cdef Py_ssize_t read(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1:
        """Wait for bytes, then take at most ``size`` of them; 0 when the peer has closed.

        Raises:
            ReadTimeout: nothing came until the deadline.
            OSError: the system's own error.
        """
        cdef Py_ssize_t got
        cdef int code
        while True:
            if not self.poller.wait(self, READ, deadline_us):
                raise ReadTimeout("the server sent nothing within the network timeout")
            got = gregaria_recv(self.fd, into, size)
            if got >= 0:
                if got == size:
                    # There may be more, and its edge has been told already.
                    self.ready |= READ
                return got
            code = gregaria_socket_error()
            if code != EAGAIN and code != EINTR:
                _raise(code)
            if self.ready & HANGUP and code == EAGAIN:
                # A hang-up that nobody can read: an error on the socket that was already reported.
                self.ready &= ~HANGUP

    cdef bint quiet(self):
        """Whether an idle connection can be used again: the server has neither spoken nor hung up since."""
        cdef char byte
        if self.ready & HANGUP:
            return False
        if self.poller.epoll_fd >= 0 and not self.ready & READ:
            return True
        self.ready &= ~READ
        return gregaria_recv(self.fd, &byte, 1) < 0 and gregaria_socket_error() == EAGAIN

    cdef int close(self) except -1:
        """Give the descriptor back; safe to call twice."""
        if self.fd >= 0:
            self.poller.forget(self)
            self.fd = -1
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        return 0


cdef class TLSStream(Stream):
    """TLS over TCP."""

    def __init__(self, context, server_name):
        self.context = context
        self.server_name = server_name

    cdef int secure(self, int64_t deadline_us) except -1:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing, server_hostname=self.server_name)
        try:
            while True:
                try:
                    self.tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self._flush(deadline_us)
                    if not self._fill(deadline_us):
                        raise ConnectionClosed("the server closed the connection during the TLS handshake")
            self._flush(deadline_us)
        except ReadTimeout:
            raise ConnectTimeout("no TLS handshake within the connect timeout") from None
        except ssl.SSLError:
            # The alert that says why is still to be sent.
            try:
                self._flush(deadline_us)
            except OSError:
                pass
            raise
        return 0

    cdef int write(self, const char* data, Py_ssize_t size, int64_t deadline_us) except -1:
        self.tls.write(data[:size])
        return self._flush(deadline_us)

    cdef Py_ssize_t read(self, char* into, Py_ssize_t size, int64_t deadline_us) except -1:
        cdef bytes plain
        cdef Py_ssize_t got
        while True:
            try:
                plain = self.tls.read(size)
                got = len(plain)
                memcpy(into, <const char*>plain, got)
                return got
            except ssl.SSLWantReadError:
                if not self._fill(deadline_us):
                    return 0
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0

    cdef bint quiet(self):
        # Session tickets may come at any time and mean nothing; anything else does.
        cdef Py_ssize_t got
        if self.ready & HANGUP:
            return False
        if self.ready & READ or self.poller.epoll_fd < 0:
            self.ready &= ~READ
            got = gregaria_recv(self.fd, self.poller.buffer, 65536)
            if got == 0 or (got < 0 and gregaria_socket_error() != EAGAIN):
                return False
            if got > 0:
                self.incoming.write(self.poller.buffer[:got])
        try:
            self.tls.read(1)
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLError:
            pass
        return False

    cdef int _flush(self, int64_t deadline_us) except -1:
        cdef bytes data
        if self.outgoing.pending:
            data = self.outgoing.read()
            Stream.write(self, data, len(data), deadline_us)
        return 0

    cdef int _fill(self, int64_t deadline_us) except -1:
        """Take what the peer has sent into the incoming buffer; 0 when it has closed."""
        cdef Py_ssize_t got
        cdef char* buffer = self.poller.buffer
        self._flush(deadline_us)
        got = Stream.read(self, buffer, 65536, deadline_us)
        if not got:
            self.incoming.write_eof()
            return 0
        self.incoming.write(buffer[:got])
        return 1
