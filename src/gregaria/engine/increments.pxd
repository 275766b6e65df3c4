from libc.stdint cimport int64_t, uint32_t, uint64_t
from gregaria.engine.histogram cimport BUCKETS
from gregaria.engine.recorder cimport PARTS, SECONDS, Entry, Recorder

cdef enum:
    COUNTS = 6          # the counts of a row besides its bytes

# requests, those without time, failures, interrupted, errors of the generator, late
cdef void counts_of(Entry entry, uint64_t* counts) noexcept

# a histogram as it was told last
cdef struct Told:
    uint64_t total
    uint64_t sum_us
    uint64_t counts[BUCKETS]

# What of a row has been told. It holds no Python objects: making one never starts a garbage collection.
cdef class Copy:
    cdef uint64_t generation
    cdef uint64_t round                     # of the latest take that saw the row
    cdef uint64_t counts[COUNTS]
    cdef int64_t total_bytes
    cdef int64_t ring_second[SECONDS]
    cdef uint32_t ring_requests[SECONDS]
    cdef uint32_t ring_failures[SECONDS]
    cdef Told* parts[PARTS]                 # NULL until there was something to tell

    cdef void clear(self) noexcept

cdef class Ledger:
    cdef dict copies                        # {Entry: Copy}
    cdef uint64_t round

    cpdef bytes take(self, Recorder recorder)
    cdef void forget_dropped(self)
