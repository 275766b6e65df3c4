"""Blocks: what was counted of every name in a stretch of time, in a few bytes, and the sum of such stretches.

A name is known by a number, its id. A block is its rows in the order of their ids, and a block without rows is empty.
Numbers are unsigned LEB128, those that may be negative zigzag. A row:

    id        the distance to that of the row before, less 1
    size      bytes of what follows
    flags     1, 2, 4, 8, 16: there are requests without time, failures, interrupted, errors of the generator, late
              32: other samples than requests with a time
    counts    requests, and those of the flags; bytes (signed); samples by the flag
    times     if there are samples: their sum, then buckets until all samples are there, as in ``engine/increments``

A bucket is twice the number of buckets between it and the one before; plus one and followed by ``count - 2`` if it has
more than one sample.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.math cimport log2
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from gregaria.engine.histogram cimport BUCKETS, Histogram, bucket_of
from gregaria.engine.increments cimport COUNTS, counts_of
from gregaria.engine.numbers cimport Reader, Writer, get, get_signed, has_room, put, put_signed
from gregaria.engine.recorder cimport Entry, Recorder

cdef enum:
    OTHER_SAMPLES = 32
    # all numbers of a row, and two for each bucket
    MOST_BYTES_OF_ROW = 10 * (12 + 2 * 1728)
    # more blocks are joined in several steps
    MOST_AT_ONCE = 256


# What was counted of one name, whole.
cdef struct Sums:
    uint64_t counts[COUNTS]
    int64_t total_bytes
    uint64_t samples
    uint64_t sum_us
    int first               # buckets in use lie between these two; first is BUCKETS while there are none
    int last
    uint64_t buckets[BUCKETS]


cdef void empty(Sums* sums) noexcept nogil:
    """What is in use is zeroed, no more: the rest is zero."""
    memset(sums.counts, 0, sizeof(sums.counts))
    sums.total_bytes = 0
    sums.samples = 0
    sums.sum_us = 0
    if sums.first <= sums.last:
        memset(&sums.buckets[sums.first], 0, (sums.last - sums.first + 1) * sizeof(uint64_t))
    sums.first = BUCKETS
    sums.last = -1


cdef Sums* new_sums() except NULL:
    cdef Sums* sums = <Sums*>calloc(1, sizeof(Sums))
    if sums is NULL:
        raise MemoryError
    sums.first = BUCKETS
    sums.last = -1
    return sums


cdef void add_body(Reader* reader, Sums* sums) noexcept nogil:
    """Add what follows a row's size."""
    cdef uint64_t number, samples, left, flags = get(reader)
    cdef int place, bucket = -1
    number = get(reader)
    samples = number
    sums.counts[0] += number
    for place in range(1, COUNTS):
        if flags & (1 << (place - 1)):
            number = get(reader)
            sums.counts[place] += number
            if place == 1:
                samples -= number
    sums.total_bytes += get_signed(reader)
    if flags & OTHER_SAMPLES:
        samples = get(reader)
    if samples == 0 or reader.is_broken:
        return
    sums.samples += samples
    sums.sum_us += get(reader)
    left = samples
    while left:
        number = get(reader)
        if (number >> 1) >= BUCKETS:
            reader.is_broken = True
        else:
            bucket += 1 + <int>(number >> 1)
        number = get(reader) + 2 if number & 1 else 1
        if reader.is_broken or bucket >= BUCKETS or number > left:
            reader.is_broken = True
            return
        sums.buckets[bucket] += number
        if bucket < sums.first:
            sums.first = bucket
        if bucket > sums.last:
            sums.last = bucket
        left -= number


cdef void put_body(Writer* writer, const Sums* sums) noexcept nogil:
    """What follows a row's size; there has to be room for it."""
    cdef uint64_t flags = 0, count
    cdef int place, bucket, before = -1
    for place in range(1, COUNTS):
        if sums.counts[place]:
            flags |= 1 << (place - 1)
    if sums.samples != sums.counts[0] - sums.counts[1]:
        flags |= OTHER_SAMPLES
    put(writer, flags)
    put(writer, sums.counts[0])
    for place in range(1, COUNTS):
        if sums.counts[place]:
            put(writer, sums.counts[place])
    put_signed(writer, sums.total_bytes)
    if flags & OTHER_SAMPLES:
        put(writer, sums.samples)
    if sums.samples == 0:
        return
    put(writer, sums.sum_us)
    for bucket in range(sums.first, sums.last + 1):
        count = sums.buckets[bucket]
        if count:
            put(writer, <uint64_t>(bucket - before - 1) << 1 | (count > 1))
            if count > 1:
                put(writer, count - 2)
            before = bucket


