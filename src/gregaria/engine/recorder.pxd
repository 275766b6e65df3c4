from libc.stdint cimport int64_t, uint32_t, uint64_t
from gregaria.engine.histogram cimport Histogram

cdef enum:
    SECONDS = 64        # whole seconds that an entry remembers one by one
    PARTS = 8           # histograms of an entry: times, intended, six phases

# what turns the whole seconds of a ring, which begin with this process, into those of the wall clock
cdef int64_t drift_s()

cdef class Entry:
    cdef readonly str method
    cdef readonly str name
    cdef readonly bint live                 # False once the recorder has dropped this row
    cdef readonly int64_t num_requests
    cdef readonly int64_t num_none_requests
    cdef readonly int64_t num_failures
    cdef readonly int64_t num_interrupted
    cdef readonly int64_t num_generator_errors
    cdef readonly int64_t num_late
    cdef readonly int64_t total_bytes
    cdef readonly int64_t started_us        # monotonic; creation or last reset
    cdef readonly int64_t last_us           # monotonic; the latest request's end, 0 if none
    cdef readonly Histogram times           # from the actual start
    cdef readonly Histogram intended        # from the intended start; None until one was given
    cdef readonly tuple phases              # six histograms; None until some were given
    cdef int64_t ring_second[SECONDS]
    cdef uint32_t ring_requests[SECONDS]
    cdef uint32_t ring_failures[SECONDS]
    cdef uint64_t generation                # another one after each reset

    # duration_us < 0: no response time
    cdef void count_request(self, int64_t now_us, int64_t duration_us, int64_t size_bytes) noexcept
    cdef void count_failure(self, int64_t now_us) noexcept
    cdef int count_intended(self, int64_t duration_us) except -1
    cdef int count_phases(self, const int64_t* six) except -1
    # one of the histograms, by its place; None where there is none, or made
    cdef Histogram part(self, int place)
    cdef Histogram made_part(self, int place)
    cdef void add_second(self, int64_t second, uint32_t requests, uint32_t failures) noexcept nogil
    cpdef void merge(self, Entry other)
    cpdef void reset(self, int64_t now_us)

cdef class Recorder:
    cdef readonly dict entries              # {(name, method): Entry}
    cdef readonly Entry total               # ("Aggregated", "")
    cdef public int limit
    cdef readonly bint overflowed           # a name has been folded into "(other)" since the last clear
    cdef public object on_overflow          # callable(method, name), once per generation
    cdef public object on_failure           # callable(method, name, exception, answer or None)
    cdef public object on_generator_error   # callable(method, name, exception)
    cdef public bint keeps_phases           # where the time of each request went is counted too
    cdef public int snapshots_kept          # copies of the total's histogram, one a second; 0 for none
    cdef list snapshots                     # [(ring second, Histogram as that second began)], oldest first
    cdef int64_t current_second             # of the latest request

    cpdef Entry entry(self, str method, str name)
    # what the engine calls: one C call for a success; failures go on to on_failure
    cdef void success(self, Entry entry, int64_t now_us, int64_t duration_us, int64_t size_bytes) noexcept
    cdef int failure(
        self, Entry entry, int64_t now_us, int64_t duration_us, int64_t size_bytes, object error, object answer
    ) except -1
    # besides success or failure, for a request that should have started at another moment than it did
    cpdef int intended(self, Entry entry, int64_t duration_us) except -1
    cpdef void interrupted(self, Entry entry)
    # in place of success or failure: the request was never made
    cpdef int generator_error(self, Entry entry, object error) except -1
    # besides success or failure
    cdef void late(self, Entry entry) noexcept
    cdef int phases(self, Entry entry, const int64_t* six) except -1
    cdef void begin_second(self, int64_t second) noexcept
    cdef void begin_this_second(self) noexcept
    cdef Entry fold(self, str method, str name)
