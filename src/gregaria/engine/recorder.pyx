"""(method, name) -> counts, times and rates: what every finished request is counted in.

One row takes 15 KiB whatever it counts (28.5 KiB if its requests also have intended starts), and counting one request
allocates nothing. Whole seconds are those of the wall clock, so that the rows of several machines fit together.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from gregaria.engine.clock cimport now_us as clock_us, offset_us
from gregaria.engine.histogram cimport Histogram, bucket_of

from gregaria.errors import GeneratorError

cdef int64_t SECOND_US = 1_000_000
#: what makes a monotonic second begin with a wall-clock second; fixed, so that seconds never overlap
cdef int64_t PHASE_US = offset_us()

OTHER = "(other)"
TOTAL = "Aggregated"


cdef inline int64_t second_of(int64_t now_us) noexcept nogil:
    return (now_us + PHASE_US) / SECOND_US


cdef int64_t begin_of(int64_t second) noexcept nogil:
    """The monotonic moment at which a second begins."""
    return second * SECOND_US - PHASE_US


cdef int64_t drift_s():
    """Whole seconds that the wall clock has been set forward since the process began."""
    return (offset_us() - PHASE_US + SECOND_US / 2) // SECOND_US


cdef inline int slot_for(Entry entry, int64_t second) noexcept nogil:
    """The ring's slot of a second, emptied if it was another second's; -1 when that second is forgotten already."""
    cdef int slot = <int>(second & (SECONDS - 1))
    if entry.ring_second[slot] != second:
        if entry.ring_second[slot] > second:
            return -1
        entry.ring_second[slot] = second
        entry.ring_requests[slot] = 0
        entry.ring_failures[slot] = 0
    return slot


cdef inline void count(
    Entry entry, int64_t second, int64_t now_us, int64_t duration_us, int bucket, int64_t size_bytes, bint failed
) noexcept:
    cdef Histogram times = entry.times
    cdef int slot = slot_for(entry, second)
    entry.num_requests += 1
    entry.num_failures += failed
    entry.total_bytes += size_bytes
    if now_us > entry.last_us:
        entry.last_us = now_us
    if slot >= 0:
        entry.ring_requests[slot] += 1
        entry.ring_failures[slot] += failed
    if duration_us < 0:
        entry.num_none_requests += 1
        return
    times.counts[bucket] += 1
    times.total += 1
    times.sum_us += <uint64_t>duration_us
    if duration_us > times.max_us:
        times.max_us = duration_us
    # As an unsigned number the -1 of an empty histogram is above every time.
    if <uint64_t>duration_us < <uint64_t>times.min_us:
        times.min_us = duration_us


cdef class Entry:
    """The numbers of one (method, name). All times are integer microseconds, moments are monotonic ones.

    Attributes:
        method, name: which requests these are.
        live: False once the recorder has dropped this row.
        num_requests: all requests, those that failed included.
        num_none_requests: those without a response time.
        num_failures: those that failed.
        num_interrupted: those that were on the wire when the test ended; in no other figure.
        num_generator_errors: those that the generator's own limits kept from being made; in no other figure.
        num_late: those whose end was seen late, because the generator was held up, and not stamped by the kernel.
        total_bytes: the sum of the response sizes.
        started_us, last_us: creation or last reset, and the end of the latest request (0 if none).
        times: response times from the actual starts.
        intended: response times from the intended starts; None until there was one.
        phases: six histograms, of name lookup, connecting, TLS, sending, first byte and receiving; None until there
            was a request whose phases were kept.
    """

    def __init__(self, str method, str name, started_us=None):
        self.method = method
        self.name = name
        self.live = True
        self.times = Histogram()
        self.reset(clock_us() if started_us is None else started_us)

    cdef void count_request(self, int64_t now_us, int64_t duration_us, int64_t size_bytes) noexcept:
        count(self, second_of(now_us), now_us, duration_us, bucket_of(duration_us), size_bytes, False)

    cdef void count_failure(self, int64_t now_us) noexcept:
        cdef int slot = slot_for(self, second_of(now_us))
        self.num_failures += 1
        if slot >= 0:
            self.ring_failures[slot] += 1

    cdef int count_intended(self, int64_t duration_us) except -1:
        if self.intended is None:
            self.intended = Histogram()
        self.intended.add(duration_us)
        return 0

    cdef int count_phases(self, const int64_t* six) except -1:
        cdef int place
        if self.phases is None:
            self.phases = tuple([Histogram() for _ in range(6)])
        for place in range(6):
            (<Histogram>self.phases[place]).add(six[place])
        return 0

    def add_phases(self, phases):
        """Count where the time of one request went, as a sequence of six times in microseconds."""
        cdef int64_t six[6]
        cdef int place
        for place in range(6):
            six[place] = phases[place]
        self.count_phases(six)

    def add_request(self, duration_us, int64_t size_bytes, now_us=None):
        """Count one request in this row only; ``duration_us`` may be None."""
        self.count_request(
            clock_us() if now_us is None else now_us, -1 if duration_us is None else max(duration_us, 0), size_bytes
        )

    def add_failure(self, now_us=None):
        """Count that one of this row's requests failed."""
        self.count_failure(clock_us() if now_us is None else now_us)

    cpdef void merge(self, Entry other):
        """Add all that another row counted."""
        cdef int slot, place
        cdef Histogram theirs
        self.num_requests += other.num_requests
        self.num_none_requests += other.num_none_requests
        self.num_failures += other.num_failures
        self.num_interrupted += other.num_interrupted
        self.num_generator_errors += other.num_generator_errors
        self.num_late += other.num_late
        self.total_bytes += other.total_bytes
        self.started_us = min(self.started_us, other.started_us)
        self.last_us = max(self.last_us, other.last_us)
        for place in range(PARTS):
            theirs = other.part(place)
            if theirs is not None:
                self.made_part(place).merge(theirs)
        for slot in range(SECONDS):
            if other.ring_second[slot] >= 0:
                self.add_second(other.ring_second[slot], other.ring_requests[slot], other.ring_failures[slot])

    cdef Histogram part(self, int place):
        if place == 0:
            return self.times
        if place == 1:
            return self.intended
        return None if self.phases is None else <Histogram>self.phases[place - 2]

    cdef Histogram made_part(self, int place):
        if place == 1 and self.intended is None:
            self.intended = Histogram()
        elif place > 1 and self.phases is None:
            self.phases = tuple([Histogram() for _ in range(6)])
        return self.part(place)

    cdef void add_second(self, int64_t second, uint32_t requests, uint32_t failures) noexcept nogil:
        cdef int slot = slot_for(self, second)
        if slot >= 0:
            self.ring_requests[slot] += requests
            self.ring_failures[slot] += failures

    cpdef void reset(self, int64_t now_us):
        """Zero everything, as from this moment."""
        cdef int slot
        self.generation += 1
        self.num_requests = 0
        self.num_none_requests = 0
        self.num_failures = 0
        self.num_interrupted = 0
        self.num_generator_errors = 0
        self.num_late = 0
        self.phases = None
        self.total_bytes = 0
        self.started_us = now_us
        self.last_us = 0
        self.times.clear()
        self.intended = None
        for slot in range(SECONDS):
            self.ring_second[slot] = -1
        memset(self.ring_requests, 0, sizeof(self.ring_requests))
        memset(self.ring_failures, 0, sizeof(self.ring_failures))

    def per_second(self):
        """``{epoch second: (requests, failures)}`` of those of the last 64 seconds that had any, in order."""
        cdef int slot
        cdef int64_t drift = drift_s()
        seconds = {
            self.ring_second[slot] + drift: (self.ring_requests[slot], self.ring_failures[slot])
            for slot in range(SECONDS)
            if self.ring_second[slot] >= 0
        }
        return dict(sorted(seconds.items()))

    def rates(self, int64_t started_us, int64_t reference_us, int window_s):
        """Requests and failures per second, over the last whole seconds before ``reference_us``.

        Until one whole second has passed, over the time there was.

        Args:
            started_us: nothing before this moment counts.
            window_s: how many seconds at most; no more than 60 are remembered.
        """
        cdef int64_t last = second_of(reference_us)
        cdef int64_t begin_us = max(started_us, begin_of(last - min(window_s, SECONDS - 4)))
        cdef int64_t end_us = begin_of(last)
        cdef int64_t first, requests = 0, failures = 0
        cdef int slot
        if end_us - begin_us < SECOND_US:
            end_us = reference_us
            last += 1
        first = second_of(begin_us)
        if end_us <= begin_us:
            return 0.0, 0.0
        for slot in range(SECONDS):
            if first <= self.ring_second[slot] < last:
                requests += self.ring_requests[slot]
                failures += self.ring_failures[slot]
        seconds = (end_us - begin_us) / 1e6
        return requests / seconds, failures / seconds

    def state(self):
        """The counts by name, and ``per_second``: with the histograms all that ``restore`` needs."""
        return {
            "num_requests": self.num_requests,
            "num_none_requests": self.num_none_requests,
            "num_failures": self.num_failures,
            "num_interrupted": self.num_interrupted,
            "num_generator_errors": self.num_generator_errors,
            "num_late": self.num_late,
            "total_bytes": self.total_bytes,
            "started_us": self.started_us,
            "last_us": self.last_us,
            "per_second": self.per_second(),
        }

    def restore(self, dict state, Histogram times, Histogram intended=None, tuple phases=None):
        """Take over what another row's ``state`` tells; moments must be of this machine's clock.

        Raises:
            KeyError, TypeError: the state lacks a number.
            OverflowError: a number has more than 64 bits.
        """
        cdef int slot
        cdef int64_t drift = drift_s()
        self.reset(state["started_us"])
        self.num_requests = state["num_requests"]
        self.num_none_requests = state["num_none_requests"]
        self.num_failures = state["num_failures"]
        self.num_interrupted = state["num_interrupted"]
        self.num_generator_errors = state.get("num_generator_errors", 0)
        self.num_late = state.get("num_late", 0)
        self.total_bytes = state["total_bytes"]
        self.last_us = state["last_us"]
        self.times = times
        self.intended = intended
        self.phases = phases
        for second, (requests, failures) in state["per_second"].items():
            slot = slot_for(self, second - drift)
            if slot >= 0:
                self.ring_requests[slot] = requests
                self.ring_failures[slot] = failures