# Writes a block, row by row.
cdef class Block:
    cdef Writer writer
    cdef Writer body
    cdef int64_t before

    def __cinit__(self):
        self.before = -1
        self.writer.start = self.writer.at = <unsigned char*>malloc(MOST_BYTES_OF_ROW)
        self.body.start = self.body.at = <unsigned char*>malloc(MOST_BYTES_OF_ROW)
        if self.writer.start is NULL or self.body.start is NULL:
            raise MemoryError
        self.writer.end = self.writer.start + MOST_BYTES_OF_ROW
        self.body.end = self.body.start + MOST_BYTES_OF_ROW

    def __dealloc__(self):
        free(self.writer.start)
        free(self.body.start)

    cdef int put_sums(self, int64_t row_id, const Sums* sums) except -1:
        self.body.at = self.body.start
        put_body(&self.body, sums)
        return self.put_bytes(row_id, self.body.start, self.body.at - self.body.start)

    cdef int put_bytes(self, int64_t row_id, const unsigned char* body, size_t size) except -1:
        if not has_room(&self.writer, size + 20):
            raise MemoryError
        put(&self.writer, row_id - self.before - 1)
        put(&self.writer, size)
        memcpy(self.writer.at, body, size)
        self.writer.at += size
        self.before = row_id
        return 0

    cdef bytes whole(self):
        return PyBytes_FromStringAndSize(<char*>self.writer.start, self.writer.at - self.writer.start)


# -- cutting -----------------------------------------------------------------------------------------------------------


cdef class Seen:
    cdef void clear(self) noexcept:
        memset(self.counts, 0, sizeof(self.counts))
        self.total_bytes = 0
        self.samples = 0
        self.sum_us = 0
        memset(self.buckets, 0, sizeof(self.buckets))


cdef bint take_row(Entry entry, Seen seen, Sums* sums) noexcept:
    """What is new in a row; whether anything is."""
    cdef uint64_t counts[COUNTS]
    cdef uint32_t count
    cdef Histogram times = entry.times
    cdef int place, bucket
    cdef bint is_new
    if seen.generation != entry.generation:
        seen.generation = entry.generation
        seen.clear()
    counts_of(entry, counts)
    is_new = entry.total_bytes != seen.total_bytes or times.total != seen.samples
    for place in range(COUNTS):
        is_new = is_new or counts[place] != seen.counts[place]
    if not is_new:
        return False
    for place in range(COUNTS):
        sums.counts[place] = counts[place] - seen.counts[place]
        seen.counts[place] = counts[place]
    sums.total_bytes = entry.total_bytes - seen.total_bytes
    seen.total_bytes = entry.total_bytes
    sums.samples = times.total - seen.samples
    if sums.samples == 0:
        return True
    sums.sum_us = times.sum_us - seen.sum_us
    seen.samples = times.total
    seen.sum_us = times.sum_us
    # Nothing is ever counted outside of the extremes.
    for bucket in range(bucket_of(times.min_us), bucket_of(times.max_us) + 1):
        count = <uint32_t>times.counts[bucket] - seen.buckets[bucket]
        if count:
            sums.buckets[bucket] = count
            seen.buckets[bucket] = <uint32_t>times.counts[bucket]
            if sums.first == BUCKETS:
                sums.first = bucket
            sums.last = bucket
    return True


cdef class Cutter:
    """Cuts what a recorder counts into blocks.

    Attributes:
        names: ``[(method, name)]``; an id is a place in it.
    """

    def __cinit__(self):
        self.names = []
        self.ids = {}
        self.seen = {}

    def take(self, Recorder recorder not None):
        """The block of everything that was counted since the last time.

        A row that was reset, or replaced by another of its name, is counted from zero.

        Raises:
            MemoryError: there is none.
        """
        cdef list rows = self.rows(recorder)
        cdef Block block = Block.__new__(Block)
        cdef Sums* sums = new_sums()
        cdef Seen seen
        try:
            for entry, seen_object in rows:
                seen = <Seen>seen_object
                if take_row(<Entry>entry, seen, sums):
                    block.put_sums(seen.id, sums)
                    empty(sums)
            return block.whole()
        finally:
            free(sums)

    cdef list rows(self, Recorder recorder):
        """[(row, what of it is in blocks already)], in the order of their ids."""
        cdef list rows = []
        cdef Seen seen
        cdef int64_t before = -1
        cdef bint is_ordered = True
        for entry in recorder.entries.values():
            found = self.seen.get(entry)
            if found is None:
                seen = Seen.__new__(Seen)
                key = ((<Entry>entry).method, (<Entry>entry).name)
                if key not in self.ids:
                    self.ids[key] = len(self.names)
                    self.names.append(key)
                seen.id = self.ids[key]
                self.seen[entry] = seen
            else:
                seen = <Seen>found
            is_ordered = is_ordered and seen.id > before
            before = seen.id
            rows.append((entry, seen))
        if len(self.seen) > len(rows):
            self.seen = dict(rows)
        if not is_ordered:
            # Rows were dropped and came again in another order.
            rows.sort(key=id_of)
        return rows


