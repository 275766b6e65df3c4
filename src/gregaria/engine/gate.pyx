"""Whether a user may still start requests, and how many of its requests are on the wire."""


cdef class Gate:
    """One per user, shared by all its sessions.

    Attributes:
        open: while True, sessions start requests; when False, a session that is asked to start one raises
            GreenletExit instead, and one that has just finished and counted a request raises it too.
        in_flight: requests of this user that have been started and not yet been counted.
    """

    def __init__(self):
        self.open = True
        self.in_flight = 0
