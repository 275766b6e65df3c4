# Numbers as bytes: unsigned LEB128, those that may be negative zigzag. Writing needs room, reading never leaves its end.
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport realloc

cdef struct Writer:
    unsigned char* start
    unsigned char* at
    unsigned char* end

cdef struct Reader:
    const unsigned char* at
    const unsigned char* end
    bint is_broken          # it was read beyond the end, or a number has more than 64 bits

cdef inline void put(Writer* writer, uint64_t number) noexcept nogil:
    while number >= 0x80:
        writer.at[0] = 0x80 | (number & 0x7F)
        writer.at += 1
        number >>= 7
    writer.at[0] = <unsigned char>number
    writer.at += 1

cdef inline void put_signed(Writer* writer, int64_t number) noexcept nogil:
    put(writer, (<uint64_t>number << 1) ^ <uint64_t>(number >> 63))

cdef inline bint has_room(Writer* writer, Py_ssize_t size) noexcept nogil:
    """Make room; whether there is memory for it."""
    cdef size_t used = writer.at - writer.start
    cdef size_t needed = used + size
    cdef unsigned char* larger
    if writer.end - writer.at >= size:
        return True
    needed += needed >> 1
    larger = <unsigned char*>realloc(writer.start, needed)
    if larger is NULL:
        return False
    writer.start = larger
    writer.at = larger + used
    writer.end = larger + needed
    return True

cdef inline uint64_t get(Reader* reader) noexcept nogil:
    cdef uint64_t number = 0
    cdef unsigned char byte
    cdef int shift = 0
    while reader.at < reader.end:
        byte = reader.at[0]
        reader.at += 1
        if shift == 63 and byte > 1:
            break
        number |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            return number
        shift += 7
    reader.is_broken = True
    reader.at = reader.end
    return 0

cdef inline int64_t signed_of(uint64_t number) noexcept nogil:
    return <int64_t>(number >> 1) ^ -<int64_t>(number & 1)

cdef inline int64_t get_signed(Reader* reader) noexcept nogil:
    return signed_of(get(reader))
