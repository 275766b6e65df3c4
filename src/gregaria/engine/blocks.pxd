from libc.stdint cimport int64_t, uint32_t, uint64_t
from gregaria.engine.histogram cimport BUCKETS
from gregaria.engine.increments cimport COUNTS
from gregaria.engine.recorder cimport Recorder

# What of a row is in blocks already. It holds no Python objects: making one never starts a garbage collection.
cdef class Seen:
    cdef int64_t id
    cdef uint64_t generation
    cdef uint64_t counts[COUNTS]
    cdef int64_t total_bytes
    cdef uint64_t samples
    cdef uint64_t sum_us
    cdef uint32_t buckets[BUCKETS]          # modulo 2^32, which no difference of a second reaches

    cdef void clear(self) noexcept

cdef class Cutter:
    cdef readonly list names                # [(method, name)] by id
    cdef dict ids                           # {(method, name): id}
    cdef dict seen                          # {Entry: Seen}

    cdef list rows(self, Recorder recorder)
