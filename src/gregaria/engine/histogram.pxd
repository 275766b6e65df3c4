from libc.stdint cimport int64_t, uint64_t

cdef enum:
    BUCKETS = 1728      # 128 exact microseconds, then 25 octaves of 64

cdef class Histogram:
    cdef uint64_t counts[BUCKETS]
    cdef readonly uint64_t total            # samples
    cdef readonly int64_t min_us            # exact; -1 while empty
    cdef readonly int64_t max_us            # exact; -1 while empty
    cdef readonly uint64_t sum_us           # exact

    cdef void add(self, int64_t value_us) noexcept nogil
    cpdef int64_t percentile_us(self, double fraction)
    cpdef void merge(self, Histogram other)
    cpdef void clear(self)
