"""client/body.py"""

import io
import json
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from requests import PreparedRequest, Request
from requests.exceptions import InvalidJSONError

from gregaria.client.body import encode, is_text, urlencoded


def by_requests(**arguments: Any) -> PreparedRequest:
    return Request("POST", "http://host/", **arguments).prepare()


def as_bytes(body: Any) -> bytes | None:
    return body.encode() if isinstance(body, str) else body


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"data": ""},
        {"data": {}},
        {"data": b""},
        {"data": "text with ä"},
        {"data": b"\x00\xff"},
        {"data": {"a": 1, "b": "x y&z", "c": None, "d": ["1", 2], "e": 1.5, "f": True}},
        {"data": OrderedDict(b="1", a="ä")},
        {"data": [("a", "1"), ("a", "2"), (b"b", b"3")]},
        {"data": (("a", "1"),)},
        {"json": {"a": [1, None, "ä"]}},
        {"json": []},
        {"json": 0},
        {"json": ""},
        {"data": {}, "json": {"a": 1}},
        {"data": {"a": 1}, "json": {"b": 2}},
    ],
)
def test_bodies_and_content_types_are_those_of_requests(arguments: dict[str, Any]) -> None:
    theirs = by_requests(**arguments)
    body, content_type = encode(**arguments)
    assert body == as_bytes(theirs.body)
    assert content_type == theirs.headers.get("Content-Type")
    assert is_text(arguments.get("data"), None) == isinstance(theirs.body, str)


FILES = [
    {"f": b"content"},
    {"f": ("name.txt", b"content")},
    {"f": ("name.txt", "text", "text/plain")},
    {"f": ("näme.txt", b"content", "text/plain", {"X-Part": "1"})},
    [("f", ("1.bin", b"1")), ("f", ("2.bin", b"2"))],
]


@pytest.mark.parametrize("files", FILES)
@pytest.mark.parametrize("data", [None, {"field": "value", "list": ["a", 1], "none": None}, [("field", b"value")]])
def test_multipart_bodies_differ_from_those_of_requests_in_the_boundary_only(files: Any, data: Any) -> None:
    theirs = by_requests(files=files, data=data)
    body, content_type = encode(data, None, files)
    assert body is not None
    assert content_type is not None
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\w+)", content_type)
    their_boundary = re.fullmatch(r"multipart/form-data; boundary=(\w+)", theirs.headers["Content-Type"])
    assert boundary is not None
    assert their_boundary is not None
    assert body.replace(boundary[1].encode(), b"-") == as_bytes(theirs.body).replace(their_boundary[1].encode(), b"-")


def test_files_are_read_to_their_end(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.read(4)
        assert encode(file) == (b"456789", None)
    assert encode(io.StringIO("ä")) == ("ä".encode(), None)
    assert encode(None, None, {"f": io.BytesIO(b"inside")})[0].count(b"inside") == 1  # type: ignore[union-attr]


def test_text_beside_files_is_refused_as_requests_does() -> None:
    with pytest.raises(ValueError, match="string"):
        encode("text", None, {"f": b"x"})


def test_what_is_no_json_is_refused_as_requests_does() -> None:
    with pytest.raises(InvalidJSONError):
        encode(json=float("nan"))


def test_another_json_writer_may_be_given() -> None:
    body, content_type = encode(json={"a": 1}, json_dumps=lambda value: json.dumps(value, separators=(",", ":")))
    assert (body, content_type) == (b'{"a":1}', "application/json")


scalars = some.one_of(some.text(max_size=8), some.integers(), some.floats(), some.booleans(), some.none())


@settings(max_examples=200, deadline=None)
@given(some.dictionaries(some.text(max_size=8), some.one_of(scalars, some.lists(scalars, max_size=3)), max_size=4))
def test_the_short_way_to_a_query_writes_what_requests_writes(pairs: dict[str, Any]) -> None:
    assert urlencoded(pairs) == PreparedRequest._encode_params(pairs)  # type: ignore[attr-defined]
