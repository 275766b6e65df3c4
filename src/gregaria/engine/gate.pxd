cdef class Gate:
    cdef public bint open
    cdef public int in_flight
