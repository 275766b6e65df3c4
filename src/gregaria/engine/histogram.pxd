from libc.stdint cimport int64_t, uint64_t

cdef enum:
    BUCKETS = 1728      # 128 exact microseconds, then 25 octaves of 64

cdef extern from *:
    """
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <intrin.h>
    static __inline int gregaria_highest_bit(unsigned int value) {
        unsigned long position;
        _BitScanReverse(&position, value);
        return (int)position;
    }
    #else
    static inline int gregaria_highest_bit(unsigned int value) { return 31 - __builtin_clz(value); }
    #endif
    """
    int gregaria_highest_bit(unsigned int value) noexcept nogil

cdef inline int bucket_of(int64_t value_us) noexcept nogil:
    """The bucket of a time; all of 2^32 us and more share the last one, negative ones the first."""
    cdef int shift
    if value_us < 128:
        return 0 if value_us < 0 else <int>value_us
    if value_us >> 32:
        return BUCKETS - 1
    shift = gregaria_highest_bit(<unsigned int>value_us) - 6
    return (shift << 6) + <int>(value_us >> shift)

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
    cpdef Histogram copy(self)
    cpdef Histogram since(self, Histogram older)
    cdef int64_t value_of(self, int bucket) noexcept nogil
