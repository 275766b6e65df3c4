"""What a recorder has counted since it was last asked, in a few bytes; and adding that to another recorder.

Increments add up to the whole in any order, whoever cuts them wherever. A row is cut by another thread than the one
that counts, so between its first and its last number nothing may run that lets go of Python's lock: no Python code, and
no garbage collection, which may run some.

The packed form is a version, the moment of packing in microseconds since 1970, and a row after the other. Numbers are
unsigned LEB128, those that may be negative zigzag. A row:

    flags          1: it has ended requests; 2, 4, 8 ... 256: there is something new in this histogram
    method, name   a size in bytes and UTF-8 each
    counts         requests, those without time, failures, interrupted, errors of the generator, late, bytes (signed)
    moments        how long before the packing it began and (by the flag) its latest request ended, signed
    seconds        how many, and for each: how many seconds before the packing (signed), requests, failures
    histograms     by the flags: samples, min, max - min, sum, then buckets until all samples are there

Minimum and maximum are those of the whole row. A bucket is twice the number of buckets between it and the one before;
plus one and followed by ``count - 2`` if it has more than one sample, as most have not.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from gregaria.engine.clock cimport now_us as clock_us, offset_us
from gregaria.engine.histogram cimport BUCKETS, Histogram, bucket_of
from gregaria.engine.numbers cimport Reader, Writer, get, get_signed, has_room, put, put_signed, signed_of
from gregaria.engine.recorder cimport PARTS, SECONDS, Entry, Recorder, drift_s

cdef enum:
    PACK_VERSION = 1
    ENDED = 1
    FIRST_PART = 2
    ALL_FLAGS = 511
    MOST_BYTES_OF_NUMBER = 10
    # what a row takes at most besides its name: its numbers, its seconds, and two numbers for each bucket
    MOST_BYTES_OF_ROW = 10 * (20 + 3 * 64 + 8 * (4 + 2 * 1728))
    # a longer name is cut; four bytes a character
    LONGEST_NAME = 1 << 18
    LONGEST_NAME_BYTES = 1 << 20

cdef int64_t SECOND_US = 1_000_000
# A report's counts, and what any of a recorder's may become by it.
cdef uint64_t MOST_NEW = 1ULL << 48
cdef uint64_t MOST = 1ULL << 62
# Moments of this size are thousands of years away from 1970.
cdef uint64_t LATEST_US = 1ULL << 56


# -- taking ------------------------------------------------------------------------------------------------------------


cdef class Copy:
    def __dealloc__(self):
        cdef int place
        for place in range(PARTS):
            free(self.parts[place])

    cdef void clear(self) noexcept:
        cdef int place
        memset(self.counts, 0, sizeof(self.counts))
        self.total_bytes = 0
        memset(self.ring_second, 0, sizeof(self.ring_second))
        memset(self.ring_requests, 0, sizeof(self.ring_requests))
        memset(self.ring_failures, 0, sizeof(self.ring_failures))
        for place in range(PARTS):
            if self.parts[place] is not NULL:
                memset(self.parts[place], 0, sizeof(Told))


cdef void put_text(Writer* writer, bytes text) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    put(writer, size)
    memcpy(writer.at, PyBytes_AS_STRING(text), size)
    writer.at += size


cdef void counts_of(Entry entry, uint64_t* counts) noexcept:
    counts[0] = entry.num_requests
    counts[1] = entry.num_none_requests
    counts[2] = entry.num_failures
    counts[3] = entry.num_interrupted
    counts[4] = entry.num_generator_errors
    counts[5] = entry.num_late


cdef bytes utf8_of(str text):
    return (text if len(text) <= LONGEST_NAME else text[:LONGEST_NAME]).encode("utf-8", "surrogatepass")


cdef void put_seconds(Writer* writer, Entry entry, Copy copy, int64_t now_s, int64_t drift) noexcept:
    cdef int slot, changed = 0
    cdef uint32_t requests, failures
    for slot in range(SECONDS):
        if entry.ring_second[slot] >= 0 and entry.ring_second[slot] != copy.ring_second[slot]:
            copy.ring_second[slot] = entry.ring_second[slot]
            copy.ring_requests[slot] = 0
            copy.ring_failures[slot] = 0
        changed += (
            entry.ring_requests[slot] != copy.ring_requests[slot]
            or entry.ring_failures[slot] != copy.ring_failures[slot]
        )
    put(writer, changed)
    for slot in range(SECONDS):
        requests = entry.ring_requests[slot] - copy.ring_requests[slot]
        failures = entry.ring_failures[slot] - copy.ring_failures[slot]
        if requests or failures:
            put_signed(writer, now_s - entry.ring_second[slot] - drift)
            put(writer, requests)
            put(writer, failures)
            copy.ring_requests[slot] = entry.ring_requests[slot]
            copy.ring_failures[slot] = entry.ring_failures[slot]


cdef void put_histogram(Writer* writer, Histogram times, Told* told) noexcept:
    cdef int bucket, before = -1
    cdef uint64_t count
    put(writer, times.total - told.total)
    put(writer, times.min_us)
    put(writer, times.max_us - times.min_us)
    put(writer, times.sum_us - told.sum_us)
    told.total = times.total
    told.sum_us = times.sum_us
    # Nothing is ever counted outside of the extremes.
    for bucket in range(bucket_of(times.min_us), bucket_of(times.max_us) + 1):
        count = times.counts[bucket] - told.counts[bucket]
        if count:
            put(writer, <uint64_t>(bucket - before - 1) << 1 | (count > 1))
            if count > 1:
                put(writer, count - 2)
            told.counts[bucket] = times.counts[bucket]
            before = bucket


cdef int put_row(Writer* writer, Entry entry, Copy copy, int64_t now_us, int64_t offset, int64_t drift) except -1:
    """Pack what is new in a row, if anything is; from the first number that is marked as told nothing can fail."""
    cdef uint64_t counts[COUNTS]
    cdef Histogram times
    cdef bytes method, name
    cdef int place, flags = 0
    cdef bint is_new
    if copy.generation != entry.generation:
        copy.generation = entry.generation
        copy.clear()
    counts_of(entry, counts)
    is_new = entry.total_bytes != copy.total_bytes
    for place in range(COUNTS):
        is_new = is_new or counts[place] != copy.counts[place]
    for place in range(PARTS):
        times = entry.part(place)
        if times is None or times.total == 0:
            continue
        if copy.parts[place] is NULL:
            copy.parts[place] = <Told*>calloc(1, sizeof(Told))
            if copy.parts[place] is NULL:
                raise MemoryError
        if times.total != copy.parts[place].total:
            flags |= FIRST_PART << place
    if not is_new and not flags:
        return 0
    method, name = utf8_of(entry.method), utf8_of(entry.name)
    if not has_room(writer, MOST_BYTES_OF_ROW + PyBytes_GET_SIZE(method) + PyBytes_GET_SIZE(name)):
        raise MemoryError
    put(writer, flags | (ENDED if entry.last_us else 0))
    put_text(writer, method)
    put_text(writer, name)
    for place in range(COUNTS):
        put(writer, counts[place] - copy.counts[place])
        copy.counts[place] = counts[place]
    put_signed(writer, entry.total_bytes - copy.total_bytes)
    copy.total_bytes = entry.total_bytes
    put_signed(writer, now_us - entry.started_us - offset)
    if entry.last_us:
        put_signed(writer, now_us - entry.last_us - offset)
    put_seconds(writer, entry, copy, now_us / SECOND_US, drift)
    for place in range(PARTS):
        if flags & (FIRST_PART << place):
            put_histogram(writer, entry.part(place), copy.parts[place])
    return 0


cdef class Ledger:
    """Remembers what of a recorder has been told."""

    def __cinit__(self):
        self.copies = {}

    cpdef bytes take(self, Recorder recorder):
        """Everything that was counted since the last time, packed; None if nothing was.

        A row that was reset, or replaced by another of its name, is told from zero.

        Raises:
            MemoryError: there is none.
        """
        cdef Writer writer
        cdef int64_t now_us, offset, drift
        cdef Py_ssize_t head
        cdef Entry entry
        cdef Copy copy
        writer.start = writer.at = <unsigned char*>malloc(MOST_BYTES_OF_ROW)
        if writer.start is NULL:
            raise MemoryError
        writer.end = writer.start + MOST_BYTES_OF_ROW
        # The clock may have to be read by way of Python, which is done before the first number is looked at.
        drift = drift_s()
        offset = offset_us()
        now_us = clock_us() + offset
        self.round += 1
        put(&writer, PACK_VERSION)
        put(&writer, now_us)
        head = writer.at - writer.start
        try:
            for entry_object in recorder.entries.values():
                entry = <Entry>entry_object
                copy_object = self.copies.get(entry)
                if copy_object is None:
                    copy = Copy.__new__(Copy)
                    self.copies[entry] = copy
                else:
                    copy = <Copy>copy_object
                copy.round = self.round
                put_row(&writer, entry, copy, now_us, offset, drift)
            if writer.at - writer.start == head:
                return None
            return PyBytes_FromStringAndSize(<char*>writer.start, writer.at - writer.start)
        finally:
            free(writer.start)
            if len(self.copies) > len(recorder.entries):
                self.forget_dropped()

    cdef void forget_dropped(self):
        self.copies = {entry: copy for entry, copy in self.copies.items() if (<Copy>copy).round == self.round}

    def take_rows(self, Recorder recorder not None):
        """The same as rows; their extremes are those of the whole time."""
        cdef bytes packed = self.take(recorder)
        return [] if packed is None else rows_of(packed)


# -- adding ------------------------------------------------------------------------------------------------------------


# What a report adds to the total.
cdef struct Sums:
    uint64_t counts[COUNTS]
    int64_t total_bytes
    uint64_t samples[PARTS]
    uint64_t times_us[PARTS]


# What of a report's head and of this machine's clock is needed to tell its moments.
cdef struct Clocks:
    int64_t now_us          # when it was packed, in the sender's microseconds since 1970
    int64_t offset_us       # from monotonic moments to microseconds since 1970, and of a ring's seconds to whole ones
    int64_t drift_s
    int64_t shift_s         # what the receiver's clock is ahead by
    int64_t present_us      # monotonic


cdef uint64_t get_checked(Reader* reader, uint64_t limit, str what) except? 0xFFFFFFFFFFFFFFFFULL:
    cdef uint64_t number = get(reader)
    if reader.is_broken:
        raise ValueError("packed increments that are cut off or have a number too large")
    if number >= limit:
        raise ValueError(f"packed increments with {what} of {number}")
    return number


cdef int64_t get_moment(Reader* reader) except? -1:
    """How many microseconds, or seconds, before the packing."""
    return signed_of(get_checked(reader, LATEST_US, "a moment"))


cdef str get_text(Reader* reader):
    cdef Py_ssize_t size = get_checked(reader, LONGEST_NAME_BYTES + 1, "a name's size")
    if size > reader.end - reader.at:
        raise ValueError("packed increments that are cut off in a name")
    # A UnicodeDecodeError is a ValueError.
    text = PyUnicode_DecodeUTF8(<const char*>reader.at, size, "surrogatepass")
    reader.at += size
    return <str>text


cdef int check_added(uint64_t* sum, uint64_t more) except -1:
    sum[0] += more
    if sum[0] > MOST:
        raise ValueError("packed increments whose numbers are too large in all")
    return 0


cdef int check_histogram(Reader* reader, uint64_t* samples, uint64_t* times_us) except -1:
    cdef uint64_t token, count
    cdef uint64_t left = get_checked(reader, MOST_NEW, "a number of samples")
    cdef uint64_t min_us = get_checked(reader, MOST, "a time")
    cdef uint64_t max_us = min_us + get_checked(reader, MOST, "a time")
    cdef uint64_t sum_us = get_checked(reader, MOST, "a sum of times")
    cdef uint64_t bucket = 0
    cdef bint is_first = True
    if left == 0:
        raise ValueError("packed increments with an empty histogram")
    check_added(samples, left)
    check_added(times_us, sum_us)
    while left:
        token = get_checked(reader, 2 * BUCKETS, "a distance")
        bucket += (token >> 1) + (0 if is_first else 1)
        if bucket >= BUCKETS:
            raise ValueError(f"packed increments with a bucket {bucket}, and the last is {BUCKETS - 1}")
        if is_first and bucket < <uint64_t>bucket_of(min_us):
            raise ValueError(f"packed increments with a time below their least of {min_us} us")
        is_first = False
        count = get_checked(reader, MOST_NEW, "a number of samples") + 2 if token & 1 else 1
        if count > left:
            raise ValueError("packed increments with more samples in buckets than in all")
        left -= count
    if bucket > <uint64_t>bucket_of(max_us):
        raise ValueError(f"packed increments with a time above their most of {max_us} us")
    return 0


cdef tuple check_row(Reader* reader, Sums* sums):
    """Method and name of a row in which everything is possible."""
    cdef int place
    cdef int64_t size_bytes
    cdef uint64_t number, flags = get_checked(reader, ALL_FLAGS + 1, "flags")
    cdef str method = get_text(reader)
    cdef str name = get_text(reader)
    for place in range(COUNTS):
        check_added(&sums.counts[place], get_checked(reader, MOST_NEW, "a count"))
    size_bytes = signed_of(get_checked(reader, MOST, "a size"))
    sums.total_bytes += size_bytes
    if not -<int64_t>MOST < sums.total_bytes < <int64_t>MOST:
        raise ValueError("packed increments whose sizes are too large in all")
    get_moment(reader)
    if flags & ENDED:
        get_moment(reader)
    for number in range(get_checked(reader, SECONDS + 1, "seconds")):
        get_moment(reader)
        get_checked(reader, 1ULL << 32, "requests of a second")
        get_checked(reader, 1ULL << 32, "failures of a second")
    for place in range(PARTS):
        if flags & (FIRST_PART << place):
            check_histogram(reader, &sums.samples[place], &sums.times_us[place])
    return method, name


cdef list check(bytes packed, Clocks* clocks, Sums* sums):
    """(method, name) of every row, once everything is known to be possible.

    Raises:
        ValueError: something is not.
    """
    cdef Reader reader = reader_of(packed)
    cdef list names = []
    memset(sums, 0, sizeof(Sums))
    if get_checked(&reader, 1ULL << 63, "a version") != PACK_VERSION:
        raise ValueError("packed increments of another version: run the same Gregaria on the master and its workers")
    clocks.now_us = get_checked(&reader, LATEST_US, "a moment")
    if not -<int64_t>(LATEST_US >> 20) < clocks.shift_s < <int64_t>(LATEST_US >> 20):
        raise ValueError(f"clocks cannot be {clocks.shift_s} s apart")
    while reader.at < reader.end:
        names.append(check_row(&reader, sums))
    return names


cdef Reader reader_of(bytes packed) noexcept:
    cdef Reader reader
    reader.at = <const unsigned char*>PyBytes_AS_STRING(packed)
    reader.end = reader.at + PyBytes_GET_SIZE(packed)
    reader.is_broken = False
    return reader


cdef int check_total(Entry total, Sums* sums) except -1:
    """Refuse what a total cannot hold."""
    cdef uint64_t counts[COUNTS]
    cdef Histogram times
    cdef int place
    counts_of(total, counts)
    for place in range(COUNTS):
        check_added(&counts[place], sums.counts[place])
    if not -<int64_t>MOST < total.total_bytes + sums.total_bytes < <int64_t>MOST:
        raise ValueError("packed increments with sizes that are too large in all")
    for place in range(PARTS):
        times = total.part(place)
        if times is not None:
            check_added(&sums.samples[place], times.total)
            check_added(&sums.times_us[place], times.sum_us)
    return 0


cdef Clocks clocks_now(int64_t shift_s):
    cdef Clocks clocks
    clocks.now_us = 0
    clocks.shift_s = shift_s
    clocks.drift_s = drift_s()
    clocks.offset_us = offset_us()
    clocks.present_us = clock_us()
    return clocks


cdef inline int64_t moment_of(Reader* reader, Clocks* clocks) noexcept nogil:
    """A moment of this machine's clock; what another's, that is ahead, would have in the future is now."""
    cdef int64_t moment_us = clocks.now_us - get_signed(reader) + clocks.shift_s * SECOND_US - clocks.offset_us
    return min(moment_us, clocks.present_us)


cdef inline void raise_to(Histogram times, uint64_t samples, int64_t min_us, int64_t max_us, uint64_t sum_us) noexcept:
    if times.total == 0 or min_us < times.min_us:
        times.min_us = min_us
    times.max_us = max(times.max_us, max_us)
    times.total += samples
    times.sum_us += sum_us


cdef void add_histogram(Reader* reader, Histogram row, Histogram total) noexcept:
    cdef uint64_t token, count, left = get(reader)
    cdef int64_t min_us = get(reader)
    cdef int64_t max_us = min_us + get(reader)
    cdef uint64_t sum_us = get(reader)
    cdef int bucket = -1
    raise_to(row, left, min_us, max_us, sum_us)
    if total is not None:
        raise_to(total, left, min_us, max_us, sum_us)
    while left:
        token = get(reader)
        bucket += 1 + <int>(token >> 1)
        count = get(reader) + 2 if token & 1 else 1
        row.counts[bucket] += count
        if total is not None:
            total.counts[bucket] += count
        left -= count


cdef void add_counts(Entry entry, const uint64_t* counts, int64_t size_bytes, int64_t started_us, int64_t last_us) noexcept:
    entry.num_requests += counts[0]
    entry.num_none_requests += counts[1]
    entry.num_failures += counts[2]
    entry.num_interrupted += counts[3]
    entry.num_generator_errors += counts[4]
    entry.num_late += counts[5]
    entry.total_bytes += size_bytes
    entry.started_us = min(entry.started_us, started_us)
    entry.last_us = max(entry.last_us, last_us)


cdef int add_row(Reader* reader, Clocks* clocks, Entry row, Entry total) except -1:
    """Add a row that has been checked to an entry and, if there is one, to a total."""
    cdef uint64_t counts[COUNTS]
    cdef uint64_t size, flags = get(reader)
    cdef int64_t size_bytes, started_us, last_us = 0, second, present_s
    cdef uint32_t requests, failures
    cdef int place
    for place in range(2):
        size = get(reader)
        reader.at += size
    for place in range(COUNTS):
        counts[place] = get(reader)
    size_bytes = get_signed(reader)
    started_us = moment_of(reader, clocks)
    if flags & ENDED:
        last_us = moment_of(reader, clocks)
    add_counts(row, counts, size_bytes, started_us, last_us)
    if total is not None:
        add_counts(total, counts, size_bytes, started_us, last_us)
    present_s = (clocks.present_us + clocks.offset_us) / SECOND_US
    for place in range(<int>get(reader)):
        second = min(clocks.now_us / SECOND_US - get_signed(reader) + clocks.shift_s, present_s) - clocks.drift_s
        requests = <uint32_t>get(reader)
        failures = <uint32_t>get(reader)
        # Before the year in which counting of seconds begins there are none.
        if second >= 0:
            row.add_second(second, requests, failures)
            if total is not None:
                total.add_second(second, requests, failures)
    for place in range(PARTS):
        if flags & (FIRST_PART << place):
            add_histogram(reader, row.made_part(place), None if total is None else total.made_part(place))
    return 0


def merge(Recorder recorder not None, bytes packed not None, int64_t shift_s=0):
    """Add what a ``Ledger`` has packed, here or elsewhere, to a recorder's rows and its total.

    Args:
        shift_s: what this machine's clock is ahead of the other's by, in seconds.

    Returns:
        How many requests were added.

    Raises:
        ValueError: these bytes are no packed increments, or have impossible numbers; nothing has been added.
    """
    cdef Sums sums
    cdef Clocks clocks = clocks_now(shift_s)
    cdef list names = check(packed, &clocks, &sums)
    cdef Reader reader = reader_of(packed)
    cdef list rows
    cdef Entry row
    cdef uint64_t added = sums.counts[0]
    check_total(recorder.total, &sums)
    # Names beyond the limit may call somebody, so all rows are there before the first number is added.
    rows = [recorder.entry(<str>method, <str>name) for method, name in names]
    recorder.begin_this_second()
    get(&reader)
    get(&reader)
    for row in rows:
        if not row.live:
            row = recorder.entry(row.method, row.name)
        add_row(&reader, &clocks, row, recorder.total)
    return added


def rows_of(bytes packed not None):
    """What a ``Ledger`` has packed as rows, which belong to no recorder.

    Raises:
        ValueError: these bytes are no packed increments.
    """
    cdef Sums sums
    cdef Clocks clocks = clocks_now(0)
    cdef list names = check(packed, &clocks, &sums)
    cdef Reader reader = reader_of(packed)
    cdef list rows = []
    cdef Entry row
    get(&reader)
    get(&reader)
    for method, name in names:
        row = Entry(method, name)
        add_row(&reader, &clocks, row, None)
        rows.append(row)
    return rows
