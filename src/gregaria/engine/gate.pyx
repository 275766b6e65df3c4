"""Whether a user may start requests, has to wait with them, or never may again; and how many it has on the wire."""

from gevent import sleep
from gevent.event import Event
from greenlet import GreenletExit


cdef class Gate:
    """One per user, shared by all its sessions: open, closed for good, or held until it is released.

    Attributes:
        open: while True, sessions start requests; when False, a session that is asked to start one looks whether the
            gate is held. If it is not, it raises GreenletExit instead, and one that has just finished and counted a
            request raises it too.
        held: nothing starts, and whoever wants to waits in ``enter``; what is on the wire goes on. Never while open.
        in_flight: requests of this user that have been started and not yet been counted.
        throttle: says when a request may start that the gate lets pass; None for at once.
    """

    def __init__(self):
        self.open = True
        self.held = False
        self.in_flight = 0

    cpdef int hold(self) except -1:
        """Let nothing start until ``release``; a gate that is closed stays closed."""
        if self.open:
            self.open = False
            self.held = True
        return 0

    cpdef int release(self) except -1:
        """Open the gate if it is held, and let those go on who wait at it."""
        if self.held:
            self.held = False
            self.open = True
            self._wake()
        return 0

    cpdef int close(self) except -1:
        """Close the gate for good; those who wait at it end."""
        self.open = self.held = False
        self._wake()
        return 0

    cpdef int begin(self) except -1:
        """Return when a request may start: the gate is open, and it is the user's turn.

        Raises:
            GreenletExit: the gate is closed for good.
        """
        while True:
            if not self.open:
                self.enter()
            if self.throttle is None:
                return 0
            self.throttle.take()
            # Whoever was held meanwhile has to wait for another turn.
            if self.open:
                return 0

    cpdef int enter(self) except -1:
        """Return when the gate is open; how the few ask who have found it not open.

        Raises:
            GreenletExit: it is closed for good.
        """
        while not self.open:
            if not self.held:
                # Others get their turn, even if whoever asks goes on asking.
                sleep(0)
                raise GreenletExit("the test has ended")
            if self._waiting is None:
                self._waiting = Event()
            self._waiting.wait()
        return 0

    cpdef int end_if_closed(self) except -1:
        """End the greenlet if the gate is closed for good.

        Raises:
            GreenletExit: it is.
        """
        if not self.open and not self.held:
            raise GreenletExit("the test has ended")
        return 0

    cdef int _wake(self) except -1:
        # Whoever waits looks again, so it does no harm if the gate is held once more before that.
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.set()
        return 0
