# C declarations only: greenlet's own C interface, so that a switch costs no Python call.
cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass
    void PyGreenlet_Import() except *
    greenlet PyGreenlet_GetCurrent()
    object PyGreenlet_Switch(greenlet target, object arguments, object keywords)
