"""The one clock of the engine: monotonic microseconds, and the wall-clock time of such a moment."""

import time

from libc.stdint cimport int64_t

cdef extern from *:
    """
    #ifdef _WIN32
    #ifndef WIN32_LEAN_AND_MEAN
    #define WIN32_LEAN_AND_MEAN
    #endif
    #include <windows.h>
    static long long gregaria_now_us(void) {
        LARGE_INTEGER ticks, per_second;
        QueryPerformanceCounter(&ticks);
        QueryPerformanceFrequency(&per_second);
        return ticks.QuadPart / per_second.QuadPart * 1000000
             + ticks.QuadPart % per_second.QuadPart * 1000000 / per_second.QuadPart;
    }
    #else
    #include <time.h>
    static long long gregaria_now_us(void) {
        struct timespec moment;
        clock_gettime(CLOCK_MONOTONIC, &moment);
        return (long long)moment.tv_sec * 1000000 + moment.tv_nsec / 1000;
    }
    #endif
    """
    long long gregaria_now_us() noexcept nogil

# The wall clock may be stepped or slewed while a test runs for days, so its distance is read anew after this long.
cdef int64_t ANCHOR_LIFE_US = 60_000_000

cdef int64_t anchor_read_us = -1
cdef int64_t anchor_offset_us = 0


cpdef int64_t now_us() noexcept nogil:
    """Microseconds of a clock that never goes back; its zero means nothing."""
    return gregaria_now_us()


cpdef int64_t offset_us():
    """What to add to a monotonic moment to get microseconds since 1970; read anew at least every minute."""
    global anchor_read_us, anchor_offset_us
    cdef int64_t now = gregaria_now_us()
    if anchor_read_us < 0 or now - anchor_read_us > ANCHOR_LIFE_US:
        anchor_offset_us = time.time_ns() // 1000 - now
        anchor_read_us = now
    return anchor_offset_us


cpdef int64_t epoch_us_of(int64_t monotonic_us):
    """The wall-clock time, in microseconds since 1970, of a monotonic moment."""
    return monotonic_us + offset_us()


cpdef int64_t epoch_us():
    """Now, in microseconds since 1970."""
    return epoch_us_of(gregaria_now_us())
