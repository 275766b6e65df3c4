"""What was sent and received when a request failed, as JSON can hold it: for the page and the document."""

import codecs
import json
from collections.abc import Iterable
from typing import Any

from gregaria.stats.exchanges import Exchange, Half
from gregaria.stats.summary import FailureRow

__all__ = ["exchange_document", "kept_exchanges"]

#: what the exchanges of a document may take
_MOST_BYTES = 1_000_000


def exchange_document(exchange: Exchange) -> dict[str, Any]:
    """An exchange; times in microseconds."""
    return {
        "epoch_s": exchange.epoch_s,
        "method": exchange.method,
        "url": exchange.url,
        "name": exchange.name,
        "error": exchange.error,
        "duration_us": exchange.duration_us,
        "status": exchange.status,
        "request": _half(exchange.request),
        "response": _half(exchange.response),
        "phases_us": None if exchange.phases is None else exchange.phases._asdict(),
    }


def kept_exchanges(failures: Iterable[FailureRow]) -> dict[int, list[dict[str, Any]]]:
    """The exchanges that a document has room for, by the failure's place: first one of each failure, then the next."""
    rows = [[exchange_document(exchange) for exchange in failure.exchanges] for failure in failures]
    kept: dict[int, list[dict[str, Any]]] = {place: [] for place in range(len(rows))}
    room = _MOST_BYTES
    for turn in range(max(map(len, rows), default=0)):
        for place, exchanges in enumerate(rows):
            if turn < len(exchanges):
                room -= len(json.dumps(exchanges[turn]))
                if room < 0:
                    return kept
                kept[place].append(exchanges[turn])
    return kept


def _half(half: Half | None) -> dict[str, Any] | None:
    if half is None:
        return None
    return {
        "head": list(half.head),
        "lines_left_out": half.lines_left_out,
        # What is no text can be looked at, but not be sent again.
        "body": None if half.body is None else half.body.decode("utf-8", "replace"),
        "is_text": half.body is None or _is_text(half.body),
        "body_bytes": half.body_bytes,
        "bytes_left_out": half.bytes_left_out,
    }


def _is_text(body: bytes) -> bool:
    try:
        # The last character may have been cut.
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return b"\x00" not in body