cdef class Recorder:
    """Every row of a test, and their total.

    Attributes:
        entries: ``{(name, method): Entry}``.
        total: all rows together; it stays the same object for good.
        limit: how many names get a row of their own; later ones share the row ``("(other)", "")``.
        overflowed: whether that has happened since the last ``clear``.
        on_overflow: called with (method, name) when it happens first.
        on_failure: called with (method, name, error, answer) for every failure, after it was counted; the answer is
            the engine's, or a response of another client's, or None.
        on_generator_error: called with (method, name, error) for every request that could not be made.
        keeps_phases: whether ``Entry.phases`` are kept; six more histograms a row.
        snapshots_kept: how many seconds ``recent`` can look back, and two.
    """

    def __init__(self, int limit=1000):
        self.entries = {}
        self.limit = limit
        self.total = Entry("", TOTAL)
        self.snapshots = []
        self.current_second = -1

    cpdef Entry entry(self, str method, str name):
        """The row of a (method, name), made when it is new; beyond the limit the row of all others."""
        cdef tuple key = (name, method)
        cdef object found = self.entries.get(key)
        if found is not None:
            return <Entry>found
        if len(self.entries) - (1 if self.overflowed else 0) >= self.limit:
            return self.fold(method, name)
        found = Entry(method, name)
        self.entries[key] = found
        return <Entry>found

    cdef Entry fold(self, str method, str name):
        cdef tuple key = (OTHER, "")
        if not self.overflowed:
            if key not in self.entries:
                self.entries[key] = Entry("", OTHER)
            self.overflowed = True
            if self.on_overflow is not None:
                self.on_overflow(method, name)
        return <Entry>self.entries[key]

    cdef void success(self, Entry entry, int64_t now_us, int64_t duration_us, int64_t size_bytes) noexcept:
        cdef int64_t second = second_of(now_us)
        cdef int bucket = bucket_of(duration_us)
        if not entry.live:
            entry = self.entry(entry.method, entry.name)
        if second != self.current_second:
            self.begin_second(second)
        count(entry, second, now_us, duration_us, bucket, size_bytes, False)
        count(self.total, second, now_us, duration_us, bucket, size_bytes, False)

    cdef int failure(
        self, Entry entry, int64_t now_us, int64_t duration_us, int64_t size_bytes, object error, object answer
    ) except -1:
        cdef int64_t second = second_of(now_us)
        cdef int bucket = bucket_of(duration_us)
        if not entry.live:
            entry = self.entry(entry.method, entry.name)
        if second != self.current_second:
            self.begin_second(second)
        count(entry, second, now_us, duration_us, bucket, size_bytes, True)
        count(self.total, second, now_us, duration_us, bucket, size_bytes, True)
        if self.on_failure is not None:
            self.on_failure(entry.method, entry.name, error, answer)
        return 0

    cpdef int generator_error(self, Entry entry, object error) except -1:
        """Count a request that a limit of this machine kept from being made; it is in no other figure."""
        if not entry.live:
            entry = self.entry(entry.method, entry.name)
        entry.num_generator_errors += 1
        self.total.num_generator_errors += 1
        if self.on_generator_error is not None:
            self.on_generator_error(entry.method, entry.name, error)
        return 0

    cdef void late(self, Entry entry) noexcept:
        if not entry.live:
            entry = self.entry(entry.method, entry.name)
        entry.num_late += 1
        self.total.num_late += 1

    cdef int phases(self, Entry entry, const int64_t* six) except -1:
        if not entry.live:
            entry = self.entry(entry.method, entry.name)
        entry.count_phases(six)
        self.total.count_phases(six)
        return 0

    cpdef int intended(self, Entry entry, int64_t duration_us) except -1:
        """Beside counting a request: its time since the moment at which it should have started."""
        if not entry.live:
            entry = self.entry(entry.method, entry.name)
        entry.count_intended(duration_us)
        self.total.count_intended(duration_us)
        return 0

    cpdef void interrupted(self, Entry entry):
        """Count a request that was on the wire when the test ended."""
        if not entry.live:
            entry = self.entry(entry.method, entry.name)
        entry.num_interrupted += 1
        self.total.num_interrupted += 1

    def record(
        self, str method not None, str name not None, duration_us, int64_t size_bytes,
        error=None, now_us=None, intended_us=None, answer=None,
    ):
        """Count one finished request, from Python.

        Args:
            duration_us: microseconds, or None when there is no response time.
            error: what it failed with; None is a success, a GeneratorError counts as that and nothing else.
            now_us: the monotonic moment of its end; now if None.
            intended_us: the monotonic moment at which it should have started.
            answer: what came back, for ``on_failure``.
        """
        cdef Entry row = self.entry(method, name)
        cdef int64_t now = clock_us() if now_us is None else now_us
        cdef int64_t duration = -1 if duration_us is None else max(duration_us, 0)
        if error is None:
            self.success(row, now, duration, size_bytes)
        elif isinstance(error, GeneratorError):
            self.generator_error(row, error)
            return
        else:
            self.failure(row, now, duration, size_bytes, error, answer)
        if intended_us is not None and duration >= 0:
            self.intended(row, now - intended_us)

    def fail(self, str method not None, str name not None, error, now_us=None, answer=None):
        """Count that a request, counted already, was a failure."""
        cdef Entry row = self.entry(method, name)
        cdef int64_t now = clock_us() if now_us is None else now_us
        row.count_failure(now)
        self.total.count_failure(now)
        if self.on_failure is not None:
            self.on_failure(row.method, row.name, error, answer)

    def merge(self, Entry other):
        """Add a row that was counted elsewhere to the row of its name and to the total."""
        self.begin_this_second()
        self.entry(other.method, other.name).merge(other)
        self.total.merge(other)

    cdef void begin_this_second(self) noexcept:
        cdef int64_t second = second_of(clock_us())
        if second != self.current_second:
            self.begin_second(second)

    cdef void begin_second(self, int64_t second) noexcept:
        """Called before the first request of a second is counted: keep what was counted until here."""
        if second < self.current_second:
            return
        self.current_second = second
        if self.snapshots_kept <= 0:
            return
        self.snapshots.append((second, self.total.times.copy()))
        if len(self.snapshots) > self.snapshots_kept:
            del self.snapshots[0]

    def recent(self, int64_t reference_us, int window_s):
        """The times of all requests of the last seconds up to ``reference_us``; None if there were none.

        It looks back ``window_s`` whole seconds and what there is of the current one.
        """
        cdef int64_t first = second_of(reference_us) - window_s
        for second, before in self.snapshots:
            if second >= first:
                newer = self.total.times.since(before)
                return newer if newer.total else None
        return None

    def clear(self):
        """Drop every row; sessions that hold one get a new one with their next request."""
        for entry in self.entries.values():
            (<Entry>entry).live = False
        self.entries.clear()
        self.overflowed = False
        self.reset()

    def reset(self):
        """Zero every row in place."""
        cdef int64_t now = clock_us()
        for entry in self.entries.values():
            (<Entry>entry).reset(now)
        self.total.reset(now)
        self.snapshots.clear()
        self.current_second = -1
