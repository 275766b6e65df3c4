"""``data=``, ``json=``, ``files=``: a request's body and its content type, byte for byte as requests makes them."""

import json as standard_json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import SEEK_END, TextIOBase
from json import encoder
from typing import Any
from urllib.parse import quote_plus

from requests import compat
from requests.exceptions import InvalidJSONError
from requests.models import RequestEncodingMixin

from gregaria.engine.json_text import json_text

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

#: what one read of a file takes
_PIECE_BYTES = 65536

#: bodies that are encoded as a whole
_WHOLE = (str, bytes, bytearray, memoryview, list, tuple, Mapping)

#: requests' own ways, which its type stubs do not know
_ENCODING: Any = RequestEncodingMixin
_JSON: Any = vars(compat)["json"]

#: as ``json.dumps(value, allow_nan=False)``, which makes an encoder each time
_dumps: Callable[[Any], str] = (
    standard_json.JSONEncoder(allow_nan=False).encode
    if _JSON is standard_json
    else partial(_JSON.dumps, allow_nan=False)
)

#: the same for plain values, several times faster; None where requests uses another library
_written: Callable[[Any], bytes | None] | None = json_text if _JSON is standard_json else None

#: what that does for most other values, without making an encoder each time; None where there is no such thing
_make_encoder: Any = getattr(encoder, "c_make_encoder", None) if _JSON is standard_json else None
_encoder: Callable[[Any, int], tuple[str, ...]] | None = _make_encoder and _make_encoder(
    None, standard_json.JSONEncoder().default, encoder.encode_basestring_ascii, None, ": ", ", ", False, False, False
)

#: values of a form that are written in one piece
_SCALARS = frozenset((str, int, float, bool))


class Pieces:
    """A body that is sent as it is read.

    Attributes:
        length: bytes in all, None when nobody knows.
        again: it can be read from its beginning once more.
    """

    def __init__(self, data: Any) -> None:
        self._data = data
        self.length: int | None = None
        self.again = False
        self._start = 0
        if hasattr(data, "read"):
            try:
                self._start = data.tell()
                self.length = data.seek(0, SEEK_END) - self._start
                data.seek(self._start)
                self.again = True
            except (AttributeError, OSError, TypeError):
                self.length = None

    def __iter__(self) -> Iterator[bytes]:
        data = self._data
        if not hasattr(data, "read"):
            yield from data
            return
        if self.again:
            data.seek(self._start)
        while piece := data.read(_PIECE_BYTES):
            yield piece


def pieces_of(data: Any) -> Pieces | None:
    """``data`` as a body that is sent as it is read: files and iterables; None for one that has to be encoded.

    Text files are no such thing: how many bytes they make, only reading tells.
    """
    if isinstance(data, _WHOLE) or data is None:
        return None
    if hasattr(data, "read"):
        return None if isinstance(data, TextIOBase) else Pieces(data)
    return Pieces(data) if hasattr(data, "__iter__") else None


def encode(
    data: Any = None,
    json: Any = None,
    files: Any = None,
    json_dumps: Callable[[Any], str | bytes] | None = None,
) -> tuple[bytes | None, str | None]:
    """Make a body.

    Args:
        data: str, bytes, a dict or list of pairs (form-encoded), or a file-like object or an
            iterator of pieces, which are read to their end.
        json: any JSON value; used when ``data`` is empty.
        files: a dict or list of pairs as requests takes them; makes the body multipart, with ``data`` as its fields.
        json_dumps: makes text of ``json``; default, whichever library requests uses, NaN refused.

    Returns:
        the body, None for none, and its content type, None when the caller has to know it.

    Raises:
        requests.exceptions.InvalidJSONError: ``json`` cannot be written as JSON.
        ValueError: ``files`` together with text as ``data``.
    """
    if files:
        multipart: tuple[bytes, str] = _ENCODING._encode_files(files, data)
        return multipart
    if data:
        return _encode_data(data)
    if json is not None:
        return encode_json(json, json_dumps), JSON
    return None, None


def is_text(data: Any, files: Any) -> bool:
    """Whether requests would keep the body that ``encode`` makes of these as text."""
    return bool(data) and not files and not hasattr(data, "read") and not isinstance(data, (bytes, bytearray))


def _encode_data(data: Any) -> tuple[bytes, str | None]:
    if isinstance(data, bytes):
        return data, None
    if isinstance(data, str):
        return data.encode(), None
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data), None
    if not isinstance(data, (list, tuple, Mapping)) and hasattr(data, "read"):
        content = data.read()
        return (content.encode() if isinstance(content, str) else bytes(content)), None
    if isinstance(data, Iterator):
        return b"".join([piece.encode() if isinstance(piece, str) else piece for piece in data]), None
    return urlencoded(data).encode(), FORM


def urlencoded(pairs: Any) -> str:
    """A dict or list of pairs as requests writes it into a query or a form; values that are None are left out."""
    if type(pairs) is dict:
        pieces = []
        for name, value in pairs.items():
            if type(name) is not str or type(value) not in _SCALARS:
                break
            pieces.append(f"{_quoted(name)}={_quoted(value if type(value) is str else str(value))}")
        else:
            return "&".join(pieces)
    return str(_ENCODING._encode_params(pairs))


def _quoted(text: str) -> str:
    return text if text.isalnum() and text.isascii() else quote_plus(text)


def encode_json(value: Any, json_dumps: Callable[[Any], str | bytes] | None = None) -> bytes:
    """A value as JSON; arguments and errors as for ``encode``."""
    if json_dumps is not None:
        text = json_dumps(value)
    else:
        if _written is not None:
            written = _written(value)
            if written is not None:
                return written
        if _encoder is not None:
            try:
                return "".join(_encoder(value, 0)).encode()
            except (ValueError, RecursionError):
                # What is wrong with it, the usual way says.
                pass
        try:
            text = _dumps(value)
        except ValueError as error:
            raise InvalidJSONError(error) from error
    return text.encode() if isinstance(text, str) else text
