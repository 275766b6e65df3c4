"""What is sent: files, forms, iterators, and bodies that wait for permission."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gregaria.settings import settings
from tests.oracle.case import Case, Fresh, call, one_by_one, post
from tests.oracle.phrases import EXPECT, FILES, FORMS, ITERATORS
from tests.oracle.places import Places
from tests.oracle.ways import Client

TEXT = b"Gr\xc3\xbc\xc3\x9fe,\r\n--boundary\r\n\x00\xff"


def file(content: bytes = b"content", name: str | None = None) -> Fresh:
    """A file in memory, with a name if it has one."""

    def make() -> Any:
        opened = io.BytesIO(content)
        if name is not None:
            opened.name = name
        return opened

    return Fresh(make)


def this_file() -> Any:
    return Path(__file__).open("rb")


def half_read() -> Any:
    opened = io.BytesIO(b"0123456789")
    opened.read(4)
    return opened


def pieces(*content: bytes | str) -> Fresh:
    def generate() -> Iterator[bytes | str]:
        yield from content

    return Fresh(generate)


class Lengthy:
    """An iterable that knows its length in bytes."""

    def __init__(self, *content: bytes) -> None:
        self.content = content

    def __len__(self) -> int:
        return sum(map(len, self.content))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.content)


class WithoutLength:
    """Can be read, and nobody knows how far."""

    def __init__(self, content: bytes) -> None:
        self._inside = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._inside.read(size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inside)


def _files(name: str, files: Any, **more: Any) -> Case:
    return Case(FILES, name, post("/upload", files=files, **more))


FILES_CASES = [
    _files("one file object", {"f": file()}),
    _files("one file object that has a name", {"f": file(name="/tmp/report.txt")}),
    _files("a file on the disk", {"f": Fresh(this_file)}),
    _files("a file that was read half", {"f": Fresh(half_read)}),
    _files("bytes", {"f": b"content"}),
    _files("text", {"f": "content"}),
    _files("text that is not ASCII", {"f": "Grüße"}),
    _files("empty bytes", {"f": b""}),
    _files("an empty file", {"f": file(b"")}),
    _files("content that looks like a boundary", {"f": TEXT}),
    _files("name and file object", {"f": ("a.txt", file())}),
    _files("name and bytes", {"f": ("a.txt", b"content")}),
    _files("name and text", {"f": ("a.txt", "content")}),
    _files("name, content and type", {"f": ("a.csv", b"a,b", "text/csv")}),
    _files("name, content, type and headers", {"f": ("a.csv", "a,b", "text/csv", {"X-Expires": "0", "Expires": "1"})}),
    _files("no name", {"f": (None, "value")}),
    _files("no name but a type", {"f": (None, '{"a": 1}', "application/json")}),
    _files("an empty name", {"f": ("", b"content")}),
    _files("a name that is not ASCII", {"f": ("Grüße.txt", b"content")}),
    _files("a name with quotes and backslashes", {"f": ('a"b\\c.txt', b"content")}),
    _files("a name with a line break", {"f": ("a\r\nb.txt", b"content")}),
    _files("a field's name that is not ASCII", {"fü": ("a.txt", b"content")}),
    _files("several in a dictionary", {"f": b"one", "g": ("g.txt", b"two"), "h": file(b"three", "h.bin")}),
    _files("several in a list", [("f", ("a.txt", b"one")), ("g", ("b.txt", b"two"))]),
    _files("several of one name", [("f", ("a.txt", b"one")), ("f", ("b.txt", b"two"))]),
    _files("a tuple of pairs", (("f", ("a.txt", b"one")), ("g", b"two"))),
    _files("with form fields", {"f": b"content"}, data={"a": "1", "b": "zwei ü"}),
    _files("with form fields of several values", {"f": b"content"}, data={"a": ["1", "2"], "b": None}),
    _files("with form fields as pairs", {"f": b"content"}, data=[("a", "1"), ("a", "2")]),
    _files("with numbers and bytes as form fields", {"f": b"content"}, data={"a": 1, "b": b"\xff", "c": True}),
    _files("with own headers", {"f": b"content"}, headers={"X-Own": "1", "Accept": "text/plain"}),
    _files("with params", {"f": b"content"}, params={"a": "b"}),
    _files("a large file", {"f": ("large.bin", Fresh(lambda: io.BytesIO(bytes(range(256)) * 4096)))}),
    _files("a bytearray", {"f": ("a.bin", bytearray(b"content"))}),
    _files("a value that is None", {"f": None, "g": b"content"}),
    _files("an empty dictionary", {}),
    Case(FILES, "put", call("PUT", "/upload", files={"f": b"content"})),
    Case(FILES, "twice in a row", post("/upload", files={"f": ("a.txt", b"content")}, times=2)),
    Case(
        FILES,
        "sent on after a redirect",
        post("/a?to=/b&status=307", files={"f": ("a.txt", b"content")}),
    ),
]

FORM_CASES = [
    Case(FORMS, "a dictionary", post("/form", data={"a": "1", "b": "two words"})),
    Case(FORMS, "numbers, booleans, None", post("/form", data={"a": 1, "b": 1.5, "c": True, "d": None})),
    Case(FORMS, "lists as values", post("/form", data={"a": ["1", "2"], "b": [], "c": ("x", "y")})),
    Case(FORMS, "pairs", post("/form", data=[("a", "1"), ("a", "2")])),
    Case(FORMS, "a tuple of pairs", post("/form", data=(("a", "1"), ("b", "2")))),
    Case(FORMS, "what has to be encoded", post("/form", data={"ä&=": "ö ~*-._/?#[]@!$'()+,;%", "n": "a\nb"})),
    Case(FORMS, "bytes as keys and values", post("/form", data={b"a": b"\xff\x00"})),
    Case(
        FORMS,
        "text, with its type",
        post("/form", data="a=1&b=2", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    ),
    Case(FORMS, "text without a type", post("/form", data="a=ü")),
    Case(FORMS, "an empty dictionary", post("/form", data={})),
    Case(FORMS, "by put", call("PUT", "/form", data={"a": "1"})),
    Case(
        FORMS,
        "by patch, and by delete",
        one_by_one(call("PATCH", "/form", data={"a": "1"}), call("DELETE", "/form", data={"a": "1"})),
    ),
    Case(FORMS, "by get", call("GET", "/form", data={"a": "1"})),
    Case(FORMS, "ten of them, all others", one_by_one(*(post("/form", data={"n": n}) for n in range(10)))),
    Case(FORMS, "json in its place", post("/form", json={"a": [1, None, "ü"], "b": {"c": 1.5}})),
    Case(
        FORMS,
        "json that is empty or false",
        one_by_one(post("/form", json={}), post("/form", json=[]), post("/form", json=0), post("/form", json=False)),
    ),
    Case(FORMS, "data wins over json", post("/form", data={"a": "1"}, json={"b": 2})),
    Case(FORMS, "an own type", post("/form", data={"a": "1"}, headers={"content-type": "text/odd"})),
    Case(FORMS, "a redirect that makes a get of it", post("/a?to=/b&status=303", data={"a": "1"})),
    Case(FORMS, "a redirect that keeps it", post("/a?to=/b&status=308", data={"a": "1"})),
]

ITERATOR_CASES = [
    Case(ITERATORS, "a generator of bytes", post("/pieces", data=pieces(b"one", b"two", b"three"))),
    Case(ITERATORS, "a generator of nothing", post("/pieces", data=pieces())),
    Case(ITERATORS, "an iterator over a list", post("/pieces", data=Fresh(lambda: iter([b"one", b"two"])))),
    Case(ITERATORS, "an iterable that knows its length", post("/pieces", data=Fresh(lambda: Lengthy(b"one", b"two")))),
    Case(ITERATORS, "a file object", post("/pieces", data=file())),
    Case(ITERATORS, "a file object that was read half", post("/pieces", data=Fresh(half_read))),
    Case(ITERATORS, "a file on the disk", post("/pieces", data=Fresh(this_file))),
    Case(ITERATORS, "an empty file object", post("/pieces", data=file(b""))),
    Case(
        ITERATORS,
        "something to read of unknown length",
        post("/pieces", data=Fresh(lambda: WithoutLength(b"one\ntwo"))),
    ),
    Case(ITERATORS, "a large generator", post("/pieces", data=pieces(*[b"x" * 65536] * 20))),
    Case(
        ITERATORS,
        "by put, with an own type",
        call("PUT", "/pieces", data=pieces(b"one"), headers={"Content-Type": "text/csv"}),
    ),
    Case(ITERATORS, "one after the other", post("/pieces", data=pieces(b"one", b"two"), times=3)),
    Case(ITERATORS, "an iterator and a redirect that drops it", post("/a?to=/b&status=303", data=pieces(b"one"))),
]

WAITING = {"Expect": "100-continue"}


def soon(client: Client, places: Places) -> None:
    """The server is not waited for as long as usual."""
    settings.expect_timeout_s = 0.2


EXPECT_CASES = [
    Case(EXPECT, "granted", post("/up", data=b"x" * 1000, headers=WAITING)),
    Case(EXPECT, "refused", post("/up?continue=no", data=b"x" * 1000, headers=WAITING)),
    Case(EXPECT, "never answered", one_by_one(soon, post("/up?continue=silent", data=b"x" * 1000, headers=WAITING))),
    Case(EXPECT, "for an iterator", post("/up", data=pieces(b"one", b"two"), headers=WAITING)),
    Case(EXPECT, "granted twice on one connection", post("/up", data=b"abc", headers=WAITING, times=2)),
]

CASES = [*FILES_CASES, *FORM_CASES, *ITERATOR_CASES, *EXPECT_CASES]
