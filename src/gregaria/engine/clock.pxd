from libc.stdint cimport int64_t

cpdef int64_t now_us() noexcept nogil
cpdef int64_t offset_us()
cpdef int64_t epoch_us_of(int64_t monotonic_us)
cpdef int64_t epoch_us()
