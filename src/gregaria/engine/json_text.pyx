"""JSON text of plain values, byte for byte that of ``json.dumps(value, allow_nan=False)``, in a few microseconds.

Only what can be written without asking any Python code is written: dict, list, tuple, str, int, float, bool and None of
exactly these types. Everything else is left to the standard library, which knows subclasses, other keys and the words
of its errors.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_Next
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport PyObject
from libc.math cimport fabs, isfinite
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, strlen

cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bint PyUnicode_IS_ASCII(object text)
    uint32_t PyUnicode_READ(int kind, void *data, Py_ssize_t index)
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1
    double PyFloat_AS_DOUBLE(object number)
    char *PyOS_double_to_string(double number, char format, int precision, int flags, int *kind) except NULL
    int Py_DTSF_ADD_DOT_0
    Py_ssize_t PyList_GET_SIZE(object values)
    PyObject *PyList_GET_ITEM(object values, Py_ssize_t index)
    Py_ssize_t PyTuple_GET_SIZE(object values)
    PyObject *PyTuple_GET_ITEM(object values, Py_ssize_t index)

#: levels of nesting; what is deeper, or contains itself, is for the standard library
cdef enum:
    DEEPEST = 100
#: the buffer kept between two calls; one that has grown beyond is given back
cdef enum:
    KEPT_BYTES = 65536
cdef enum Outcome:
    DONE = 0
    NOT_OURS = 1

cdef uint64_t ONES = 0x0101010101010101ULL
cdef uint64_t HIGH = 0x8080808080808080ULL
cdef const char *DIGITS = b"0123456789abcdef"

# The bytes that are written. One buffer serves all, for nobody else runs while it is written.
cdef char *buffer = NULL
cdef Py_ssize_t room = 0


cpdef bytes json_text(object value):
    """The value as JSON in ASCII, or None when that is for the standard library to say.

    Raises:
        MemoryError: there is no memory for the text.
    """
    global buffer, room
    cdef Py_ssize_t end = 0
    cdef int outcome
    cdef bytes text = None
    try:
        outcome = _write(value, &end, 0)
        if outcome == DONE:
            text = PyBytes_FromStringAndSize(buffer, end)
    finally:
        if room > KEPT_BYTES:
            PyMem_Free(buffer)
            buffer = NULL
            room = 0
    return text


cdef inline int _reserve(Py_ssize_t needed) except -1:
    """Make the buffer at least so long."""
    if needed > room:
        _grow(needed)
    return 0


cdef int _grow(Py_ssize_t needed) except -1:
    global buffer, room
    cdef Py_ssize_t wanted = max(needed + needed // 2, 4096)
    cdef char *grown = <char *>PyMem_Realloc(buffer, wanted)
    if grown == NULL:
        raise MemoryError
    buffer = grown
    room = wanted
    return 0


cdef int _write(object value, Py_ssize_t *end, int depth) except -1:
    # What the text of anything but a string or a container needs at most, and its separators.
    _reserve(end[0] + 64)
    kind = type(value)
    if kind is str:
        return _write_text(value, end)
    if value is None:
        return _put(b"null", 4, end)
    if value is True:
        return _put(b"true", 4, end)
    if value is False:
        return _put(b"false", 5, end)
    if kind is int:
        return _write_int(value, end)
    if kind is float:
        return _write_float(value, end)
    if depth == DEEPEST:
        return NOT_OURS
    if kind is dict:
        return _write_dict(value, end, depth + 1)
    if kind is list or kind is tuple:
        return _write_list(value, kind is list, end, depth + 1)
    return NOT_OURS


cdef inline int _put(const char *text, Py_ssize_t size, Py_ssize_t *end) noexcept:
    """Write what there is room for."""
    memcpy(buffer + end[0], text, size)
    end[0] += size
    return DONE


cdef int _write_dict(object value, Py_ssize_t *end, int depth) except -1:
    cdef Py_ssize_t place = 0
    cdef PyObject *key
    cdef PyObject *item
    cdef bint is_first = True
    cdef int outcome
    buffer[end[0]] = c"{"
    end[0] += 1
    while PyDict_Next(value, &place, &key, &item):
        if type(<object>key) is not str:
            return NOT_OURS
        if not is_first:
            _reserve(end[0] + 2)
            _put(b", ", 2, end)
        is_first = False
        _write_text(<object>key, end)
        _reserve(end[0] + 2)
        _put(b": ", 2, end)
        outcome = _write(<object>item, end, depth)
        if outcome != DONE:
            return outcome
    _reserve(end[0] + 1)
    return _put(b"}", 1, end)


cdef int _write_list(object values, bint is_list, Py_ssize_t *end, int depth) except -1:
    cdef Py_ssize_t place, count = PyList_GET_SIZE(values) if is_list else PyTuple_GET_SIZE(values)
    cdef int outcome
    buffer[end[0]] = c"["
    end[0] += 1
    for place in range(count):
        if place:
            _reserve(end[0] + 2)
            _put(b", ", 2, end)
        outcome = _write(
            <object>(PyList_GET_ITEM(values, place) if is_list else PyTuple_GET_ITEM(values, place)), end, depth
        )
        if outcome != DONE:
            return outcome
    _reserve(end[0] + 1)
    return _put(b"]", 1, end)


cdef int _write_int(object value, Py_ssize_t *end) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    cdef bytes text
    if overflow:
        try:
            text = str(value).encode()
        except ValueError:
            # More digits than Python is allowed to write.
            return NOT_OURS
        _reserve(end[0] + len(text))
        return _put(text, len(text), end)
    if number < 0:
        _put(b"-", 1, end)
        # Unsigned, for the smallest number has no opposite.
        return _put_digits(0 - <unsigned long long>number, end)
    return _put_digits(<unsigned long long>number, end)


cdef int _put_digits(unsigned long long number, Py_ssize_t *end) noexcept:
    cdef char digits[20]
    cdef int place = 20
    while True:
        place -= 1
        digits[place] = <char>(c"0" + number % 10)
        number //= 10
        if number == 0:
            return _put(digits + place, 20 - place, end)


cdef int _write_float(object value, Py_ssize_t *end) except -1:
    cdef double number = PyFloat_AS_DOUBLE(value)
    cdef double size = fabs(number)
    cdef unsigned long long millionths, part
    cdef char *text
    cdef int place
    if not isfinite(number):
        return NOT_OURS
    if 0.001 <= size < 1e9:
        millionths = <unsigned long long>(size * 1e6 + 0.5)
        # No two numbers of at most 15 digits are the same double, and a division is rounded rightly: if this one gives
        # the number, no text of it is shorter. That is so for prices and coordinates.
        if <double>millionths / 1e6 == size:
            if number < 0:
                _put(b"-", 1, end)
            _put_digits(millionths // 1_000_000, end)
            part = millionths % 1_000_000
            buffer[end[0]] = c"."
            for place in range(6, 0, -1):
                buffer[end[0] + place] = <char>(c"0" + part % 10)
                part //= 10
            end[0] += 7
            while buffer[end[0] - 1] == c"0" and buffer[end[0] - 2] != c".":
                end[0] -= 1
            return DONE
    text = PyOS_double_to_string(number, c"r", 0, Py_DTSF_ADD_DOT_0, NULL)
    _put(text, strlen(text), end)
    PyMem_Free(text)
    return DONE


cdef int _write_text(object text, Py_ssize_t *end) except -1:
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    cdef Py_ssize_t place = 0, at
    cdef int kind
    cdef void *data = PyUnicode_DATA(text)
    cdef uint32_t character
    # Enough as long as nothing is to be escaped; where something is, room is made for the rest again.
    _reserve(end[0] + length + 2)
    buffer[end[0]] = c'"'
    end[0] += 1
    if PyUnicode_IS_ASCII(text):
        place = _copy_plain(<const char *>data, length, buffer + end[0])
        end[0] += place
    if place < length:
        kind = PyUnicode_KIND(text)
        # A character becomes six bytes at most, twice that if it takes two units of UTF-16.
        _reserve(end[0] + (length - place) * (12 if kind == 4 else 6) + 1)
        at = end[0]
        while place < length:
            character = PyUnicode_READ(kind, data, place)
            place += 1
            if 0x20 <= character < 0x7F and character != c'"' and character != c"\\":
                buffer[at] = <char>character
                at += 1
            else:
                at += _escape(character, buffer + at)
        end[0] = at
    buffer[end[0]] = c'"'
    end[0] += 1
    return DONE


cdef Py_ssize_t _copy_plain(const char *text, Py_ssize_t length, char *target) noexcept:
    """Copy until something has to be escaped; answers with how much that was."""
    cdef Py_ssize_t place = 0
    cdef uint64_t eight, quotes, slashes
    cdef unsigned char character
    while place + 8 <= length:
        memcpy(&eight, text + place, 8)
        quotes = eight ^ (ONES * 0x22)
        slashes = eight ^ (ONES * 0x5C)
        # The high bit of a byte that is below a space, a quotation mark, a backslash, or 0x7f. All are below 0x80.
        if ((eight - ONES * 0x20) | (quotes - ONES) | (slashes - ONES) | (eight + ONES)) & HIGH:
            break
        memcpy(target + place, &eight, 8)
        place += 8
    while place < length:
        character = <unsigned char>text[place]
        if character < 0x20 or character >= 0x7F or character == c'"' or character == c"\\":
            break
        target[place] = <char>character
        place += 1
    return place


cdef int _escape(uint32_t character, char *target) noexcept:
    """Write what stands for a character that must not stand for itself; answers with its length."""
    cdef uint32_t beyond
    target[0] = c"\\"
    if character == c'"' or character == c"\\":
        target[1] = <char>character
    elif character == c"\n":
        target[1] = c"n"
    elif character == c"\r":
        target[1] = c"r"
    elif character == c"\t":
        target[1] = c"t"
    elif character == 0x0C:
        target[1] = c"f"
    elif character == 0x08:
        target[1] = c"b"
    elif character >= 0x10000:
        beyond = character - 0x10000
        _escape_unit(0xD800 | (beyond >> 10), target)
        _escape_unit(0xDC00 | (beyond & 0x3FF), target + 6)
        return 12
    else:
        _escape_unit(character, target)
        return 6
    return 2


cdef void _escape_unit(uint32_t unit, char *target) noexcept:
    target[0] = c"\\"
    target[1] = c"u"
    target[2] = DIGITS[unit >> 12]
    target[3] = DIGITS[(unit >> 8) & 0xF]
    target[4] = DIGITS[(unit >> 4) & 0xF]
    target[5] = DIGITS[unit & 0xF]
