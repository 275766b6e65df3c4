"""What was said in one plain request, as bytes: the same headers, in the same order, as requests sends."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import urllib3
from requests import PreparedRequest
from requests.sessions import merge_setting
from requests.structures import CaseInsensitiveDict
from requests.utils import get_auth_from_url
from urllib3.util import SKIP_HEADER

from gregaria.client import address, body
from gregaria.client.address import Address
from gregaria.client.jar import merged
from gregaria.client.standing import Headers, Standing, basic_authorization, put
from gregaria.engine.exchange import Prepared

#: what urllib3 says of itself when nobody says who we are
_USER_AGENT = f"python-urllib3/{urllib3.__version__}"  # type: ignore[attr-defined]

#: methods whose servers expect a body, so that an empty one is announced
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


#: ``verify`` and ``cert``
Trust = tuple[Any, Any]


class Call:
    """What the engine need not know of a request, but its response may be asked for.

    Attributes:
        session: who sent it.
        headers: as sent, without those that the connection adds (Host).
        text_body: requests would show the body as text.
        cookies: given with this call.
        follow: redirects are followed.
        trust: ``verify`` and ``cert``, as requests takes them.
        request: the PreparedRequest it was made from, if it was made from one.
        onward: the request that followed it after a redirect, and in which situation.
    """

    __slots__ = ("cookies", "follow", "headers", "onward", "request", "session", "text_body", "trust")

    def __init__(
        self, session: Any, headers: Headers, text_body: bool, cookies: Any, follow: bool, trust: Trust = (True, None)
    ) -> None:
        self.session = session
        self.headers = headers
        self.text_body = text_body
        self.cookies = cookies
        self.follow = follow
        self.trust = trust
        self.request: PreparedRequest | None = None
        self.onward: tuple[tuple[object, ...], Prepared] | None = None


@lru_cache(maxsize=4096)
def address_of(url: str) -> Address:
    """Where a URL, as a person writes it, leads.

    Raises:
        requests.exceptions.InvalidURL, MissingSchema: as requests raises them.
        ValueError: not http or https.
    """
    request = PreparedRequest()
    request.prepare_url(url, None)
    return address.split(str(request.url))


@lru_cache(maxsize=64)
def root_of(base_url: str) -> Address | None:
    """Where a base URL leads, with "/" at its end; None when requests would write it in another way."""
    try:
        place = address_of(base_url + "/")
    except ValueError:
        return None
    return place if place.url == base_url + "/" and place.target == place.name and "@" not in base_url else None


def place_of(base_url: str, url: str, params: Any, standing: Standing) -> Address:
    """Where a request goes.

    Args:
        base_url, url: joined unless ``url`` is absolute.
        params: the call's; the session's come before them.
        standing: the session's.

    Raises:
        NoHost: the URL is relative and there is no host.
        requests.exceptions.InvalidURL, MissingSchema: as requests raises them.
        ValueError: not http or https.
    """
    place = address.below(standing.root, url) if standing.root is not None and url[:1] == "/" else None
    if place is None:
        place = address_of(address.join(base_url, url))
    if standing.params is not None:
        params = merge_setting(params, standing.params)  # type: ignore[no-untyped-call]
    if not params:
        return place
    if isinstance(params, (str, bytes)) or "#" in place.url:
        request = PreparedRequest()
        request.prepare_url(address.join(base_url, url), params)
        return address.split(str(request.url))
    query = body.urlencoded(params)
    return address.query_of(place, query) if query else place


def headers_of(
    standing: Standing,
    method: str,
    place: Address,
    *,
    given: Mapping[str, Any] | None,
    cookies: Callable[[Headers], str | None],
    content: bytes | None,
    content_type: str | None,
    auth: Any,
) -> Headers:
    """Put the headers of one request together.

    Raises:
        requests.exceptions.InvalidHeader: a name or value cannot be a header's.
        ValueError: a cookie cannot go into a header.
    """
    headers = dict(standing.headers)
    if given:
        for name, value in given.items():
            put(headers, name, value)
    if "cookie" not in headers:
        cookie = cookies(headers)
        if cookie is not None:
            if "\r" in cookie or "\n" in cookie:
                raise ValueError("a cookie contains a line break")
            headers["cookie"] = ("Cookie", cookie)
    if content is not None:
        headers["content-length"] = ("Content-Length", str(len(content)))
        if content_type is not None and "content-type" not in headers:
            headers["content-type"] = ("Content-Type", content_type)
    elif method not in ("GET", "HEAD") and "content-length" not in headers:
        headers["content-length"] = ("Content-Length", "0")
    authorization = basic_authorization(auth) if auth else standing.authorization
    if authorization is None and auth is None and "@" in place.url:
        authorization = basic_authorization(_url_auth(place.url))
    if authorization is not None:
        headers["authorization"] = ("Authorization", authorization)
    return headers


def _url_auth(url: str) -> tuple[str, str] | None:
    user, password = get_auth_from_url(url)
    return (user, password) if user or password else None


def head_of(method: str, place: Address, headers: Headers) -> bytes:
    """Request line and headers as bytes, with those that requests leaves to the connection.

    Raises:
        UnicodeEncodeError: a header has a character outside latin-1.
    """
    start = f"{method} {place.target} HTTP/1.1\r\n"
    if "host" not in headers:
        start += f"Host: {place.authority}\r\n"
    if "accept-encoding" not in headers:
        start += "Accept-Encoding: identity\r\n"
    if method in _WITH_BODY and "content-length" not in headers and "transfer-encoding" not in headers:
        start += "Content-Length: 0\r\n"
    if "user-agent" not in headers:
        start += f"User-Agent: {_USER_AGENT}\r\n"
    text = "".join([f"{name}: {value}\r\n" for name, value in headers.values()])
    if SKIP_HEADER in text:
        text = "".join([f"{name}: {value}\r\n" for name, value in headers.values() if value != SKIP_HEADER])
    return f"{start}{text}\r\n".encode("latin-1")


def request_of(prepared: Prepared) -> PreparedRequest:
    """The PreparedRequest that requests would have made for a request that the engine sent."""
    call: Call = prepared.extra
    if call.request is not None:
        return call.request
    request: Any = PreparedRequest()
    request.method = prepared.method
    request.url = prepared.url
    request.headers = CaseInsensitiveDict(call.headers.values())
    content: Any = prepared.body
    if content is not None:
        # The call may be that of an earlier request which differed in its body.
        request.headers["Content-Length"] = str(len(content))
    request.body = content.decode() if content is not None and call.text_body else content
    request._cookies = merged(call.session.jar, call.cookies)
    return request  # type: ignore[no-any-return]