def id_of(row):
    """Where a row stands in a block."""
    return (<Seen>row[1]).id


# -- reading and adding ------------------------------------------------------------------------------------------------


# A block, and where in it somebody reads.
cdef struct Rows:
    Reader reader
    int64_t id              # of the row at hand; -1 behind the last one
    const unsigned char* body
    const unsigned char* end


cdef int next_row(Rows* rows) except -1:
    cdef uint64_t size
    cdef int64_t row_id
    if rows.reader.at >= rows.reader.end:
        rows.id = -1
        return 0
    row_id = rows.id + 1 + <int64_t>get(&rows.reader)
    size = get(&rows.reader)
    if rows.reader.is_broken or row_id <= rows.id or size > <uint64_t>(rows.reader.end - rows.reader.at):
        raise ValueError("bytes that are no block")
    rows.id = row_id
    rows.body = rows.reader.at
    rows.reader.at += size
    rows.end = rows.reader.at
    return 0


cdef int begin_rows(Rows* rows, bytes block) except -1:
    if block is None:
        raise ValueError("None is no block")
    rows.reader.at = <const unsigned char*>PyBytes_AS_STRING(block)
    rows.reader.end = rows.reader.at + PyBytes_GET_SIZE(block)
    rows.reader.is_broken = False
    rows.id = -1
    return next_row(rows)


cdef int add_row(const Rows* rows, Sums* sums) except -1:
    cdef Reader reader
    reader.at = rows.body
    reader.end = rows.end
    reader.is_broken = False
    add_body(&reader, sums)
    if reader.is_broken or reader.at != reader.end:
        raise ValueError("bytes that are no block")
    return 0


def join(list blocks not None):
    """The sum of blocks, as one block.

    Raises:
        ValueError: one of them is none.
    """
    while len(blocks) > MOST_AT_ONCE:
        blocks = [join_some(blocks[first:first + MOST_AT_ONCE]) for first in range(0, len(blocks), MOST_AT_ONCE)]
    return join_some(blocks)


cdef bytes join_some(list blocks):
    cdef Block block = Block.__new__(Block)
    cdef Rows readers[MOST_AT_ONCE]
    cdef Sums* sums = new_sums()
    cdef int place, num_readers = len(blocks), num_found, found = 0
    cdef int64_t row_id
    try:
        for place in range(num_readers):
            begin_rows(&readers[place], <bytes?>blocks[place])
        while True:
            row_id = -1
            num_found = 0
            for place in range(num_readers):
                if readers[place].id < 0 or 0 <= row_id < readers[place].id:
                    continue
                num_found = num_found + 1 if readers[place].id == row_id else 1
                row_id = readers[place].id
                found = place
            if row_id < 0:
                return block.whole()
            if num_found == 1:
                block.put_bytes(row_id, readers[found].body, readers[found].end - readers[found].body)
                next_row(&readers[found])
                continue
            for place in range(num_readers):
                if readers[place].id == row_id:
                    add_row(&readers[place], sums)
                    next_row(&readers[place])
            block.put_sums(row_id, sums)
            empty(sums)
    finally:
        free(sums)


def total_of(bytes block not None):
    """The sum of a block's rows, as a block whose one row has the id 0; empty if there are none.

    Raises:
        ValueError: it is no block.
    """
    cdef Block total = Block.__new__(Block)
    cdef Rows rows
    cdef Sums* sums = new_sums()
    try:
        begin_rows(&rows, block)
        if rows.id < 0:
            return b""
        while rows.id >= 0:
            add_row(&rows, sums)
            next_row(&rows)
        total.put_sums(0, sums)
        return total.whole()
    finally:
        free(sums)


