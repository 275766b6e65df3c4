"""What was sent and received when a request failed: the first few of each kind, masked and cut to a size."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gregaria.client.decode import decode
from gregaria.engine.clock import epoch_us_of
from gregaria.engine.exchange import Answer
from gregaria.engine.phases import Phases
from gregaria.errors import ProtocolError, shortened
from gregaria.settings import settings
from gregaria.stats.fields import integer_of, list_of, moment_of, row_of, sendable, text_of
from gregaria.stats.masking import MASK, Mask, is_secret

__all__ = ["Exchange", "Half", "exchange_of"]

#: characters of a head, and of one of its lines, that are kept
_LONGEST_HEAD = 8192
_LONGEST_LINE = 2048
#: a body that is larger when decompressed is kept as it came
_MOST_DECODED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Half:
    """A request, or a response.

    Attributes:
        head: request line or status line, and headers.
        lines_left_out: how many lines more the head had.
        body: its beginning, content encodings undone; None when it is not known, as of a body that was sent in pieces.
        body_bytes: size of the whole body.
        bytes_left_out: how many of these are not kept. (Masked secrets change the size, too.)
    """

    head: tuple[str, ...]
    lines_left_out: int
    body: bytes | None
    body_bytes: int
    bytes_left_out: int

    def plain(self) -> list[Any]:
        """The fields, for another process; ``of`` reads them."""
        return [[*map(sendable, self.head)], self.lines_left_out, self.body, self.body_bytes, self.bytes_left_out]

    @classmethod
    def of(cls, plain: Any) -> "Half":
        """What ``plain`` made these of.

        Raises:
            ValueError: it made no such thing.
        """
        head, lines_left_out, body, body_bytes, bytes_left_out = row_of(plain, "a request or response", 5)
        if body is not None and not isinstance(body, bytes):
            raise ValueError(f"a body is no bytes but a {type(body).__name__}")
        return cls(
            tuple(text_of(line, "a header") for line in list_of(head, "a head", _LONGEST_HEAD)),
            integer_of(lines_left_out, "lines_left_out"),
            body,
            integer_of(body_bytes, "body_bytes"),
            integer_of(bytes_left_out, "bytes_left_out"),
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One failed request, secrets masked.

    Attributes:
        epoch_s: when it was sent.
        method, url, name: the request.
        error: what it failed with.
        duration_us: None when it is not known.
        request, response: None when nothing is known of it, or nothing came.
        status: the response's; None when there is none.
        phases: where the time went; None when that was not measured.
    """

    epoch_s: float
    method: str
    url: str
    name: str
    error: str
    duration_us: int | None
    request: Half | None
    response: Half | None
    status: int | None
    phases: Phases | None

    def plain(self) -> list[Any]:
        """The fields, for another process; ``of`` reads them."""
        return [
            self.epoch_s,
            *map(sendable, (self.method, self.url, self.name, self.error)),
            self.duration_us,
            *(half and half.plain() for half in (self.request, self.response)),
            self.status,
            None if self.phases is None else list(self.phases),
        ]

    @classmethod
    def of(cls, plain: Any, shift_s: int) -> "Exchange":
        """What ``plain`` made these of, at a moment of this machine's clock.

        Raises:
            ValueError: it made no such thing.
        """
        row = row_of(plain, "an exchange", 10)
        epoch_s, *texts, duration_us, request, response, status, phases = row
        method, url, name, error = (text_of(each, "a text of an exchange") for each in texts)
        return cls(
            epoch_s=moment_of(epoch_s, "epoch_s", shift_s) or 0.0,
            method=method,
            url=url,
            name=name,
            error=error,
            duration_us=None if duration_us is None else integer_of(duration_us, "duration_us"),
            request=None if request is None else Half.of(request),
            response=None if response is None else Half.of(response),
            status=None if status is None else integer_of(status, "status"),
            phases=None
            if phases is None
            else Phases(*(integer_of(each, "a phase") for each in row_of(phases, "phases", 6))),
        )


def exchange_of(method: str, name: str, message: str, error: object, answer: Any, mask: Mask) -> Exchange | None:
    """What can be told of a failed request.

    Args:
        method, name: the statistics' row.
        message: the failure's text.
        error: the failure; if it is requests' own it has the response.
        answer: the engine's Answer, or a response like those of requests; None for none.
        mask: hides what must not be shown.

    Returns:
        None when neither request nor response are known.
    """
    if isinstance(answer, Answer) and answer.prepared is not None and answer.prepared.head:
        return _of_answer(method, name, message, answer, mask)
    for response in (_outside(answer), getattr(error, "response", None)):
        if hasattr(response, "status_code") and getattr(response, "request", None) is not None:
            # Anybody may fire the event with anything, and an object that cannot be read is no reason to fail.
            try:
                begun_us = answer.started_us if isinstance(answer, Answer) else None
                return _of_response(method, name, message, response, begun_us, mask)
            except Exception:
                continue
    return None


