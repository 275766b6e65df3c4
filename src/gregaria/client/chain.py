"""A chain of redirects, walked to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from gregaria.client.address import split
from gregaria.client.body import Pieces
from gregaria.client.pool import REDIRECTS
from gregaria.client.ready import Said
from gregaria.client.response import FastResponse
from gregaria.errors import ProtocolError, TooManyRedirects, TransferError

if TYPE_CHECKING:
    from gregaria.client.session import FastHttpSession

#: characters of a URL that a message shows, and how many steps
_SHOWN_CHARACTERS = 200
_SHOWN_STEPS = 3

_UNIX = "http+unix://"

#: {method: statuses after which the next step is a GET without a body}; "" stands for all others (RFC 9110, 15.4)
BECOMES_GET: dict[str, tuple[int, ...]] = {"GET": (), "HEAD": (), "POST": (301, 302, 303), "": (302, 303)}


def follow(session: FastHttpSession, response: FastResponse, said: Said) -> FastResponse:
    """Walk on from a redirect.

    Args:
        session: whose request it is.
        response: the redirect.
        said: what the call said.

    Returns:
        the last response, with those before it as its history; its ``error`` is set when the chain has no end.
    """
    steps: list[FastResponse] = []
    most = session.max_redirects if said.max_redirects is None else said.max_redirects
    body, pieces = response.prepared.body, response.prepared.pieces
    stream = response.reader is not None
    while response.status in REDIRECTS and response.headers.get("location"):
        before = response.prepared
        steps.append(response)
        if len(steps) > most:
            response.error = TooManyRedirects(f"more than {most} redirects; the last led {_where(steps)}")
            break
        try:
            address = split(onward(before.url, _location(response)))
        except ValueError as error:
            where = _location(response)[:_SHOWN_CHARACTERS]
            response.error = ProtocolError(f"the redirect leads nowhere: {where!r} ({error})")
            break
        method = before.method
        if response.status in BECOMES_GET.get(method, BECOMES_GET[""]):
            method, body, pieces = "GET", None, None
            said = said._replace(headers=_without(said.headers, ("content-", "transfer-encoding")))
        if isinstance(pieces, Pieces) and not pieces.again:
            response.error = TransferError("the redirect wants the body again, and an iterator gives it only once")
            break
        if session.origin(address, said.route) is not before.origin:
            # Credentials are for the host they were given for.
            headers = _without(said.headers, ("authorization", "cookie"))
            said = said._replace(headers={**headers, "Authorization": None}, auth=None, cookies=None)
        step = session.prepare(method, address, said, pieces if body is None else body, before.name, type(response))
        step.connect_timeout_us = before.connect_timeout_us
        step.read_timeout_us = before.read_timeout_us
        context = getattr(response, "_context", None)
        response.drop()
        response = step.perform(False, True, True, stream, steps[-1])  # type: ignore[assignment]
        if context:
            response._context = context
        if response.has_cookie:
            session.keep_cookies(response)
    response._history = [step for step in steps if step is not response]
    return response


def onward(url: str, location: str) -> str:
    """Where a redirect from ``url`` leads."""
    if not url.startswith(_UNIX):
        return urljoin(url, location)
    # urllib knows no relative URLs of this scheme.
    joined = urljoin(f"http://{url[len(_UNIX) :]}", location)
    return f"{_UNIX}{joined[7:]}" if joined.startswith("http://%") else joined


def _where(steps: list[FastResponse]) -> str:
    """The last few URLs of a chain, so that a loop can be seen."""
    urls = [step.url for step in steps[-_SHOWN_STEPS:]]
    urls.append(onward(urls[-1], _location(steps[-1])))
    return "from " + " to ".join([url[:_SHOWN_CHARACTERS] for url in urls])


def _without(headers: dict[str, object], beginnings: tuple[str, ...]) -> dict[str, object]:
    return {key: value for key, value in headers.items() if not key.lower().startswith(beginnings)}


def _location(response: FastResponse) -> str:
    """Where a redirect leads; what is not ASCII there is UTF-8 with most servers."""
    location = response.headers["location"]
    try:
        return location.encode("latin-1").decode()
    except UnicodeError:
        return location
