"""Frames of both dialects: msgpack arrays ``[type, data, node_id]``, as Locust's; bounded, and never pickle."""

import datetime
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import msgpack

from gregaria.errors import shortened

__all__ = ["LARGEST_FRAME_BYTES", "Frame", "WireError", "change_of", "copy_of", "pack", "size_of", "unpack", "whole"]

#: what is larger is refused by whoever would send it, and dropped unread by whoever gets it
LARGEST_FRAME_BYTES = 64 * 1024 * 1024
#: what a frame needs beside an item, and an item beside a message
_ENVELOPE_BYTES = 4096
_LONGEST_TYPE = 200
_LONGEST_NODE_ID = 300
#: as Locust writes a moment
_MOMENT = "%Y%m%dT%H:%M:%S.%f"


class WireError(ValueError):
    """Bytes that are no frame, or a value that cannot be sent."""


class Frame(NamedTuple):
    """One message on the wire.

    Attributes:
        type: what it is.
        data: anything that msgpack knows.
        node_id: the sender's, or in Locust's dialect whatever its master puts there.
    """

    type: str
    data: Any
    node_id: str


def pack(kind: str, data: Any, node_id: str, most_bytes: int = LARGEST_FRAME_BYTES) -> bytes:
    """The bytes of a frame.

    Raises:
        WireError: ``data`` holds something that msgpack cannot write, or is too large.
    """
    try:
        packed: bytes = msgpack.packb((kind, data, node_id), default=_simple)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(
            f"a message of type {kind!r} cannot be sent, as {error}: numbers (whole ones of up to 64 bits), texts, "
            "bytes, None, lists, dicts can"
        ) from None
    if len(packed) > most_bytes:
        raise WireError(
            f"a message of type {kind!r} has {len(packed):,} bytes, and {most_bytes:,} is the most: "
            "send it in parts, or where it can be fetched from"
        )
    return packed


def size_of(kind: str, data: Any) -> int:
    """How many bytes an item takes in a frame.

    Raises:
        WireError: it cannot be sent.
    """
    return len(pack(kind, data, "", LARGEST_FRAME_BYTES - _ENVELOPE_BYTES))


def copy_of(kind: str, data: Any) -> Any:
    """What will come of it over there: nobody changes that while another thread sends it.

    What could not be sent is refused, where it is asked for and not later in that thread.

    Raises:
        WireError: ``data`` holds something that msgpack cannot write, or is too large; or ``kind`` is no name.
    """
    if not isinstance(kind, str) or not 0 < len(kind) <= _LONGEST_TYPE:
        raise WireError(f"the type of a message is a text of 1 to {_LONGEST_TYPE} characters, not {kind!r}")
    return unpack(pack(kind, data, "", LARGEST_FRAME_BYTES - 2 * _ENVELOPE_BYTES)).data


def change_of(change: Mapping[str, Any]) -> Any:
    """What will come over there of a change of shared data.

    Raises:
        WireError: the value cannot be sent; or the key is a key no more over there, as a tuple becomes a list.
    """
    copy = copy_of("shared", change)
    if not isinstance(copy["key"], Hashable):
        raise WireError(
            f"shared_data cannot have the key {shortened(repr(change['key']), 100)}, as other nodes would get a "
            f"{type(copy['key']).__name__}: take a text, a number, bytes or None"
        )
    return copy


def whole(value: object) -> int:
    """A number that a frame holds; 0 where it is none, or below."""
    return value if isinstance(value, int) and value >= 0 else 0


def unpack(packed: bytes) -> Frame:
    """The frame of these bytes.

    Raises:
        WireError: they are none.
    """
    if len(packed) > LARGEST_FRAME_BYTES:
        raise WireError(f"a frame of {len(packed):,} bytes")
    try:
        found = msgpack.unpackb(packed, raw=False, strict_map_key=False, object_hook=_restored)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise WireError(f"no msgpack: {error}") from None
    if not isinstance(found, list) or len(found) != 3:
        raise WireError("no array of three")
    kind, data, node_id = found
    if not isinstance(kind, str) or not 0 < len(kind) <= _LONGEST_TYPE:
        raise WireError("the type of a frame is no text of a usable length")
    if not isinstance(node_id, str) or len(node_id) > _LONGEST_NODE_ID:
        # Locust's master sends None as the sender of some messages.
        if node_id is not None:
            raise WireError("the sender of a frame is no text of a usable length")
        node_id = ""
    return Frame(kind, data, node_id)


def _simple(value: Any) -> Any:
    """What msgpack does not know, as Locust writes it."""
    if isinstance(value, datetime.datetime):
        return {"__datetime__": True, "as_str": value.strftime(_MOMENT)}
    if isinstance(value, (set, frozenset)):
        return list(value)
    if type(value).__name__ == "ObjectId":
        return {"__ObjectId__": True, "as_str": str(value)}
    if isinstance(value, int):
        raise OverflowError("there is a whole number of more than 64 bits in it")
    raise TypeError(f"there is a {type(value).__qualname__} in it")


def _restored(found: dict[Any, Any]) -> Any:
    try:
        if found.get("__datetime__") is True:
            return datetime.datetime.strptime(found["as_str"], _MOMENT)
        if found.get("__ObjectId__") is True:
            return found["as_str"]
    except (KeyError, TypeError, ValueError):
        pass
    return found