def one_of(bytes block not None, int64_t number):
    """The row of an id, as a block in which it has the id 0; empty if there is none.

    Raises:
        ValueError: it is no block.
    """
    cdef Block one = Block.__new__(Block)
    cdef Rows rows
    begin_rows(&rows, block)
    while 0 <= rows.id < number:
        next_row(&rows)
    if rows.id != number or number < 0:
        return b""
    one.put_bytes(0, rows.body, rows.end - rows.body)
    return one.whole()


def rows_of(bytes block not None):
    """``[(id, Entry)]``: rows without names, which belong to no recorder; their extremes are those of their buckets.

    Raises:
        ValueError: it is no block.
    """
    cdef Rows rows
    cdef Sums* sums = new_sums()
    cdef Entry entry
    cdef list found = []
    try:
        begin_rows(&rows, block)
        while rows.id >= 0:
            add_row(&rows, sums)
            entry = Entry("", "", 0)
            entry.num_requests = sums.counts[0]
            entry.num_none_requests = sums.counts[1]
            entry.num_failures = sums.counts[2]
            entry.num_interrupted = sums.counts[3]
            entry.num_generator_errors = sums.counts[4]
            entry.num_late = sums.counts[5]
            entry.total_bytes = sums.total_bytes
            fill(entry.times, sums)
            found.append((rows.id, entry))
            empty(sums)
            next_row(&rows)
        return found
    finally:
        free(sums)


cdef void fill(Histogram times, const Sums* sums) noexcept:
    if sums.samples == 0:
        return
    memcpy(times.counts, sums.buckets, sizeof(times.counts))
    # Before it has a total, a histogram tells the middle of a bucket.
    times.min_us = times.value_of(sums.first)
    times.max_us = times.value_of(sums.last)
    times.total = sums.samples
    times.sum_us = sums.sum_us


# -- as plain values ---------------------------------------------------------------------------------------------------


def mark_buckets(bytes block not None, bytearray marks not None):
    """Set a byte of ``marks`` for each bucket that has samples in a block.

    Raises:
        ValueError: it is no block, or there is not a byte for each bucket.
    """
    cdef Rows rows
    cdef Sums* sums = new_sums()
    cdef unsigned char[:] marked = marks
    cdef int bucket
    try:
        if len(marks) != BUCKETS:
            raise ValueError(f"{len(marks)} bytes for {BUCKETS} buckets")
        begin_rows(&rows, block)
        while rows.id >= 0:
            add_row(&rows, sums)
            next_row(&rows)
        for bucket in range(sums.first, sums.last + 1):
            if sums.buckets[bucket]:
                marked[bucket] = 1
    finally:
        free(sums)


def plain_rows(bytes block not None, list places not None):
    """``[[id, requests, failures, sum_us, [distance, count, ...]]]`` of a block.

    Args:
        places: what stands for each bucket, never falling; samples of buckets with the same place are one. A distance
            is to the place before, the first one's to 0.

    Raises:
        ValueError: it is no block, or there is not a place for each bucket.
    """
    cdef Rows rows
    cdef Sums* sums = new_sums()
    cdef list found = [], times
    cdef int bucket
    cdef int64_t place, at, before
    cdef uint64_t count
    try:
        if len(places) != BUCKETS:
            raise ValueError(f"{len(places)} places for {BUCKETS} buckets")
        begin_rows(&rows, block)
        while rows.id >= 0:
            add_row(&rows, sums)
            times = []
            at = before = count = 0
            for bucket in range(sums.first, sums.last + 1):
                if not sums.buckets[bucket]:
                    continue
                place = places[bucket]
                if count and place != at:
                    times.append(at - before)
                    times.append(count)
                    before = at
                    count = 0
                at = place
                count += sums.buckets[bucket]
            if count:
                times.append(at - before)
                times.append(count)
            found.append([rows.id, sums.counts[0], sums.counts[2], sums.sum_us, times])
            empty(sums)
            next_row(&rows)
        return found
    finally:
        free(sums)


def cells_of(Histogram times not None):
    """``(cell, count, cell, count, ...)`` in quarters of an octave: cell k begins at 2^(k/4) us, and cell 0 at 0."""
    cdef int bucket, cell, at = 0
    cdef uint64_t count = 0
    cdef list found = []
    if times.total == 0:
        return ()
    for bucket in range(bucket_of(times.min_us), bucket_of(times.max_us) + 1):
        if not times.counts[bucket]:
            continue
        cell = <int>(4 * log2(<double>max(times.value_of(bucket), 1)))
        if count and cell != at:
            found.append(at)
            found.append(count)
            count = 0
        at = cell
        count += times.counts[bucket]
    found.append(at)
    found.append(count)
    return tuple(found)
