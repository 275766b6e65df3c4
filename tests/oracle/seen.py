"""What a case leaves behind on both sides, in words that can be compared: aspect by aspect."""

import re
from collections.abc import Mapping
from typing import Any

import requests

from tests.oracle.ways import Client, Failed
from tests.support.oracle_server import Received

_BOUNDARY = re.compile(r"boundary=([\w-]+)")
#: what differs from one request to the next
_ONE_TIME = re.compile(r'(cnonce|response)="[^"]*"')

_BY_THE_CLOCK = frozenset(("date",))


def of_responses(responses: list[Any]) -> dict[str, list[Any]]:
    """{aspect: [of each response]}"""
    each = [_of_response(response) for response in responses]
    return {aspect: [seen[aspect] for seen in each] for aspect in _NOTHING}


_NOTHING: Mapping[str, Any] = {
    "status": 0, "reason": None, "headers": None, "body": None, "text": None, "json": None, "encoding": None,
    "url": None, "history": [], "error": None, "ok": False, "raises": None, "fails": False, "elapsed": None,
}  # fmt: skip


def _of_response(response: Any) -> dict[str, Any]:
    if not isinstance(response, Failed) and not hasattr(response, "status_code"):
        return {**_NOTHING, "status": response}
    error = getattr(response, "error", None)
    if isinstance(response, Failed) or response.status_code == 0 or error is not None:
        return {**_NOTHING, "error": _kind(error), "raises": _kind(error), "fails": True}
    content = response.content
    raised = _raised(response)
    return {
        "status": response.status_code,
        "reason": response.reason,
        "headers": [
            (name.lower(), "..." if name.lower() in _BY_THE_CLOCK else value)
            for name, value in response.headers.items()
        ],
        "body": content,
        "text": response.text,
        "json": _json(response) if content[:1] in b"{[" else None,
        "encoding": response.encoding,
        "url": response.url,
        "history": [(step.status_code, step.url) for step in response.history],
        "error": None,
        "ok": response.ok,
        "raises": raised,
        "fails": raised is not None,
        "elapsed": response.elapsed.total_seconds() > 0,
    }


def _json(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return "no JSON"


def _raised(response: Any) -> str | None:
    try:
        response.raise_for_status()
    except Exception as error:
        return _kind(error)
    return None


def _kind(error: BaseException | None) -> str | None:
    """A failure's class as far as requests knows it."""
    if error is None:
        return None
    if isinstance(error, requests.RequestException):
        return type(error).__name__
    return "failure"


def of_server(received: list[Received]) -> dict[str, Any]:
    """{aspect: [of each request]}; each header is an aspect of its own."""
    aspects: dict[str, Any] = {
        "requests received": len(received),
        "sent method": [each.method for each in received],
        "sent target": [each.target for each in received],
        "sent version": [each.version for each in received],
        "sent body": [_body(each) for each in received],
        "connections": [each.connection for each in received],
        "hurried": [each.hurried for each in received],
        "waited for 100": [each.expected for each in received],
        "server name": [each.server_name for each in received],
        "resumed": [each.resumed for each in received],
        "client certificate": [each.client for each in received],
        "order of headers": [[name.lower() for name, _ in each.headers] for each in received],
    }
    for name in sorted({name.lower() for each in received for name, _ in each.headers}):
        aspects[f"sent {name}"] = [
            [_steady(value) for known, value in each.headers if known.lower() == name] for each in received
        ]
    aspects["spelling of headers"] = [sorted(name for name, _ in each.headers) for each in received]
    return aspects


def _body(received: Received) -> bytes:
    found = _BOUNDARY.search(received.header("Content-Type") or "")
    return received.body.replace(found[1].encode(), b"-") if found else received.body


def _steady(value: str) -> str:
    return _ONE_TIME.sub(r"\1=", _BOUNDARY.sub("boundary=-", value))


def of_case(client: Client, received: list[Received]) -> dict[str, Any]:
    """Everything that a case has left behind."""
    return {
        **of_responses(client.responses),
        **of_server(received),
        "cookies afterwards": client.cookies(),
    }


def differing(expected: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{aspect: (expected, seen)} of those that are not the same."""
    return {
        aspect: (expected.get(aspect), seen.get(aspect))
        for aspect in sorted(expected.keys() | seen.keys())
        if expected.get(aspect) != seen.get(aspect)
    }