def _outside(answer: Any) -> Any:
    """The response that another library made: given as the answer, or made of it."""
    if not isinstance(answer, Answer):
        return answer
    return None if answer.outside is None else answer.outside()


def _of_answer(method: str, name: str, message: str, answer: Answer, mask: Mask) -> Exchange:
    prepared = answer.prepared
    head: bytes | None = answer.head
    body = answer.body
    if answer.error is not None and answer.so_far is not None:
        head, body = answer.so_far
        if head is None:
            # It is read as one all the same: there may be cookies in it.
            head, body = body, b""
    sent, received = _lines(answer.sent_head), _lines(head)
    mask = mask.and_of([*sent, *received])
    if body and answer.has_encoding:
        body = _decoded(body, answer.header_pairs)
    elif body is None:
        # Read by somebody else, if at all.
        body = getattr(_outside(answer), "_content", None)
    return Exchange(
        epoch_s=epoch_us_of(answer.started_us) / 1e6,
        method=method,
        url=mask.text(prepared.url),
        name=mask.text(name),
        error=mask.text(message),
        duration_us=answer.finished_us - answer.started_us,
        # A body that was sent in pieces is gone with the last of them.
        request=_half(sent, prepared.body or (None if any(map(_announces_body, sent[1:])) else b""), mask),
        response=_half(received, body, mask) if received else None,
        status=answer.status or None,
        phases=answer.phases,
    )


def _of_response(method: str, name: str, message: str, response: Any, begun_us: int | None, mask: Mask) -> Exchange:
    request = response.request
    url = str(request.url or "")
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = [f"{request.method} {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}", *_pairs(request.headers)]
    received = []
    if response.status_code:
        received = [f"HTTP/1.1 {response.status_code} {_text(response.reason)}".rstrip(), *_pairs(response.headers)]
    mask = mask.and_of([*sent, *received])
    # What has not been read is not read for this: it would wait for the network.
    content = getattr(response, "_content", None)
    body = getattr(request, "body", None)
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    elapsed = getattr(response, "elapsed", None)
    return Exchange(
        epoch_s=time.time() if begun_us is None else epoch_us_of(begun_us) / 1e6,
        method=method,
        url=mask.text(url),
        name=mask.text(name),
        error=mask.text(message),
        duration_us=round(elapsed.total_seconds() * 1e6) if elapsed else None,
        request=_half(sent, b"" if body is None else body, mask),
        response=_half(received, content, mask) if received else None,
        status=response.status_code or None,
        phases=None,
    )


def _half(lines: list[str], body: Any, mask: Mask) -> Half:
    head: list[str] = []
    room = _LONGEST_HEAD
    is_hidden = False
    for place, line in enumerate(lines):
        if line[:1] in (" ", "\t") and place:
            # An old way to continue the line before.
            shown = f" {MASK}" if is_hidden else mask.text(line)
        else:
            is_hidden = place > 0 and is_secret(line)
            shown = mask.header(line) if place else mask.text(line)
        shown = shortened(shown, _LONGEST_LINE)
        room -= len(shown)
        if room < 0:
            break
        head.append(shown)
    left_out = len(lines) - len(head)
    if not isinstance(body, bytes):
        return Half(tuple(head), left_out, None, 0, 0)
    limit = settings.kept_body_bytes
    return Half(tuple(head), left_out, mask.start_of(body, limit), len(body), max(len(body) - limit, 0))


def _announces_body(line: str) -> bool:
    name, _, value = line.lower().partition(":")
    return name == "transfer-encoding" or (name == "content-length" and value.strip() != "0")


def _lines(head: bytes | None) -> list[str]:
    """The lines of a head; one that is not UTF-8 is read as latin-1, as HTTP has it."""
    return [_text(line.rstrip(b"\r")) for line in head.rstrip(b"\r\n").split(b"\n")] if head else []


def _pairs(headers: Any) -> list[str]:
    return [f"{_text(name)}: {_text(value)}" for name, value in headers.items()]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return "" if value is None else str(value)


def _decoded(body: bytes, pairs: list[tuple[str, str]]) -> bytes:
    encodings = ", ".join(value for name, value in pairs if name.lower() == "content-encoding")
    try:
        return decode(body, encodings, _MOST_DECODED_BYTES)
    except ProtocolError:
        return body
